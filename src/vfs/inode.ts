import type { DirtyChunk } from "./dirty_chunk.ts";
import type { Time } from "./filesystem.ts";
import type { ListingPage } from "./listing.ts";
import type { ListingOrder } from "./listing_order.ts";
import { Lookahead } from "./lookahead.ts";

/** The type bits of a mode, as in `stat(2)`. */
export const S_IFMT = 0o170000;
/** A socket. */
export const S_IFSOCK = 0o140000;
/** A symbolic link. */
export const S_IFLNK = 0o120000;
/** A regular file. */
export const S_IFREG = 0o100000;
/** A block device. */
export const S_IFBLK = 0o060000;
/** A directory. */
export const S_IFDIR = 0o040000;
/** A character device. */
export const S_IFCHR = 0o020000;
/** A FIFO. */
export const S_IFIFO = 0o010000;
/** Set-user-id. */
export const S_ISUID = 0o4000;
/** Set-group-id. */
export const S_ISGID = 0o2000;
/** Execution by the group. */
export const S_IXGRP = 0o010;

/** A name of an inode. */
export interface Dentry {
  readonly parent: Inode;
  readonly name: string;
  readonly inode: Inode;
  /** The placement's id. */
  readonly edge: string;
  /** Whether the file has the name. */
  stored: boolean;
  /** Whether the name was created by a rename. */
  readonly moved: boolean;
  /** Whether the name goes to the trash when it is removed, regardless of the mount's history. */
  trash: boolean;
}

/** A directory's known children. Names that are not in `known` have to be looked up. */
export class Children {
  /** Null: the name was removed here, but the file may still have it. */
  readonly known: Map<string, Dentry | null> = new Map();
  /** Whether every name is in `known`. */
  complete: boolean;
  /** Names that the file does not have yet, in the order of their edges. */
  readonly added: Set<Dentry> = new Set();
  /** The edges of names that were removed here and are still in the file. */
  readonly removed: Set<string> = new Set();
  /** The names of those edges. */
  readonly removedNames: Set<string> = new Set();
  /** Decides how many names to read together with a lookup. */
  readonly lookahead: Lookahead = new Lookahead();
  /** The requested number of rows of the last listing page. */
  pageLimit = 0;
  /** Rows that a listing has read but not returned yet. */
  page: ListingPage | null = null;
  /** The order of listings, set by the first one. */
  order: ListingOrder | null = null;

  constructor(complete: boolean) {
    this.complete = complete;
  }
}

/**
 * The state of a file's content, including changes that are not in the pool yet. Its collections
 * are created on first use, because for most files in memory only the attributes are used.
 */
export class Content {
  /** The size according to the file's own rows, in bytes. */
  stored: number;
  /** Stored content from this offset on was truncated. */
  limit: number = Infinity;
  /** The written chunks by index. */
  get chunks(): Map<number, DirtyChunk> {
    return this.#chunks ??= new Map();
  }
  /** Indexes of written chunks that are neither in the pool nor in the redo log. */
  get unsaved(): Set<number> {
    return this.#unsaved ??= new Set();
  }
  /** Indexes of chunks that have records in the redo log. */
  get logged(): Set<number> {
    return this.#logged ??= new Set();
  }
  /** Indexes of logged chunks whose records are no longer valid. */
  get stale(): Set<number> {
    return this.#stale ??= new Set();
  }
  /** The number of versions that the node's retention keeps; null for the mount's setting. */
  readonly keep: number | null;
  /** Whether another mount has written content that is only in its log so far. */
  loggedElsewhere = false;
  /** The number of stored bytes that are known to be holes. */
  holeBytes = 0;
  /** The committed version, to detect changes of another process. */
  version = 0;
  /**
   * Whether the kernel has accepted a write beyond the maximum size into its cache, and so assumes
   * a size that the file does not have.
   */
  oversized = false;
  /** The growth of the size by the last write from the kernel's cache. */
  grown: { from: number; to: number } | null = null;
  #chunks: Map<number, DirtyChunk> | null = null;
  #unsaved: Set<number> | null = null;
  #logged: Set<number> | null = null;
  #stale: Set<number> | null = null;

  constructor(stored: number, keep: number | null) {
    this.stored = stored;
    this.keep = keep;
  }

  /** The size of the written chunks that wait to be stored, in bytes. */
  get waitingBytes(): number {
    if (this.#chunks === null) return 0;
    for (const { size } of this.#chunks.values()) return size * this.#chunks.size;
    return 0;
  }

  /** The number of stored bytes that are still valid. */
  get valid(): number {
    return Math.min(this.stored, this.limit);
  }
}

/** Returns the directory that an inode has been merged into, or the inode itself. */
export function live(inode: Inode): Inode {
  let at = inode;
  while (at.joined !== null) at = at.joined;
  return at;
}

/** A node of the volume, with changes not written back yet. There is one object for each node. */
export class Inode {
  /** The kernel's current node id of the inode. */
  nodeId = 0;
  /** `st_ino`, stable across mounts: its upper and lower 32 bits, unsigned. */
  readonly inoHigh: number;
  readonly inoLow: number;
  /** Type and permission bits. */
  mode = 0;
  uid = 0;
  gid = 0;
  nlink = 1;
  /** The device number, as in stat; 0 for nodes that are not devices. */
  rdev = 0;
  /** The size in bytes. */
  size = 0;
  atimeSec = 0;
  atimeNsec = 0;
  mtimeSec = 0;
  mtimeNsec = 0;
  ctimeSec = 0;
  ctimeNsec = 0;
  /** The block count that was last reported to the kernel. */
  reportedBlocks = -1;
  /** The number of references that the kernel holds. */
  lookups = 0;
  /** Earlier node ids that the kernel still holds, with its references to each. */
  aliases: Map<number, number> | null = null;

  /** The creation time while the file does not have the node; null afterwards. */
  born: Time | null = null;
  /** Whether times have changed. */
  timesChanged = false;
  /** Whether owner, group or permission bits have changed. */
  ownerChanged = false;
  /** Whether size or content have changed since the last commit. */
  contentChanged = false;
  /** Changed extended attributes by name; null for a removed one. */
  xattrChanges: Map<string, Uint8Array | null> | null = null;
  /** The size of the changed extended attributes, in bytes. */
  xattrBytes = 0;
  /** All extended attributes, once they were requested. */
  xattrs: Map<string, Uint8Array> | null = null;
  /** The inode's known names. */
  readonly names: Set<Dentry> = new Set();
  /** The children of a directory; null for other nodes. */
  children: Children | null = null;
  /** The content of a regular file; null for other nodes. */
  content: Content | null = null;
  /** The target of a symbolic link, once it is known. */
  target: Uint8Array | null = null;
  /** Whether the file lists the node as open without a name. */
  listedUnlinked = false;
  /**
   * Whether the node stays although it has no name: it is in the trash, or another process removed
   * the name.
   */
  spared = false;
  /** The directory that this one was merged into; the kernel may still hold this one. */
  joined: Inode | null = null;

  /** The node's uuid7. */
  readonly id: string;

  constructor(id: string) {
    this.id = id;
    const hex = id.replaceAll("-", "");
    // Mix the id's time and counter with its random part, which makes collisions very unlikely.
    this.inoHigh = (parseInt(hex.slice(4, 12), 16) ^ parseInt(hex.slice(16, 24), 16)) >>> 0;
    this.inoLow = (parseInt(hex.slice(24, 32), 16) ^ parseInt(hex.slice(12, 16), 16)) >>> 0;
  }

  /** Whether it is a directory. */
  get isDirectory(): boolean {
    return (this.mode & S_IFMT) === S_IFDIR;
  }

  /** Whether it is a regular file. */
  get isRegular(): boolean {
    return (this.mode & S_IFMT) === S_IFREG;
  }

  /** Whether it is a symbolic link. */
  get isSymlink(): boolean {
    return (this.mode & S_IFMT) === S_IFLNK;
  }

  /** Sets the time of the inode's last change. */
  changed(at: Time): void {
    this.ctimeSec = at.sec;
    this.ctimeNsec = at.nsec;
    this.timesChanged = true;
  }

  /** Sets the times of the content's and the inode's last change. */
  modified(at: Time): void {
    this.mtimeSec = at.sec;
    this.mtimeNsec = at.nsec;
    this.changed(at);
  }
}
