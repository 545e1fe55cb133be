import { AloeError } from "../../src/errors.ts";
import { encodeFrame, FrameReader } from "./job_frames.ts";
import type { Job, JobAnswer, JobRequest } from "./job_protocol.ts";
import { childEnvironment, ownProgram } from "../own_program.ts";

/** The arguments of the runtime that start a job process; the last one selects that mode. */
export function jobsProgram(): string[] {
  return [...ownProgram(), "--jobs-of-a-manager"];
}

/** A job that waits for a process. */
export interface WaitingJob {
  job: Job;
  /** The key of an encrypted volume. It is sent through a pipe, and overwritten then. */
  key: Uint8Array | null;
  /** Interrupts it. */
  signal: AbortSignal | null;
  /** How long it may take for one statement, ms. */
  timeout: number;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/**
 * A process that does one job at a time. It can be killed at any time, unlike a thread
 * that is within a statement of SQLite.
 */
export class JobProcess {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  #current: WaitingJob | null = null;
  #settled: ((alive: boolean) => void) | null = null;
  /** Ends the process when a statement takes too long, or when it is idle for too long. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  #count = 0;
  #lastLine = "";

  /** @param program The arguments of the runtime that start one. */
  constructor(program: readonly string[]) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [...program],
      env: childEnvironment(),
      clearEnv: true,
      // A terminal's interrupt is for the manager, which ends its jobs itself.
      detached: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    // The end of the process is noticed elsewhere.
    this.#input.closed.catch(() => {});
    void this.#readStdout();
    void this.#readStderr();
  }

  /** @returns Whether it can do another one. */
  run(waiting: WaitingJob): Promise<boolean> {
    clearTimeout(this.#timer);
    this.#current = waiting;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#settled = resolve;
    const { job, key, signal } = waiting;
    signal?.addEventListener("abort", this.#interrupt);
    if (signal?.aborted) this.#interrupt();
    const request: JobRequest = { id: ++this.#count, job };
    const frame = encodeFrame(request, key ?? undefined);
    key?.fill(0);
    this.#input.write(frame).catch(() => {}).finally(() => frame.fill(0));
    this.#armTimeout();
    return promise;
  }

  /** Ends it after a time without a job. @param gone Called then. */
  endIfIdle(ms: number, gone: () => void): void {
    this.#timer = setTimeout(() => {
      gone();
      this.end();
    }, ms);
    Deno.unrefTimer(Number(this.#timer));
  }

  /** Ends it now. */
  end(): void {
    this.#kill(new AloeError("busy", "the manager is stopping"));
  }

  readonly #interrupt = (): void => {
    this.#kill(new AloeError("busy", "it was interrupted"));
  };

  /** Starts the timeout of a statement. */
  #armTimeout(): void {
    clearTimeout(this.#timer);
    if (this.#current === null) return;
    const { timeout } = this.#current;
    this.#timer = setTimeout(() => {
      const seconds = Math.round(timeout / 1000);
      this.#kill(
        new AloeError("io_error", `given up after ${seconds} s: the file may be damaged`),
      );
    }, timeout);
  }

  #kill(reason: Error): void {
    clearTimeout(this.#timer);
    this.#finish(false, (job) => job.reject(reason));
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has already ended.
    }
  }

  async #readStdout(): Promise<void> {
    try {
      const frames = new FrameReader<JobAnswer>();
      for await (const part of this.#child.stdout) {
        for (const { message } of frames.push(part)) this.#handle(message);
      }
    } catch {
      // It has ended; its status says why.
    }
    const { code, signal } = await this.#child.status;
    clearTimeout(this.#timer);
    await this.#input.abort().catch(() => {});
    const why = this.#lastLine || `its process ended with ${signal ?? code}`;
    this.#finish(false, (job) => job.reject(new AloeError("io_error", why)));
  }

  async #readStderr(): Promise<void> {
    try {
      for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
        this.#lastLine = `${this.#lastLine}${text}`.trim().split("\n").at(-1)!.slice(0, 500);
      }
    } catch {
      // It has ended.
    }
  }

  #handle(answer: JobAnswer): void {
    if (answer.id !== this.#count || this.#current === null) return;
    if (answer.type === "going on") return this.#armTimeout();
    clearTimeout(this.#timer);
    this.#finish(true, (job) => {
      if (answer.type === "done") return job.resolve(answer.result);
      const { code, message } = answer;
      job.reject(code === null ? new Error(message) : new AloeError(code, message));
    });
  }

  #finish(alive: boolean, settle: (job: WaitingJob) => void): void {
    const job = this.#current;
    this.#current = null;
    if (job !== null) {
      job.signal?.removeEventListener("abort", this.#interrupt);
      settle(job);
    }
    this.#settled?.(alive);
    this.#settled = null;
  }
}
