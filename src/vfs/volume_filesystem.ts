import { AloeError } from "../errors.ts";
import type { MountHandle } from "../mount_handle.ts";
import {
  changeCounter,
  checkpoint,
  fileRoom,
  inodeVolume,
  reclaimChunks,
  zeroChunkHash,
} from "../internal.ts";
import type { Database } from "../ops.ts";
import { limitSplitTime, limitTime } from "../time_limits.ts";
import { commit } from "./commit.ts";
import { ERRNO, ErrnoError } from "./errno.ts";
import { refreshOne, takeInChanges, takeInDeferred } from "./external_changes.ts";
import * as content from "./file_content.ts";
import type {
  AttributeChange,
  Awaitable,
  Caller,
  Entry,
  Filesystem,
  FilesystemStatistics,
  Time,
} from "./filesystem.ts";
import { type Dentry, type Inode, S_IFMT } from "./inode.ts";
import { readdir } from "./listing.ts";
import * as namespace from "./namespace.ts";
import { FreeSpace } from "./free_space.ts";
import { lostPrivileges } from "./privileges.ts";
import { messageOf } from "./set_aside.ts";
import { currentSource } from "./volume_source.ts";
import { type Aside, errnoOf, type VolumeFilesystemOptions, VolumeState } from "./volume_state.ts";
import { writeCached } from "./oversize.ts";
import * as xattr from "./xattrs.ts";

/** The interval between checks for changes of other processes, in ms. */
const WATCH_MS = 400;

/** A due commit waits for a pause of this length between changes, in ms. */
const PAUSE_MS = 20;

/** The maximum time that a due commit waits for a pause, in ms. */
const POSTPONE_MS = 2000;

/** How long a background commit waits for another process, in ms. */
const TICK_PATIENCE = 100;

/** The delay before a retry when another process held the lock, in ms. */
const RETRY_BUSY = 200;

/** The delay before a retry when there was no space, in ms. */
const RETRY_FULL = 1000;

/** The number of possibly unreferenced chunks to check between two requests. */
const RECLAIM = 512;

/** Memory use and counters of a mounted volume. */
export interface VolumeStatistics {
  /** The number of inodes in memory. */
  inodes: number;
  /** The number of bytes waiting to be folded into chunks. */
  dirtyBytes: number;
  /** The size of the content cache, in bytes. */
  cacheBytes: number;
  /** The number of transactions. */
  commits: number;
  /** The number of inodes of which a part could not be written back; it is retried. */
  setAside: number;
}

/** A mounted volume as the kernel's virtual filesystem sees it. */
export class VolumeFilesystem implements Filesystem {
  readonly root: Inode;
  readonly #state: VolumeState;
  readonly #space: FreeSpace;
  #counter = 0;
  #nextWatch = 0;
  #reclaiming = true;
  #reclaimFailureLogged = false;

  private constructor(state: VolumeState, root: Inode) {
    this.#state = state;
    this.root = root;
    this.#space = new FreeSpace(state.db);
  }

  /**
   * Opens a mounted volume.
   *
   * @throws {AloeError} The errors of the operations that read it.
   */
  static async open(
    db: Database,
    mount: MountHandle,
    options: VolumeFilesystemOptions,
  ): Promise<VolumeFilesystem> {
    const source = options.at === undefined
      ? currentSource(db, mount)
      : await import("./volume_source_at.ts").then((m) =>
        m.sourceAt(db, mount, limitTime(options.at!))
      );
    const volume = await inodeVolume(db, mount);
    const zeroHash = await zeroChunkHash(db, mount);
    const state = new VolumeState(db, mount, source, { ...volume, zeroHash }, options);
    const row = await source.load(volume.root);
    if (row === null) {
      throw options.at === undefined
        ? new AloeError("mount_point_archived", `${volume.root}: the mount point is gone`)
        : new AloeError("not_found", "what is to be shown was made after the time asked for");
    }
    const root = state.inodes.of(row);
    state.inodes.remember(root);
    const filesystem = new VolumeFilesystem(state, root);
    filesystem.#counter = state.seen.version = await changeCounter(db);
    return filesystem;
  }

  get readOnly(): boolean {
    return this.#state.options.readOnly;
  }

  /** Returns memory use and counters. */
  statistics(): VolumeStatistics {
    const { inodes, dirtyBytes, cache, counts, aside } = this.#state;
    return {
      inodes: inodes.size,
      dirtyBytes,
      cacheBytes: cache.bytes,
      commits: counts.commits,
      setAside: aside.size,
    };
  }

  inode(nodeId: number): Inode {
    return this.#state.inodes.numbered(nodeId);
  }

  lookup(parent: Inode, name: string): Awaitable<Inode | null> {
    const found = namespace.find(this.#state, parent, name);
    return found instanceof Promise
      ? found.then((dentry) => dentry?.inode ?? null)
      : found?.inode ?? null;
  }

  remember(inode: Inode): void {
    this.#state.inodes.remember(inode);
  }

  forget(nodeId: number, count: number): void {
    const inode = this.#state.inodes.forget(nodeId, count);
    if (inode !== null && inode.nlink === 0 && !inode.spared) namespace.abandon(this.#state, inode);
  }

  setattr(inode: Inode, change: AttributeChange, caller: Caller): Awaitable<void> {
    const state = this.#state;
    state.requireWritable();
    if (change.size !== undefined) {
      content.truncate(state, inode, change.size);
      // From now on the kernel's size is correct again.
      inode.content!.oversized = false;
    }
    const at = limitSplitTime(change.ctime ?? state.options.clock());
    let { mode } = inode;
    if (change.mode !== undefined) mode = (mode & S_IFMT) | (change.mode & 0o7777);
    const chown = change.uid !== undefined || change.gid !== undefined;
    if (change.killPrivileges || (chown && !inode.isDirectory && change.mode === undefined)) {
      mode &= ~lostPrivileges(inode, caller);
    }
    if (mode !== inode.mode || chown) {
      inode.mode = mode;
      inode.uid = change.uid ?? inode.uid;
      inode.gid = change.gid ?? inode.gid;
      inode.ownerChanged = true;
    }
    if (change.size !== undefined && change.mtime === undefined) inode.modified(at);
    if (change.atime !== undefined) {
      const atime = limitSplitTime(change.atime);
      inode.atimeSec = atime.sec;
      inode.atimeNsec = atime.nsec;
    }
    if (change.mtime !== undefined) this.#setMtime(inode, change.mtime);
    inode.changed(at);
    state.touch(inode);
  }

  #setMtime(inode: Inode, requested: Time): void {
    const { sec, nsec } = limitSplitTime(requested);
    inode.mtimeSec = sec;
    inode.mtimeNsec = nsec;
    if (sec === requested.sec && nsec === requested.nsec) return;
    // With write-back, the kernel keeps the time that was requested, so renumber the inode each
    // time.
    if (inode.isRegular) this.#state.forgetInKernel(inode);
  }

  readlink(inode: Inode): Awaitable<Uint8Array> {
    if (!inode.isSymlink) throw new ErrnoError("EINVAL");
    if (inode.target !== null) return inode.target;
    return content.readTarget(this.#state, inode).then((target) => inode.target = target);
  }

  mknod(
    parent: Inode,
    name: string,
    mode: number,
    rdev: number,
    caller: Caller,
  ): Awaitable<Inode> {
    return this.#paced(
      this.#withSpace(0, () => namespace.mknod(this.#state, parent, name, mode, rdev, caller)),
    );
  }

  mkdir(parent: Inode, name: string, mode: number, caller: Caller): Awaitable<Inode> {
    return this.#paced(
      this.#withSpace(0, () => namespace.mkdir(this.#state, parent, name, mode, caller)),
    );
  }

  symlink(parent: Inode, name: string, target: Uint8Array, caller: Caller): Awaitable<Inode> {
    return this.#paced(
      this.#withSpace(0, () => namespace.symlink(this.#state, parent, name, target, caller)),
    );
  }

  tmpfile(parent: Inode, mode: number, caller: Caller): Awaitable<Inode> {
    return this.#withSpace(0, () => namespace.tmpfile(this.#state, parent, mode, caller));
  }

  link(inode: Inode, parent: Inode, name: string): Awaitable<void> {
    return this.#paced(namespace.link(this.#state, inode, parent, name));
  }

  unlink(parent: Inode, name: string): Awaitable<void> {
    return this.#paced(namespace.unlink(this.#state, parent, name));
  }

  rmdir(parent: Inode, name: string): Awaitable<void> {
    return this.#paced(namespace.rmdir(this.#state, parent, name));
  }

  rename(
    parent: Inode,
    name: string,
    newParent: Inode,
    newName: string,
    flags: number,
    caller: Pick<Caller, "uid" | "gid"> = ROOT,
  ): Awaitable<void> {
    return this.#paced(
      namespace.rename(this.#state, parent, name, newParent, newName, flags, caller),
    );
  }

  read(
    inode: Inode,
    offset: number,
    into: Uint8Array,
    unnoticed: boolean = false,
  ): Awaitable<number> {
    const read = () => content.read(this.#state, inode, offset, into, unnoticed);
    const result = read();
    if (!(result instanceof Promise)) return result;
    return result.catch(async (error) => {
      if (!(error instanceof content.DamagedContent)) throw error;
      // Another process may have changed the content since the last check.
      if (!await refreshOne(this.#state, inode)) throw error;
      return await read();
    });
  }

  write(inode: Inode, offset: number, data: Uint8Array, touch: boolean): Awaitable<void> {
    const state = this.#state;
    state.requireWritable();
    return this.#withSpace(data.length, () => {
      if (touch) content.write(state, inode, offset, data);
      else writeCached(state, inode, offset, data);
      if (touch) inode.modified(state.options.clock());
      if (state.dirtyBytes > state.options.dirtyBytes) {
        return this.#commit(false, this.#patience()).catch((error) => this.#postpone(error));
      }
    });
  }

  fallocate(inode: Inode, mode: number, offset: number, length: number): Awaitable<void> {
    this.#state.requireWritable();
    return this.#withSpace(0, () => content.fallocate(this.#state, inode, mode, offset, length));
  }

  copyRange(
    from: Inode,
    fromOffset: number,
    to: Inode,
    toOffset: number,
    length: number,
  ): Awaitable<number> {
    this.#state.requireWritable();
    return this.#paced(
      this.#withSpace(0, async () => {
        const copied = await content.copyRange(
          this.#state,
          from,
          fromOffset,
          to,
          toOffset,
          length,
        );
        // Another process could delete the referenced chunks until the references are in the file.
        if (hasReferences(to)) await this.#commit(false);
        return copied;
      }),
    );
  }

  seek(inode: Inode, offset: number, what: "data" | "hole"): Awaitable<number> {
    return content.seek(this.#state, inode, offset, what);
  }

  readdir(
    directory: Inode,
    cookieHigh: number,
    cookieLow: number,
    fill: (entry: Entry) => boolean,
  ): Awaitable<void> {
    return readdir(this.#state, directory, cookieHigh, cookieLow, fill);
  }

  parentOf(directory: Inode): Inode {
    return namespace.parentOf(directory) ?? this.root;
  }

  getxattr(inode: Inode, name: string): Awaitable<Uint8Array> {
    return xattr.get(this.#state, inode, name);
  }

  setxattr(inode: Inode, name: string, value: Uint8Array, flags: number): Awaitable<void> {
    return this.#paced(
      this.#withSpace(value.length, () => xattr.set(this.#state, inode, name, value, flags)),
    );
  }

  listxattr(inode: Inode): Awaitable<string[]> {
    return xattr.list(this.#state, inode);
  }

  removexattr(inode: Inode, name: string): Awaitable<void> {
    return xattr.remove(this.#state, inode, name);
  }

  async statfs(): Promise<FilesystemStatistics> {
    const state = this.#state;
    const { used, reusable } = await fileRoom(state.db);
    this.#space.reuse(reusable);
    const { available, room } = this.#space;
    const blockSize = 4096;
    // Count waiting data as written.
    const taken = used + state.dirtyBytes;
    const free = Math.max(0, available - state.dirtyBytes);
    const blocksFree = Math.floor(free / blockSize);
    return {
      blockSize,
      blocks: Math.ceil(taken / blockSize) + blocksFree,
      blocksFree,
      blocksAvailable: Math.floor(Math.max(0, Math.min(free, room - state.dirtyBytes)) / blockSize),
      // Nodes are rows, limited only by space.
      files: 2 ** 32,
      filesFree: 2 ** 32 - this.#state.inodes.size,
      nameMax: 255,
    };
  }

  async sync(): Promise<void> {
    await this.#commit(true);
  }

  isUnsynced(nodeId: number): boolean {
    const { aside } = this.#state;
    if (aside.size === 0) return false;
    if (nodeId === 0) return true;
    const inode = this.inode(nodeId);
    return aside.has(inode) ||
      [...aside].some(([{ names }, { parts }]) =>
        (parts.has("names") || parts.has("existence")) && isIn(names, inode)
      );
  }

  /** Commits the waiting changes without waiting for the disk. */
  async flush(): Promise<void> {
    await this.#commit(false);
  }

  async tick(): Promise<number> {
    const state = this.#state;
    const now = performance.now();
    // Inodes that were read ahead but not used are evicted like others.
    state.inodes.trim();
    if (now >= this.#nextWatch) {
      this.#nextWatch = now + WATCH_MS;
      await this.#watch();
      // Checking a large table is slow, so limit it to a tenth of the time.
      this.#nextWatch += 10 * (performance.now() - now);
    }
    // Prefer to commit in a pause between changes.
    const working = now - state.touchedAt < PAUSE_MS && now < state.due + POSTPONE_MS;
    if (now >= state.due && !working) {
      await this.#commit(false, TICK_PATIENCE).catch((error) => this.#postpone(error));
      this.#reclaiming = !state.options.readOnly;
    }
    if (this.#space.isShort && !state.options.readOnly) await this.#makeRoom();
    if (this.#reclaiming && !state.options.readOnly && !state.full) {
      this.#reclaiming = await this.#reclaim(TICK_PATIENCE) > 0;
      if (this.#reclaiming) return 0;
    }
    const wanted = Math.min(state.due, this.#nextWatch) - performance.now();
    return Math.max(working ? PAUSE_MS / 2 : 0, wanted);
  }

  async close(): Promise<void> {
    const state = this.#state;
    if (state.options.readOnly) return;
    // Fold logged content in bounded steps until the log is empty.
    for (let round = 0; round < 10_000; round++) {
      for (const inode of state.inodes.all()) inode.lookups = inode.nodeId === 1 ? 1 : 0;
      for (const inode of [...state.inodes.all()]) {
        if (inode.nlink === 0 && !inode.spared) namespace.abandon(state, inode);
      }
      for (const inode of state.logged) {
        for (const chunk of inode.content!.chunks.values()) chunk.firstLoggedAt = -Infinity;
      }
      for (const waiting of state.aside.values()) waiting.retryAt = -Infinity;
      const left = [...state.dirty].filter((inode) => !state.aside.has(inode));
      if (round > 0 && left.length === 0 && isFolded(state)) break;
      await this.#commit(false);
    }
    await this.#commit(true);
    while (await this.#reclaim() > 0);
    if (state.aside.size > 0) throw notWrittenBack(state.aside);
  }

  /**
   * Deletes some unreferenced chunks. A failure is harmless: the next mount or prune continues.
   *
   * @returns The number of chunks checked.
   */
  async #reclaim(patience?: number): Promise<number> {
    const { db, options } = this.#state;
    try {
      return await reclaimChunks(db, RECLAIM, patience);
    } catch (error) {
      if (error instanceof AloeError && error.code === "busy") return 0;
      if (!this.#reclaimFailureLogged) options.log(`chunks are not reclaimed: ${messageOf(error)}`);
      this.#reclaimFailureLogged = true;
      return 0;
    }
  }

  /** Updates the reusable space, and empties the log if it takes needed space. */
  async #makeRoom(): Promise<void> {
    const { db } = this.#state;
    if (this.#space.shouldEmptyLog) await checkpoint(db);
    await this.#reclaim();
    this.#space.reuse((await fileRoom(db)).reusable);
  }

  async #watch(): Promise<void> {
    const state = this.#state;
    const counter = await changeCounter(state.db);
    if (counter !== this.#counter) {
      this.#counter = counter;
      await takeInChanges(state);
    }
    // Waiting names were checked against an older state; their commit checks them again.
    const { addedNames, removedNames, trashedNames } = state;
    if (addedNames.size + removedNames.size + trashedNames.size === 0) {
      state.seen.version = counter;
    }
  }

  /**
   * Returns how long a commit that frees memory waits for another process: longer when much is
   * waiting.
   */
  #patience(): number | undefined {
    const { dirtyBytes, dirty, options } = this.#state;
    const much = dirtyBytes > 4 * options.dirtyBytes || dirty.size > 4 * DIRTY_INODES;
    return much ? undefined : TICK_PATIENCE;
  }

  /** Keeps changes in memory after a failure for lack of space or of a lock. */
  #postpone(error: unknown): void {
    const state = this.#state;
    const busy = error instanceof AloeError && error.code === "busy";
    const full = error instanceof ErrnoError && error.errno === ERRNO.ENOSPC;
    if (!busy && !full) throw error;
    if (full) state.options.log("no space is left: what was written waits in memory");
    state.due = performance.now() + (busy ? RETRY_BUSY : RETRY_FULL);
  }

  async #commit(durable: boolean, patience?: number): Promise<void> {
    const state = this.#state;
    try {
      await commit(state, durable, patience);
      if (state.deferred.size > 0) await takeInDeferred(state);
    } catch (error) {
      throw errnoOf(error);
    }
  }

  /** Commits early when many changes are waiting. */
  #paced<T>(result: Awaitable<T>): Awaitable<T> {
    const state = this.#state;
    const most = this.#space.isTight ? DIRTY_WHERE_TIGHT : DIRTY_INODES;
    if (state.dirty.size < most && state.dirtyBytes <= state.options.dirtyBytes) return result;
    // It has failed, and is tried again soon: not for each request.
    if (state.full && performance.now() < state.due) return result;
    return (async () => {
      const value = await result;
      // The call itself has succeeded; a later commit or sync reports this failure.
      await this.#commit(false, this.#patience()).catch((error) => this.#postpone(error));
      return value;
    })();
  }

  /**
   * Runs a task that adds waiting changes.
   *
   * @throws {ErrnoError} ENOSPC when waiting changes already need all free space.
   */
  #withSpace<T>(bytes: number, task: () => Awaitable<T>): Awaitable<T> {
    const state = this.#state;
    if (!state.full && !this.#space.isShort) return task();
    if (this.#space.fits(state.dirtyBytes + bytes)) return task();
    return (async () => {
      if (state.dirtyBytes > 0) await this.#commit(false);
      await this.#makeRoom();
      if (!this.#space.fits(state.dirtyBytes + bytes)) throw new ErrnoError("ENOSPC");
      return await task();
    })();
  }
}

const ROOT = { uid: 0, gid: 0 };

/**
 * The maximum number of inodes waiting to be written back; bounds memory and the pause of a commit.
 */
const DIRTY_INODES = 4096;

/** The same on a disk that is nearly full: the log takes what a commit writes. */
const DIRTY_WHERE_TIGHT = 256;

/** Returns whether the log holds only content that cannot be written back. */
function isFolded(state: VolumeState): boolean {
  return [...state.logged].every((inode) => state.aside.has(inode));
}

/** Returns whether one of the names is in a directory. */
function isIn(names: Iterable<Dentry>, directory: Inode): boolean {
  for (const { parent } of names) if (parent === directory) return true;
  return false;
}

/** The maximum number of inodes that an error names. */
const NAMED = 20;

function notWrittenBack(aside: ReadonlyMap<Inode, Aside>): AloeError {
  const lines = [...aside.values()].slice(0, NAMED)
    .map(({ path, error }) => `${path} (${messageOf(error)})`);
  if (aside.size > NAMED) lines.push(`and ${aside.size - NAMED} more`);
  const [{ error }] = aside.values();
  const damaged = error instanceof content.DamagedContent;
  const code = error instanceof AloeError ? error.code : damaged ? "corrupt" : "io_error";
  return new AloeError(code, `not written back: ${lines.join(", ")}`);
}

function hasReferences(inode: Inode): boolean {
  for (const chunk of inode.content!.chunks.values()) {
    if (typeof chunk.base !== "string") return true;
  }
  return false;
}
