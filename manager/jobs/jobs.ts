import { AloeError } from "../../src/errors.ts";
import type { CheckpointReport } from "../../src/ops.ts";
import type { Anomaly, VerifyReport } from "../../src/types.ts";
import type { Freed, Inspection, Job } from "./job_protocol.ts";
import { JobProcess, type WaitingJob } from "./job_process.ts";
import { type Snapshot, type SnapshotOptions, SnapshotThreads } from "./snapshots.ts";

/** What may interrupt a job. */
export interface JobOptions {
  /** Aborted when nobody waits for its result any more. */
  signal?: AbortSignal;
}

/**
 * What would hold the event loop, done in processes of their own. A job ends when
 * it was interrupted, when it is at one statement for longer than a file of its
 * size can take (`io_error`), and with the manager.
 */
export interface Jobs {
  /** Begins to copy a live file: what comes is its state at one moment. */
  snapshot(options: SnapshotOptions): Promise<Snapshot>;
  /**
   * Checks that the content of a volume is complete. The key is of an encrypted one,
   * and is overwritten.
   */
  verify(
    file: string,
    volume: string,
    options?: JobOptions & { deep?: boolean; key?: Uint8Array },
  ): Promise<VerifyReport>;
  /** Faults in the shape of a file. */
  health(file: string, options?: JobOptions): Promise<Anomaly[]>;
  /** Looks at a file that came from elsewhere. */
  inspect(file: string, options?: JobOptions): Promise<Inspection>;
  /**
   * Damage of the pages of a file that came from elsewhere, a line each. Nothing is
   * changed in it.
   */
  pages(file: string, options?: JobOptions): Promise<string[]>;
  /** Frees what nothing needs any more; with `vacuum` the file gets smaller. */
  prune(file: string, options?: { vacuum?: boolean }): Promise<Freed>;
  /** Moves what the WAL holds into the file, as far as others let it. */
  checkpoint(file: string): Promise<CheckpointReport>;
  /** Waits a little for what runs, and ends the processes. */
  close(): Promise<void>;
}

/** How many jobs run side by side, */
const MAX_PROCESSES = 4;

/** and how many of them with one file: the others' jobs go on if all of those hang. */
const MAX_PROCESSES_OF_A_FILE = 2;

/** How long the last process without work stays, ms. */
const IDLE_MS = 30_000;

/** How long the end waits for what runs, ms. */
const CLOSE_MS = 3000;

/** Bytes of a file that a statement gets through in a millisecond, on a slow disk. */
const BYTES_PER_MS = 4096;

/** What jobs keep to. */
export interface JobSettings {
  /** How long one may be at a statement of a small file, ms. */
  jobMs: number;
  /** Takes what is to be noted, a line each. */
  log: (line: string) => void;
  /** The runtime's words that start a process for them. */
  program: readonly string[];
}

/** The jobs of a manager. */
export function createJobs(settings: JobSettings): Jobs {
  const pool = new Pool(settings);
  const snapshots = new SnapshotThreads();
  return {
    snapshot: (options) => snapshots.take(options),
    verify: (file, volume, { deep = false, ...options } = {}) =>
      pool.run({ kind: "verify", file, volume, deep }, options),
    health: (file, options) => pool.run({ kind: "health", file }, options),
    inspect: (file, options) => pool.run({ kind: "inspect", file }, options),
    pages: (file, options) => pool.run({ kind: "pages", file }, options),
    prune: (file, { vacuum = false } = {}) => pool.run({ kind: "prune", file, vacuum }),
    checkpoint: (file) => pool.run({ kind: "checkpoint", file }),
    close: async () => {
      await Promise.all([pool.close(), snapshots.close()]);
    },
  };
}

/** Processes that do one job at a time each; further jobs wait for their turn. */
class Pool {
  readonly #settings: JobSettings;
  /** The one that waits for work, if any. */
  #idle: JobProcess | null = null;
  readonly #busy = new Map<JobProcess, WaitingJob>();
  readonly #queue: WaitingJob[] = [];
  #closed = false;

  constructor(settings: JobSettings) {
    this.#settings = settings;
  }

  async run<T>(
    job: Job,
    { key, signal }: JobOptions & { key?: Uint8Array } = {},
  ): Promise<T> {
    const timeout = this.#settings.jobMs + await sizeOf(job.file) / BYTES_PER_MS;
    return await new Promise<T>((resolve, reject) => {
      this.#queue.push({
        job,
        key: key ?? null,
        signal: signal ?? null,
        timeout,
        resolve: resolve as (result: unknown) => void,
        reject,
      });
      this.#startNext();
    });
  }

  #startNext(): void {
    if (this.#closed) {
      for (const { reject } of this.#queue.splice(0)) {
        reject(new AloeError("busy", "the manager is stopping"));
      }
    }
    while (this.#busy.size < MAX_PROCESSES) {
      const at = this.#queue.findIndex(({ job }) => this.#at(job.file) < MAX_PROCESSES_OF_A_FILE);
      if (at === -1) return;
      const [waiting] = this.#queue.splice(at, 1);
      if (waiting.signal?.aborted) waiting.reject(new AloeError("busy", "it was interrupted"));
      else this.#start(waiting);
    }
  }

  /** How many jobs are at work in a file. */
  #at(file: string): number {
    return [...this.#busy.values()].filter(({ job }) => job.file === file).length;
  }

  #start(waiting: WaitingJob): void {
    let process: JobProcess;
    try {
      process = this.#idle ?? new JobProcess(this.#settings.program);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return waiting.reject(new AloeError("io_error", `no process could be started: ${why}`));
    }
    this.#idle = null;
    this.#busy.set(process, waiting);
    process.run(waiting).then((alive) => {
      this.#busy.delete(process);
      if (!alive) this.#settings.log(`a process for ${waiting.job.kind} ended before its job`);
      else if (this.#closed || this.#idle !== null) process.end();
      else {
        this.#idle = process;
        process.endIfIdle(IDLE_MS, () => {
          if (this.#idle === process) this.#idle = null;
        });
      }
      this.#startNext();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#startNext();
    const end = performance.now() + CLOSE_MS;
    while (this.#busy.size > 0 && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    for (const process of this.#busy.keys()) process.end();
    this.#idle?.end();
    this.#idle = null;
  }
}

/** Bytes that a file takes on the disk, its WAL included; 0 when it is not there. */
async function sizeOf(path: string): Promise<number> {
  const sizes = await Promise.all([path, `${path}-wal`].map(async (name) => {
    const { size, blocks } = await Deno.stat(name).catch(() => ({ size: 0, blocks: null }));
    // What a sparse file claims to have is not read.
    return blocks === null ? size : Math.min(size, blocks * 512);
  }));
  return sizes[0] + sizes[1];
}
