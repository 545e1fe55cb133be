/** What has gathered in a WAL, bytes. */
export interface WalState {
  /** In all. */
  written: number;
  /** Of which the file has so much already. */
  moved: number;
}

/** A checkpoint begins when so much waits for it, bytes. */
const BEGIN = 16 * 2 ** 20;

/** Writers wait for checkpoints when a WAL is this long, bytes. */
const LIMIT = 96 * 2 ** 20;

/**
 * Checkpoints a WAL on a thread of its own while it is written to: the writer
 * neither waits for the disk nor spends its time on moving pages.
 */
export class Checkpointer {
  readonly #path: string;
  /** Begun at once: a thread takes up to a second to begin. */
  #worker: Worker | null;
  #running: Promise<boolean> | null = null;
  #finish: ((done: boolean) => void) | null = null;

  /** @param path The file. */
  constructor(path: string) {
    this.#path = path;
    const url = new URL("./checkpoint_worker.ts", import.meta.url);
    this.#worker = new Worker(url, { type: "module", name: "checkpoints" });
    this.#worker.onmessage = (event: MessageEvent<boolean>) => this.#finish?.(event.data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#worker = null;
      this.#finish?.(false);
    };
  }

  /** Called after each commit. */
  committed(wal: WalState): void {
    if (wal.written - wal.moved >= BEGIN) this.#run();
  }

  /** Called before each transaction: waits where the WAL would grow without bounds. */
  async admit(state: () => WalState): Promise<void> {
    // A second time for what came while the first was running. More would not
    // help: somebody reads an old state, and the WAL has to keep it.
    for (let i = 0; i < 2; i++) {
      const { written, moved } = state();
      if (written < LIMIT || moved === written) return;
      if (!await this.#run()) return;
    }
  }

  /** Ends the thread, once it has done what it is doing. */
  async close(): Promise<void> {
    await this.#running;
    this.#worker?.postMessage(null);
    this.#worker = null;
  }

  /** @returns Whether it could be done. */
  #run(): Promise<boolean> {
    if (this.#running !== null) return this.#running;
    if (this.#worker === null) return Promise.resolve(false);
    this.#running = new Promise((resolve) => {
      this.#finish = (done) => {
        this.#running = null;
        resolve(done);
      };
    });
    this.#worker.postMessage(this.#path);
    return this.#running;
  }
}
