/**
 * The thread of a snapshot. It holds a state of a live file, reads it page by page, and
 * releases it when it was read, or was spilled to a file for a slow receiver.
 *
 * @module
 */
import { AloeError, AloeLite } from "../../mod.ts";
import * as internal from "../../src/internal.ts";
import { fileState, newTag } from "../volumes/file_state.ts";
import { HeldPages } from "../volumes/held_pages.ts";
import type { SnapshotAnswer, SnapshotRequest } from "./snapshots.ts";

/** The global object of a worker. */
const scope = self as unknown as {
  onmessage: ((event: MessageEvent<SnapshotRequest>) => void) | null;
  postMessage(answer: SnapshotAnswer, transfer?: Transferable[]): void;
};

type Taken = SnapshotRequest & { type: "take" };

/** Attempts to begin between two commits. */
const TRIES = 20;

/** Bytes that are sent at once. */
const PIECE = 1024 * 1024;

/**
 * How long a slow receiver is waited for in all, ms: the WAL grows while a state is
 * held.
 */
const PATIENCE = 2000;

/** Pages of a step of SQLite's backup. */
const STEP = 8192;

/** The demand of the receiver. */
class Demand {
  #wanted = 0;
  stopped = false;
  #wake: (() => void) | null = null;

  tell(type: "more" | "stop"): void {
    if (type === "more") this.#wanted++;
    else this.stopped = true;
    this.#wake?.();
  }

  /** @returns False when the time is over, or the receiver has stopped. */
  async wait(ms: number): Promise<boolean> {
    if (this.#wanted === 0 && !this.stopped && ms > 0) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        if (ms < Infinity) timer = setTimeout(resolve, ms);
      });
      clearTimeout(timer);
      this.#wake = null;
    }
    if (this.#wanted === 0 || this.stopped) return false;
    this.#wanted--;
    return true;
  }
}

let demand = new Demand();

scope.onmessage = ({ data }) => {
  if (data.type !== "take") return demand.tell(data.type);
  demand = new Demand();
  void take(data, demand);
};

async function take(request: Taken, demand: Demand): Promise<void> {
  try {
    await snapshot(request, demand);
  } catch (error) {
    const code = error instanceof AloeError ? error.code : null;
    const message = error instanceof Error ? error.message : String(error);
    scope.postMessage({ type: "failed", code, message });
  }
  scope.postMessage({ type: "free" });
}

async function snapshot(request: Taken, demand: Demand): Promise<void> {
  const { file, raw } = request;
  await using fs = await AloeLite.open(file, { readOnly: true });
  // A second connection, since the first one is within the transaction.
  await using watcher = await AloeLite.open(file, { readOnly: true });
  if (raw !== null) {
    for (let i = 0; i < TRIES; i++) {
      if (await held(request, raw, fs, watcher, demand)) return;
    }
  }
  await copied(request, fs, watcher);
}

/**
 * Reads the pages of a state while it is held.
 *
 * @returns False when there was a commit at its start, so that its state is ambiguous.
 */
async function held(
  { file, spill }: Taken,
  raw: number,
  fs: AloeLite,
  watcher: AloeLite,
  demand: Demand,
): Promise<boolean> {
  const { tag } = await fileState(file, watcher.db);
  return await internal.holdFile(fs.db, async (size) => {
    const state = await fileState(file, watcher.db);
    if (tag === null || state.tag !== tag) return false;
    using pages = new HeldPages({ path: file, raw, size, wal: state.wal });
    scope.postMessage({ type: "begun", tag, size: size.pages * size.pageSize });
    await send(pages, spill, demand);
    return true;
  });
}

async function send(pages: HeldPages, spill: string, demand: Demand): Promise<void> {
  const step = Math.max(1, Math.floor(PIECE / pages.pageSize));
  let patience = PATIENCE;
  for (let page = 0; page < pages.count;) {
    const begun = performance.now();
    const wanted = await demand.wait(patience);
    patience -= performance.now() - begun;
    if (demand.stopped) return;
    if (!wanted) {
      if (await putAside(pages, page, step, spill, demand)) {
        return scope.postMessage({ type: "rest" });
      }
      // There is no space to spill: the state is held until the receiver has it.
      patience = Infinity;
      continue;
    }
    const bytes = pages.read(page, Math.min(step, pages.count - page));
    scope.postMessage({ type: "piece", bytes }, [bytes.buffer]);
    page += step;
  }
}

/** Spills what was not sent yet, at the disk's speed. @returns Whether it is complete. */
async function putAside(
  pages: HeldPages,
  from: number,
  step: number,
  path: string,
  demand: Demand,
): Promise<boolean> {
  try {
    using file = Deno.openSync(path, { createNew: true, write: true, mode: 0o600 });
    for (let page = from; page < pages.count; page += step) {
      const bytes = pages.read(page, Math.min(step, pages.count - page));
      for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
      // The receiver may have stopped.
      await new Promise((resolve) => setTimeout(resolve));
      if (demand.stopped) break;
    }
    if (!demand.stopped) return true;
  } catch {
    // The disk is probably full.
  }
  Deno.removeSync(path);
  return demand.stopped;
}

/** Copies the file by SQLite's backup, where its pages cannot be read directly. */
async function copied(
  { file, spill }: Taken,
  fs: AloeLite,
  watcher: AloeLite,
): Promise<void> {
  let tag: string | null = null;
  for (let attempt = 1;; attempt++) {
    const before = (await fileState(file, watcher.db)).tag;
    try {
      await fs.backup(spill, {
        pagesPerStep: STEP,
        onBegin: async () => {
          const same = before !== null && (await fileState(file, watcher.db)).tag === before;
          tag = same ? before : null;
          if (!same && attempt < TRIES) throw new Moved();
        },
      });
      break;
    } catch (error) {
      if (!(error instanceof Moved)) throw error;
    }
  }
  const { size } = await Deno.stat(spill);
  scope.postMessage({ type: "begun", tag: tag ?? newTag(), size });
  scope.postMessage({ type: "rest" });
}

/** There was a commit while a backup began. */
class Moved extends Error {}
