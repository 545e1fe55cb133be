/** The type of a node. `container` is a directory, `entry` a regular file. */
export type NodeType = "container" | "entry" | "symlink" | "fifo" | "socket";

/** The encryption mode of a volume's chunks. */
export type EncryptionMode = "none" | "convergent" | "random";

/** The life-cycle state of a mount: `new` and `active` accept operations, `unmounted` does not. */
export type MountState = "new" | "active" | "unmounted";

/** Whether a mount may change its volume. */
export type Access = "rw" | "ro";

/** How {@linkcode openWrite} treats existing content. */
export type WriteMode = "truncate" | "append";

/** A PIN. Text is encoded as UTF-8. The empty PIN is valid. */
export type Pin = string | Uint8Array;

/** The result of `stat`. All times are in nanoseconds since the Unix epoch. */
export interface NodeInfo {
  /** The node's uuid7. */
  id: string;
  /** The node's type. A device is an `entry`. */
  type: NodeType;
  /** The device that the node represents; null for other nodes. */
  device: Device | null;
  /** The name of the placement by which it was reached; the node's own name when reached by id. */
  name: string;
  /** The id of its volume. */
  volume: string | null;
  /** The creation time, in ns. A copy keeps its source's. */
  createdAt: bigint;
  /** When the content or name last changed, in ns. */
  modifiedAt: bigint;
  /** The last recorded access time, in ns; otherwise `modifiedAt`. */
  atime: bigint;
  /** When the inode last changed, in ns; otherwise `modifiedAt`. */
  ctime: bigint;
  /** The size of the content in bytes; null for a container. */
  size: number | null;
  /** The committed version; 0 when nothing was ever written; null for a container. */
  version: number | null;
  /** The number of versions that a content prune keeps; null for all, and for a container. */
  retention: number | null;
  /** Permission bits (0o7777), from the node or its `mode` metadata; null when never set. */
  mode: number | null;
  /** Owner; null when never set. */
  uid: number | null;
  /** Group; null when never set. */
  gid: number | null;
  /** The number of active placements. A root counts as 1. */
  nlink: number;
  /** The node's metadata, a flat map. */
  metadata: Record<string, string>;
}

/** The device that a device node represents. */
export interface Device {
  /** The kind of special file. */
  kind: "char" | "block";
  /** Its major number. */
  major: number;
  /** Its minor number. */
  minor: number;
}

/** A child of a container. */
export interface DirEntry {
  /** The child's node id. */
  node: string;
  /** The placement's name. */
  name: string;
  /** The child's type. */
  type: NodeType;
  /** False when a newer sibling of the same name hides it from path lookups. */
  visible: boolean;
  /** The placement's id; listings are ordered by it. */
  edge: string;
}

/** A volume of a file. */
export interface VolumeInfo {
  /** The volume's uuid7. */
  id: string;
  /** Its name; null when it has none. Names need not be unique. */
  name: string | null;
  /** Its root container's node id. */
  root: string;
  /** The creation time, in ns. */
  createdAt: bigint;
  /** The size of every chunk except the last of a version, in bytes. */
  chunkSize: number;
  /** The encryption mode of its chunks. */
  encryption: EncryptionMode;
}

/** A mount, as recorded in the file. */
export interface MountInfo {
  /** The mount's uuid7. */
  id: string;
  /** The mounted volume's id. */
  volume: string;
  /** The id of the container that is its `/`. */
  mountPoint: string;
  /** That container's path in the volume; null when it is no longer placed. */
  mountPath: string | null;
  /** Its state. */
  state: MountState;
  /** When the mount expires, in ns; null for never. */
  expiresAt: bigint | null;
  /** The creation time, in ns. */
  createdAt: bigint;
  /** Whether the mount may change the volume. */
  access: Access;
  /** The principal that the creator named; null for none. */
  principal: string | null;
}

/** A lock on an entry, owned by a mount. */
export interface LockInfo {
  /** The lock's uuid7. */
  id: string;
  /** The id of the mount that owns it. */
  mount: string;
  /** The id of the locked node. */
  node: string;
  /** When the lock expires, in ns; null for as long as its mount is valid. */
  expiresAt: bigint | null;
}

/** A retained version of an entry. */
export interface VersionInfo {
  /** The version number; it grows by one or more with each write. */
  version: number;
  /** The size of the content in bytes. */
  size: number;
  /** When it was committed, in ns; null when it was not recorded. */
  committedAt: bigint | null;
  /** Whether this is the version that readers see. */
  current: boolean;
}

/** A removed node that can be restored. */
export interface TrashItem {
  /** The removed node's id, which `restore` and `purge` take. */
  id: string;
  /** The node's type. */
  type: NodeType;
  /** Its path in the volume when it was removed. */
  path: string;
  /** When it was removed, in ns; null when it was not recorded. */
  removedAt: bigint | null;
  /** The size of the committed content removed with it, in bytes. */
  size: number;
  /** The number of nodes removed with it, including itself. */
  nodes: number;
}

/** A fault in a file's structure, as found by {@linkcode healthCheck}. */
export interface Anomaly {
  /** The kind of fault, for example `cycle` or `volume_without_root`. */
  kind: string;
  /** The id of the row concerned; the table's name for `damaged_pages`, the
   * index's for `damaged_index`. */
  id: string;
}

/** The result of {@linkcode verify}. */
export interface VerifyReport {
  /** The number of entries whose manifests were checked. */
  entriesChecked: number;
  /** The number of chunks whose bytes were checked; 0 unless deep. */
  chunksChecked: number;
  /** The problems, one line each; empty when the volume is sound. */
  problems: string[];
}

/** The counts of rows that {@linkcode prune} removed. */
export interface PruneReport {
  /** Nodes that never had a placement. */
  nodes: number;
  /** Locks that were no longer valid. */
  locks: number;
  /** Mounts that were unmounted or had expired. */
  mounts: number;
}

/** The counts of rows that {@linkcode pruneContent} removed. */
export interface ContentPruneReport {
  /** Superseded or aborted versions. */
  versions: number;
  /** Chunks that no version refers to any more. */
  chunks: number;
}

/** The counts of rows that {@linkcode purgeTrash} deleted permanently. */
export interface PurgeReport {
  /** Deleted nodes. */
  nodes: number;
  /** Chunks that no version refers to any more. */
  chunks: number;
  /** Stored bytes of those chunks. */
  bytes: number;
}

/** An overview of a file. */
export interface FileInfo {
  /** The format's era (`PRAGMA user_version`). */
  era: number;
  /** The size of the database in bytes, including free pages. */
  size: number;
  /** The size of free, reusable pages in bytes. */
  free: number;
  /** The number of volumes. */
  volumes: number;
  /** The number of valid mounts. */
  mounts: number;
  /** The number of nodes, including removed ones. */
  nodes: number;
  /** The number of distinct stored chunks. */
  chunks: number;
  /** The stored size of those chunks in bytes. */
  chunkBytes: number;
  /** The size of all committed content before deduplication, in bytes. */
  contentBytes: number;
}
