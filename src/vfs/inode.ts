import type { DirtyChunk } from "./dirty_chunk.ts";
import type { Time } from "./filesystem.ts";
import type { ListingPage } from "./listing.ts";
import type { ListingOrder } from "./listing_order.ts";
import { Lookahead } from "./lookahead.ts";

/** Type bits of a mode, as `stat(2)` has them. */
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
  /** Whether the file has it. */
  stored: boolean;
  /** Whether it came by a rename. */
  readonly moved: boolean;
  /** Whether it goes to the trash when it ends, whatever is kept of what is unlinked. */
  trash: boolean;
}

/** What a directory knows of its children. Names that are not in `known` have to be looked up. */
export class Children {
  /** Null: the file may still have the name, but it was removed here. */
  readonly known: Map<string, Dentry | null> = new Map();
  /** Whether every name is in `known`. */
  complete: boolean;
  /** Names that the file does not have yet, in the order of their edges. */
  readonly added: Set<Dentry> = new Set();
  /** Edges that the file still has, of names that were removed here. */
  readonly removed: Set<string> = new Set();
  /** The names of those. */
  readonly removedNames: Set<string> = new Set();
  /** How many names are read along with one that is looked up. */
  readonly lookahead: Lookahead = new Lookahead();
  /** How many rows the last page of a listing was to have. */
  pageLimit = 0;
  /** Rows that a listing has read and not handed out yet. */
  page: ListingPage | null = null;
  /** The order of listings, since the first one. */
  order: ListingOrder | null = null;

  constructor(complete: boolean) {
    this.complete = complete;
  }
}

/**
 * What is kept of a file's content that is not in the pool yet. Its collections
 * are made when they are first asked for: of most files in memory nothing but
 * the attributes ever is.
 */
export class Content {
  /** Bytes that the file's own rows say. */
  stored: number;
  /** What is stored at this offset and past it was cut off. */
  limit: number = Infinity;
  /** What was written, by chunk. */
  get chunks(): Map<number, DirtyChunk> {
    return this.#chunks ??= new Map();
  }
  /** Of those, what neither the pool nor the redo log has. */
  get unsaved(): Set<number> {
    return this.#unsaved ??= new Set();
  }
  /** Chunks that the redo log has records of. */
  get logged(): Set<number> {
    return this.#logged ??= new Set();
  }
  /** Of those, the ones whose records count no more. */
  get stale(): Set<number> {
    return this.#stale ??= new Set();
  }
  /** How many versions its owner wants kept; null for the mount's way. */
  readonly keep: number | null;
  /** Whether another mount has written what is in its log only, so far. */
  loggedElsewhere = false;
  /** Bytes of what is stored that are known to be holes. */
  holeBytes = 0;
  /** The committed version, to tell when another process has changed it. */
  version = 0;
  /**
   * Whether the kernel has taken a write past the largest size, before it asked
   * us: it believes a size that the file does not have.
   */
  oversized = false;
  /** The size that the last write from the kernel's cache has grown, and to what. */
  grown: { from: number; to: number } | null = null;
  #chunks: Map<number, DirtyChunk> | null = null;
  #unsaved: Set<number> | null = null;
  #logged: Set<number> | null = null;
  #stale: Set<number> | null = null;

  constructor(stored: number, keep: number | null) {
    this.stored = stored;
    this.keep = keep;
  }

  /** Bytes of the chunks that were written and wait to be stored. */
  get waitingBytes(): number {
    if (this.#chunks === null) return 0;
    for (const { size } of this.#chunks.values()) return size * this.#chunks.size;
    return 0;
  }

  /** Bytes of what is stored that still count. */
  get valid(): number {
    return Math.min(this.stored, this.limit);
  }
}

/** The directory that an inode is by now. */
export function live(inode: Inode): Inode {
  let at = inode;
  while (at.joined !== null) at = at.joined;
  return at;
}

/** A node of the volume, with what is not written back yet. One object for each. */
export class Inode {
  /** The kernel's handle for it. */
  nodeId = 0;
  /** `st_ino`, stable across mounts: its upper and lower 32 bits, unsigned. */
  readonly inoHigh: number;
  readonly inoLow: number;
  /** Type and permission bits. */
  mode = 0;
  uid = 0;
  gid = 0;
  nlink = 1;
  /** As stat has it; of devices only. */
  rdev = 0;
  /** Bytes. */
  size = 0;
  atimeSec = 0;
  atimeNsec = 0;
  mtimeSec = 0;
  mtimeNsec = 0;
  ctimeSec = 0;
  ctimeNsec = 0;
  /** The blocks that the kernel was told of last. */
  toldBlocks = -1;
  /** How many references the kernel has. */
  lookups = 0;
  /** Earlier handles that the kernel still has, with its references to each. */
  aliases: Map<number, number> | null = null;

  /** When it was made, while the file does not have it; null when it has. */
  born: Time | null = null;
  /** Whether times have changed. */
  timesChanged = false;
  /** Whether owner, group or permission bits have changed. */
  ownerChanged = false;
  /** Whether size or content have changed since the last commit. */
  contentChanged = false;
  /** Whether extended attributes have changed, by name; null: removed. */
  xattrChanges: Map<string, Uint8Array | null> | null = null;
  /** Bytes of those. */
  xattrBytes = 0;
  /** All extended attributes, once they have been asked for. */
  xattrs: Map<string, Uint8Array> | null = null;
  /** Its names, as far as they are known. */
  readonly names: Set<Dentry> = new Set();
  /** Of a directory. */
  children: Children | null = null;
  /** Of a regular file. */
  content: Content | null = null;
  /** Of a symbolic link, once it is known. */
  target: Uint8Array | null = null;
  /** Whether the file says that it has no name but is open. */
  listedUnlinked = false;
  /** Whether its node stays though it has no name: it is in the trash, or others removed it. */
  spared = false;
  /** The directory that this one has become a part of; the kernel may still know this one. */
  joined: Inode | null = null;

  /** The node's uuid7. */
  readonly id: string;

  constructor(id: string) {
    this.id = id;
    const hex = id.replaceAll("-", "");
    // Time and counter in front, chance behind: their mixture is as good as unique.
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

  /** Sets the time of the last change of the inode itself. */
  changed(at: Time): void {
    this.ctimeSec = at.sec;
    this.ctimeNsec = at.nsec;
    this.timesChanged = true;
  }

  /** Sets the time of the last change of its content, and of the inode. */
  modified(at: Time): void {
    this.mtimeSec = at.sec;
    this.mtimeNsec = at.nsec;
    this.changed(at);
  }
}
