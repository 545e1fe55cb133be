import { withRetry } from "../api/connection.ts";
import { ApiError } from "../api/problem.ts";
import { endTask, startTask, task as getTask } from "../api/tasks.ts";
import type { OnConflict, Sent, Task, TaskFailure, TaskRequest } from "../api/types.ts";
import { explain } from "../lib/explain.ts";
import { count } from "../lib/format.ts";
import { baseName } from "../lib/paths.ts";
import { askConflict } from "./conflicts.ts";
import { onFeedEvent } from "./feed.ts";
import { attempt, dropUndo, say, showError } from "./toasts.ts";

/** Time to wait for the feed before polling, ms. */
const POLL_INTERVAL_MS = 1000;

/** Number of operations that this tab has begun. */
let operationCount = 0;

/** Tasks that this tab waits for: it reports their results itself. */
const awaited = new Set<string>();

/** Whether this tab reports the result of a task. */
export function isAwaited(id: string): boolean {
  return awaited.has(id);
}

/** Begins a task and waits for its end, across lost connections. */
async function run(volume: string, spec: Sent<TaskRequest>): Promise<Task> {
  const never = new AbortController().signal;
  let task = await startTask(volume, spec);
  awaited.add(task.id);
  try {
    while (task.state === "running") {
      await nextTaskEvent(volume);
      task = await withRetry(() => getTask(volume, task.id), never);
    }
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
    throw new Error("The manager was restarted: the remaining items are unchanged");
  } finally {
    awaited.delete(task.id);
  }
  // Nothing has to be reported after a reload.
  if (!task.undoable) void endTask(volume, task.id).catch(() => {});
  return task;
}

/** Waits for an event about the volume's tasks, or for a timeout. */
function nextTaskEvent(volume: string): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      stop();
      resolve();
    };
    const timer = setTimeout(done, POLL_INTERVAL_MS);
    const stop = onFeedEvent((event) => {
      if (event.type === "task" && event.volume_id === volume) done();
    });
  });
}

/** An operation on items whose names may be taken at the destination. */
interface Operation {
  volume: string;
  spec: Sent<TaskRequest>;
  /**
   * A success message; a leading `#` stands for the number of items: “# moved
   * to Photos”.
   */
  done: string;
  /** The operation in the past tense, for a failure message: “moved”. */
  verb: string;
  /** Returns an item's display name: its path, where the request has ids. */
  pathOf?: (item: string) => string;
}

/**
 * Runs an operation on items, asks about taken names, and reports the result
 * with an undo action.
 *
 * @returns The tasks that were run.
 */
export async function performTask(
  { volume, spec, done, verb, pathOf }: Operation,
): Promise<Task[]> {
  dropUndo();
  const number = ++operationCount;
  const first = await run(volume, spec);
  const all = [first];
  let failures = first.failures;
  const nameOf = (item: string) => baseName(pathOf?.(item) ?? item) || item;
  if ("on_conflict" in spec || spec.operation === "remove" || spec.operation === "purge") {
    // No question is needed.
  } else {
    const taken = failures.filter(({ code }) => code === "already_exists");
    if (taken.length > 0) {
      failures = failures.filter(({ code }) => code !== "already_exists");
      for (const [choice, items] of await choices(taken, nameOf, verb)) {
        if (choice === "skip") continue;
        const next = "paths" in spec
          ? await run(volume, { ...spec, paths: items, on_conflict: choice })
          : await run(volume, { ...spec, ids: items, on_conflict: choice });
        all.push(next);
        failures = failures.concat(next.failures);
      }
    }
  }
  reportResult(volume, all, failures, { done, verb, nameOf }, number === operationCount);
  return all;
}

/** Asks about each taken name, until one answer applies to all. */
async function choices(
  taken: readonly TaskFailure[],
  nameOf: (item: string) => string,
  verb: string,
): Promise<Map<Exclude<OnConflict, "fail">, string[]>> {
  const chosen = new Map<Exclude<OnConflict, "fail">, string[]>();
  for (let at = 0; at < taken.length; at++) {
    const { choice, forAll } = await askConflict({
      name: nameOf(taken[at].item),
      verb,
      more: taken.length - at - 1,
    });
    const items = taken.slice(at, forAll ? undefined : at + 1).map(({ item }) => item);
    chosen.set(choice, [...chosen.get(choice) ?? [], ...items]);
    if (forAll) break;
  }
  return chosen;
}

interface ResultTexts {
  done: string;
  verb: string;
  nameOf: (item: string) => string;
}

/** Reports the result. */
function reportResult(
  volume: string,
  all: readonly Task[],
  failures: readonly TaskFailure[],
  { done, verb, nameOf }: ResultTexts,
  isLast = true,
): void {
  const sum = (key: "succeeded" | "replaced" | "renamed" | "total") =>
    all.reduce((sum, task) => sum + task[key], 0);
  const succeeded = sum("succeeded");
  if (succeeded > 0) {
    const only = all[0].total === 1 ? all.at(-1)!.result : null;
    const extras = [
      sum("replaced") > 0 ? `${count(sum("replaced"), "item")} replaced, now in the trash` : "",
      sum("renamed") === 1 && only !== null
        ? `renamed to “${baseName(only)}”`
        : sum("renamed") > 0
        ? `${count(sum("renamed"), "item")} renamed`
        : "",
      all.some(({ state }) => state === "cancelled") ? "then cancelled" : "",
    ].filter((text) => text !== "");
    const text = [done.replace(/^#/, count(succeeded, "item")), ...extras].join("; ");
    const undoable = all.filter((task) => task.undoable).map(({ id }) => id).reverse();
    // A newer operation has begun: undo would apply to that one.
    if (undoable.length === 0 || !isLast) say(text);
    else {
      say(text, { label: "Undo", run: () => undo(volume, undoable) });
    }
  }
  const broken = all.find(({ error }) => error !== null)?.error;
  if (broken) {
    showError(new ApiError(broken.code === "no_space" ? 507 : 500, broken.code, "", broken.detail));
  }
  if (failures.length > 0) showError(new Error(failed(failures, sum("total"), verb, nameOf)));
}

/** Returns a message with the number of failures and their reasons. */
export function failed(
  failures: readonly TaskFailure[],
  total: number,
  verb: string,
  nameOf: (item: string) => string,
): string {
  const reasons = new Map<string, string[]>();
  for (const { item, code, detail } of failures) {
    const why = explain(new ApiError(409, code, "", REASONS.get(code) ?? detail));
    reasons.set(why, [...reasons.get(why) ?? [], nameOf(item)]);
  }
  const lines = [...reasons].slice(0, 3).map(([why, names]) => {
    const shown = names.slice(0, 3).map((name) => `“${name}”`).join(", ");
    return `${shown}${names.length > 3 ? ` and ${names.length - 3} more` : ""}: ${why}`;
  });
  const what = total === 1 ? "It was" : `${failures.length} of ${count(total, "item")} were`;
  return `${what} not ${verb}. ${lines.join(" ")}`;
}

/** Reasons without a path, because the message names the item. */
const REASONS = new Map([
  ["already_exists", "Another item has this name."],
  ["not_found", "It no longer exists."],
  ["would_cycle", "A folder cannot go into itself."],
  ["lock_held", "Another client is writing it."],
]);

/** Undoes tasks, last first. */
async function undo(volume: string, ids: readonly string[]): Promise<void> {
  const failures: TaskFailure[] = [];
  let succeeded = 0;
  let total = 0;
  for (const id of ids) {
    const task = await run(volume, { operation: "undo", task: id });
    failures.push(...task.failures);
    succeeded += task.succeeded;
    total += task.total;
    void endTask(volume, id).catch(() => {});
    if (task.error) showError(new ApiError(500, task.error.code, "", task.error.detail));
  }
  if (succeeded > 0) say(`${count(succeeded, "item")} restored`);
  if (failures.length > 0) {
    showError(new Error(failed(failures, total, "restored", (item) => baseName(item))));
  }
}

/** Reports a task that no tab waited for: one of an earlier visit. */
export function reportTask(volume: string, task: Task): void {
  const verb = VERBS[task.operation];
  reportResult(volume, [task], task.failures, {
    done: `# ${verb}`,
    verb,
    nameOf: (item) => baseName(item) || item,
  });
}

export const VERBS: Record<Task["operation"], string> = {
  remove: "moved to the trash",
  move: "moved",
  copy: "copied",
  restore: "restored",
  purge: "deleted permanently",
  undo: "restored",
};

/** Cancels a task; finished items stay changed. */
export function cancelTask(volume: string, id: string): void {
  void attempt(() => endTask(volume, id));
}
