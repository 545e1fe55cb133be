import { AloeError, type AloeErrorCode } from "../../src/errors.ts";

/** What is copied, and by which way. */
export interface SnapshotOptions {
  file: string;
  /** A descriptor of the file, to read its pages by; null where there is none. */
  raw: number | null;
  /** Where the rest may go if its receiver is slow. */
  spill: string;
  /** Called when the file is needed no longer. */
  released?: () => void;
}

/** A copy of a file as it was at one moment, on its way. */
export interface Snapshot {
  /** The tag of its content. */
  tag: string;
  /** Its bytes. */
  size: number;
  /** They themselves. It has to be read to its end, or cancelled. */
  stream: ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** What the thread of a snapshot is told. */
export type SnapshotRequest =
  | { type: "take"; file: string; raw: number | null; spill: string }
  | { type: "more" }
  | { type: "stop" };

/** What it answers. */
export type SnapshotAnswer =
  | { type: "begun"; tag: string; size: number }
  | { type: "piece"; bytes: Uint8Array<ArrayBuffer> }
  /** What has not come as a piece is in the file for it. */
  | { type: "rest" }
  | { type: "failed"; code: AloeErrorCode | null; message: string }
  /** It has closed the file and can do another one. */
  | { type: "free" };

/** Snapshots that are taken at once; who asks for more waits. */
const THREADS = 4;

/** How long a thread without work stays, ms. */
const IDLE = 30_000;

/** Pieces that are on their way at once. */
const AHEAD = 4;

/** Bytes of a read of what was spilled. */
const READ = 512 * 1024;

/** Threads that take snapshots. */
export class SnapshotThreads {
  readonly #idle = new Set<Thread>();
  readonly #busy = new Set<Thread>();
  readonly #waiting: (() => void)[] = [];
  #closed = false;

  /**
   * Begins to copy a live file.
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

  /** Ends all, also what is on its way. */
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

/** What comes from a thread, as a stream. */
class Delivery {
  /** Settled when it is known what comes. */
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
        // Whoever reads is told.
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

  /** The file is needed no longer. */
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

/** Opens a file and takes its name away, so that nothing of it stays whatever happens. */
async function openAndForget(path: string): Promise<Deno.FsFile> {
  const file = await Deno.open(path);
  await Deno.remove(path);
  return file;
}
