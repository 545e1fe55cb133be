import { AloeError, type AloeErrorCode } from "../src/errors.ts";
import type { History } from "../src/vfs/volume_state.ts";

/** What the mount's thread is started with. */
export interface StartMessage {
  type: "start";
  file: string;
  volume?: string;
  mountpoint: string;
  /** Handed over, not copied, and overwritten once the volume is open. */
  pin?: Uint8Array<ArrayBuffer>;
  readOnly: boolean;
  at?: bigint;
  history?: History;
  cacheBytes?: number;
  dirtyBytes?: number;
  uid: number;
  gid: number;
  /** Words for libfuse. */
  options: string[];
}

/** What it is asked. */
export type AskMessage =
  | { type: "stats"; id: number }
  /** Whether it is there. */
  | { type: "are you there" };

/** An error on its way to another thread. */
export interface ErrorMessage {
  /** Of an `AloeError`; null for all others. */
  code: string | null;
  message: string;
}

/** The error that was sent. */
export function errorOf({ code, message }: ErrorMessage): Error {
  return code === null ? new Error(message) : new AloeError(code as AloeErrorCode, message);
}

/** What a mount has done, and has in memory. */
export interface MountStatistics {
  /** Requests of the kernel, by their names in `linux/fuse.h`: `LOOKUP`, `READ`, … */
  requests: Record<string, number>;
  /** Bytes that the kernel asked for and got. */
  bytesRead: number;
  /** Bytes that it handed over. */
  bytesWritten: number;
  /** Inodes in memory. */
  inodes: number;
  /** Bytes that are not written back in full. */
  dirtyBytes: number;
  /** Bytes of content that are kept for reading. */
  cacheBytes: number;
  /** Transactions. */
  commits: number;
  /** Files of which something could not be written back, unlike all else; it is tried again. */
  setAside: number;
  /** Memory of the mount's thread for JavaScript objects, bytes. */
  heapBytes: number;
}

/** What the mount's thread says. */
export type WorkerMessage =
  /** With the directory of the thread in `/proc`. */
  | { type: "mounted"; fd: number; thread: string }
  | { type: "ready" }
  | { type: "log"; line: string }
  | { type: "stats"; id: number; statistics: MountStatistics }
  | { type: "here" }
  /** The end, whether it was ever ready or not. */
  | { type: "closed"; error: ErrorMessage | null };
