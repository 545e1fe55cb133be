import { inodeById } from "../../templates/inode.ts";
import { inodeByNameAt, inodesAtAfter, linksAt } from "../../templates/inode_at.ts";
import { ManifestStore } from "../content/manifest_store.ts";
import type { MountHandle } from "../mount_handle.ts";
import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";
import {
  HIDDEN,
  inodeCipher,
  type InodePage,
  type InodeRow,
  inodeRow,
  type ListedInode,
  pageOf,
  type PlacedInode,
  plaintext,
  type StoredBytes,
} from "./inodes.ts";

// Reads a past state of a volume, as far as its history reaches: the placements that existed, to
// the millisecond of their creation and the moment of their end, and the committed version of each
// file. If no version of that time is kept, the oldest kept one is shown. Names changed in place,
// owners, permission bits and extended attributes are the current ones.

/**
 * Returns a node as of a time; null when it did not exist.
 *
 * @param at Nanoseconds since the Unix epoch.
 */
export async function loadInodeAt(
  db: Database,
  mount: MountHandle,
  id: string,
  at: bigint,
): Promise<InodeRow | null> {
  return await db.read(async (tx) => {
    if (id >= bound(at)) return null;
    const row = await tx.first(inodeById, { node: id, volume: mount.volume });
    return row === undefined ? null : await asOf(tx, inodeRow(row), at);
  });
}

/** Returns the child of a name as of a time; null when there was none. */
export async function lookupInodeAt(
  db: Database,
  mount: MountHandle,
  parent: string,
  name: string,
  at: bigint,
): Promise<PlacedInode | null> {
  return await db.read(async (tx) => {
    const placed = { parent, name, at, before: bound(at), volume: mount.volume };
    const row = await tx.first(inodeByNameAt, placed);
    if (row === undefined) return null;
    return await asOf(tx, inodeRow(row), at);
  });
}

/** Returns a page of a container's children as of a time, like `listInodes`. */
export async function listInodesAt(
  db: Database,
  mount: MountHandle,
  parent: string,
  after: string,
  limit: number,
  at: bigint,
): Promise<InodePage> {
  return await db.read(async (tx) => {
    const placed = { parent, after, limit, at, before: bound(at), volume: mount.volume };
    const rows = await tx.all(inodesAtAfter, placed);
    const inodes: ListedInode[] = [];
    for (const row of rows) {
      if (!row[HIDDEN]) inodes.push(await asOf(tx, inodeRow(row), at));
    }
    return pageOf(rows, inodes, limit);
  });
}

/** The number of chunks read by one query, to bound memory. */
const CHUNKS_AT_ONCE = 16;

/**
 * Returns the chunks of one version of a node.
 *
 * @param version The version in an `InodeRow`; 0 has none.
 * @throws {AloeError} `corrupt` for a chunk that is missing or not authentic.
 */
export async function readVersionChunks(
  db: Database,
  mount: MountHandle,
  node: string,
  version: number,
  first: number,
  last: number,
): Promise<StoredBytes[]> {
  const cipher = inodeCipher(mount);
  const chunks: StoredBytes[] = [];
  for (let from = first; from <= last; from += CHUNKS_AT_ONCE) {
    const to = Math.min(from + CHUNKS_AT_ONCE - 1, last);
    const rows = await db.query((tx) => new ManifestStore(tx).chunks(node, version, from, to));
    for (const row of rows) {
      chunks.push({ index: row.index, hash: row.hash, data: plaintext(cipher, row, node) });
    }
    if (rows.length < to - from + 1) break;
  }
  return chunks;
}

/** Returns text that sorts after every id minted up to a time. */
function bound(at: bigint): string {
  const ms = (at / 1_000_000n + 1n).toString(16).padStart(12, "0");
  return `${ms.slice(0, 8)}-${ms.slice(8)}`;
}

/** Sets a node's content and link count to those of a time. */
async function asOf<Inode extends InodeRow>(
  tx: Transaction,
  inode: Inode,
  at: bigint,
): Promise<Inode> {
  const { id: node } = inode;
  inode.redo = false;
  inode.size = inode.stored;
  if (inode.type === "container") {
    // A link count of 1 means that subdirectories were not counted.
    inode.nlink = 1;
    return inode;
  }
  inode.nlink = (await tx.first(linksAt, { node, at, before: bound(at) }))!.links;
  const manifests = new ManifestStore(tx);
  const noted = await manifests.versionAt(node, at, inode.version);
  let version = noted?.version ?? inode.version;
  if (noted === undefined) {
    const oldest = await manifests.oldest(node);
    // Nothing was written at that time, unless its version was pruned since.
    if (oldest !== undefined) version = oldest.noted && oldest.version <= 1 ? 0 : oldest.version;
  }
  if (version === inode.version) return inode;
  inode.version = version;
  inode.holes = 0;
  inode.size = inode.stored = version === 0 ? 0 : await manifests.end(node, version);
  if (noted !== undefined) {
    inode.mtimeSec = noted.committed_s;
    inode.mtimeNsec = noted.committed_ns;
  }
  return inode;
}
