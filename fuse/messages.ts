import { AloeError, type AloeErrorCode } from "../src/errors.ts";
import type { History } from "../src/internal.ts";

/** The start parameters of the mount's thread. */
export interface StartMessage {
  type: "start";
  file: string;
  volume?: string;
  mountpoint: string;
  /** The PIN, transferred to the thread and overwritten once the volume is open. */
  pin?: Uint8Array<ArrayBuffer>;
  readOnly: boolean;
  at?: bigint;
  history?: History;
  cacheBytes?: number;
  dirtyBytes?: number;
  uid: number;
  gid: number;
  /** Mount options for libfuse. */
  options: string[];
}

/** A request to the mount's thread. */
export type AskMessage =
  | { type: "stats"; id: number }
  /** A ping. */
  | { type: "ping" };

/** An error as it is sent to another thread. */
export interface ErrorMessage {
  /** The code of an `AloeError`; null for any other error. */
  code: string | null;
  message: string;
}

/** Returns the received error. */
export function errorOf({ code, message }: ErrorMessage): Error {
  return code === null ? new Error(message) : new AloeError(code as AloeErrorCode, message);
}

/** Counters and memory use of a mount. */
export interface MountStatistics {
  /** Requests of the kernel, by their names in `linux/fuse.h`: `LOOKUP`, `READ`, … */
  requests: Record<string, number>;
  /** The bytes that the kernel has read. */
  bytesRead: number;
  /** The bytes that the kernel has written. */
  bytesWritten: number;
  /** The number of inodes in memory. */
  inodes: number;
  /** The bytes not completely written back. */
  dirtyBytes: number;
  /** The size of the read cache, in bytes. */
  cacheBytes: number;
  /** The number of transactions. */
  commits: number;
  /**
   * The number of files of which a part could not be written back. All other changes are written;
   * these are retried.
   */
  setAside: number;
  /** The JavaScript heap of the mount's thread, in bytes. */
  heapBytes: number;
}

/** A message of the mount's thread. */
export type WorkerMessage =
  /** Sent after mounting, with the thread's directory in `/proc`. */
  | { type: "mounted"; fd: number; thread: string }
  | { type: "ready" }
  | { type: "log"; line: string }
  | { type: "stats"; id: number; statistics: MountStatistics }
  | { type: "pong" }
  /** Sent at the end, even if the mount was never ready. */
  | { type: "closed"; error: ErrorMessage | null };
