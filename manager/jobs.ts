import { AloeError, type AloeErrorCode } from "../src/errors.ts";
import type { CheckpointReport } from "../src/ops.ts";
import type { Anomaly, ContentPruneReport, PruneReport, VerifyReport } from "../src/types.ts";
import type { Services } from "./services.ts";
import { type Snapshot, type SnapshotOptions, SnapshotThreads } from "./snapshots.ts";

/** Work that would hold the event loop. Each opens the file itself. */
export type Job =
  | { kind: "verify"; file: string; volume: string; deep: boolean; key?: Uint8Array }
  | { kind: "health"; file: string }
  | { kind: "inspect"; file: string }
  | { kind: "prune"; file: string; vacuum: boolean }
  | { kind: "checkpoint"; file: string };

/** What an aloelite file turned out to be that came from elsewhere. */
export interface Inspection {
  /** Ids of its volumes. */
  volumes: string[];
  /** What is wrong with it, a line each; none when all is well. */
  faults: string[];
  /** Bytes of the largest chunk that it has or may get. */
  largestChunk: number;
}

/** What freed room, and how much of what. */
export type Freed = PruneReport & ContentPruneReport;

/** What a job's thread is sent. */
export interface JobRequest {
  id: number;
  job: Job;
}

/** What it answers. */
export type JobAnswer =
  | { id: number; type: "done"; result: unknown }
  | { id: number; type: "failed"; code: AloeErrorCode | null; message: string };

/** What would hold the event loop, done in threads of their own. */
export interface Jobs {
  /** Begins to copy a live file: what comes is its state at one moment. */
  snapshot(options: SnapshotOptions): Promise<Snapshot>;
  /** Checks that the content of a volume is complete. The key is of an encrypted one. */
  verify(
    file: string,
    volume: string,
    options?: { deep?: boolean; key?: Uint8Array },
  ): Promise<VerifyReport>;
  /** Faults in the shape of a file. */
  health(file: string): Promise<Anomaly[]>;
  /** Looks at a file that came from elsewhere. */
  inspect(file: string): Promise<Inspection>;
  /** Frees what nothing needs any more; with `vacuum` the file gets smaller. */
  prune(file: string, options?: { vacuum?: boolean }): Promise<Freed>;
  /** Moves what the WAL holds into the file, as far as others let it. */
  checkpoint(file: string): Promise<CheckpointReport>;
  /** Waits for what runs, and ends the threads. */
  close(): Promise<void>;
}

/** How many jobs run side by side. */
const THREADS = 2;

/** How long a thread without work stays, ms. */
const IDLE = 30_000;

/** How long the end waits for what runs, ms. */
const PATIENCE = 3000;

/** The jobs of a manager. */
export function createJobs(services: () => Services): Jobs {
  const pool = new Pool((line) => services().log(line));
  const snapshots = new SnapshotThreads();
  return {
    snapshot: (options) => snapshots.take(options),
    verify: (file, volume, { deep = false, key } = {}) =>
      pool.run({ kind: "verify", file, volume, deep, ...(key === undefined ? {} : { key }) }),
    health: (file) => pool.run({ kind: "health", file }),
    inspect: (file) => pool.run({ kind: "inspect", file }),
    prune: (file, { vacuum = false } = {}) => pool.run({ kind: "prune", file, vacuum }),
    checkpoint: (file) => pool.run({ kind: "checkpoint", file }),
    close: async () => {
      await Promise.all([pool.close(), snapshots.close()]);
    },
  };
}

interface Waiting {
  job: Job;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** Threads that do one job at a time each; further jobs wait for their turn. */
class Pool {
  readonly #log: (line: string) => void;
  readonly #idle = new Set<Thread>();
  readonly #busy = new Set<Thread>();
  readonly #queue: Waiting[] = [];
  #closed = false;

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  run<T>(job: Job): Promise<T> {
    if (this.#closed) return Promise.reject(new AloeError("busy", "the manager is stopping"));
    return new Promise((resolve, reject) => {
      this.#queue.push({ job, resolve: resolve as (result: unknown) => void, reject });
      this.#next();
    });
  }

  #next(): void {
    while (this.#queue.length > 0 && this.#busy.size < THREADS) {
      const waiting = this.#queue.shift()!;
      const [free] = this.#idle;
      const thread = free ?? new Thread();
      this.#idle.delete(thread);
      this.#busy.add(thread);
      thread.run(waiting).then((alive) => {
        this.#busy.delete(thread);
        if (!alive) this.#log(`a thread for ${waiting.job.kind} broke down`);
        else if (this.#closed) thread.end();
        else {
          this.#idle.add(thread);
          thread.endIfIdle(IDLE, () => this.#idle.delete(thread));
        }
        this.#next();
      });
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { reject } of this.#queue.splice(0)) {
      reject(new AloeError("busy", "the manager is stopping"));
    }
    const end = performance.now() + PATIENCE;
    while (this.#busy.size > 0 && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    for (const thread of [...this.#idle, ...this.#busy]) thread.end();
    this.#idle.clear();
  }
}

class Thread {
  readonly #worker: Worker;
  #current: Waiting | null = null;
  #settled: ((alive: boolean) => void) | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #count = 0;

  constructor() {
    const url = new URL("./job_worker.ts", import.meta.url);
    this.#worker = new Worker(url, { type: "module", name: "jobs" });
    this.#worker.onmessage = ({ data }) => this.#take(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#finish(false, (job) => job.reject(new AloeError("io_error", event.message)));
    };
  }

  /** @returns Whether it can do another one. */
  run(waiting: Waiting): Promise<boolean> {
    clearTimeout(this.#timer);
    this.#current = waiting;
    const request: JobRequest = { id: ++this.#count, job: waiting.job };
    this.#worker.postMessage(request);
    return new Promise((resolve) => {
      this.#settled = resolve;
    });
  }

  endIfIdle(ms: number, gone: () => void): void {
    this.#timer = setTimeout(() => {
      gone();
      this.end();
    }, ms);
    Deno.unrefTimer(Number(this.#timer));
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#worker.terminate();
    this.#finish(false, (job) => job.reject(new AloeError("busy", "the manager is stopping")));
  }

  #take(answer: JobAnswer): void {
    if (answer.id !== this.#count) return;
    this.#finish(true, (job) => {
      if (answer.type === "done") return job.resolve(answer.result);
      const { code, message } = answer;
      job.reject(code === null ? new Error(message) : new AloeError(code, message));
    });
  }

  #finish(alive: boolean, settle: (job: Waiting) => void): void {
    const job = this.#current;
    this.#current = null;
    if (job !== null) settle(job);
    this.#settled?.(alive);
    this.#settled = null;
  }
}
