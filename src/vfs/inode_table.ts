import type { InodeRow } from "../ops/inodes.ts";
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

/** Inodes that nobody refers to, kept because they may be asked for again. */
const IDLE_LIMIT = 4096;

const TYPE_BITS: Record<string, number> = {
  container: S_IFDIR,
  entry: S_IFREG,
  symlink: S_IFLNK,
  fifo: S_IFIFO,
  socket: S_IFSOCK,
};

/** Every inode in memory: one object for each node. */
export class InodeTable {
  readonly #byNumber = new Map<number, Inode>();
  readonly #byId = new Map<string, Inode>();
  /** Clean and without references, the longest so first. */
  readonly #idle = new Set<Inode>();
  readonly #owner: { uid: number; gid: number };
  readonly #chunkSize: number;
  readonly #isBusy: (inode: Inode) => boolean;
  #last = 0;

  /**
   * @param owner Whom nodes without an owner belong to.
   * @param chunkSize Bytes in a full chunk.
   * @param isBusy Whether an inode has something to be written back.
   */
  constructor(
    owner: { uid: number; gid: number },
    chunkSize: number,
    isBusy: (inode: Inode) => boolean,
  ) {
    this.#owner = owner;
    this.#chunkSize = chunkSize;
    this.#isBusy = isBusy;
  }

  /** How many there are. */
  get size(): number {
    return this.#byId.size;
  }

  /** All of them. */
  all(): Iterable<Inode> {
    return this.#byId.values();
  }

  /** The one with a node id. @throws {ErrnoError} ESTALE. */
  numbered(nodeId: number): Inode {
    const inode = this.#byNumber.get(nodeId);
    if (inode === undefined) throw new ErrnoError("ESTALE");
    return inode;
  }

  /** The one of a node, if it is in memory. */
  get(id: string): Inode | undefined {
    return this.#byId.get(id);
  }

  /** Takes in a new inode. */
  add(inode: Inode): void {
    inode.nodeId = ++this.#last;
    this.#byNumber.set(inode.nodeId, inode);
    this.#byId.set(inode.id, inode);
  }

  /** The inode of a row; when it is in memory, what memory says of it is newer. */
  of(row: InodeRow): Inode {
    const known = this.#byId.get(row.id);
    if (known !== undefined) return known;
    const inode = new Inode(row.id);
    this.load(inode, row);
    this.add(inode);
    this.#idle.add(inode);
    return inode;
  }

  /** Gives an inode what a row says. */
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
      inode.content.holeBytes = row.holes * this.#chunkSize;
      inode.content.loggedElsewhere = row.redo;
    }
  }

  /** Counts a reference of the kernel's. */
  remember(inode: Inode): void {
    if (inode.joined !== null) return this.#rememberJoined(inode);
    if (inode.lookups++ === 0) this.#idle.delete(inode);
  }

  /** The kernel is given the handle of an inode that has become part of another one. */
  #rememberJoined(inode: Inode): void {
    const { nodeId } = inode;
    const target = live(inode);
    this.#byNumber.set(nodeId, target);
    target.aliases ??= new Map();
    target.aliases.set(nodeId, (target.aliases.get(nodeId) ?? 0) + 1);
    this.remember(target);
  }

  /** Lets every handle that the kernel has of an inode lead to another one, and lets it go. */
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

  /** Gives references back. @returns The inode when that was the last one. */
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
    this.settle(inode);
    return inode;
  }

  /** Lets an inode go, now or later, if nothing holds it any more. */
  settle(inode: Inode): void {
    if (inode.lookups > 0 || this.#isBusy(inode) || !this.#byId.has(inode.id)) return;
    this.#idle.delete(inode);
    this.#idle.add(inode);
    this.trim();
  }

  /** Takes an inode out that has ceased to be. */
  remove(inode: Inode): void {
    this.#byNumber.delete(inode.nodeId);
    for (const nodeId of inode.aliases?.keys() ?? []) this.#byNumber.delete(nodeId);
    this.#byId.delete(inode.id);
    this.#idle.delete(inode);
  }

  /**
   * Gives an inode another node id, so that the kernel takes what it finds for
   * a new one.
   *
   * @returns False when the kernel does not have the present id, which stays.
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

  /** Lets go of inodes that nobody refers to when there are many. */
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
      if (siblings.known.size === 0) this.settle(name.parent);
    }
    this.remove(inode);
    this.onEvict(inode);
  }

  /** Called with each inode that is let go. */
  onEvict: (inode: Inode) => void = () => {};
}

/** Gives an inode a name. */
export function addName(dentry: Dentry): void {
  dentry.parent.children!.known.set(dentry.name, dentry);
  dentry.inode.names.add(dentry);
}

function typeBits(row: InodeRow): number {
  if (row.device === null) return TYPE_BITS[row.type];
  return row.device.kind === "char" ? S_IFCHR : S_IFBLK;
}

/** `makedev` of glibc, for numbers that fit into 32 bits as the kernel packs them. */
export function makeDevice(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

/** The reverse: the kernel's packed number to major and minor. */
export function splitDevice(rdev: number): { major: number; minor: number } {
  return { major: (rdev >>> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00) };
}
