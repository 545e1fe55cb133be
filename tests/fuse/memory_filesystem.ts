/** A filesystem in memory, for tests of the mount's machinery. */

import { ErrnoError } from "../../src/vfs/errno.ts";
import {
  type AttributeChange,
  type Caller,
  type Entry,
  type Filesystem,
  type FilesystemStatistics,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  type Time,
} from "../../src/vfs/filesystem.ts";
import { Inode, S_IFDIR, S_IFLNK, S_IFMT, S_ISGID, S_ISUID } from "../../src/vfs/inode.ts";
import { uuid7 } from "../../src/ids.ts";
import { coarseTime } from "../../fuse/libfuse.ts";
import { callerOf } from "../support/caller.ts";

const FALLOC_KEEP_SIZE = 1;
const FALLOC_PUNCH_HOLE = 2;
const FALLOC_ZERO_RANGE = 16;
const XATTR_CREATE = 1;
const XATTR_REPLACE = 2;
const S_IXGRP = 0o010;
/** Holes are detected in blocks of this size, in bytes. */
const BLOCK = 4096;
/** Smaller cookies are those of `.` and `..`. */
const FIRST_COOKIE = 16;

class MemoryInode extends Inode {
  data: Uint8Array = new Uint8Array(0);
  link: Uint8Array = new Uint8Array(0);
  readonly attributes = new Map<string, Uint8Array>();
  /** The children of a directory with their cookies, in listing order. */
  readonly entries = new Map<string, { inode: MemoryInode; cookie: number }>();
  nextCookie = FIRST_COOKIE;
  parent: MemoryInode = this;
}

/** A filesystem that keeps everything in memory; nothing is durable. */
export class MemoryFilesystem implements Filesystem {
  readonly readOnly = false;
  readonly root: MemoryInode;
  /** The number of syncs. */
  syncs = 0;
  /** Thrown by lookups of the name `broken`. */
  fault: unknown = new Error("broken on purpose");
  readonly #inodes = new Map<number, MemoryInode>();
  #nextId = 1;

  constructor() {
    this.root = this.#make(S_IFDIR | 0o755, callerOf(0, 0));
    this.root.nlink = 2;
    this.remember(this.root);
  }

  /** The number of inodes that the kernel refers to. */
  get known(): number {
    return this.#inodes.size;
  }

  inode(nodeId: number): MemoryInode {
    const inode = this.#inodes.get(nodeId);
    if (inode === undefined) throw new ErrnoError("ESTALE");
    return inode;
  }

  lookup(parent: Inode, name: string): MemoryInode | null {
    if (name === "broken") throw this.fault;
    return directory(parent).entries.get(name)?.inode ?? null;
  }

  remember(inode: Inode): void {
    if (inode.nodeId === 0) {
      inode.nodeId = this.#nextId++;
      this.#inodes.set(inode.nodeId, inode as MemoryInode);
    }
    inode.lookups++;
  }

  forget(nodeId: number, count: number): void {
    const inode = this.inode(nodeId);
    inode.lookups -= count;
    if (inode.lookups > 0 || inode === this.root) return;
    this.#inodes.delete(nodeId);
    inode.nodeId = 0;
  }

  setattr(inode: Inode, change: AttributeChange, _caller: Caller): void {
    const file = inode as MemoryInode;
    if (change.mode !== undefined) inode.mode = (inode.mode & S_IFMT) | change.mode;
    inode.uid = change.uid ?? inode.uid;
    inode.gid = change.gid ?? inode.gid;
    const now = coarseTime();
    if (change.size !== undefined) {
      resize(file, change.size);
      modified(inode, now);
    }
    if (change.killPrivileges) {
      inode.mode &= ~S_ISUID;
      if (inode.mode & S_IXGRP) inode.mode &= ~S_ISGID;
    }
    if (change.atime !== undefined) {
      inode.atimeSec = change.atime.sec;
      inode.atimeNsec = change.atime.nsec;
    }
    if (change.mtime !== undefined) {
      inode.mtimeSec = change.mtime.sec;
      inode.mtimeNsec = change.mtime.nsec;
    }
    changed(inode, change.ctime ?? now);
  }

  readlink(inode: Inode): Uint8Array {
    return (inode as MemoryInode).link;
  }

  mknod(parent: Inode, name: string, mode: number, rdev: number, caller: Caller): MemoryInode {
    const inode = this.#make(mode, caller);
    inode.rdev = rdev;
    return this.#add(parent, name, inode);
  }

  mkdir(parent: Inode, name: string, mode: number, caller: Caller): MemoryInode {
    const inode = this.#make(mode | S_IFDIR, caller);
    inode.nlink = 2;
    return this.#add(parent, name, inode);
  }

  symlink(parent: Inode, name: string, target: Uint8Array, caller: Caller): MemoryInode {
    const inode = this.#make(S_IFLNK | 0o777, caller);
    inode.link = target;
    inode.size = target.length;
    return this.#add(parent, name, inode);
  }

  tmpfile(_parent: Inode, mode: number, caller: Caller): MemoryInode {
    const inode = this.#make(mode, caller);
    inode.nlink = 0;
    return inode;
  }

  link(inode: Inode, parent: Inode, name: string): void {
    this.#add(parent, name, inode as MemoryInode);
    inode.nlink++;
    changed(inode, coarseTime());
  }

  unlink(parent: Inode, name: string): void {
    const inode = this.#child(parent, name);
    if (inode.isDirectory) throw new ErrnoError("EISDIR");
    this.#take(parent, name);
    inode.nlink--;
    changed(inode, coarseTime());
  }

  rmdir(parent: Inode, name: string): void {
    const inode = this.#child(parent, name);
    if (!inode.isDirectory) throw new ErrnoError("ENOTDIR");
    if (inode.entries.size > 0) throw new ErrnoError("ENOTEMPTY");
    this.#take(parent, name);
    inode.nlink = 0;
  }

  rename(
    parent: Inode,
    name: string,
    newParent: Inode,
    newName: string,
    flags: number,
  ): void {
    const inode = this.#child(parent, name);
    const old = directory(newParent).entries.get(newName)?.inode;
    if (flags & RENAME_EXCHANGE) {
      if (old === undefined) throw new ErrnoError("ENOENT");
      this.#take(parent, name);
      this.#take(newParent, newName);
      this.#add(parent, name, old);
      this.#add(newParent, newName, inode);
      return;
    }
    if (old === inode) return;
    if (old !== undefined) {
      if (flags & RENAME_NOREPLACE) throw new ErrnoError("EEXIST");
      if (old.isDirectory) this.rmdir(newParent, newName);
      else this.unlink(newParent, newName);
    }
    this.#take(parent, name);
    this.#add(newParent, newName, inode);
    changed(inode, coarseTime());
  }

  read(inode: Inode, offset: number, into: Uint8Array): number {
    const { data, size } = inode as MemoryInode;
    const end = Math.min(size, offset + into.length);
    if (end <= offset) return 0;
    into.set(data.subarray(offset, end));
    return end - offset;
  }

  write(inode: Inode, offset: number, data: Uint8Array, touch: boolean): void {
    const file = inode as MemoryInode;
    if (offset + data.length > file.size) resize(file, offset + data.length);
    file.data.set(data, offset);
    if (touch) modified(inode, coarseTime());
  }

  fallocate(inode: Inode, mode: number, offset: number, length: number): void {
    const file = inode as MemoryInode;
    if (mode & (FALLOC_PUNCH_HOLE | FALLOC_ZERO_RANGE)) {
      file.data.fill(0, offset, Math.min(file.size, offset + length));
    } else if (mode & ~FALLOC_KEEP_SIZE) {
      throw new ErrnoError("EOPNOTSUPP");
    }
    if ((mode & FALLOC_KEEP_SIZE) === 0 && offset + length > file.size) {
      resize(file, offset + length);
    }
    modified(inode, coarseTime());
  }

  copyRange(
    from: Inode,
    fromOffset: number,
    to: Inode,
    toOffset: number,
    length: number,
  ): number {
    const source = from as MemoryInode;
    const data = source.data.slice(fromOffset, Math.min(source.size, fromOffset + length));
    if (data.length > 0) this.write(to, toOffset, data, true);
    return data.length;
  }

  seek(inode: Inode, offset: number, what: "data" | "hole"): number {
    const { data, size } = inode as MemoryInode;
    if (offset >= size) throw new ErrnoError("ENXIO");
    for (let at = offset; at < size; at = (Math.floor(at / BLOCK) + 1) * BLOCK) {
      const block = data.subarray(
        Math.floor(at / BLOCK) * BLOCK,
        Math.ceil((at + 1) / BLOCK) * BLOCK,
      );
      if (block.some((byte) => byte !== 0) === (what === "data")) return at;
    }
    if (what === "data") throw new ErrnoError("ENXIO");
    return size;
  }

  readdir(
    inode: Inode,
    _cookieHigh: number,
    cookieLow: number,
    fill: (entry: Entry) => boolean,
  ): void {
    for (const [name, { inode: child, cookie }] of directory(inode).entries) {
      if (cookie <= cookieLow) continue;
      if (!fill({ name, inode: child, cookieHigh: 0, cookieLow: cookie })) return;
    }
  }

  parentOf(inode: Inode): MemoryInode {
    return directory(inode).parent;
  }

  getxattr(inode: Inode, name: string): Uint8Array {
    const value = (inode as MemoryInode).attributes.get(name);
    if (value === undefined) throw new ErrnoError("ENODATA");
    return value;
  }

  setxattr(inode: Inode, name: string, value: Uint8Array, flags: number): void {
    const { attributes } = inode as MemoryInode;
    if (flags & XATTR_CREATE && attributes.has(name)) throw new ErrnoError("EEXIST");
    if (flags & XATTR_REPLACE && !attributes.has(name)) throw new ErrnoError("ENODATA");
    attributes.set(name, value);
    changed(inode, coarseTime());
  }

  listxattr(inode: Inode): string[] {
    return [...(inode as MemoryInode).attributes.keys()];
  }

  removexattr(inode: Inode, name: string): void {
    if (!(inode as MemoryInode).attributes.delete(name)) throw new ErrnoError("ENODATA");
    changed(inode, coarseTime());
  }

  statfs(): FilesystemStatistics {
    return {
      blockSize: 4096,
      blocks: 1 << 20,
      blocksFree: 1 << 19,
      blocksAvailable: 1 << 19,
      files: 1000,
      filesFree: 1000,
      nameMax: 255,
    };
  }

  isUnsynced(): boolean {
    return false;
  }

  async sync(): Promise<void> {
    this.syncs++;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }

  tick(): Promise<number> {
    return Promise.resolve(Infinity);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #make(mode: number, caller: Caller): MemoryInode {
    const inode = new MemoryInode(uuid7());
    inode.mode = mode;
    inode.uid = caller.uid;
    inode.gid = caller.gid;
    const now = coarseTime();
    inode.atimeSec = now.sec;
    inode.atimeNsec = now.nsec;
    modified(inode, now);
    return inode;
  }

  #child(parent: Inode, name: string): MemoryInode {
    const child = directory(parent).entries.get(name)?.inode;
    if (child === undefined) throw new ErrnoError("ENOENT");
    return child;
  }

  #add(parent: Inode, name: string, inode: MemoryInode): MemoryInode {
    const above = directory(parent);
    if (above.entries.has(name)) throw new ErrnoError("EEXIST");
    above.entries.set(name, { inode, cookie: ++above.nextCookie });
    if (inode.isDirectory) {
      above.nlink++;
      inode.parent = above;
    }
    modified(above, coarseTime());
    return inode;
  }

  #take(parent: Inode, name: string): void {
    const above = directory(parent);
    if (this.#child(parent, name).isDirectory) above.nlink--;
    above.entries.delete(name);
    modified(above, coarseTime());
  }
}

function directory(inode: Inode): MemoryInode {
  if (!inode.isDirectory) throw new ErrnoError("ENOTDIR");
  return inode as MemoryInode;
}

function resize(file: MemoryInode, size: number): void {
  if (size > 2 ** 31) throw new ErrnoError("EFBIG");
  if (size > file.data.length) {
    const larger = new Uint8Array(Math.max(size, 2 * file.data.length));
    larger.set(file.data);
    file.data = larger;
  }
  if (size < file.size) file.data.fill(0, size, file.size);
  file.size = size;
}

function changed(inode: Inode, at: Time): void {
  inode.ctimeSec = at.sec;
  inode.ctimeNsec = at.nsec;
}

function modified(inode: Inode, at: Time): void {
  inode.mtimeSec = at.sec;
  inode.mtimeNsec = at.nsec;
  changed(inode, at);
}
