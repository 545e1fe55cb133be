import { AloeError, ForeignSchemaError } from "../errors.ts";
import { mint, type Watermark } from "../ids.ts";
import type { MountHandle } from "../mount_handle.ts";
import type { NodePart } from "../ops/commit_apart.ts";
import type { SeenNames } from "../ops/names_of_others.ts";
import type { Database } from "../storage/database.ts";
import { limitSplitTime } from "../time_limits.ts";
import { ChunkCache } from "./chunk_cache.ts";
import { ErrnoError } from "./errno.ts";
import type { Invalidations, Time } from "./filesystem.ts";
import type { Dentry, Inode } from "./inode.ts";
import { InodeTable } from "./inode_table.ts";
import type { VolumeSource } from "./volume_source.ts";

/** How many older versions of a file are kept when a mount overwrites it. */
export type History = "none" | "all" | number;

/** How a volume is presented. */
export interface VolumeFilesystemOptions {
  /** What is kept of what is overwritten and removed. Default `none`. */
  history?: History;
  /** Memory for content that was read, bytes. Default 64 MiB. */
  cacheBytes?: number;
  /** Content that may wait to be written back, bytes. Default 16 MiB. */
  dirtyBytes?: number;
  /** Whom nodes without an owner belong to. */
  uid: number;
  /** Their group. */
  gid: number;
  /** Whether every change is refused. */
  readOnly: boolean;
  /** The clock of all times. */
  clock: () => Time;
  /** Told of what nobody else is told of. */
  log: (message: string) => void;
  /** Tells the kernel what is no longer true. */
  invalidate: Invalidations;
  /** Shows the volume as it was at this time, ns. */
  at?: bigint;
}

/** What of an inode could not be committed. */
export interface Aside {
  /** Its path, for messages. */
  path: string;
  /** Which parts of it. */
  parts: ReadonlySet<NodePart>;
  /** Why. */
  error: unknown;
  /** When it is tried again, ms of the monotonic clock. */
  retryAt: number;
}

/** All that the parts of a mounted volume share. */
export class VolumeState {
  readonly db: Database;
  readonly mount: MountHandle;
  readonly source: VolumeSource;
  readonly chunkSize: number;
  readonly options: Required<Omit<VolumeFilesystemOptions, "at">>;
  readonly inodes: InodeTable;
  readonly cache: ChunkCache;
  readonly watermark: Watermark;
  /** The addresses of full chunks of zeros that are known. */
  readonly zeroHashes: Set<string> = new Set();

  /** Inodes that the next commit has something of. */
  readonly dirty: Set<Inode> = new Set();
  /** Inodes with content in the redo log, to be folded into chunks. */
  readonly logged: Set<Inode> = new Set();
  /** Names that the file does not have yet. */
  readonly addedNames: Set<Dentry> = new Set();
  /** Names that it still has. */
  readonly removedNames: Set<Dentry> = new Set();
  /** Names that the file gets in the trash only: others have given them too. */
  readonly trashedNames: Set<Dentry> = new Set();
  /** Inodes of which something cannot be committed. */
  readonly aside: Map<Inode, Aside> = new Map();
  /** Inodes that others have changed while something of them waited here. */
  readonly deferred: Set<Inode> = new Set();
  /** The state of the file in which added names were known to be free. */
  readonly seen: SeenNames = { version: -1 };
  /** When something was logged last, ms of the monotonic clock. */
  loggedAt = -Infinity;
  /** Bytes that wait in memory, logged ones included. */
  dirtyBytes = 0;
  /** When the next commit is due, ms of the monotonic clock. */
  due = Infinity;
  /** When something was changed last. */
  touchedAt = -Infinity;
  /** Whether a commit has happened that a power cut could still take. */
  volatile = false;
  /** Grows whenever rows that were read may be outdated. */
  generation = 0;
  /** Whether the last commit failed for want of space. */
  full = false;
  /** Counts what was done. */
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
      volume.chunkSize,
      (inode) => this.dirty.has(inode) || this.logged.has(inode),
    );
    this.inodes.onEvict = (inode) => {
      this.cache.drop(inode);
      this.deferred.delete(inode);
    };
  }

  /** A new id, greater than every other of the volume. */
  mint(): string {
    return mint(this.watermark);
  }

  /** Notes that an inode has something for the next commit. */
  touch(inode: Inode, within: number = COMMIT_MS): void {
    this.dirty.add(inode);
    const now = performance.now();
    this.touchedAt = now;
    if (now + within < this.due) this.due = now + within;
  }

  /**
   * Makes the kernel look an inode up again. With write-back it believes its
   * own size and times of a file for as long as it has the inode, so it is to
   * find another one.
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

/** How long a change may wait for its commit, ms. */
export const COMMIT_MS = 1000;

/** How long one may wait that is only a time of access, ms. */
export const ACCESS_MS = 10_000;

/** The errno that a fault of the operations stands for. */
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
