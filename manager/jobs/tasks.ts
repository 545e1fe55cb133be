import { AloeError, type AloeErrorCode } from "../../src/errors.ts";
import * as internal from "../../src/internal.ts";
import * as ops from "../../src/ops.ts";
import { joinPath, splitPath } from "../../src/paths.ts";
import { yieldToEventLoop } from "../../src/yield_to_event_loop.ts";
import type { Access } from "../volumes/access.ts";
import { Problem } from "../http/problem.ts";
import type { Publisher } from "../volumes/feed_events.ts";

/** What a task does with its items. */
export type TaskOperation = "remove" | "move" | "copy" | "restore" | "purge" | "undo";

/** The specification of a task. */
export type TaskSpec =
  | { operation: "remove"; paths: readonly string[] }
  | {
    operation: "move" | "copy";
    paths: readonly string[];
    to: string;
    onConflict?: ops.OnConflict;
  }
  /** Null stands for all of the trash. */
  | { operation: "restore"; ids: readonly string[] | null; onConflict?: ops.OnConflict }
  | { operation: "purge"; ids: readonly string[] | null }
  /** Undoes another task. */
  | { operation: "undo"; task: string };

/** The state of a task. */
export type TaskState = "running" | "done" | "failed" | "cancelled";

/** An item that has failed. */
export interface TaskFailure {
  /** Its path, or its id in the trash. */
  item: string;
  code: AloeErrorCode;
  detail: string;
}

/** The progress and the result of a task. */
export interface TaskReport {
  id: string;
  operation: TaskOperation;
  /** The directory that items are moved or copied to. */
  to: string | null;
  state: TaskState;
  /** The number of items, and of those that were processed. */
  total: number;
  processed: number;
  /** Of the processed: succeeded (of these, that replaced a node or were renamed), skipped, failed. */
  succeeded: number;
  replaced: number;
  renamed: number;
  skipped: number;
  failed: number;
  /** The failures; in a list of tasks the first of each. */
  failures: readonly TaskFailure[];
  /** The error that has ended it early. */
  error: { code: string; detail: string } | null;
  /** Whether another task can undo it. */
  undoable: boolean;
  /** The resulting path of a single item; null for several. */
  result: string | null;
  /** Times, ms since the epoch. */
  startedAt: number;
  endedAt: number | null;
}

/** Tasks that run at once, over all volumes. */
const MAX_RUNNING = 16;

/** Ended tasks of all volumes that are remembered, and their items in all. */
const MAX_ENDED = 100;
const MAX_DONE_ITEMS = 500_000;

/** Items of one transaction. */
const BATCH_SIZE = 100;

/** Failures of a task that are recorded, and that a list of tasks has of each. */
const MAX_FAILURES = 100_000;
const MAX_LISTED_FAILURES = 100;

/** How often progress is published, ms. */
const PUBLISH_MS = 300;

/** Errors that end a task, since further items would fail for the same reason. */
const FATAL: ReadonlySet<AloeErrorCode> = new Set<AloeErrorCode>([
  "no_space",
  "read_only",
  "busy",
  "io_error",
  "corrupt",
  "mount_invalid",
  "mount_point_archived",
  "encryption_required",
]);

/** What was done with an item, for undo. */
type Done =
  | { kind: "removed"; node: string; path: string }
  | { kind: "moved"; from: string; to: string; replaced: readonly string[] }
  | { kind: "made"; path: string; node: string; replaced: readonly string[] };

/** The result of an item. */
interface Step {
  outcome: ops.Outcome;
  done: Done | null;
  /** Its path now. */
  path: string | null;
}

/** The items of an operation, and what it does with each of them. */
interface Work {
  items: readonly string[];
  /** Whether an item alone is run without a batch when the disk has no room for one. */
  divides?: boolean;
  /** Reads the items in their order, where they are not known from the start. */
  prepare?(): Promise<readonly string[]>;
  /**
   * @param at The index of the item.
   * @param placed The nodes that this task has put in place; the item may add to them.
   */
  run(db: ops.Database, item: string, at: number, placed: Set<string>): Promise<Step>;
}

/** What tasks need. */
export interface TasksOptions {
  /** Publishes their progress. */
  feed: Pick<Publisher, "publish">;
  /** Takes unexpected faults. */
  log: (line: string) => void;
}

/**
 * Operations on any number of items that outlive their request: one request starts a
 * task, others query and cancel it. Each transaction does a batch of items. An item
 * that fails is recorded, and the others go on.
 */
export class Tasks {
  readonly #options: TasksOptions;
  readonly #tasks = new Map<string, Task>();
  #closed = false;

  constructor(options: TasksOptions) {
    this.#options = options;
  }

  /**
   * Starts a task.
   *
   * @param access Is disposed when the task has ended, and when it cannot start.
   * @throws {Problem} 503 when too many run.
   * @throws {AloeError} `not_found` for a task that cannot be undone.
   */
  async start(access: Access, spec: TaskSpec): Promise<TaskReport> {
    try {
      const running = [...this.#tasks.values()].filter(({ state }) => state === "running");
      if (this.#closed || running.length >= MAX_RUNNING) {
        const why = this.#closed ? "the manager is stopping" : "too many tasks run at once";
        throw new Problem(503, "busy", why, { headers: { "retry-after": "1" } });
      }
      if (spec.operation === "move" || spec.operation === "copy") {
        const { type } = await ops.stat(access.fs.db, access.mount.handle, spec.to);
        if (type !== "container") {
          throw new AloeError("not_a_container", `${spec.to}: is not a directory`);
        }
      }
      const work = this.#work(access, spec);
      const publish = (ended = false) => {
        const { feed } = this.#options;
        const { fsId, id } = access.volume;
        feed.publish({ type: "task", fs_id: fsId, volume_id: id });
        if (ended) feed.publish({ type: "changed", fs_id: fsId, volume_id: id });
      };
      const task = new Task(access, spec, work, publish);
      this.#tasks.set(task.id, task);
      void task.run().catch((error) => {
        this.#options.log((error as Error).stack ?? String(error));
      }).finally(() => this.#forgetOldest());
      return task.report();
    } catch (error) {
      await access[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The running and the ended tasks of a volume, newest first. */
  list(volume: string): TaskReport[] {
    return [...this.#tasks.values()].filter((task) => task.volume === volume)
      .map((task) => task.report())
      .map((task) => ({ ...task, failures: task.failures.slice(0, MAX_LISTED_FAILURES) }))
      .reverse();
  }

  /** One task. @throws {AloeError} `not_found`. */
  get(volume: string, id: string): TaskReport {
    return this.#find(volume, id).report();
  }

  /**
   * Cancels a task after its current batch; forgets one that has ended.
   *
   * @throws {AloeError} `not_found`.
   */
  async cancel(volume: string, id: string): Promise<void> {
    const task = this.#find(volume, id);
    if (task.state === "running") await task.cancel();
    else this.#tasks.delete(id);
  }

  /** Cancels and forgets the tasks of a volume. */
  async cancelAll(volume: string): Promise<void> {
    for (const task of [...this.#tasks.values()]) {
      if (task.volume !== volume) continue;
      await task.cancel();
      this.#tasks.delete(task.id);
    }
  }

  /** Cancels all tasks, each after its current batch. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#tasks.values()].map((task) => task.cancel()));
  }

  #find(volume: string, id: string): Task {
    const task = this.#tasks.get(id);
    if (task?.volume !== volume) throw new AloeError("not_found", `${id}: no such task`);
    return task;
  }

  #forgetOldest(): void {
    const ended = [...this.#tasks.values()].filter(({ state }) => state !== "running");
    let items = ended.reduce((sum, { done }) => sum + done.length, 0);
    for (const [at, task] of ended.entries()) {
      if (ended.length - at <= MAX_ENDED && items <= MAX_DONE_ITEMS) return;
      items -= task.done.length;
      this.#tasks.delete(task.id);
    }
  }

  #work(access: Access, spec: TaskSpec): Work {
    const { mount: { handle } } = access;
    switch (spec.operation) {
      case "remove":
        return removing(handle, spec.paths);
      case "move":
      case "copy":
        return placing(handle, spec);
      case "restore":
        return restoring(access, spec.ids, spec.onConflict);
      case "purge":
        return purging(access, spec.ids);
      case "undo": {
        const undone = this.#find(access.volume.id, spec.task);
        return undoing(handle, undone.takeDone());
      }
    }
  }
}

class Task {
  readonly id = crypto.randomUUID();
  readonly done: Done[] = [];
  state: TaskState = "running";
  readonly #access: Access;
  readonly #spec: TaskSpec;
  readonly #work: Work;
  #items: readonly string[];
  readonly #publish: (ended?: boolean) => void;
  readonly #placed = new Set<string>();
  readonly #failures: TaskFailure[] = [];
  readonly #startedAt = Date.now();
  readonly #ended = Promise.withResolvers<void>();
  readonly #count = { processed: 0, succeeded: 0, replaced: 0, renamed: 0, skipped: 0, failed: 0 };
  #result: string | null = null;
  #error: TaskReport["error"] = null;
  #endedAt: number | null = null;
  #publishedAt = 0;
  #cancelled = false;

  constructor(
    access: Access,
    spec: TaskSpec,
    work: Work,
    publish: (ended?: boolean) => void,
  ) {
    this.#access = access;
    this.#spec = spec;
    this.#work = work;
    this.#items = work.items;
    this.#publish = publish;
  }

  get volume(): string {
    return this.#access.volume.id;
  }

  report(): TaskReport {
    return {
      id: this.id,
      operation: this.#spec.operation,
      to: "to" in this.#spec ? this.#spec.to : null,
      state: this.state,
      total: this.#items.length,
      ...this.#count,
      failures: this.#failures,
      error: this.#error,
      undoable: this.state !== "running" && this.done.length > 0,
      result: this.#result,
      startedAt: this.#startedAt,
      endedAt: this.#endedAt,
    };
  }

  /** What it has done, for undo, once. @throws {AloeError} `not_found` for nothing. */
  takeDone(): Done[] {
    if (this.state === "running" || this.done.length === 0) {
      throw new AloeError("not_found", `${this.id}: has nothing to undo`);
    }
    return this.done.splice(0);
  }

  /** Cancels it, and waits for its end. */
  async cancel(): Promise<void> {
    this.#cancelled = true;
    await this.#ended.promise;
  }

  async run(): Promise<void> {
    try {
      this.#publish();
      await this.#runAll();
      this.state = this.#cancelled && this.#count.processed < this.#items.length
        ? "cancelled"
        : "done";
    } catch (error) {
      this.state = "failed";
      this.#error = error instanceof AloeError
        ? { code: error.code, detail: error.message }
        : { code: "internal", detail: "internal error: see the manager's log" };
      if (!(error instanceof AloeError)) throw error;
    } finally {
      this.#endedAt = Date.now();
      try {
        await this.#access[Symbol.asyncDispose]();
      } finally {
        this.#ended.resolve();
        this.#publish(true);
      }
    }
  }

  async #runAll(): Promise<void> {
    this.#items = await this.#work.prepare?.() ?? this.#items;
    const { length } = this.#items;
    for (let at = 0; at < length && !this.#cancelled; at += BATCH_SIZE) {
      const end = Math.min(at + BATCH_SIZE, length);
      if (!await this.#runBatch(at, end)) {
        // One item has rolled the batch back: they are done one by one.
        for (let one = at; one < end && !this.#cancelled; one++) await this.#runBatch(one, one + 1);
      }
      const now = performance.now();
      if (now - this.#publishedAt > PUBLISH_MS) {
        this.#publishedAt = now;
        this.#publish();
      }
    }
  }

  /** Does items in one transaction. @returns False when it was rolled back. */
  async #runBatch(start: number, end: number): Promise<boolean> {
    const placed = new Set(this.#placed);
    let results: (Step | AloeError)[] = [];
    try {
      await this.#access.fs.db.batch(async (db) => {
        for (let at = start; at < end; at++) {
          results.push(await this.#runItem(db, at, placed));
          await yieldToEventLoop();
        }
      });
    } catch (error) {
      if (!(error instanceof AloeError)) throw error;
      const divided = error.code === "no_space" && this.#work.divides === true;
      if (FATAL.has(error.code) && !divided) throw error;
      if (end - start > 1) return false;
      results = divided ? [await this.#runItem(this.#access.fs.db, start, placed)] : [error];
    }
    for (const node of placed) this.#placed.add(node);
    for (const [i, step] of results.entries()) this.#record(this.#items[start + i], step);
    return true;
  }

  async #runItem(db: ops.Database, at: number, placed: Set<string>): Promise<Step | AloeError> {
    try {
      return await this.#work.run(db, this.#items[at], at, placed);
    } catch (error) {
      if (!(error instanceof AloeError) || FATAL.has(error.code)) throw error;
      return error;
    }
  }

  #record(item: string, step: Step | AloeError): void {
    const count = this.#count;
    count.processed++;
    if (step instanceof AloeError) {
      count.failed++;
      if (this.#failures.length < MAX_FAILURES) {
        this.#failures.push({ item, code: step.code, detail: step.message });
      }
      return;
    }
    if (step.outcome === "skipped") count.skipped++;
    else count.succeeded++;
    if (step.outcome === "replaced") count.replaced++;
    if (step.outcome === "renamed") count.renamed++;
    if (this.#items.length === 1) this.#result = step.path;
    if (step.done !== null) this.done.push(step.done);
  }
}

/** Normalized distinct paths, without those below a directory that is among them. */
function outermost(all: readonly string[]): string[] {
  const paths = new Set(all.map((path) => joinPath(splitPath(path))));
  return [...paths].filter((path) => {
    const names = splitPath(path);
    while (names.length > 1) {
      names.pop();
      if (paths.has(joinPath(names))) return false;
    }
    return true;
  });
}

function removing(mount: ops.MountHandle, paths: readonly string[]): Work {
  return {
    items: outermost(paths),
    divides: true,
    run: async (db, path) => {
      if (path === "/") throw new AloeError("invalid", "the top directory cannot be removed");
      const { id } = await ops.stat(db, mount, path);
      await ops.removeRecursive(db, mount, path);
      return { outcome: "created", done: { kind: "removed", node: id, path }, path: null };
    },
  };
}

function placing(
  mount: ops.MountHandle,
  { operation, paths, to: directory, onConflict = "fail" }: Extract<TaskSpec, { to: string }>,
): Work {
  const to = splitPath(directory);
  const items = operation === "move"
    ? outermost(paths)
    : paths.map((path) => joinPath(splitPath(path)));
  // A source that is already at its destination must not be replaced by another source.
  const sources = new Set(items);
  return {
    items,
    run: async (db, from, _at, placed) => {
      const destination = joinPath([...to, ...splitPath(from).slice(-1)]);
      if (onConflict === "replace" && destination !== from && sources.has(destination)) {
        throw new AloeError("already_exists", `${destination}: two of the sources have this name`);
      }
      const [{ node, outcome, replaced, to: path }] = await internal.moveOrCopy(db, mount, {
        operation,
        from: [from],
        to: joinPath(to),
        onConflict,
        placed,
      });
      const step = { outcome, path };
      if (outcome === "skipped" || (operation === "move" && path === from)) {
        return { ...step, done: null };
      }
      return operation === "move"
        ? { ...step, done: { kind: "moved", from, to: path, replaced } }
        : { ...step, done: { kind: "made", path, node, replaced } };
    },
  };
}

function restoring(
  access: Access,
  ids: readonly string[] | null,
  onConflict: ops.OnConflict = "fail",
): Work {
  return {
    items: ids ?? [],
    // Newest first: the directory of a node may have been removed after it.
    prepare: async () => ids?.length === 1 ? ids : await newestFirst(access, ids),
    run: async (db, id, _at, placed) => {
      const options = { onConflict, placed };
      const { path, outcome, replaced } = await ops.restoreItem(
        db,
        access.mount.handle,
        id,
        options,
      );
      if (outcome === "skipped") return { outcome, path, done: null };
      placed.add(id);
      return { outcome, path, done: { kind: "made", path, node: id, replaced } };
    },
  };
}

/** Items of the trash, newest first, missing ones last; null stands for all. */
async function newestFirst({ fs, mount }: Access, ids: readonly string[] | null) {
  const all = (await ops.listTrash(fs.db, mount.handle)).map(({ id }) => id);
  if (ids === null) return all;
  const wanted = new Set(ids);
  const known = all.filter((id) => wanted.delete(id));
  return [...known, ...wanted];
}

function purging(access: Access, ids: readonly string[] | null): Work {
  let trees = false;
  return {
    items: ids ?? [],
    divides: true,
    ...(ids === null ? { prepare: () => newestFirst(access, null) } : {}),
    run: async (db, id) => {
      let outcome: ops.Outcome = "created";
      try {
        const { nodes } = await ops.purgeTrash(db, access.mount.handle, { id });
        trees ||= nodes > 1;
      } catch (error) {
        if (!(trees && error instanceof AloeError && error.code === "not_found")) throw error;
        // It was purged with its directory.
        outcome = "skipped";
      }
      return { outcome, path: null, done: null };
    },
  };
}

/** Undoes what was done, in reverse order. */
function undoing(mount: ops.MountHandle, done: Done[]): Work {
  const steps = done.reverse();
  return {
    items: steps.map((one) => one.kind === "moved" ? one.to : one.path),
    run: async (db, _item, at) => {
      const one = steps[at];
      if (one.kind === "removed") {
        const { path } = await ops.restoreItem(db, mount, one.node);
        return { outcome: "created", path, done: null };
      }
      if (one.kind === "moved") {
        const names = splitPath(one.from);
        const name = names.pop()!;
        await internal.moveOrCopy(db, mount, {
          operation: "move",
          from: [one.to],
          to: joinPath(names),
          name,
        });
      } else {
        const { id } = await ops.stat(db, mount, one.path);
        if (id !== one.node) {
          throw new AloeError("not_found", `${one.path}: is a different node now`);
        }
        await ops.removeRecursive(db, mount, one.path);
      }
      for (const node of one.replaced) await ops.restoreItem(db, mount, node);
      return { outcome: "created", path: one.kind === "moved" ? one.from : null, done: null };
    },
  };
}
