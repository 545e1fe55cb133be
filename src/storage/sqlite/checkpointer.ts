import { runtime } from "../../runtime/mod.ts";

/** What has gathered in a WAL, bytes. */
export interface WalBytes {
  /** In all. */
  written: number;
  /** Of which the file has so much already. */
  moved: number;
}

/** The thread begins when so much waits for it, bytes: it takes up to a second to. */
const PREPARE = 2 * 2 ** 20;

/** A checkpoint begins when so much does. */
const BEGIN = 16 * 2 ** 20;

/** What is left of a WAL after a checkpoint and can be moved while a writer waits, bytes. */
const REST = 2 * 2 ** 20;

/** Writers wait for checkpoints when a WAL is this long, bytes. */
const LIMIT = 96 * 2 ** 20;

/**
 * Checkpoints a WAL on a thread of its own while it is written to: the writer
 * neither waits for the disk nor spends its time on moving pages.
 */
export class Checkpointer {
  readonly #path: string;
  /** Null before anything is to be moved, and when it has failed. */
  #worker: Worker | null = null;
  #failed = false;
  #running: Promise<boolean> | null = null;
  #finish: ((done: boolean) => void) | null = null;
  /**
   * Bytes that waited when the last checkpoint of a series began. Null between
   * series. A WAL begins anew only when all of it is in the file, and a writer
   * that never pauses adds to it meanwhile: so a checkpoint is followed by another
   * one while each leaves less than half.
   */
  #series: number | null = null;
  /** Whether the next writer waits for the last checkpoint of a series. */
  #last = false;

  /** @param path The file. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Called after each commit. */
  committed(wal: WalBytes): void {
    const waiting = wal.written - wal.moved;
    if (waiting >= PREPARE) this.#start();
    if (this.#running !== null || this.#last) return;
    if (this.#series !== null && waiting <= REST) {
      this.#series = null;
      this.#last = waiting > 0;
    } else if (waiting >= BEGIN || (this.#series !== null && waiting <= this.#series / 2)) {
      this.#series = waiting;
      this.#run();
    } else {
      this.#series = null;
    }
  }

  /** Called before each transaction: waits where the WAL would grow without bounds. */
  async admit(state: () => WalBytes): Promise<void> {
    if (this.#last) {
      this.#last = false;
      await this.#run();
    }
    // A second time for what came while the first was running. More would not
    // help: somebody reads an old state, and the WAL has to keep it.
    for (let i = 0; i < 2; i++) {
      const { written, moved } = state();
      if (written < LIMIT || moved === written) return;
      if (!await this.#run()) return;
    }
  }

  /** Ends the thread and its connection, once it has done what it is doing. */
  async close(): Promise<void> {
    await this.#running;
    this.#failed = true;
    const worker = this.#worker;
    if (worker === null) return;
    await new Promise<void>((resolve) => {
      this.#finish = () => resolve();
      worker.postMessage(null);
    });
    worker.terminate();
    this.#worker = null;
  }

  #start(): void {
    if (this.#worker !== null || this.#failed) return;
    const url = new URL("./checkpoint_worker.ts", import.meta.url);
    this.#worker = runtime.startWorker(url, "checkpoints");
    this.#worker.onmessage = (event: MessageEvent<boolean>) => this.#finish?.(event.data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#worker = null;
      this.#failed = true;
      this.#finish?.(false);
    };
  }

  /** @returns Whether it could be done. */
  #run(): Promise<boolean> {
    if (this.#running !== null) return this.#running;
    this.#start();
    const worker = this.#worker;
    if (worker === null) return Promise.resolve(false);
    this.#running = new Promise((resolve) => {
      this.#finish = (done) => {
        this.#running = null;
        resolve(done);
      };
    });
    worker.postMessage(this.#path);
    return this.#running;
  }
}
