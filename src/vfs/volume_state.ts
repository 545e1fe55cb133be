import { AloeError, ForeignSchemaError } from "../errors.ts";
import { mint, type Watermark } from "../ids.ts";
import type { MountHandle } from "../mount_handle.ts";
import { ChunkMap, type History, type NodePart, type SeenNames } from "../internal.ts";
import type { Database } from "../ops.ts";
import { limitSplitTime } from "../time_limits.ts";
import { ChunkCache } from "./chunk_cache.ts";
import { ErrnoError } from "./errno.ts";
import type { Invalidations, Time } from "./filesystem.ts";
import type { Dentry, Inode } from "./inode.ts";
import { InodeTable } from "./inode_table.ts";
import type { VolumeSource } from "./volume_source.ts";

/** Options of a mounted volume. */
export interface VolumeFilesystemOptions {
  /** What to keep of overwritten and removed content. Default `none`. */
  history?: History;
  /** The size of the read cache, in bytes. Default 64 MiB. */
  cacheBytes?: number;
  /** The maximum size of unwritten content, in bytes. Default 16 MiB. */
  dirtyBytes?: number;
  /** The owner of nodes without one. */
  uid: number;
  /** The group of nodes without one. */
  gid: number;
  /** Whether every change is refused. */
  readOnly: boolean;
  /** The clock for all times. */
  clock: () => Time;
  /** Receives messages that no caller gets otherwise. */
  log: (message: string) => void;
  /** Invalidates the kernel's caches. */
  invalidate: Invalidations;
  /** Shows the volume as of this time, in ns. */
  at?: bigint;
}

/** The parts of an inode that could not be committed. */
export interface Aside {
  /** The inode's path, for messages. */
  path: string;
  /** The failed parts. */
  parts: ReadonlySet<NodePart>;
  /** The error. */
  error: unknown;
  /** When to retry, in ms of the monotonic clock. */
  retryAt: number;
}

/** The shared state of a mounted volume. */
export class VolumeState {
  readonly db: Database;
  readonly mount: MountHandle;
  readonly source: VolumeSource;
  /** Bytes of a full chunk. */
  readonly chunkSize: number;
  /** How content lies in chunks. */
  readonly chunks: ChunkMap;
  readonly options: Required<Omit<VolumeFilesystemOptions, "at">>;
  readonly inodes: InodeTable;
  readonly cache: ChunkCache;
  readonly watermark: Watermark;
  /** The known addresses of full chunks of zeros. */
  readonly zeroHashes: Set<string> = new Set();

  /** Inodes with changes for the next commit. */
  readonly dirty: Set<Inode> = new Set();
  /** Inodes with content in the redo log, to be folded into chunks. */
  readonly logged: Set<Inode> = new Set();
  /** Names that are not in the file yet. */
  readonly addedNames: Set<Dentry> = new Set();
  /** Removed names that are still in the file. */
  readonly removedNames: Set<Dentry> = new Set();
  /** Names that are stored only in the trash, because another process has created them too. */
  readonly trashedNames: Set<Dentry> = new Set();
  /** Inodes with parts that could not be committed. */
  readonly aside: Map<Inode, Aside> = new Map();
  /** Inodes that another process has changed while local changes were waiting. */
  readonly deferred: Set<Inode> = new Set();
  /** The state of the file in which added names were known to be free. */
  readonly seen: SeenNames = { version: -1 };
  /** The time of the last log record, in ms of the monotonic clock. */
  loggedAt = -Infinity;
  /** The number of bytes waiting in memory, including logged ones. */
  dirtyBytes = 0;
  /** When the next commit is due, in ms of the monotonic clock. */
  due = Infinity;
  /** The time of the last change, in ms of the monotonic clock. */
  touchedAt = -Infinity;
  /** Whether a power failure could still undo a commit. */
  volatile = false;
  /** Incremented whenever rows that were read may be outdated. */
  generation = 0;
  /** Whether the last commit failed for lack of space. */
  full = false;
  /** Counters since the start. */
  readonly counts: { commits: number; bytesWritten: number } = { commits: 0, bytesWritten: 0 };

  constructor(
    db: Database,
    mount: MountHandle,
    source: VolumeSource,
    volume: { chunkSize: number; watermark: Watermark; zeroHash: string | null },
    options: VolumeFilesystemOptions,
  ) {
    this.db = db;
    this.mount = mount;
    this.source = source;
    this.chunkSize = volume.chunkSize;
    this.chunks = new ChunkMap(volume.chunkSize);
    this.watermark = volume.watermark;
    if (volume.zeroHash !== null) this.zeroHashes.add(volume.zeroHash);
    this.options = {
      ...options,
      clock: () => limitSplitTime(options.clock()),
      history: options.history ?? "none",
      cacheBytes: options.cacheBytes ?? 64 * 2 ** 20,
      dirtyBytes: options.dirtyBytes ?? 16 * 2 ** 20,
    };
    this.cache = new ChunkCache(this.options.cacheBytes);
    this.inodes = new InodeTable(
      options,
      this.chunks,
      (inode) => this.dirty.has(inode) || this.logged.has(inode),
    );
    this.inodes.onEvict = (inode) => {
      this.cache.drop(inode);
      this.deferred.delete(inode);
    };
  }

  /** Returns a new id, greater than all others of the volume. */
  mint(): string {
    return mint(this.watermark);
  }

  /** Marks an inode as changed for the next commit. */
  touch(inode: Inode, within: number = COMMIT_MS): void {
    this.dirty.add(inode);
    const now = performance.now();
    this.touchedAt = now;
    if (now + within < this.due) this.due = now + within;
  }

  /**
   * Makes the kernel look an inode up again under a new node id. With write-back, the kernel trusts
   * its own size and times of a file for as long as it holds the inode.
   */
  forgetInKernel(inode: Inode): void {
    if (!this.inodes.renumber(inode)) return;
    for (const { parent, name } of inode.names) this.options.invalidate.entry(parent, name);
  }

  /** @throws {ErrnoError} EROFS. */
  requireWritable(): void {
    if (this.options.readOnly) throw new ErrnoError("EROFS");
  }
}

/** How long a change may wait for its commit, in ms. */
export const COMMIT_MS = 1000;

/** How long a changed access time may wait for its commit, in ms. */
export const ACCESS_MS = 10_000;

/** Returns the errno error for an error of an operation. */
export function errnoOf(error: unknown): unknown {
  if (!(error instanceof AloeError) || error instanceof ForeignSchemaError) return error;
  switch (error.code) {
    case "no_space":
      return new ErrnoError("ENOSPC", { cause: error });
    case "read_only":
      return new ErrnoError("EROFS", { cause: error });
    case "unsupported":
      return new ErrnoError("EFBIG", { cause: error });
    default:
      return error;
  }
}
