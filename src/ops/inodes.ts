import {
  hasOtherChild,
  inodeById,
  inodeByName,
  type InodeColumns,
  inodesAfter,
  type ListedColumns,
  mountedVolume,
  namesAfter,
  newestInodesAfter,
  newestNamesAfter,
  type PlacedColumns,
} from "../../templates/inode.ts";
import { getXattr, listXattrs } from "../../templates/node.ts";
import { redoOf } from "../../templates/redo.ts";
import { ChunkPool } from "../content/chunk_pool.ts";
import { openChunk } from "../content/chunk_store.ts";
import { handOver, release } from "../content/chunk_memory.ts";
import { ManifestStore } from "../content/manifest_store.ts";
import { zeroChunkAddress } from "../content/zero_chunk.ts";
import { type ChunkCipher, plainCipher } from "../crypto/chunk_cipher.ts";
import { AloeError } from "../errors.ts";
import type { Watermark } from "../ids.ts";
import { volumeWatermark } from "../watermark.ts";
import { MountHandle } from "../mount_handle.ts";
import { capability } from "../storage/capabilities.ts";
import type { Database } from "../storage/database.ts";
import type { Device, NodeType } from "../types.ts";

// The reads of a filesystem. Its mount was checked at the start, and its commits check it again; a
// check in each lookup would double its cost.

/**
 * A node as a filesystem sees it. Times are whole seconds since the Unix epoch, negative before it,
 * and 0 to 999,999,999 nanoseconds.
 */
export interface InodeRow {
  /** The node's uuid7. */
  id: string;
  /** Its type. A device is an `entry`. */
  type: NodeType;
  /** The device that it represents; null for other nodes. */
  device: Device | null;
  /** Permission bits; null when never set. */
  mode: number | null;
  /** Owner; null when never set. */
  uid: number | null;
  /** Group; null when never set. */
  gid: number | null;
  /** The access time, in s. */
  atimeSec: number;
  /** The nanoseconds within that second. */
  atimeNsec: number;
  /** When the content last changed, in s. */
  mtimeSec: number;
  /** The nanoseconds within that second. */
  mtimeNsec: number;
  /** When the inode last changed, in s. */
  ctimeSec: number;
  /** The nanoseconds within that second. */
  ctimeNsec: number;
  /** The actual size in bytes, including logged content; 0 for a container. */
  size: number;
  /** The size of the committed manifest's content in bytes; 0 for a container. */
  stored: number;
  /** The committed version; 0 for a container, and for a node that was never written. */
  version: number;
  /** Whether the redo log may have rows of the node. */
  redo: boolean;
  /** The number of versions to keep by the node's own setting; null for none. */
  keep: number | null;
  /** The number of the committed version's chunks that are known to be holes. */
  holes: number;
  /**
   * The number of active placements. For a container with a placement, or the root: 2 plus one for
   * each directory in it.
   */
  nlink: number;
}

/** A node found by name. */
export interface PlacedInode extends InodeRow {
  /** The placement's id. */
  edge: string;
}

/** A node in a listing. */
export interface ListedInode extends PlacedInode {
  /** The placement's name. */
  name: string;
}

/** One page of a listing. */
export interface InodePage {
  /** The visible children, in the order of their placements. */
  inodes: ListedInode[];
  /** The position of the next page; null when this is the last one. */
  after: string | null;
  /** The number of children left out because a newer sibling hides them. */
  hidden: number;
}

/** A stored chunk's plaintext. */
export interface StoredBytes {
  /** Its index in the content, in chunks. */
  index: number;
  /** Its address. */
  hash: string;
  /** The plaintext, in a buffer of its own. */
  data: Uint8Array;
}

/** Content of a chunk in the redo log. */
export interface RedoBytes {
  /** The chunk's index in the content. */
  index: number;
  /** The offset in the chunk, in bytes. */
  start: number;
  /** The plaintext. */
  data: Uint8Array;
}

/** The parameters of a mounted volume for a filesystem. */
export interface InodeVolume {
  /** The container that is `/`. */
  root: string;
  /** The size of a full chunk, in bytes. */
  chunkSize: number;
  /** The watermark of minted ids. */
  watermark: Watermark;
}

/**
 * Returns the parameters of a mounted volume.
 *
 * @throws {AloeError} `mount_invalid`.
 */
export async function inodeVolume(db: Database, mount: MountHandle): Promise<InodeVolume> {
  return await db.read(async (tx) => {
    const row = await tx.first(mountedVolume, { mount: mount.id });
    if (row === undefined) throw new AloeError("mount_invalid", `${mount.id}: no such mount`);
    return {
      root: row.mount_point,
      chunkSize: row.chunk_size,
      watermark: await volumeWatermark(tx, row),
    };
  });
}

/** Returns a node of the mount's volume, placed or not; null when it does not exist. */
export async function loadInode(
  db: Database,
  mount: MountHandle,
  id: string,
): Promise<InodeRow | null> {
  const row = await db.query((tx) => tx.first(inodeById, { node: id, volume: mount.volume }));
  return row === undefined ? null : inodeRow(row);
}

/** Returns the visible child of a name; null when it does not exist. */
export async function lookupInode(
  db: Database,
  mount: MountHandle,
  parent: string,
  name: string,
): Promise<PlacedInode | null> {
  const row = await db.query((tx) => tx.first(inodeByName, { parent, name, volume: mount.volume }));
  return row === undefined ? null : inodeRow(row);
}

/**
 * Returns a page of the visible children of a container.
 *
 * @param after The placement before the page; empty for the first page.
 * @param limit The number of placements to read, including hidden ones.
 */
export async function listInodes(
  db: Database,
  mount: MountHandle,
  parent: string,
  after: string,
  limit: number,
): Promise<InodePage> {
  const rows = await db.query((tx) =>
    tx.all(inodesAfter, { parent, after, limit, volume: mount.volume })
  );
  return visiblePage(rows, limit);
}

/**
 * Returns a page of placements between two others in reverse order, the newest first.
 *
 * @param after Text that sorts before all of them.
 * @param before Text that sorts after all of them.
 */
export async function listNewestInodes(
  db: Database,
  mount: MountHandle,
  parent: string,
  after: string,
  before: string,
  limit: number,
): Promise<InodePage> {
  const rows = await db.query((tx) =>
    tx.all(newestInodesAfter, { parent, after, before, limit, volume: mount.volume })
  );
  return visiblePage(rows, limit);
}

function visiblePage(rows: readonly ListedColumns[], limit: number): InodePage {
  const inodes: ListedInode[] = [];
  for (const row of rows) {
    if (!row[HIDDEN]) inodes.push(inodeRow(row));
  }
  return pageOf(rows, inodes, limit);
}

/**
 * @param rows All rows that were read.
 */
export function pageOf(
  rows: readonly ListedColumns[],
  inodes: ListedInode[],
  limit: number,
): InodePage {
  return {
    inodes,
    after: rows.length < limit ? null : rows[rows.length - 1][EDGE],
    hidden: rows.length - inodes.length,
  };
}

/**
 * Returns the names of a page of a container's children, including hidden ones. Much faster than
 * {@linkcode listInodes}, for callers that have the nodes in memory.
 *
 * @param after The placement before the page; empty for the first page.
 * @param limit The maximum number of names.
 */
export async function listInodeNames(
  db: Database,
  _mount: MountHandle,
  parent: string,
  after: string,
  limit: number,
): Promise<{ edge: string; name: string }[]> {
  return await db.query((tx) => tx.all(namesAfter, { parent, after, limit }));
}

/** Returns names in reverse order, like {@linkcode listNewestInodes}. */
export async function listNewestInodeNames(
  db: Database,
  _mount: MountHandle,
  parent: string,
  after: string,
  before: string,
  limit: number,
): Promise<{ edge: string; name: string }[]> {
  return await db.query((tx) => tx.all(newestNamesAfter, { parent, after, before, limit }));
}

/** The columns of a listing row with the placement, and with whether a newer sibling hides it. */
export const EDGE = 21;
export const HIDDEN = 23;

/**
 * Returns whether a container has a child, hidden or not.
 *
 * @param except Placements to ignore.
 */
export async function hasChildren(
  db: Database,
  _mount: MountHandle,
  parent: string,
  except: readonly string[],
): Promise<boolean> {
  const edges = JSON.stringify(except);
  return await db.query((tx) => tx.first(hasOtherChild, { parent, edges })) !== undefined;
}

/** The number of chunks read by one query, to bound memory. */
const CHUNKS_AT_ONCE = 16;

/**
 * Returns chunks of the committed version, without their content in the redo log.
 *
 * @param first The first index.
 * @param last The last index.
 * @returns The chunks that the manifest has rows of, in order.
 * @throws {AloeError} `corrupt` for a chunk that is missing or not authentic.
 */
export async function readStoredChunks(
  db: Database,
  mount: MountHandle,
  node: string,
  first: number,
  last: number,
): Promise<StoredBytes[]> {
  const cipher = inodeCipher(mount);
  await requireSealedInode(db, mount, node);
  const chunks: StoredBytes[] = [];
  for (let from = first; from <= last; from += CHUNKS_AT_ONCE) {
    const to = Math.min(from + CHUNKS_AT_ONCE - 1, last);
    const rows = await db.query((tx) => new ManifestStore(tx).committedChunks(node, from, to));
    for (const row of rows) {
      chunks.push({ index: row.index, hash: row.hash, data: plaintext(cipher, row, node) });
    }
    if (rows.length < to - from + 1) break;
  }
  return chunks;
}

/**
 * @throws {AloeError} `corrupt` when the content differs from that sealed with the volume's key.
 */
async function requireSealedInode(db: Database, mount: MountHandle, node: string): Promise<void> {
  const seals = MountHandle.sealsOf(mount);
  if (seals !== null) await db.read((tx) => seals.require(tx, node));
}

/**
 * Returns a node's content in the redo log in the order of writing: later bytes overwrite earlier
 * ones, and all of them the stored chunk.
 *
 * @throws {AloeError} `corrupt`.
 */
export async function readRedo(
  db: Database,
  mount: MountHandle,
  node: string,
  first: number,
  last: number,
): Promise<RedoBytes[]> {
  const cipher = inodeCipher(mount);
  await requireSealedInode(db, mount, node);
  const rows = await db.query((tx) => tx.all(redoOf, { node, first, last }));
  return rows.map((row) => ({
    index: row.chunk_index,
    start: row.start,
    data: plaintext(cipher, row, node),
  }));
}

/** Returns the addresses of the existing committed chunks from `first` to `last`. */
export async function chunkHashes(
  db: Database,
  _mount: MountHandle,
  node: string,
  first: number,
  last: number,
): Promise<{ index: number; hash: string }[]> {
  const rows = await db.query((tx) => new ManifestStore(tx).committedHashes(node, first, last));
  return rows.map((row) => ({ index: row.chunk_index, hash: row.chunk_hash }));
}

/**
 * Returns a stored chunk by its address.
 *
 * @throws {AloeError} `corrupt` when it is missing or not authentic.
 */
export async function readChunk(
  db: Database,
  mount: MountHandle,
  hash: string,
): Promise<Uint8Array> {
  const row = (await db.query((tx) => new ChunkPool(tx).get([hash]))).get(hash);
  const missing = { data: null, length: null, N_c: null, enc_tag: null };
  return plaintext(inodeCipher(mount), row ?? missing, hash);
}

/**
 * Returns the address of a full chunk of zeros; null in a volume where every such chunk has a
 * different address.
 *
 * @throws {AloeError} `mount_invalid`.
 */
export async function zeroChunkHash(db: Database, mount: MountHandle): Promise<string | null> {
  const { chunkSize } = await inodeVolume(db, mount);
  return zeroChunkAddress(inodeCipher(mount), chunkSize);
}

/**
 * Returns a link's target, which is its whole content.
 *
 * @throws {AloeError} `corrupt`.
 */
export async function readTarget(
  db: Database,
  mount: MountHandle,
  node: string,
): Promise<Uint8Array> {
  const chunks = await readStoredChunks(db, mount, node, 0, MAX_TARGET_CHUNKS);
  if (chunks.length === 1) return chunks[0].data;
  const target = new Uint8Array(chunks.reduce((sum, { data }) => sum + data.length, 0));
  let at = 0;
  for (const { data } of chunks) {
    target.set(data, at);
    at += data.length;
  }
  return target;
}

/**
 * The maximum number of chunks of a link target, which has at most 4,095 bytes; chunks may be
 * small.
 */
const MAX_TARGET_CHUNKS = 4095;

/** Returns an extended attribute of a node; null when it does not exist. */
export async function getInodeXattr(
  db: Database,
  _mount: MountHandle,
  node: string,
  name: string,
): Promise<Uint8Array | null> {
  return (await db.query((tx) => tx.first(getXattr, { node, name })))?.value ?? null;
}

/** Returns the names of a node's extended attributes, sorted. */
export async function listInodeXattrs(
  db: Database,
  _mount: MountHandle,
  node: string,
): Promise<string[]> {
  const rows = await db.query((tx) => tx.all(listXattrs, { node }));
  return rows.map((row) => row.name);
}

/** Returns a number that changes whenever another connection has committed to the file. */
export async function changeCounter(db: Database): Promise<number> {
  return await db.query((tx) => capability(tx, "changeCounter")(tx));
}

/** Moves the WAL into the file and releases its space, as far as other connections allow. */
export async function checkpoint(db: Database): Promise<void> {
  await db.emptyLog();
}

/** Returns the cipher of a handle's volume. */
export function inodeCipher(mount: MountHandle): ChunkCipher {
  return MountHandle.cipherOf(mount) ?? plainCipher;
}

/** Returns a chunk's plaintext and frees the memory of its ciphertext. */
export function plaintext(
  cipher: ChunkCipher,
  row: Parameters<typeof openChunk>[1],
  label: string,
): Uint8Array {
  const data = openChunk(cipher, row, label);
  if (data !== row.data) release(row.data!);
  return handOver(data);
}

/** Converts a row to the public type. */
export function inodeRow(row: InodeColumns): InodeRow;
export function inodeRow(row: PlacedColumns): PlacedInode;
export function inodeRow(row: ListedColumns): ListedInode;
export function inodeRow(row: InodeColumns | PlacedColumns | ListedColumns): InodeRow {
  // Access columns by index, because this runs for every name of a listing.
  const inode = {
    id: row[0],
    type: row[1] as NodeType,
    device: row[2] === null ? null : { kind: row[2], major: row[3]!, minor: row[4]! },
    mode: row[5] ?? octal(row[6]),
    uid: row[7],
    gid: row[8],
    atimeSec: row[9],
    atimeNsec: row[10],
    mtimeSec: row[11],
    mtimeNsec: row[12],
    ctimeSec: row[13],
    ctimeNsec: row[14],
    size: row[16] ?? row[15] ?? 0,
    stored: row[15] ?? 0,
    version: row[17] ?? 0,
    redo: row[16] !== null,
    keep: row[18],
    nlink: row[19],
    holes: row[20] ?? 0,
    edge: row[21],
    name: row[22],
  };
  // SQL's division and remainder round toward zero.
  if (inode.atimeNsec < 0) inode.atimeNsec += 1e9, inode.atimeSec--;
  if (inode.mtimeNsec < 0) inode.mtimeNsec += 1e9, inode.mtimeSec--;
  if (inode.ctimeNsec < 0) inode.ctimeNsec += 1e9, inode.ctimeSec--;
  return inode;
}

/** Parses permission bits as era 1 stored them. */
function octal(text: string | null): number | null {
  return text !== null && /^[0-7]{1,4}$/.test(text) ? parseInt(text, 8) : null;
}
