import type { Inode } from "./inode.ts";

/** A result that is there at once when memory has it, later when the file has to be asked. */
export type Awaitable<T> = T | Promise<T>;

/** Who makes a system call. */
export interface Caller {
  /** Effective user id. */
  uid: number;
  /** Effective group id. */
  gid: number;
  /** Whether it is of a group, or may set the set-group-id bit whatever its groups are. */
  mayGiveGroup(gid: number): boolean;
  /** Whether it may change the mode of what a user owns. */
  mayChange(owner: number): boolean;
}

/** A moment: seconds since the Unix epoch, negative before it, and 0 to 999,999,999 ns. */
export interface Time {
  sec: number;
  nsec: number;
}

/** What `setattr` changes; what is left out stays. */
export interface AttributeChange {
  /** Permission bits, 0 to 0o7777. */
  mode?: number;
  uid?: number;
  gid?: number;
  /** Bytes. */
  size?: number;
  atime?: Time;
  mtime?: Time;
  ctime?: Time;
  /** Takes the set-id bits away that `lostPrivileges` names. */
  killPrivileges?: boolean;
}

/** One entry of a directory listing. */
export interface Entry {
  name: string;
  inode: Inode;
  /** Where a listing goes on after this entry: opaque, stable, in two halves of 32 bits. */
  cookieHigh: number;
  cookieLow: number;
}

/** What `statfs` answers, in blocks of `blockSize` bytes. */
export interface FilesystemStatistics {
  blockSize: number;
  blocks: number;
  blocksFree: number;
  blocksAvailable: number;
  files: number;
  filesFree: number;
  nameMax: number;
}

/** Tells the kernel that what it keeps is no longer true. */
export interface Invalidations {
  /** Attributes, and cached content from an offset on (bytes; -1: attributes alone). */
  inode(inode: Inode, offset: number): void;
  /** A name in a directory. */
  entry(parent: Inode, name: string): void;
  /** The content has grown to this size, bytes. */
  grown(inode: Inode, size: number): void;
}

/** Flags of `rename`, as `renameat2` has them. */
export const RENAME_NOREPLACE = 1;
/** Flags of `rename`, as `renameat2` has them. */
export const RENAME_EXCHANGE = 2;
/** Flags of `rename`, as `renameat2` has them. */
export const RENAME_WHITEOUT = 4;

/**
 * A mounted volume as the kernel's virtual filesystem sees it. Calls are made
 * one at a time: the next one when the promise of the last has settled. A
 * refusal is thrown as an `ErrnoError`; every other error is a fault (EIO).
 * Names are text as `decodeName` gives it. Permissions are the kernel's to check.
 */
export interface Filesystem {
  /** The mount's top directory: node id 1. */
  readonly root: Inode;
  /** Whether every change is refused. */
  readonly readOnly: boolean;
  /** The inode with a node id. @throws ESTALE. */
  inode(nodeId: number): Inode;
  /** A child; null when there is none. Counts no reference: see `remember`. */
  lookup(parent: Inode, name: string): Awaitable<Inode | null>;
  /** Counts a reference that the kernel now has. */
  remember(inode: Inode): void;
  /** Gives references back. */
  forget(nodeId: number, count: number): void;
  setattr(inode: Inode, change: AttributeChange, caller: Caller): Awaitable<void>;
  readlink(inode: Inode): Awaitable<Uint8Array>;
  /** Makes anything but a directory or a link. `mode` has the type bits, `rdev` is as stat has it. */
  mknod(
    parent: Inode,
    name: string,
    mode: number,
    rdev: number,
    caller: Caller,
  ): Awaitable<Inode>;
  mkdir(parent: Inode, name: string, mode: number, caller: Caller): Awaitable<Inode>;
  symlink(parent: Inode, name: string, target: Uint8Array, caller: Caller): Awaitable<Inode>;
  /** A file without a name, as `O_TMPFILE` makes it. */
  tmpfile(parent: Inode, mode: number, caller: Caller): Awaitable<Inode>;
  link(inode: Inode, parent: Inode, name: string): Awaitable<void>;
  unlink(parent: Inode, name: string): Awaitable<void>;
  rmdir(parent: Inode, name: string): Awaitable<void>;
  /** @param caller Whom what `RENAME_WHITEOUT` leaves behind belongs to; root when left out. */
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
   * @param unnoticed Whether the time of access stays (`O_NOATIME`).
   * @returns Bytes read; fewer at the end.
   */
  read(
    inode: Inode,
    offset: number,
    into: Uint8Array,
    unnoticed?: boolean,
  ): Awaitable<number>;
  /**
   * Writes bytes, which it copies.
   *
   * @param touch Whether the times change; not when the kernel keeps them (write-back).
   */
  write(inode: Inode, offset: number, data: Uint8Array, touch: boolean): Awaitable<void>;
  /** `mode` as `fallocate(2)` has it. */
  fallocate(inode: Inode, mode: number, offset: number, length: number): Awaitable<void>;
  /** @returns Bytes copied. */
  copyRange(
    from: Inode,
    fromOffset: number,
    to: Inode,
    toOffset: number,
    length: number,
  ): Awaitable<number>;
  /** The next data or hole from an offset on. @throws ENXIO past the end. */
  seek(inode: Inode, offset: number, what: "data" | "hole"): Awaitable<number>;
  /**
   * Lists a directory from a cookie on (0, 0: from the start), without `.` and `..`.
   *
   * @param fill Takes an entry; false when it had no room for it.
   */
  readdir(
    directory: Inode,
    cookieHigh: number,
    cookieLow: number,
    fill: (entry: Entry) => boolean,
  ): Awaitable<void>;
  /** The directory above; the root's is itself. */
  parentOf(directory: Inode): Inode;
  getxattr(inode: Inode, name: string): Awaitable<Uint8Array>;
  /** `flags` as `setxattr(2)` has them. */
  setxattr(inode: Inode, name: string, value: Uint8Array, flags: number): Awaitable<void>;
  listxattr(inode: Inode): Awaitable<string[]>;
  removexattr(inode: Inode, name: string): Awaitable<void>;
  statfs(): Awaitable<FilesystemStatistics>;
  /** Makes all that was changed durable: it is on disk when this has settled. */
  sync(): Promise<void>;
  /**
   * Whether an inode has something that the last sync could not write: who
   * synced it is told. 0 asks for any inode.
   */
  isUnsynced(nodeId: number): boolean;
  /**
   * Does what is due: group commits, reclaiming, looking for changes by others.
   *
   * @returns In how many ms it wants to be called again; Infinity when nothing is to be done.
   */
  tick(): Promise<number>;
  /** Writes everything back. The file itself stays open. */
  close(): Promise<void>;
}
