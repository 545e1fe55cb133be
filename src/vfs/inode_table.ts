import type { ChunkMap, InodeRow } from "../internal.ts";
import { ErrnoError } from "./errno.ts";
import {
  Children,
  Content,
  type Dentry,
  Inode,
  live,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFREG,
  S_IFSOCK,
} from "./inode.ts";

/** The number of unreferenced inodes to keep for later lookups. */
const IDLE_LIMIT = 4096;

const TYPE_BITS: Record<string, number> = {
  container: S_IFDIR,
  entry: S_IFREG,
  symlink: S_IFLNK,
  fifo: S_IFIFO,
  socket: S_IFSOCK,
};

/** All inodes in memory, one object for each node. */
export class InodeTable {
  readonly #byNumber = new Map<number, Inode>();
  readonly #byId = new Map<string, Inode>();
  /** Clean inodes without references, the longest idle first. */
  readonly #idle = new Set<Inode>();
  readonly #owner: { uid: number; gid: number };
  readonly #chunks: ChunkMap;
  readonly #isBusy: (inode: Inode) => boolean;
  #last = 0;

  /**
   * @param owner The owner of nodes without one.
   * @param chunks How content lies in chunks.
   * @param isBusy Returns whether an inode has changes to write back.
   */
  constructor(
    owner: { uid: number; gid: number },
    chunks: ChunkMap,
    isBusy: (inode: Inode) => boolean,
  ) {
    this.#owner = owner;
    this.#chunks = chunks;
    this.#isBusy = isBusy;
  }

  /** The number of inodes. */
  get size(): number {
    return this.#byId.size;
  }

  /** Returns all inodes. */
  all(): Iterable<Inode> {
    return this.#byId.values();
  }

  /** Returns the inode with a node id. @throws {ErrnoError} ESTALE. */
  numbered(nodeId: number): Inode {
    const inode = this.#byNumber.get(nodeId);
    if (inode === undefined) throw new ErrnoError("ESTALE");
    return inode;
  }

  /** Returns the inode of a node, if it is in memory. */
  get(id: string): Inode | undefined {
    return this.#byId.get(id);
  }

  /** Adds a new inode. */
  add(inode: Inode): void {
    inode.nodeId = ++this.#last;
    this.#byNumber.set(inode.nodeId, inode);
    this.#byId.set(inode.id, inode);
  }

  /** Returns the inode of a row. The state of an inode in memory is newer than the row. */
  of(row: InodeRow): Inode {
    const known = this.#byId.get(row.id);
    if (known !== undefined) return known;
    const inode = new Inode(row.id);
    this.load(inode, row);
    this.add(inode);
    this.#idle.add(inode);
    return inode;
  }

  /** Sets an inode's attributes from a row. */
  load(inode: Inode, row: InodeRow): void {
    const directory = row.type === "container";
    inode.mode = typeBits(row) |
      (row.mode ?? (directory ? 0o755 : row.type === "symlink" ? 0o777 : 0o644));
    inode.uid = row.uid ?? this.#owner.uid;
    inode.gid = row.gid ?? this.#owner.gid;
    inode.nlink = row.nlink;
    inode.size = directory ? 4096 : row.stored;
    inode.atimeSec = row.atimeSec;
    inode.atimeNsec = row.atimeNsec;
    inode.mtimeSec = row.mtimeSec;
    inode.mtimeNsec = row.mtimeNsec;
    inode.ctimeSec = row.ctimeSec;
    inode.ctimeNsec = row.ctimeNsec;
    if (row.device !== null) {
      inode.rdev = makeDevice(row.device.major, row.device.minor);
      inode.size = 0;
    }
    if (directory) inode.children ??= new Children(false);
    else if (inode.isRegular) {
      inode.content ??= new Content(row.stored, row.keep);
      inode.content.stored = row.stored;
      inode.content.version = row.version;
      inode.content.holeBytes = this.#chunks.startOf(row.holes);
      inode.content.loggedElsewhere = row.redo;
    }
  }

  /** Counts a reference of the kernel. */
  remember(inode: Inode): void {
    if (inode.joined !== null) return this.#rememberJoined(inode);
    if (inode.lookups++ === 0) this.#idle.delete(inode);
  }

  /** Counts a reference to an inode that was merged into another one. */
  #rememberJoined(inode: Inode): void {
    const { nodeId } = inode;
    const target = live(inode);
    this.#byNumber.set(nodeId, target);
    target.aliases ??= new Map();
    target.aliases.set(nodeId, (target.aliases.get(nodeId) ?? 0) + 1);
    this.remember(target);
  }

  /** Redirects all node ids of an inode to another inode, and removes the inode. */
  redirect(inode: Inode, target: Inode): void {
    const handles = new Map(inode.aliases);
    let counted = 0;
    for (const count of handles.values()) counted += count;
    if (inode.lookups > counted) handles.set(inode.nodeId, inode.lookups - counted);
    this.remove(inode);
    inode.joined = target;
    inode.aliases = null;
    if (inode.lookups === 0) return;
    target.aliases ??= new Map();
    for (const [nodeId, count] of handles) {
      target.aliases.set(nodeId, count);
      this.#byNumber.set(nodeId, target);
    }
    this.#idle.delete(target);
    target.lookups += inode.lookups;
    inode.lookups = 0;
  }

  /** Releases references. @returns The inode when the last reference was released. */
  forget(nodeId: number, count: number): Inode | null {
    const inode = this.#byNumber.get(nodeId);
    if (inode === undefined) return null;
    inode.lookups = Math.max(0, inode.lookups - count);
    const { aliases } = inode;
    if (aliases?.has(nodeId)) {
      const left = aliases.get(nodeId)! - count;
      aliases.set(nodeId, left);
      if (left <= 0) {
        aliases.delete(nodeId);
        this.#byNumber.delete(nodeId);
      }
    }
    if (inode.lookups > 0) return null;
    this.evictIfIdle(inode);
    return inode;
  }

  /** Evicts an inode, now or later, if nothing holds it. */
  evictIfIdle(inode: Inode): void {
    if (inode.lookups > 0 || this.#isBusy(inode) || !this.#byId.has(inode.id)) return;
    this.#idle.delete(inode);
    this.#idle.add(inode);
    this.trim();
  }

  /** Removes an inode that no longer exists. */
  remove(inode: Inode): void {
    this.#byNumber.delete(inode.nodeId);
    for (const nodeId of inode.aliases?.keys() ?? []) this.#byNumber.delete(nodeId);
    this.#byId.delete(inode.id);
    this.#idle.delete(inode);
  }

  /**
   * Gives an inode another node id, so that the kernel treats it as new.
   *
   * @returns False when the kernel does not hold the current id, which then stays.
   */
  renumber(inode: Inode): boolean {
    inode.aliases ??= new Map();
    let counted = 0;
    for (const count of inode.aliases.values()) counted += count;
    if (inode.lookups <= counted) return false;
    inode.aliases.set(inode.nodeId, inode.lookups - counted);
    inode.nodeId = ++this.#last;
    this.#byNumber.set(inode.nodeId, inode);
    return true;
  }

  /** Evicts idle inodes when there are too many. */
  trim(): void {
    if (this.#idle.size <= IDLE_LIMIT) return;
    for (const inode of this.#idle) {
      if (this.#idle.size <= IDLE_LIMIT * 3 / 4) break;
      this.#idle.delete(inode);
      this.#evict(inode);
    }
  }

  #evict(inode: Inode): void {
    const { children } = inode;
    if (inode.lookups > 0 || this.#isBusy(inode) || inode.nodeId === 1) return;
    if (children !== null && children.known.size > 0) return;
    for (const name of inode.names) {
      const siblings = name.parent.children!;
      if (siblings.known.get(name.name) === name) siblings.known.delete(name.name);
      siblings.complete = false;
      siblings.lookahead.reach = null;
      if (siblings.known.size === 0) this.evictIfIdle(name.parent);
    }
    this.remove(inode);
    this.onEvict(inode);
  }

  /** Called with each evicted inode. */
  onEvict: (inode: Inode) => void = () => {};
}

/** Adds a name to an inode. */
export function addName(dentry: Dentry): void {
  dentry.parent.children!.known.set(dentry.name, dentry);
  dentry.inode.names.add(dentry);
}

function typeBits(row: InodeRow): number {
  if (row.device === null) return TYPE_BITS[row.type];
  return row.device.kind === "char" ? S_IFCHR : S_IFBLK;
}

/**
 * Returns a packed device number like glibc's `makedev`, for numbers that fit into the kernel's 32
 * bits.
 */
export function makeDevice(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

/** Splits the kernel's packed device number into major and minor. */
export function splitDevice(rdev: number): { major: number; minor: number } {
  return { major: (rdev >>> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00) };
}
