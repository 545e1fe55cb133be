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
export { clearAbandoned } from "./ops/abandoned.ts";
export { wholeOrInPieces } from "./ops/in_pieces.ts";
export { openDatabase } from "./ops/open.ts";
export { type RepairedObject, repairFile } from "./storage/open.ts";
export type { Database, OpenDatabase, WriteOptions } from "./storage/database.ts";
export type { BackupOptions, BackupProgress, Durability } from "./storage/dialect.ts";
export type { WalState } from "./storage/capabilities.ts";
export type { Watermark } from "./ids.ts";
export { type Argon2ThreadsOptions, deriveOnThreads } from "./crypto/argon2_threads.ts";
export { MountHandle, type MountRef } from "./mount_handle.ts";
export { type BoundVersion, ReadDescriptor, type Whence } from "./content/read_descriptor.ts";
export { WriteDescriptor } from "./content/write_descriptor.ts";
export { MAX_CHUNKS } from "./content/write_content.ts";
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
  mountKey,
  type MountOptions,
  renewMount,
  type RenewMountOptions,
  unmount,
} from "./ops/mounts.ts";
export { exists, stat, statById } from "./ops/stat.ts";
export { hasName, list, listById, type ListPage, pathOf } from "./ops/list.ts";
export { type Position, positionText } from "./ops/listing_page.ts";
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
export {
  backup,
  checkpointFile,
  type CheckpointReport,
  fileInfo,
  fileRoom,
  type FileSize,
  fileSize,
  holdFile,
  largestChunkBytes,
  pageCheck,
  vacuum,
  walState,
} from "./ops/maintenance.ts";
export { put, type PutOptions } from "./ops/put.ts";
export { batch } from "./ops/batch.ts";
export {
  changeCounter,
  checkpoint,
  chunkHashes,
  getInodeXattr,
  hasChildren,
  type InodePage,
  type InodeRow,
  type InodeVolume,
  inodeVolume,
  type ListedInode,
  listInodes,
  listInodeXattrs,
  loadInode,
  lookupInode,
  type PlacedInode,
  readChunk,
  readRedo,
  readStoredChunks,
  readTarget,
  type RedoBytes,
  type StoredBytes,
  zeroChunkHash,
} from "./ops/inodes.ts";
export {
  type AttributeRow,
  type ChangedContent,
  type ChangeSet,
  commitChanges,
  type CommitOptions,
  type ContentChange,
  type History,
  type NewChunk,
  type NewEdge,
  type NewNode,
  type RemovedEdge,
  type XattrChange,
} from "./ops/commit_changes.ts";
export { NamesTaken, type SeenNames, type TakenName } from "./ops/names_of_others.ts";
export {
  type ApartResult,
  commitApart,
  isOfOnePart,
  type NodePart,
  type SetAside,
} from "./ops/commit_apart.ts";
export { listInodesAt, loadInodeAt, lookupInodeAt, readVersionChunks } from "./ops/inodes_at.ts";
export { reclaimAll, reclaimChunks } from "./content/reclaim.ts";
export { recoverVolume } from "./ops/redo.ts";
export { openSmallSnapshot, openSnapshot, Snapshot, type SnapshotInfo } from "./ops/snapshot.ts";
export { UploadWriter } from "./content/upload_writer.ts";
export {
  beginUpload,
  type CurrentContent,
  dropExpiredUploads,
  dropUpload,
  finishUpload,
  getUpload,
  listUploads,
  openUpload,
  putFile,
  type PutFileOptions,
  type PutFileResult,
  setLengthOfUpload,
  type UploadInfo,
  type UploadOptions,
} from "./ops/uploads.ts";
export { type DetailedEntry, type DetailedPage, listDetails } from "./ops/details.ts";
export { type Found, searchNames, type SearchOptions, type SearchResult } from "./ops/search.ts";
export { type VolumeUsage, volumeUsage } from "./ops/usage.ts";
export {
  type MoveOrCopy,
  moveOrCopy,
  type MoveOrCopyOptions,
  type Placed,
} from "./ops/move_or_copy.ts";
export type { Target } from "./tree/resolve.ts";
export { limitTime } from "./time_limits.ts";
export type { OnConflict, Outcome } from "./ops/conflict.ts";
