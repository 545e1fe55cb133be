/** What a node is. `container` is a directory, `entry` a regular file. */
export type NodeType = "container" | "entry" | "symlink" | "fifo" | "socket";

/** How a volume's chunks are encrypted. */
export type EncryptionMode = "none" | "convergent" | "random";

/** Life of a mount: `new` and `active` accept operations, `unmounted` does not. */
export type MountState = "new" | "active" | "unmounted";

/** Whether a mount may change its volume. */
export type Access = "rw" | "ro";

/** How {@linkcode openWrite} treats what the entry holds. */
export type WriteMode = "truncate" | "append";

/** A PIN: text is taken as its UTF-8 bytes. The empty PIN is legal. */
export type Pin = string | Uint8Array;

/** What `stat` says of a node. All times are nanoseconds since the Unix epoch. */
export interface NodeInfo {
  /** The node's uuid7. */
  id: string;
  /** What the node is. A device is an `entry`. */
  type: NodeType;
  /** What device it is; null when it is none. */
  device: Device | null;
  /** The name of the placement it was reached by; the node's own name when reached by id. */
  name: string;
  /** The volume it belongs to. */
  volume: string | null;
  /** When it was created, ns. A copy keeps its source's. */
  createdAt: bigint;
  /** When its content or name last changed, ns. */
  modifiedAt: bigint;
  /** When it was last read as far as anybody recorded it, ns; else `modifiedAt`. */
  atime: bigint;
  /** When its inode last changed, ns; else `modifiedAt`. */
  ctime: bigint;
  /** Bytes of content; null for a container. */
  size: number | null;
  /** The committed version, 0 when nothing was ever written; null for a container. */
  version: number | null;
  /** How many versions a content prune leaves; null for all, and for a container. */
  retention: number | null;
  /** Permission bits (0o7777), from the node or its `mode` metadata; null when never set. */
  mode: number | null;
  /** Owner; null when never set. */
  uid: number | null;
  /** Group; null when never set. */
  gid: number | null;
  /** How many active placements it has. A root counts as 1. */
  nlink: number;
  /** The shallow map of annotations. */
  metadata: Record<string, string>;
}

/** What a device node stands for. */
export interface Device {
  /** Which kind of special file it is. */
  kind: "char" | "block";
  /** Its major number. */
  major: number;
  /** Its minor number. */
  minor: number;
}

/** One child of a container. */
export interface DirEntry {
  /** The child's node id. */
  node: string;
  /** The placement's name. */
  name: string;
  /** What the child is. */
  type: NodeType;
  /** False when a newer sibling of the same name hides it from path lookups. */
  visible: boolean;
  /** The placement's id; listings are in the order of it. */
  edge: string;
}

/** One volume of a file. */
export interface VolumeInfo {
  /** The volume's uuid7. */
  id: string;
  /** Its name; null when it has none. Names may repeat. */
  name: string | null;
  /** Its root container's node id. */
  root: string;
  /** When it was created, ns. */
  createdAt: bigint;
  /** Bytes in every chunk but the last of a version. */
  chunkSize: number;
  /** How its chunks are encrypted. */
  encryption: EncryptionMode;
}

/** One durable mount. */
export interface MountInfo {
  /** The mount's uuid7. */
  id: string;
  /** The volume it is bound to. */
  volume: string;
  /** The container it shows as `/`. */
  mountPoint: string;
  /** That container's path in the volume; null when it is no longer placed. */
  mountPath: string | null;
  /** Its state. */
  state: MountState;
  /** When it stops being valid, ns; null for never. */
  expiresAt: bigint | null;
  /** When it was created, ns. */
  createdAt: bigint;
  /** Whether it may change the volume. */
  access: Access;
  /** Whom it acts for, as the creator named it. */
  principal: string | null;
}

/** A lock on an entry, owned by a mount. */
export interface LockInfo {
  /** The lock's uuid7. */
  id: string;
  /** The mount that owns it. */
  mount: string;
  /** The node it locks. */
  node: string;
  /** When it lapses, ns; null for as long as its mount is valid. */
  expiresAt: bigint | null;
}

/** One retained version of an entry. */
export interface VersionInfo {
  /** Its number; versions grow by one or more at each write. */
  version: number;
  /** Bytes of content. */
  size: number;
  /** When it was committed, ns; null where nobody recorded it. */
  committedAt: bigint | null;
  /** Whether it is the one that readers see. */
  current: boolean;
}

/** Something that was removed and can still be brought back. */
export interface TrashItem {
  /** The removed node's id: what `restore` and `purge` take. */
  id: string;
  /** What it is. */
  type: NodeType;
  /** The path it had in its volume when it was removed. */
  path: string;
  /** When it was removed, ns; null where nobody recorded it. */
  removedAt: bigint | null;
  /** Bytes of committed content in it and in everything removed with it. */
  size: number;
  /** How many nodes were removed with it, itself included. */
  nodes: number;
}

/** A fault in the shape of a file: what {@linkcode healthCheck} finds. */
export interface Anomaly {
  /** The kind of fault, for instance `cycle` or `volume_without_root`. */
  kind: string;
  /** The id of the row concerned; the table's name for `damaged_pages`, the
   * index's for `damaged_index`. */
  id: string;
}

/** What {@linkcode verify} found. */
export interface VerifyReport {
  /** Entries whose manifests were checked. */
  entriesChecked: number;
  /** Chunks whose bytes were checked; 0 unless deep. */
  chunksChecked: number;
  /** One line a problem; empty when the volume is sound. */
  problems: string[];
}

/** What {@linkcode prune} removed. */
export interface PruneReport {
  /** Nodes that never had a placement. */
  nodes: number;
  /** Locks that were no longer valid. */
  locks: number;
  /** Mounts that were unmounted or had expired. */
  mounts: number;
}

/** What {@linkcode pruneContent} removed. */
export interface ContentPruneReport {
  /** Superseded or aborted versions. */
  versions: number;
  /** Chunks that no version refers to any more. */
  chunks: number;
}

/** What {@linkcode purgeTrash} removed for good. */
export interface PurgeReport {
  /** Nodes deleted. */
  nodes: number;
  /** Chunks that no version refers to any more. */
  chunks: number;
  /** Stored bytes of those chunks. */
  bytes: number;
}

/** One-screen facts of a file. */
export interface FileInfo {
  /** The format's era (`PRAGMA user_version`). */
  era: number;
  /** Bytes the database holds, free pages included. */
  size: number;
  /** Bytes of it that are free and reusable. */
  free: number;
  /** Volumes in it. */
  volumes: number;
  /** Mounts that are valid now. */
  mounts: number;
  /** Nodes, the removed ones included. */
  nodes: number;
  /** Distinct chunks stored. */
  chunks: number;
  /** Stored bytes of those chunks. */
  chunkBytes: number;
  /** Bytes of all committed content, before deduplication. */
  contentBytes: number;
}
