/**
 * The functional layer: async functions that take a database, a mount and plain values, each in one
 * transaction. The objects of the main module use these functions.
 *
 * @example
 * ```ts
 * import * as ops from "@aloelite/aloelite/ops";
 *
 * const db = await ops.openDatabase(":memory:");
 * const volume = await ops.createVolume(db, { name: "main" });
 * const mount = await ops.mount(db, volume.id);
 * await ops.createEntry(db, mount, "/a.txt", new TextEncoder().encode("hello"));
 * console.assert((await ops.stat(db, mount, "/a.txt")).size === 5);
 * await ops.unmount(db, mount);
 * await db.close();
 * ```
 *
 * @module
 */
export * from "./errors.ts";
export * from "./types.ts";
export { type OpenOptions } from "./storage/open.ts";
export { type FileSpace, fileSpace } from "./ops/space.ts";
export { openDatabase } from "./ops/open.ts";
export { type RepairedObject, repairFile } from "./storage/open.ts";
export type { Database, OpenDatabase, WriteOptions } from "./storage/database.ts";
export type { BackupOptions, BackupProgress, Durability } from "./storage/dialect.ts";
export { MountHandle, type MountRef } from "./mount_handle.ts";
export { type BoundVersion, ReadDescriptor, type Whence } from "./content/read_descriptor.ts";
export { WriteDescriptor } from "./content/write_descriptor.ts";
export {
  changePin,
  checkPin,
  createVolume,
  type CreateVolumeOptions,
  DEFAULT_CHUNK_SIZE,
  getVolume,
  listVolumes,
  renameVolume,
} from "./ops/volumes.ts";
export { removeVolume } from "./ops/remove_volume.ts";
export {
  attach,
  listMounts,
  mount,
  mountInfo,
  type MountOptions,
  renewMount,
  type RenewMountOptions,
  unmount,
} from "./ops/mounts.ts";
export { exists, stat, statById } from "./ops/stat.ts";
export { list, listById, type ListPage, pathOf } from "./ops/list.ts";
export {
  createContainer,
  createEntry,
  createSpecial,
  link,
  mkdir,
  type MkdirOptions,
} from "./ops/create.ts";
export {
  append,
  appendById,
  readAll,
  readAllById,
  readRange,
  readRangeById,
  truncate,
  truncateById,
  type VersionOption,
  writeAll,
  writeAllById,
  writeRange,
  writeRangeById,
} from "./ops/content.ts";
export { openRead, openReadById, openWrite, openWriteById } from "./ops/streams.ts";
export {
  getXattr,
  listXattrs,
  removeXattr,
  setAtime,
  setMetadata,
  setMode,
  setMtime,
  setOwner,
  setRetention,
  setXattr,
} from "./ops/attributes.ts";
export {
  move,
  moveById,
  remove,
  removeById,
  removeRecursive,
  removeRecursiveById,
  rename,
  renameById,
} from "./ops/placement.ts";
export { copy, copyById } from "./ops/copy.ts";
export { pack, packById, unpack, unpackById } from "./ops/pack.ts";
export { lock, renewLock, unlock } from "./ops/locks.ts";
export { history, historyById, restoreVersion, restoreVersionById } from "./ops/history.ts";
export {
  listTrash,
  type PurgeOptions,
  purgeTrash,
  type Restored,
  restoreItem,
  type RestoreOptions,
  restoreTrash,
} from "./ops/trash.ts";
export { prune, pruneContent, type PruneOptions } from "./ops/prune.ts";
export { verify, type VerifyOptions } from "./ops/verify.ts";
export { healthCheck } from "./ops/health.ts";
export {
  copyVolume,
  forkVolume,
  type TransferOptions,
  type TransferProgress,
} from "./ops/transfer.ts";
export { backup, fileInfo, pageCheck, vacuum } from "./ops/maintenance.ts";
export { put, type PutOptions } from "./ops/put.ts";
export { batch } from "./ops/batch.ts";
export { type Found, searchNames, type SearchOptions, type SearchResult } from "./ops/search.ts";
export { type VolumeUsage, volumeUsage } from "./ops/usage.ts";
export type { Target } from "./tree/resolve.ts";
export type { OnConflict, Outcome } from "./ops/conflict.ts";
