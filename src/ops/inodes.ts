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

// What a filesystem reads. It holds a mount that was checked when it began, and
// its commits check that again; that each lookup does too would double its cost.

/**
 * A node as a filesystem sees it. Times are whole seconds since the Unix
 * epoch, negative before it, and 0 to 999,999,999 nanoseconds.
 */
export interface InodeRow {
  /** The node's uuid7. */
  id: string;
  /** What it is. A device is an `entry`. */
  type: NodeType;
  /** What device it is; null when it is none. */
  device: Device | null;
  /** Permission bits; null when never set. */
  mode: number | null;
  /** Owner; null when never set. */
  uid: number | null;
  /** Group; null when never set. */
  gid: number | null;
  /** When it was last read, s. */
  atimeSec: number;
  /** The same, ns within the second. */
  atimeNsec: number;
  /** When its content last changed, s. */
  mtimeSec: number;
  /** The same, ns within the second. */
  mtimeNsec: number;
  /** When its inode last changed, s. */
  ctimeSec: number;
  /** The same, ns within the second. */
  ctimeNsec: number;
  /** True size, bytes, with what is not folded yet; 0 of a container. */
  size: number;
  /** Bytes that the committed manifest holds; 0 of a container. */
  stored: number;
  /** The committed version; 0 of a container and of what was never written. */
  version: number;
  /** Whether the redo log may have rows of it. */
  redo: boolean;
  /** How many versions it keeps by its own setting; null when it has none. */
  keep: number | null;
  /** Chunks of the committed version that are known to be holes. */
  holes: number;
  /** Active placements; of a container that has one, or is the root, 2 and one for each in it. */
  nlink: number;
}

/** A node that was found by name. */
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
  /** What the next page comes after; null when this was the last. */
  after: string | null;
  /** How many were left out, as a younger sibling hides them. */
  hidden: number;
}

/** A stored chunk's plaintext. */
export interface StoredBytes {
  /** Its place in the content, in chunks. */
  index: number;
  /** Its address. */
  hash: string;
  /** The plaintext; its own buffer. */
  data: Uint8Array;
}

/** What a write to a chunk left in the redo log. */
export interface RedoBytes {
  /** The chunk's place in the content. */
  index: number;
  /** Where in the chunk it begins, bytes. */
  start: number;
  /** The plaintext. */
  data: Uint8Array;
}

/** What a mount shows, for a filesystem that begins on it. */
export interface InodeVolume {
  /** The container that is shown as `/`. */
  root: string;
  /** Bytes in a full chunk. */
  chunkSize: number;
  /** How far ids have been minted. */
  watermark: Watermark;
}

/**
 * What a mount shows.
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

/** A node of the mount's volume, placed or not; null when there is none of the id. */
export async function loadInode(
  db: Database,
  mount: MountHandle,
  id: string,
): Promise<InodeRow | null> {
  const row = await db.query((tx) => tx.first(inodeById, { node: id, volume: mount.volume }));
  return row === undefined ? null : inodeRow(row);
}

/** The visible child of a name; null when there is none. */
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
 * A page of the visible children of a container.
 *
 * @param after The placement that the page comes after; empty for the first.
 * @param limit How many placements are looked at, the hidden ones among them.
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
 * The same backwards, of the placements between two: the newest first.
 *
 * @param after Text that they all sort after.
 * @param before Text that they all sort before.
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

/** @param rows All that were looked at. */
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
 * The names of a page of a container's children, the hidden ones among them.
 * Much quicker than {@linkcode listInodes}, for who knows the nodes already.
 *
 * @param after The placement that the page comes after; empty for the first.
 * @param limit How many, at most.
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

/** The same backwards, of the placements between two: as {@linkcode listNewestInodes}. */
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

/** Where a row of a listing has its placement, and whether a younger sibling hides it. */
export const EDGE = 21;
export const HIDDEN = 23;

/**
 * Whether a container has a child, hidden or not.
 *
 * @param except Placements that do not count.
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

/** Chunks read by one query, to bound memory. */
const CHUNKS_AT_ONCE = 16;

/**
 * The chunks of the committed version, without what the redo log has of them.
 *
 * @param first The first index.
 * @param last The last one.
 * @returns Those that the manifest has rows of, in order.
 * @throws {AloeError} `corrupt` for one that is missing or not authentic.
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

/** @throws {AloeError} `corrupt` when content is not what was sealed with the volume's key. */
async function requireSealedInode(db: Database, mount: MountHandle, node: string): Promise<void> {
  const seals = MountHandle.sealsOf(mount);
  if (seals !== null) await db.read((tx) => seals.require(tx, node));
}

/**
 * What the redo log has of a node's chunks, in the order of writing: later
 * bytes are laid over earlier ones, and all of them over the stored chunk.
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

/** The addresses of committed chunks `first` to `last`, as far as there are such. */
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
 * A stored chunk by its address.
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
 * The address of a full chunk of zeros; null in a volume where each has
 * another one.
 *
 * @throws {AloeError} `mount_invalid`.
 */
export async function zeroChunkHash(db: Database, mount: MountHandle): Promise<string | null> {
  const { chunkSize } = await inodeVolume(db, mount);
  return zeroChunkAddress(inodeCipher(mount), chunkSize);
}

/**
 * Where a link points: its whole content.
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

/** A target has at most 4,095 bytes; a volume's chunks may be small. */
const MAX_TARGET_CHUNKS = 4095;

/** An extended attribute of a node; null when it has none of the name. */
export async function getInodeXattr(
  db: Database,
  _mount: MountHandle,
  node: string,
  name: string,
): Promise<Uint8Array | null> {
  return (await db.query((tx) => tx.first(getXattr, { node, name })))?.value ?? null;
}

/** The names of a node's extended attributes, in order. */
export async function listInodeXattrs(
  db: Database,
  _mount: MountHandle,
  node: string,
): Promise<string[]> {
  const rows = await db.query((tx) => tx.all(listXattrs, { node }));
  return rows.map((row) => row.name);
}

/** A number that changes whenever another connection has committed to the file. */
export async function changeCounter(db: Database): Promise<number> {
  return await db.query((tx) => capability(tx, "changeCounter")(tx));
}

/** Moves the WAL into the file and gives its room back, as far as others let it. */
export async function checkpoint(db: Database): Promise<void> {
  await db.emptyLog();
}

/** The cipher of a handle's volume. */
export function inodeCipher(mount: MountHandle): ChunkCipher {
  return MountHandle.cipherOf(mount) ?? plainCipher;
}

/** A chunk's plaintext, its ciphertext's memory freed. */
export function plaintext(
  cipher: ChunkCipher,
  row: Parameters<typeof openChunk>[1],
  label: string,
): Uint8Array {
  const data = openChunk(cipher, row, label);
  if (data !== row.data) release(row.data!);
  return handOver(data);
}

/** A row in the shape that callers see. */
export function inodeRow(row: InodeColumns): InodeRow;
export function inodeRow(row: PlacedColumns): PlacedInode;
export function inodeRow(row: ListedColumns): ListedInode;
export function inodeRow(row: InodeColumns | PlacedColumns | ListedColumns): InodeRow {
  // By index: this is done for every name of a listing.
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
  // SQL's division and remainder go towards zero.
  if (inode.atimeNsec < 0) inode.atimeNsec += 1e9, inode.atimeSec--;
  if (inode.mtimeNsec < 0) inode.mtimeNsec += 1e9, inode.mtimeSec--;
  if (inode.ctimeNsec < 0) inode.ctimeNsec += 1e9, inode.ctimeSec--;
  return inode;
}

/** Permission bits as era 1 kept them. */
function octal(text: string | null): number | null {
  return text !== null && /^[0-7]{1,4}$/.test(text) ? parseInt(text, 8) : null;
}
