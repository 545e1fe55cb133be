import type { Inode } from "./inode.ts";

/** A result that is available immediately from memory, or later from the file. */
export type Awaitable<T> = T | Promise<T>;

/** The caller of a system call. */
export interface Caller {
  /** Effective user id. */
  uid: number;
  /** Effective group id. */
  gid: number;
  /** Returns whether the caller is in a group, or may set the set-group-id bit for any group. */
  mayGiveGroup(gid: number): boolean;
  /** Returns whether the caller may change the mode of a user's files. */
  mayChange(owner: number): boolean;
}

/** A time: seconds since the Unix epoch, negative before it, and 0 to 999,999,999 ns. */
export interface Time {
  sec: number;
  nsec: number;
}

/** The changes of `setattr`; omitted attributes stay. */
export interface AttributeChange {
  /** Permission bits, 0 to 0o7777. */
  mode?: number;
  uid?: number;
  gid?: number;
  /** The new size in bytes. */
  size?: number;
  atime?: Time;
  mtime?: Time;
  ctime?: Time;
  /** Whether to clear the set-id bits that `lostPrivileges` returns. */
  killPrivileges?: boolean;
}

/** An entry of a directory listing. */
export interface Entry {
  name: string;
  inode: Inode;
  /** The position after this entry: opaque and stable, in two halves of 32 bits. */
  cookieHigh: number;
  cookieLow: number;
}

/** The result of `statfs`, in blocks of `blockSize` bytes. */
export interface FilesystemStatistics {
  blockSize: number;
  blocks: number;
  blocksFree: number;
  blocksAvailable: number;
  files: number;
  filesFree: number;
  nameMax: number;
}

/** Notifications that invalidate the kernel's caches. */
export interface Invalidations {
  /**
   * Invalidates attributes, and cached content from an offset on (in bytes; -1 for attributes
   * only).
   */
  inode(inode: Inode, offset: number): void;
  /** Invalidates a name in a directory. */
  entry(parent: Inode, name: string): void;
  /** Reports that the content has grown to this size, in bytes. */
  grown(inode: Inode, size: number): void;
}

/** Flag of `rename`, as in `renameat2`. */
export const RENAME_NOREPLACE = 1;
/** Flag of `rename`, as in `renameat2`. */
export const RENAME_EXCHANGE = 2;
/** Flag of `rename`, as in `renameat2`. */
export const RENAME_WHITEOUT = 4;

/**
 * A mounted volume as the kernel's virtual filesystem sees it. Calls are made one at a time: the
 * next one after the promise of the previous one has settled. A refusal is thrown as an
 * `ErrnoError`; every other error is a fault (EIO). Names are text as `decodeName` returns it. The
 * kernel checks permissions.
 */
export interface Filesystem {
  /** The root directory, with node id 1. */
  readonly root: Inode;
  /** Whether every change is refused. */
  readonly readOnly: boolean;
  /** Returns the inode with a node id. @throws ESTALE. */
  inode(nodeId: number): Inode;
  /** Returns a child; null when it does not exist. Counts no reference: see `remember`. */
  lookup(parent: Inode, name: string): Awaitable<Inode | null>;
  /** Counts a reference that the kernel now holds. */
  remember(inode: Inode): void;
  /** Releases references of the kernel. */
  forget(nodeId: number, count: number): void;
  setattr(inode: Inode, change: AttributeChange, caller: Caller): Awaitable<void>;
  readlink(inode: Inode): Awaitable<Uint8Array>;
  /**
   * Creates a node other than a directory or a link. `mode` includes the type bits; `rdev` is as in
   * stat.
   */
  mknod(
    parent: Inode,
    name: string,
    mode: number,
    rdev: number,
    caller: Caller,
  ): Awaitable<Inode>;
  mkdir(parent: Inode, name: string, mode: number, caller: Caller): Awaitable<Inode>;
  symlink(parent: Inode, name: string, target: Uint8Array, caller: Caller): Awaitable<Inode>;
  /** Creates a file without a name, as with `O_TMPFILE`. */
  tmpfile(parent: Inode, mode: number, caller: Caller): Awaitable<Inode>;
  link(inode: Inode, parent: Inode, name: string): Awaitable<void>;
  unlink(parent: Inode, name: string): Awaitable<void>;
  rmdir(parent: Inode, name: string): Awaitable<void>;
  /**
   * @param caller The owner of the whiteout that `RENAME_WHITEOUT` creates; defaults to root.
   */
  rename(
    parent: Inode,
    name: string,
    newParent: Inode,
    newName: string,
    flags: number,
    caller?: Pick<Caller, "uid" | "gid">,
  ): Awaitable<void>;
  /**
   * Reads into a buffer.
   *
   * @param unnoticed Whether to leave the access time unchanged (`O_NOATIME`).
   * @returns The number of bytes read; fewer at the end of the file.
   */
  read(
    inode: Inode,
    offset: number,
    into: Uint8Array,
    unnoticed?: boolean,
  ): Awaitable<number>;
  /**
   * Writes a copy of the given bytes.
   *
   * @param touch Whether to set the times; false when the kernel manages them (write-back).
   */
  write(inode: Inode, offset: number, data: Uint8Array, touch: boolean): Awaitable<void>;
  /** Allocates space; `mode` is as in `fallocate(2)`. */
  fallocate(inode: Inode, mode: number, offset: number, length: number): Awaitable<void>;
  /**
   * @returns The number of bytes copied.
   */
  copyRange(
    from: Inode,
    fromOffset: number,
    to: Inode,
    toOffset: number,
    length: number,
  ): Awaitable<number>;
  /** Returns the next data or hole from an offset on. @throws ENXIO beyond the end. */
  seek(inode: Inode, offset: number, what: "data" | "hole"): Awaitable<number>;
  /**
   * Lists a directory from a cookie on (0, 0: from the start), without `.` and `..`.
   *
   * @param fill Receives each entry; returns false when it has no room for it.
   */
  readdir(
    directory: Inode,
    cookieHigh: number,
    cookieLow: number,
    fill: (entry: Entry) => boolean,
  ): Awaitable<void>;
  /** Returns the parent directory; that of the root is the root. */
  parentOf(directory: Inode): Inode;
  getxattr(inode: Inode, name: string): Awaitable<Uint8Array>;
  /** Sets an extended attribute; `flags` are as in `setxattr(2)`. */
  setxattr(inode: Inode, name: string, value: Uint8Array, flags: number): Awaitable<void>;
  listxattr(inode: Inode): Awaitable<string[]>;
  removexattr(inode: Inode, name: string): Awaitable<void>;
  statfs(): Awaitable<FilesystemStatistics>;
  /** Makes all changes durable: they are on disk when the promise resolves. */
  sync(): Promise<void>;
  /**
   * Returns whether the last sync failed to write a change of an inode, so that its fsync fails. 0
   * means any inode.
   */
  isUnsynced(nodeId: number): boolean;
  /**
   * Runs the work that is due: group commits, reclaiming, checking for changes of other processes.
   *
   * @returns The delay until the next call, in ms; Infinity when there is no work.
   */
  tick(): Promise<number>;
  /** Writes all changes back. The file itself stays open. */
  close(): Promise<void>;
}
