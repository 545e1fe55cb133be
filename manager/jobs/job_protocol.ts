import type { AloeErrorCode } from "../../src/errors.ts";
import type { ContentPruneReport, PruneReport } from "../../src/types.ts";

/** Work that would block the event loop. Each job opens the file itself. */
export type Job =
  | { kind: "verify"; file: string; volume: string; deep: boolean }
  | { kind: "health"; file: string }
  | { kind: "inspect"; file: string }
  | { kind: "pages"; file: string }
  | { kind: "prune"; file: string; vacuum: boolean }
  | { kind: "checkpoint"; file: string };

/** The result of inspecting a file that came from elsewhere. */
export interface Inspection {
  /** Ids of its volumes. */
  volumes: string[];
  /** What is wrong with it, a line each; none when all is well. */
  faults: string[];
  /** Bytes of the largest chunk that it has or may get. */
  largestChunk: number;
}

/** What was freed, by kind. */
export type Freed = PruneReport & ContentPruneReport;

/** What a job process is sent; a key is attached to it. */
export interface JobRequest {
  id: number;
  job: Job;
}

/** What a job process answers. */
export type JobAnswer =
  /** It is between two statements. */
  | { id: number; type: "going on" }
  | { id: number; type: "done"; result: unknown }
  | { id: number; type: "failed"; code: AloeErrorCode | null; message: string };
