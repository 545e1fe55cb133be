import { decodeText, encodeText } from "./names.ts";
import * as ops from "./ops.ts";
import type { Database } from "./storage/database.ts";
import type {
  DirEntry,
  LockInfo,
  MountInfo,
  NodeInfo,
  NodeType,
  PurgeReport,
  TrashItem,
  VerifyReport,
  VersionInfo,
  WriteMode,
} from "./types.ts";
import { VolumePath } from "./volume_path.ts";

/** Keeps a mount with a time to live valid while its handle is open. */
export interface KeepAlive {
  /** Stops the renewal. */
  stop(): void;
}

/**
 * A mounted volume. Operations take a path from the mount point, `/`; those named `…ById` take a
 * node's id.
 *
 * All operations throw an `AloeError`: `mount_invalid` once the mount has ended, and `not_found` or
 * `not_a_container` when a path does not exist.
 *
 * @example
 * ```ts
 * import { AloeLite } from "@aloelite/aloelite";
 *
 * await using fs = await AloeLite.open(":memory:");
 * await fs.createVolume({ name: "main" });
 * await using mount = await fs.mount();
 * await mount.put("/a.txt", "one");
 * await mount.put("/a.txt", "two");
 * console.assert((await mount.history("/a.txt")).length === 2);
 * ```
 */
export class Mount implements AsyncDisposable {
  readonly #db: Database;
  readonly #handle: ops.MountHandle;
  readonly #keepAlive: KeepAlive | null;

  /**
   * @ignore `AloeLite.mount` and `AloeLite.attach` create mounts.
   */
  constructor(
    db: Database,
    handle: ops.MountHandle,
    keepAlive: KeepAlive | null = null,
  ) {
    this.#db = db;
    this.#handle = handle;
    this.#keepAlive = keepAlive;
  }

  /** The mount's uuid7, which `attach` accepts in any process. */
  get id(): string {
    return this.#handle.id;
  }

  /** The volume's uuid7. */
  get volume(): string {
    return this.#handle.volume;
  }

  /**
   * The token that reopens an encrypted mount in this process without the PIN; null for a plain
   * one.
   */
  get token(): Uint8Array | null {
    return this.#handle.token;
  }

  /** The mount handle, for the functions of the `ops` module. */
  get handle(): ops.MountHandle {
    return this.#handle;
  }

  /** Returns information about the mount. */
  info(): Promise<MountInfo> {
    return ops.mountInfo(this.#db, this.#handle);
  }

  /** Sets the mount's expiry to `ttl` ms from now; null for never. */
  renew(ttl: number | null): Promise<MountInfo> {
    return ops.renewMount(this.#db, this.#handle, ttl);
  }

  /** Ends the mount, releases its locks and overwrites its key. */
  async unmount(): Promise<void> {
    this.#keepAlive?.stop();
    await ops.unmount(this.#db, this.#handle);
  }

  /** Unmounts. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.unmount();
  }

  /**
   * Runs several operations in one transaction. The task must use the mount that it receives.
   *
   * @example
   * ```ts
   * import { AloeLite } from "@aloelite/aloelite";
   *
   * await using fs = await AloeLite.open(":memory:");
   * await fs.createVolume({ name: "main" });
   * await using mount = await fs.mount();
   * await mount.batch(async (tx) => {
   *   for (let i = 0; i < 100; i++) await tx.put(`/${i}.txt`, `${i}`);
   * });
   * console.assert((await mount.list("/")).length === 100);
   * ```
   */
  batch<T>(task: (tx: Mount) => Promise<T>): Promise<T> {
    return this.#db.batch((db) => task(new Mount(db, this.#handle)));
  }

  /** Returns this mount within a batch of the whole file. */
  within(db: Database): Mount {
    return new Mount(db, this.#handle);
  }

  /** Returns a path object like those of Python's pathlib. */
  path(path = "/"): VolumePath {
    return new VolumePath(this, path);
  }

  /**
   * Creates a symbolic link.
   *
   * @param target The link's target. In text, a byte that is not UTF-8 is written as in names: 0xHH
   *   as U+10FEHH.
   * @returns Its node id.
   */
  symlink(path: string, target: string | Uint8Array): Promise<string> {
    const bytes = typeof target === "string" ? encodeText(target) : target;
    return this.createSpecial(path, "symlink", bytes);
  }

  /**
   * Returns a symbolic link's target; bytes that are not UTF-8 are encoded as in {@linkcode
   * symlink}.
   */
  async readLink(path: string): Promise<string> {
    return decodeText(await this.readAll(path));
  }

  /** Returns information about a node. */
  stat(path: string): Promise<NodeInfo> {
    return ops.stat(this.#db, this.#handle, path);
  }

  /** Returns information about a node by id, even if it has no placement. */
  statById(node: string): Promise<NodeInfo> {
    return ops.statById(this.#db, this.#handle, node);
  }

  /** Returns whether a path exists. */
  exists(path: string): Promise<boolean> {
    return ops.exists(this.#db, this.#handle, path);
  }

  /** Returns a directory's children in the order of placement, including hidden ones. */
  list(path = "/", page?: ops.ListPage): Promise<DirEntry[]> {
    return ops.list(this.#db, this.#handle, path, page);
  }

  /** Like {@linkcode list}, by node id. */
  listById(node: string, page?: ops.ListPage): Promise<DirEntry[]> {
    return ops.listById(this.#db, this.#handle, node, page);
  }

  /** Returns a node's path, by its newest placement. */
  pathOf(node: string): Promise<string> {
    return ops.pathOf(this.#db, this.#handle, node);
  }

  /** Creates a directory, which hides an older node of its name. @returns Its id. */
  createContainer(path: string): Promise<string> {
    return ops.createContainer(this.#db, this.#handle, path);
  }

  /** Creates a directory; fails if the name exists. @returns Its id. */
  mkdir(path: string, options: ops.MkdirOptions = {}): Promise<string> {
    return ops.mkdir(this.#db, this.#handle, path, options);
  }

  /** Creates a file, which hides an older node of its name. @returns Its id. */
  createEntry(path: string, data?: Uint8Array): Promise<string> {
    return ops.createEntry(this.#db, this.#handle, path, data);
  }

  /** Creates a symbolic link, a FIFO or a socket. @returns Its id. */
  createSpecial(
    path: string,
    type: Exclude<NodeType, "container" | "entry">,
    data?: Uint8Array,
  ): Promise<string> {
    return ops.createSpecial(this.#db, this.#handle, path, type, data);
  }

  /** Adds a name to a file: a hard link. */
  link(existing: string, path: string): Promise<void> {
    return ops.link(this.#db, this.#handle, existing, path);
  }

  /** Returns a file's whole content, or that of a retained version. */
  readAll(path: string, options: ops.VersionOption = {}): Promise<Uint8Array> {
    return ops.readAll(this.#db, this.#handle, path, options);
  }

  /** Like {@linkcode readAll}, by node id. */
  readAllById(
    node: string,
    options: ops.VersionOption = {},
  ): Promise<Uint8Array> {
    return ops.readAllById(this.#db, this.#handle, node, options);
  }

  /** Returns a part of a file's content: `length` bytes from `offset`, fewer at the end. */
  readRange(
    path: string,
    offset: number,
    length: number,
    options: ops.VersionOption = {},
  ): Promise<Uint8Array> {
    return ops.readRange(this.#db, this.#handle, path, offset, length, options);
  }

  /** Like {@linkcode readRange}, by node id. */
  readRangeById(
    node: string,
    offset: number,
    length: number,
    options: ops.VersionOption = {},
  ): Promise<Uint8Array> {
    return ops.readRangeById(
      this.#db,
      this.#handle,
      node,
      offset,
      length,
      options,
    );
  }

  /** Replaces a file's content, as a new version. */
  writeAll(path: string, data: Uint8Array): Promise<void> {
    return ops.writeAll(this.#db, this.#handle, path, data);
  }

  /** Like {@linkcode writeAll}, by node id. */
  writeAllById(node: string, data: Uint8Array): Promise<void> {
    return ops.writeAllById(this.#db, this.#handle, node, data);
  }

  /** Appends to a file. @returns The new size in bytes. */
  append(path: string, data: Uint8Array): Promise<number> {
    return ops.append(this.#db, this.#handle, path, data);
  }

  /** Like {@linkcode append}, by node id. */
  appendById(node: string, data: Uint8Array): Promise<number> {
    return ops.appendById(this.#db, this.#handle, node, data);
  }

  /** Writes at `offset`; a gap before it is filled with zeros. @returns The new size in bytes. */
  writeRange(path: string, offset: number, data: Uint8Array): Promise<number> {
    return ops.writeRange(this.#db, this.#handle, path, offset, data);
  }

  /** Like {@linkcode writeRange}, by node id. */
  writeRangeById(
    node: string,
    offset: number,
    data: Uint8Array,
  ): Promise<number> {
    return ops.writeRangeById(this.#db, this.#handle, node, offset, data);
  }

  /** Sets a file's size in bytes; a larger file is filled with zeros. */
  truncate(path: string, size: number): Promise<void> {
    return ops.truncate(this.#db, this.#handle, path, size);
  }

  /** Like {@linkcode truncate}, by node id. */
  truncateById(node: string, size: number): Promise<void> {
    return ops.truncateById(this.#db, this.#handle, node, size);
  }

  /** Writes a file: creates it, replaces its content or appends to it. */
  put(
    path: string,
    data: Uint8Array | string | ReadableStream<Uint8Array>,
    options: ops.PutOptions = {},
  ): Promise<void> {
    return ops.put(this.#db, this.#handle, path, data, options);
  }

  /** Opens a file for reading. */
  openRead(
    path: string,
    options: ops.VersionOption = {},
  ): Promise<ops.ReadDescriptor> {
    return ops.openRead(this.#db, this.#handle, path, options);
  }

  /** Like {@linkcode openRead}, by node id. */
  openReadById(
    node: string,
    options: ops.VersionOption = {},
  ): Promise<ops.ReadDescriptor> {
    return ops.openReadById(this.#db, this.#handle, node, options);
  }

  /** Opens a file for writing and locks it; creates a missing file. */
  openWrite(
    path: string,
    mode: WriteMode = "truncate",
  ): Promise<ops.WriteDescriptor> {
    return ops.openWrite(this.#db, this.#handle, path, mode);
  }

  /** Like {@linkcode openWrite}, by node id; the node must exist. */
  openWriteById(
    node: string,
    mode: WriteMode = "truncate",
  ): Promise<ops.WriteDescriptor> {
    return ops.openWriteById(this.#db, this.#handle, node, mode);
  }

  /** Replaces a node's metadata. */
  setMetadata(
    path: string,
    metadata: Readonly<Record<string, string>>,
  ): Promise<void> {
    return ops.setMetadata(this.#db, this.#handle, path, metadata);
  }

  /** Sets the modification time, ns since the Unix epoch. */
  setMtime(path: string, at: bigint): Promise<void> {
    return ops.setMtime(this.#db, this.#handle, path, at);
  }

  /** Sets the access time, ns since the Unix epoch. */
  setAtime(path: string, at: bigint): Promise<void> {
    return ops.setAtime(this.#db, this.#handle, path, at);
  }

  /** Sets the permission bits, 0 to 0o7777. */
  setMode(path: string, mode: number): Promise<void> {
    return ops.setMode(this.#db, this.#handle, path, mode);
  }

  /** Sets owner, group or both. */
  setOwner(path: string, owner: { uid?: number; gid?: number }): Promise<void> {
    return ops.setOwner(this.#db, this.#handle, path, owner);
  }

  /** Sets the number of versions that a content prune keeps; null for all. */
  setRetention(path: string, keep: number | null): Promise<void> {
    return ops.setRetention(this.#db, this.#handle, path, keep);
  }

  /** Returns an extended attribute; null when it does not exist. */
  getXattr(path: string, name: string): Promise<Uint8Array | null> {
    return ops.getXattr(this.#db, this.#handle, path, name);
  }

  /** Returns the names of a node's extended attributes. */
  listXattrs(path: string): Promise<string[]> {
    return ops.listXattrs(this.#db, this.#handle, path);
  }

  /** Sets an extended attribute. */
  setXattr(path: string, name: string, value: Uint8Array): Promise<void> {
    return ops.setXattr(this.#db, this.#handle, path, name, value);
  }

  /** Removes an extended attribute. @returns Whether it existed. */
  removeXattr(path: string, name: string): Promise<boolean> {
    return ops.removeXattr(this.#db, this.#handle, path, name);
  }

  /** Renames a node within its directory. */
  rename(path: string, name: string): Promise<void> {
    return ops.rename(this.#db, this.#handle, path, name);
  }

  /** Like {@linkcode rename}, by node id. */
  renameById(node: string, name: string): Promise<void> {
    return ops.renameById(this.#db, this.#handle, node, name);
  }

  /** Moves a node; `to` is its new path. */
  move(from: string, to: string): Promise<void> {
    return ops.move(this.#db, this.#handle, from, to);
  }

  /** Like {@linkcode move}, by node id. */
  moveById(node: string, to: string): Promise<void> {
    return ops.moveById(this.#db, this.#handle, node, to);
  }

  /** Copies a node and everything below it; the copy shares chunks. @returns The copy's id. */
  copy(from: string, to: string): Promise<string> {
    return ops.copy(this.#db, this.#handle, from, to);
  }

  /** Like {@linkcode copy}, by node id. */
  copyById(node: string, to: string): Promise<string> {
    return ops.copyById(this.#db, this.#handle, node, to);
  }

  /** Moves a file or an empty directory to the trash. */
  remove(path: string): Promise<void> {
    return ops.remove(this.#db, this.#handle, path);
  }

  /** Like {@linkcode remove}, by node id. */
  removeById(node: string): Promise<void> {
    return ops.removeById(this.#db, this.#handle, node);
  }

  /** Moves a node and everything below it to the trash. */
  removeRecursive(path: string): Promise<void> {
    return ops.removeRecursive(this.#db, this.#handle, path);
  }

  /** Like {@linkcode removeRecursive}, by node id. */
  removeRecursiveById(node: string): Promise<void> {
    return ops.removeRecursiveById(this.#db, this.#handle, node);
  }

  /** Replaces a directory with one packed file of its name. @returns The file's id. */
  pack(path: string): Promise<string> {
    return ops.pack(this.#db, this.#handle, path);
  }

  /** Like {@linkcode pack}, by node id. */
  packById(node: string): Promise<string> {
    return ops.packById(this.#db, this.#handle, node);
  }

  /** Replaces a packed file with its directory. */
  unpack(path: string): Promise<void> {
    return ops.unpack(this.#db, this.#handle, path);
  }

  /** Like {@linkcode unpack}, by node id. */
  unpackById(node: string): Promise<void> {
    return ops.unpackById(this.#db, this.#handle, node);
  }

  /** Locks a node against changes by other mounts; `ttl` in ms. */
  lock(path: string, ttl?: number): Promise<LockInfo> {
    return ops.lock(this.#db, this.#handle, path, ttl);
  }

  /** Sets a lock's expiry to `ttl` ms from now. */
  renewLock(lock: string, ttl?: number): Promise<LockInfo> {
    return ops.renewLock(this.#db, this.#handle, lock, ttl);
  }

  /** Releases a lock. */
  unlock(lock: string): Promise<void> {
    return ops.unlock(this.#db, this.#handle, lock);
  }

  /** Returns the readable versions of a file, newest first. */
  history(path: string): Promise<VersionInfo[]> {
    return ops.history(this.#db, this.#handle, path);
  }

  /** Like {@linkcode history}, by node id. */
  historyById(node: string): Promise<VersionInfo[]> {
    return ops.historyById(this.#db, this.#handle, node);
  }

  /** Makes an old version the current one, as a new version. @returns Its number. */
  restoreVersion(path: string, version: number): Promise<number> {
    return ops.restoreVersion(this.#db, this.#handle, path, version);
  }

  /** Like {@linkcode restoreVersion}, by node id. */
  restoreVersionById(node: string, version: number): Promise<number> {
    return ops.restoreVersionById(this.#db, this.#handle, node, version);
  }

  /** Returns the removed nodes that can be restored, newest first. */
  trash(): Promise<TrashItem[]> {
    return ops.listTrash(this.#db, this.#handle);
  }

  /** Restores a removed node to its original or another path. @returns Its path. */
  restore(node: string, options: { to?: string } = {}): Promise<string> {
    return ops.restoreTrash(this.#db, this.#handle, node, options);
  }

  /** Deletes removed nodes permanently: all, one, or those older than a time. */
  purge(options: ops.PurgeOptions = {}): Promise<PurgeReport> {
    return ops.purgeTrash(this.#db, this.#handle, options);
  }

  /** Checks the volume's content: its manifests and, if deep, every byte. */
  verify(options: ops.VerifyOptions = {}): Promise<VerifyReport> {
    return ops.verify(this.#db, this.#handle, options);
  }
}
