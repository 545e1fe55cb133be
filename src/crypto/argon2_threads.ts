import { AloeError } from "../errors.ts";
import { type Argon2Cost, deriveWith } from "./argon2.ts";
import { runtime } from "../runtime/mod.ts";

/** One derivation, as it is sent to a thread. */
export interface DeriveMessage {
  password: Uint8Array;
  salt: Uint8Array;
  cost: Argon2Cost;
}

/** Options for deriving keys on threads. */
export interface Argon2ThreadsOptions {
  /** The number of parallel derivations, each with 64 MiB. Default 2. */
  threads?: number;
  /** The maximum number of waiting derivations; further ones fail with `busy`. Default 64. */
  waiting?: number;
}

/**
 * Derives keys from PINs on separate threads from now on, for all files of this process, so that
 * the event loop continues during the quarter of a second that each takes.
 *
 * @returns An object that ends the threads when disposed; keys are then derived on this thread
 *   again.
 */
export function deriveOnThreads(options: Argon2ThreadsOptions = {}): AsyncDisposable {
  const threads = new Argon2Threads(options);
  const use = deriveWith((password, salt, cost) => threads.derive(password, salt, cost));
  return {
    [Symbol.asyncDispose]: async () => {
      use[Symbol.dispose]();
      await threads.close();
    },
  };
}

interface Job {
  message: DeriveMessage;
  resolve: (key: Uint8Array) => void;
  reject: (error: unknown) => void;
}

/** How long an idle thread waits for the next PIN before it ends, in ms. */
const IDLE_MS = 30_000;

class Argon2Threads {
  readonly #most: number;
  readonly #waiting: number;
  readonly #queue: Job[] = [];
  readonly #idle: { worker: Worker; timer: ReturnType<typeof setTimeout> }[] = [];
  #running = 0;
  #settled: (() => void) | null = null;

  constructor(options: Argon2ThreadsOptions) {
    this.#most = options.threads ?? 2;
    this.#waiting = options.waiting ?? 64;
  }

  derive(password: Uint8Array, salt: Uint8Array, cost: Argon2Cost): Promise<Uint8Array> {
    if (this.#queue.length >= this.#waiting) {
      return Promise.reject(new AloeError("busy", "too many PINs are being checked"));
    }
    return new Promise((resolve, reject) => {
      // Copy, because the caller overwrites its buffers once it has the key.
      const message = { password: password.slice(), salt: salt.slice(), cost: { ...cost } };
      this.#queue.push({ message, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    if (this.#running >= this.#most) return;
    const job = this.#queue.shift();
    if (job === undefined) return;
    this.#running++;
    const worker = this.#take();
    worker.onmessage = ({ data }: MessageEvent<Uint8Array | string>) => {
      if (typeof data === "string") job.reject(new Error(data));
      else job.resolve(data);
      this.#give(worker);
      this.#done();
    };
    worker.onerror = (event) => {
      event.preventDefault();
      worker.terminate();
      job.reject(new Error(event.message));
      this.#done();
    };
    // Transfer the bytes, so that no second copy stays here.
    worker.postMessage(job.message, [job.message.password.buffer as ArrayBuffer]);
  }

  #done(): void {
    this.#running--;
    this.#next();
    if (this.#running === 0) this.#settled?.();
  }

  #take(): Worker {
    const known = this.#idle.pop();
    if (known !== undefined) {
      clearTimeout(known.timer);
      return known.worker;
    }
    const url = new URL("./argon2_worker.ts", import.meta.url);
    return runtime.startWorker(url, "argon2");
  }

  #give(worker: Worker): void {
    const timer = setTimeout(() => {
      const at = this.#idle.findIndex((idle) => idle.worker === worker);
      if (at >= 0) this.#idle.splice(at, 1);
      worker.terminate();
    }, IDLE_MS);
    runtime.unref(timer);
    this.#idle.push({ worker, timer });
  }

  async close(): Promise<void> {
    for (const { reject } of this.#queue.splice(0)) {
      reject(new AloeError("busy", "PIN checks have ended"));
    }
    if (this.#running > 0) await new Promise<void>((resolve) => this.#settled = resolve);
    for (const { worker, timer } of this.#idle.splice(0)) {
      clearTimeout(timer);
      worker.terminate();
    }
  }
}
