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

// A volume as it was, as far as the history tells: which placements there were,
// to the millisecond at which they began and to the moment at which they ended,
// and which version of each file was the committed one. Of a file whose versions
// of the time are not kept it shows the oldest that is. Names that were changed in
// place, owners, permission bits and extended attributes are those of today.

/**
 * A node as it was at a time; null when there was none of the id.
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

/** The child that a name had at a time; null when there was none. */
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

/** A page of what was in a container at a time. As `listInodes`. */
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

/** Chunks read by one query, to bound memory. */
const CHUNKS_AT_ONCE = 16;

/**
 * The chunks of one version of a node.
 *
 * @param version As an `InodeRow` tells it; 0 has none.
 * @throws {AloeError} `corrupt` for one that is missing or not authentic.
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

/** What every id is less than that was minted up to a time. */
function bound(at: bigint): string {
  const ms = (at / 1_000_000n + 1n).toString(16).padStart(12, "0");
  return `${ms.slice(0, 8)}-${ms.slice(8)}`;
}

/** Gives a node the content, and the number of names, that it had. */
async function asOf<Inode extends InodeRow>(
  tx: Transaction,
  inode: Inode,
  at: bigint,
): Promise<Inode> {
  const { id: node } = inode;
  inode.redo = false;
  inode.size = inode.stored;
  if (inode.type === "container") {
    // 1 says that the directories in it were not counted.
    inode.nlink = 1;
    return inode;
  }
  inode.nlink = (await tx.first(linksAt, { node, at, before: bound(at) }))!.links;
  const manifests = new ManifestStore(tx);
  const noted = await manifests.versionAt(node, at, inode.version);
  let version = noted?.version ?? inode.version;
  if (noted === undefined) {
    const oldest = await manifests.oldest(node);
    // Nothing was written yet, unless a version of the time was dropped since.
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
