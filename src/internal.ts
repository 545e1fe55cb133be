/**
 * What the mounts and the manager need of the engine besides the operations for
 * users in `ops.ts`. Not exported from the package: it changes with them.
 *
 * @module
 */
export { clearAbandoned } from "./ops/abandoned.ts";
export { wholeOrInPieces } from "./ops/in_pieces.ts";
export type { WalState } from "./storage/capabilities.ts";
export type { Watermark } from "./ids.ts";
export { type Argon2ThreadsOptions, deriveOnThreads } from "./crypto/argon2_threads.ts";
export { ChunkMap } from "./content/chunk_map.ts";
export { MAX_CHUNKS } from "./limits.ts";
export { Chunker } from "./content/chunker.ts";
export { type Position, positionText } from "./ops/listing_page.ts";
export { UploadWriter } from "./content/upload_writer.ts";
export {
  type DetailedEntry,
  type DetailedPage,
  listDetails,
  LONGEST_TARGET,
} from "./ops/details.ts";
export { limitTime } from "./time_limits.ts";
export { reclaimAll, reclaimChunks } from "./content/reclaim.ts";
export { recoverVolume } from "./ops/redo.ts";
export { openSmallSnapshot, openSnapshot, Snapshot, type SnapshotInfo } from "./ops/snapshot.ts";
export { listInodesAt, loadInodeAt, lookupInodeAt, readVersionChunks } from "./ops/inodes_at.ts";
export { NamesTaken, type SeenNames, type TakenName } from "./ops/names_of_others.ts";
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
  listInodeNames,
  listInodes,
  listInodeXattrs,
  listNewestInodeNames,
  listNewestInodes,
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
export {
  type ApartResult,
  commitApart,
  isOfOnePart,
  type NodePart,
  type SetAside,
} from "./ops/commit_apart.ts";
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
export {
  type MoveOrCopy,
  moveOrCopy,
  type MoveOrCopyOptions,
  type Placed,
} from "./ops/move_or_copy.ts";
export { hasName } from "./ops/list.ts";
export { mountKey } from "./ops/mounts.ts";
export {
  checkpointFile,
  type CheckpointReport,
  fileRoom,
  type FileSize,
  fileSize,
  holdFile,
  largestChunkBytes,
  walState,
} from "./ops/maintenance.ts";
export { commitRemovals } from "./ops/commit_removals.ts";
