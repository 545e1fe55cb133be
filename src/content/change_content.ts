import {
  carryRedo,
  deleteAllRedo,
  deleteRedo,
  deleteTrueSize,
  hasRedo,
  insertRedo,
  setTrueSize,
} from "../../templates/redo.ts";
import type { ChunkCipher } from "../crypto/chunk_cipher.ts";
import { AloeError } from "../errors.ts";
import type { Transaction } from "../storage/transaction.ts";
import { ChunkMap } from "./chunk_map.ts";
import { storeChunk } from "./chunk_store.ts";
import { HoleCount } from "./hole_count.ts";
import { LAST_ROW, ManifestStore, type RowRange } from "./manifest_store.ts";
import { zeroChunkAddress } from "./zero_chunk.ts";

/** Which history is kept of content: none, this many versions of each file, or all. */
export type History = "none" | "all" | number;

/** A whole chunk of the new content: its plaintext, or the address of a stored one. */
export type NewChunk = { index: number; data: Uint8Array } | { index: number; hash: string };

/** How the content of one node changes. */
export interface ContentChange {
  /** Whose it is. */
  node: string;
  /** The node's own number of versions to keep; null when it has none. */
  keep: number | null;
  /**
   * What the file is supposed to have, where somebody else may have changed
   * it: the committed version and its bytes.
   */
  expected?: { version: number; stored: number };
  /** Manifest rows from this index on are dropped first. */
  keepRows: number;
  /** Runs of full chunks of zeros, both ends included. */
  holes: { first: number; last: number }[];
  /** Chunks that are new or another, each index once. */
  chunks: NewChunk[];
  /** Bytes that the manifest holds from now on. */
  stored: number;
  /** Writes for the redo log, in order; `start` is in the chunk. */
  redo: { index: number; start: number; data: Uint8Array }[];
  /** Chunks whose earlier rows in the redo log go. */
  folded: readonly number[] | "all";
  /** True size, bytes. */
  size: number;
}

/** What a node's content is after a change. */
export interface ChangedContent {
  /** The committed version. */
  version: number;
  /** How many of its chunks are known to be holes. */
  holes: number;
}

/** The volume whose content changes. */
export interface ContentScope {
  cipher: ChunkCipher;
  /** Bytes in a full chunk. */
  chunkSize: number;
}

/**
 * Changes the content of a node. Without a history to keep it changes the
 * rows of the committed version, so that it costs what is changed; chunks
 * that lose a reference are noted for {@linkcode reclaim}. Otherwise it makes
 * a version, which refers again to what stays.
 *
 * @param isNew Whether the node has no content row yet: it is made.
 * @throws {AloeError} `corrupt` without a content row, `unsupported` when it is too large,
 * `mount_conflict` when the content is not what was expected.
 */
export async function changeContent(
  tx: Transaction,
  scope: ContentScope,
  change: ContentChange,
  history: History,
  isNew: boolean,
): Promise<ChangedContent> {
  const { node, stored, folded } = change;
  const zeros = zeroChunkAddress(scope.cipher, scope.chunkSize);
  if (Math.max(stored, change.size) > new ChunkMap(scope.chunkSize).limit) {
    throw new AloeError("unsupported", `${node}: ${change.size} bytes are too many chunks`);
  }
  const manifests = new ManifestStore(tx);
  if (isNew) {
    const version = stored > 0 ? 1 : 0;
    await manifests.create(node, version, stored, change.keep);
    const holes = new HoleCount(zeros, 0);
    await writeRows(tx, scope, change, version, 0, holes);
    await holes.note(manifests, node, version, null);
    await writePending(tx, scope, change, version, null);
    return { version, holes: holes.chunks };
  }
  const facts = await manifests.facts(node);
  if (facts === undefined) throw new AloeError("corrupt", `${node}: has no content row`);
  const { expected } = change;
  if (expected && (expected.version !== facts.version || expected.stored !== facts.size)) {
    throw new AloeError("mount_conflict", `${node}: somebody else has changed it`);
  }
  if (folded === "all") await tx.run(deleteAllRedo, { node });
  else for (const index of folded) await tx.run(deleteRedo, { node, index });

  let { version } = facts;
  const holes = new HoleCount(zeros, facts.holes_version === version ? facts.holes! : 0);
  const rows = new ChunkMap(scope.chunkSize).count(facts.size);
  const dropped = rows > change.keepRows;
  if (dropped || change.holes.length + change.chunks.length > 0 || stored !== facts.size) {
    const keep = change.keep ?? (history === "none" ? 1 : history === "all" ? Infinity : history);
    if (version > 0 && keep <= 1) {
      await changeInPlace(tx, scope, change, facts, Math.min(rows, change.keepRows), holes);
    } else {
      version = await makeVersion(tx, scope, change, version, keep, holes);
    }
    await holes.note(manifests, node, version, facts.holes_version);
  }
  await writePending(tx, scope, change, version, facts);
  return { version, holes: holes.chunks };
}

/** @param kept How many rows of the committed version stay, or are replaced. */
async function changeInPlace(
  tx: Transaction,
  scope: ContentScope,
  change: ContentChange,
  { version, size }: { version: number; size: number },
  kept: number,
  holes: HoleCount,
): Promise<void> {
  const { node, stored } = change;
  const manifests = new ManifestStore(tx);
  if (new ChunkMap(scope.chunkSize).startOf(kept) < size) {
    await removeRows(manifests, { node, version, first: kept, last: LAST_ROW }, holes);
  }
  await writeRows(tx, scope, change, version, kept, holes);
  if (stored === size) return;
  await manifests.resize(node, stored);
  await manifests.noteSize(node, version, stored);
}

async function makeVersion(
  tx: Transaction,
  scope: ContentScope,
  change: ContentChange,
  from: number,
  keep: number,
  holes: HoleCount,
): Promise<number> {
  const { node, keepRows, stored } = change;
  const manifests = new ManifestStore(tx);
  const version = await manifests.nextVersion(node);
  await holes.dropping(manifests, { node, version: from, first: keepRows, last: LAST_ROW });
  if (from > 0 && keepRows > 0) await manifests.carry(node, from, version, 0, keepRows - 1);
  await writeRows(tx, scope, change, version, from > 0 ? keepRows : 0, holes);
  await manifests.commit(node, version, stored);
  if (change.folded !== "all") await tx.run(carryRedo, { node, from, to: version });
  if (keep !== Infinity && from > 0) await manifests.dropHistory(node, version, keep);
  return version;
}

/**
 * Writes the manifest rows of holes and chunks.
 *
 * @param kept Rows below this index are there already.
 */
async function writeRows(
  tx: Transaction,
  scope: ContentScope,
  { node, holes, chunks }: ContentChange,
  version: number,
  kept: number,
  count: HoleCount,
): Promise<void> {
  const manifests = new ManifestStore(tx);
  if (holes.length > 0) {
    const hash = await storeChunk(tx, scope.cipher, new Uint8Array(scope.chunkSize));
    for (const { first, last } of holes) {
      const rows = { node, version, first, last };
      if (first < kept) {
        await removeRows(manifests, { ...rows, last: Math.min(last, kept - 1) }, count);
      }
      await manifests.addRun(rows, hash);
      count.added(hash, last - first + 1);
    }
  }
  for (let i = 0; i < chunks.length; i++) {
    const chunk = chunks[i];
    const { index } = chunk;
    const hash = "hash" in chunk ? chunk.hash : await storeChunk(tx, scope.cipher, chunk.data);
    count.added(hash);
    if (index < kept) {
      await count.dropping(manifests, { node, version, first: index, last: index });
      await manifests.replace(node, version, index, hash);
    } else {
      await manifests.add(node, version, index, hash);
    }
  }
}

async function removeRows(
  manifests: ManifestStore,
  rows: RowRange,
  holes: HoleCount,
): Promise<void> {
  await holes.dropping(manifests, rows);
  await manifests.remove(rows);
}

/** Logs what waits to become chunks, and notes the true size of a node that has such. */
async function writePending(
  tx: Transaction,
  { cipher }: ContentScope,
  { node, stored, size, redo, folded }: ContentChange,
  version: number,
  noted: { true_size: number | null; size_version: number | null } | null,
): Promise<void> {
  for (const { index, start, data } of redo) {
    const sealed = cipher.protect(data);
    await tx.run(insertRedo, {
      node,
      version,
      index,
      start,
      length: data.length,
      data: sealed.data,
      nonce: sealed.nonce,
      tag: sealed.tag,
    });
  }
  const known = noted !== null && noted.true_size !== null;
  const pending = size !== stored || redo.length > 0 ||
    (known && folded !== "all" && await tx.first(hasRedo, { node, version }) !== undefined);
  if (!pending) {
    if (known) await tx.run(deleteTrueSize, { node });
  } else if (noted?.true_size !== size || noted.size_version !== version) {
    await tx.run(setTrueSize, { node, version, size });
  }
}
