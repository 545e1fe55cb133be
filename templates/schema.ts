import type { Generated } from "kysely";

/** Times: nanoseconds since the Unix epoch, past 2^53, so read as `bigint`. */
type Nanoseconds = bigint;

/** Table `node`: identity. */
export interface NodeTable {
  node_id: string;
  type: string;
  name: string;
  created_at: Nanoseconds;
  modified_at: Nanoseconds | null;
  volume_id: string | null;
  metadata: Uint8Array | null;
  uid: number | null;
  gid: number | null;
  mode: number | null;
  atime: Nanoseconds | null;
  ctime: Nanoseconds | null;
}

/** Table `content`: the committed version of an entry. */
export interface ContentTable {
  node_id: string;
  version: Generated<number>;
  size: Generated<number>;
  content_hash: Uint8Array | null;
  retention_keep: number | null;
}

/** Table `content_chunk`: the deduplicating pool. */
export interface ContentChunkTable {
  chunk_hash: string;
  data: Uint8Array;
  length: number;
  N_c: Uint8Array;
  enc_tag: Uint8Array;
}

/** Table `content_version`: the manifests. */
export interface ContentVersionTable {
  content_id: string;
  version: number;
  chunk_index: number;
  chunk_hash: string;
  proof: Uint8Array | null;
}

/** Table `volume`. */
export interface VolumeTable {
  volume_id: string;
  root_node_id: string | null;
  name: string | null;
  created_at: Nanoseconds;
  api_version: number;
  chunk_size: number;
  /** Watermark of node and edge ids, milliseconds. */
  wm_ts: number;
  wm_seq: number;
  enc_mode: string;
  wrapped_key: Uint8Array | null;
  wrap_nonce: Uint8Array | null;
}

/** Table `edge`: placements. */
export interface EdgeTable {
  edge_id: string;
  from_id: string;
  to_id: string;
  volume_id: string;
  archived: number;
  name: string;
}

/** Table `mount`. */
export interface MountTable {
  mount_id: string;
  volume_id: string;
  mount_point: string;
  state: string;
  expires_at: Nanoseconds | null;
  created_at: Nanoseconds;
  N_m: Uint8Array;
  access: string;
  principal: string | null;
}

/** Table `lock`. */
export interface LockTable {
  lock_id: string;
  mount_id: string;
  node_id: string;
  read_count: Generated<number>;
  write_count: Generated<number>;
  expires_at: Nanoseconds | null;
  created_at: Nanoseconds;
}

/** Table `xattr`. */
export interface XattrTable {
  node_id: string;
  name: string;
  value: Uint8Array;
}

/** Ours: when a placement was archived. Kept by a trigger. */
export interface AloeRemovedTable {
  edge_id: string;
  removed_at: Nanoseconds | null;
}

/** Ours: when a version was committed, and its size. Kept by a trigger. */
export interface AloeVersionTable {
  content_id: string;
  version: number;
  size: number;
  committed_at: Nanoseconds;
}

/** Ours: writes that wait to become chunks. */
export interface AloeRedoTable {
  seq: Generated<number>;
  node_id: string;
  version: number;
  chunk_index: number;
  start: number;
  length: number;
  data: Uint8Array;
  N_c: Uint8Array;
  enc_tag: Uint8Array;
}

/** Ours: true sizes that differ from the committed ones. */
export interface AloeSizeTable {
  node_id: string;
  version: number;
  size: number;
}

/** Ours: nodes in use without a placement. */
export interface AloeUnlinkedTable {
  node_id: string;
  mount_id: string;
}

/** Ours: chunks that may have lost their last reference. */
export interface AloeOrphanTable {
  chunk_hash: string;
}

/** Ours: what devices stand for. */
export interface AloeDeviceTable {
  node_id: string;
  kind: "char" | "block";
  major: number;
  minor: number;
}

/** Ours: active placements of containers. Kept by triggers. */
export interface AloeSubdirTable {
  parent_id: string;
  edge_id: string;
}

/** Ours: entries whose content is still being uploaded. */
export interface AloeUploadTable {
  node_id: string;
  length: number | null;
  note: string;
  created_at: Nanoseconds;
  expires_at: Nanoseconds;
}

/** Ours: how many chunks of a version are known to be holes. */
export interface AloeHoleTable {
  node_id: string;
  version: number;
  chunks: number;
}

/** Ours: a tag over the content of a version, of an encrypted volume. */
export interface AloeSealTable {
  node_id: string;
  version: number;
  tag: Uint8Array;
}

/** Ours: a tag over what an encrypted volume is. */
export interface AloeSealedTable {
  volume_id: string;
  /** Content of nodes up to here has a tag. */
  watermark: string;
  tag: Uint8Array;
}

/** Every table of a file. */
export interface Schema {
  node: NodeTable;
  content: ContentTable;
  content_chunk: ContentChunkTable;
  content_version: ContentVersionTable;
  volume: VolumeTable;
  edge: EdgeTable;
  mount: MountTable;
  lock: LockTable;
  xattr: XattrTable;
  aloe_removed: AloeRemovedTable;
  aloe_version: AloeVersionTable;
  aloe_redo: AloeRedoTable;
  aloe_size: AloeSizeTable;
  aloe_unlinked: AloeUnlinkedTable;
  aloe_orphan: AloeOrphanTable;
  aloe_device: AloeDeviceTable;
  aloe_subdir: AloeSubdirTable;
  aloe_upload: AloeUploadTable;
  aloe_seal: AloeSealTable;
  aloe_sealed: AloeSealedTable;
  aloe_hole: AloeHoleTable;
}
