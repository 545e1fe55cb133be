import { AloeError } from "../../src/errors.ts";
import type { CheckpointReport } from "../../src/internal.ts";
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
 * Work that would block the event loop, done in processes of their own. A job is
 * killed when it is interrupted, when one statement takes longer than a file of its
 * size can need (`io_error`), and with the manager.
 */
export interface Jobs {
  /** Copies a live file: one state of it, as a stream. */
  snapshot(options: SnapshotOptions): Promise<Snapshot>;
  /**
   * Checks that the content of a volume is complete. The key of an encrypted volume is
   * overwritten.
   */
  verify(
    file: string,
    volume: string,
    options?: JobOptions & { deep?: boolean; key?: Uint8Array },
  ): Promise<VerifyReport>;
  /** Faults in the structure of a file. */
  health(file: string, options?: JobOptions): Promise<Anomaly[]>;
  /** Inspects a file that came from elsewhere. */
  inspect(file: string, options?: JobOptions): Promise<Inspection>;
  /**
   * Damaged pages of a file that came from elsewhere, a line each. The file is not
   * changed.
   */
  pages(file: string, options?: JobOptions): Promise<string[]>;
  /** Frees what is no longer needed; with `vacuum` the file shrinks. */
  prune(file: string, options?: { vacuum?: boolean }): Promise<Freed>;
  /** Moves the WAL into the file, as far as other connections allow. */
  checkpoint(file: string): Promise<CheckpointReport>;
  /** Waits a little for running jobs, and ends the processes. */
  close(): Promise<void>;
}

/** Jobs that run at once. */
const MAX_PROCESSES = 4;

/** Jobs that run at once on one file, so that a file that hangs does not block the others. */
const MAX_PROCESSES_OF_A_FILE = 2;

/** How long an idle process is kept, ms. */
const IDLE_MS = 30_000;

/** How long `close` waits for running jobs, ms. */
const CLOSE_MS = 3000;

/** Bytes of a file that a statement processes in a millisecond on a slow disk. */
const BYTES_PER_MS = 4096;

/** What jobs need. */
export interface JobSettings {
  /** How long a statement on a small file may take, ms. */
  jobMs: number;
  /** Takes a line of the log. */
  log: (line: string) => void;
  /** The arguments of the runtime that start a process for them. */
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

/** Processes that do one job at a time each; further jobs are queued. */
class Pool {
  readonly #settings: JobSettings;
  /** The idle process; null for none. */
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

  /** How many jobs run on a file. */
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

/** Bytes that a file takes on disk, including its WAL; 0 when it is missing. */
async function sizeOf(path: string): Promise<number> {
  const sizes = await Promise.all([path, `${path}-wal`].map(async (name) => {
    const { size, blocks } = await Deno.stat(name).catch(() => ({ size: 0, blocks: null }));
    // Holes of a sparse file take no time to read.
    return blocks === null ? size : Math.min(size, blocks * 512);
  }));
  return sizes[0] + sizes[1];
}
