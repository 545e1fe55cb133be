import { AloeError, type AloeErrorCode } from "../../src/errors.ts";

/** What is copied, and how. */
export interface SnapshotOptions {
  file: string;
  /** A descriptor of the file, for reading raw pages; null where none is available. */
  raw: number | null;
  /** The path that the rest may be spilled to if the receiver is slow. */
  spill: string;
  /** Called when the file is no longer needed. */
  released?: () => void;
}

/** A copy of one state of a file, as a stream. */
export interface Snapshot {
  /** The tag of its content. */
  tag: string;
  /** Its size, bytes. */
  size: number;
  /** Its content. It has to be read to its end, or cancelled. */
  stream: ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** What the thread of a snapshot is sent. */
export type SnapshotRequest =
  | { type: "take"; file: string; raw: number | null; spill: string }
  | { type: "more" }
  | { type: "stop" };

/** What the thread answers. */
export type SnapshotAnswer =
  | { type: "begun"; tag: string; size: number }
  | { type: "piece"; bytes: Uint8Array<ArrayBuffer> }
  /** The rest is in the spill file. */
  | { type: "rest" }
  | { type: "failed"; code: AloeErrorCode | null; message: string }
  /** The thread has closed the file and is idle. */
  | { type: "free" };

/** Snapshots that are taken at once; further ones wait. */
const THREADS = 4;

/** How long an idle thread is kept, ms. */
const IDLE = 30_000;

/** Pieces in flight at once. */
const AHEAD = 4;

/** Bytes of a read of the spill file. */
const READ = 512 * 1024;

/** Threads that take snapshots. */
export class SnapshotThreads {
  readonly #idle = new Set<Thread>();
  readonly #busy = new Set<Thread>();
  readonly #waiting: (() => void)[] = [];
  #closed = false;

  /**
   * Starts the copy of a live file.
   *
   * @throws {AloeError} `busy`, `no_space`, `corrupt`.
   */
  async take(options: SnapshotOptions): Promise<Snapshot> {
    const thread = await this.#thread();
    try {
      return await thread.take(options);
    } catch (error) {
      options.released?.();
      throw error;
    }
  }

  /** Ends all threads, with the snapshots in progress. */
  close(): Promise<void> {
    this.#closed = true;
    for (const wake of this.#waiting.splice(0)) wake();
    for (const thread of [...this.#idle, ...this.#busy]) thread.end();
    this.#idle.clear();
    this.#busy.clear();
    return Promise.resolve();
  }

  async #thread(): Promise<Thread> {
    while (!this.#closed && this.#busy.size >= THREADS) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (this.#closed) throw new AloeError("busy", "the manager is stopping");
    const [free] = this.#idle;
    const thread = free ?? new Thread((alive) => this.#freed(thread, alive));
    this.#idle.delete(thread);
    this.#busy.add(thread);
    return thread;
  }

  #freed(thread: Thread, alive: boolean): void {
    this.#busy.delete(thread);
    if (alive && !this.#closed) {
      this.#idle.add(thread);
      thread.endAfter(IDLE, () => this.#idle.delete(thread));
    }
    this.#waiting.shift()?.();
  }
}

/** A thread, and the snapshot that it takes. */
class Thread {
  readonly #worker: Worker;
  readonly #freed: (alive: boolean) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #current: Delivery | null = null;

  constructor(freed: (alive: boolean) => void) {
    this.#freed = freed;
    const url = new URL("./snapshot_worker.ts", import.meta.url);
    this.#worker = new Worker(url, { type: "module", name: "snapshot" });
    this.#worker.onmessage = ({ data }) => this.#take(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(new AloeError("io_error", event.message));
      this.#freed(false);
    };
  }

  async take({ file, raw, spill, released }: SnapshotOptions): Promise<Snapshot> {
    clearTimeout(this.#timer);
    const delivery = new Delivery(spill, (request) => this.#worker.postMessage(request), released);
    this.#current = delivery;
    this.#worker.postMessage({ type: "take", file, raw, spill } satisfies SnapshotRequest);
    return await delivery.begun;
  }

  endAfter(ms: number, gone: () => void): void {
    this.#timer = setTimeout(() => {
      gone();
      this.end();
    }, ms);
    Deno.unrefTimer(Number(this.#timer));
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#worker.terminate();
    this.#fail(new AloeError("busy", "the manager is stopping"));
  }

  #take(answer: SnapshotAnswer): void {
    if (answer.type !== "free") return this.#current?.tell(answer);
    this.#current?.free();
    this.#current = null;
    this.#freed(true);
  }

  #fail(error: Error): void {
    this.#current?.fail(error);
    this.#current?.free();
    this.#current = null;
  }
}

/** The pieces from a thread, as a stream. */
class Delivery {
  /** Settled when the copy has started. */
  readonly begun: Promise<Snapshot>;
  readonly #begun = Promise.withResolvers<Snapshot>();
  readonly #spill: string;
  readonly #post: (request: SnapshotRequest) => void;
  readonly #released: (() => void) | undefined;
  readonly #pieces: Uint8Array<ArrayBuffer>[] = [];
  #wake: (() => void) | null = null;
  #left = 0;
  #rest: Promise<Deno.FsFile> | null = null;
  #error: Error | null = null;
  #free = false;

  constructor(
    spill: string,
    post: (request: SnapshotRequest) => void,
    released: (() => void) | undefined,
  ) {
    this.#spill = spill;
    this.#post = post;
    this.#released = released;
    this.begun = this.#begun.promise;
  }

  tell(answer: Exclude<SnapshotAnswer, { type: "free" }>): void {
    switch (answer.type) {
      case "begun":
        this.#left = answer.size;
        this.#begun.resolve({ tag: answer.tag, size: answer.size, stream: this.#stream() });
        for (let i = 0; i < AHEAD; i++) this.#post({ type: "more" });
        break;
      case "piece":
        this.#pieces.push(answer.bytes);
        break;
      case "rest":
        this.#rest = openAndForget(this.#spill);
        // The reader gets the error.
        this.#rest.catch(() => {});
        break;
      case "failed": {
        const { code, message } = answer;
        this.fail(code === null ? new Error(message) : new AloeError(code, message));
      }
    }
    this.#wake?.();
  }

  fail(error: Error): void {
    this.#error ??= error;
    this.#begun.reject(error);
    this.#wake?.();
  }

  /** Releases the file. */
  free(): void {
    if (!this.#free) this.#released?.();
    this.#free = true;
    this.#wake?.();
  }

  #stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return new ReadableStream({
      pull: async (controller) => {
        try {
          const part = this.#left === 0 ? null : await this.#next();
          if (part === null) return controller.close();
          this.#left -= part.length;
          controller.enqueue(part);
          if (this.#left === 0) {
            await this.#end();
            controller.close();
          }
        } catch (error) {
          await this.#end();
          controller.error(error);
        }
      },
      cancel: () => this.#end(),
    }, { highWaterMark: 0 });
  }

  async #next(): Promise<Uint8Array<ArrayBuffer>> {
    while (true) {
      const piece = this.#pieces.shift();
      if (piece !== undefined) {
        if (!this.#free) this.#post({ type: "more" });
        return piece;
      }
      if (this.#rest !== null) return await this.#nextOfRest(await this.#rest);
      if (this.#error !== null) throw this.#error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async #nextOfRest(file: Deno.FsFile): Promise<Uint8Array<ArrayBuffer>> {
    const buffer = new Uint8Array(Math.min(READ, this.#left));
    const read = await file.read(buffer);
    if (read === null) throw new AloeError("io_error", "the copy ended early");
    return buffer.subarray(0, read);
  }

  async #end(): Promise<void> {
    if (!this.#free) this.#post({ type: "stop" });
    const file = await this.#rest?.catch(() => null);
    this.#rest = null;
    file?.close();
  }
}

/** Opens a file and unlinks it, so that nothing of it is left behind. */
async function openAndForget(path: string): Promise<Deno.FsFile> {
  const file = await Deno.open(path);
  await Deno.remove(path);
  return file;
}
