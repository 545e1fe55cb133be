import {
  carryManifest,
  type ChunkColumns,
  committedChunks,
  commitVersion,
  copyCommittedManifest,
  copyContent,
  deleteVersion,
  deleteVersionNote,
  deleteVersionsAbove,
  insertContent,
  insertManifestRow,
  insertManifestRun,
  listVersions,
  manifestPage,
  prunableVersions,
  renumberVersion,
  setRetention,
  versionChunks,
  versionSize,
  versionState,
} from "../../templates/content.ts";
import {
  chunksOfThese,
  contentFacts,
  deleteNotes,
  deleteNotesBelow,
  deleteRange,
  deleteVersionsBelow,
  notedChunks,
  oldestKept,
  orphanNodes,
  orphanRange,
  orphanVersionsAbove,
  orphanVersionsBelow,
  orphanVolume,
  replaceManifestRow,
  setContentSize,
  setNotedSize,
} from "../../templates/content_change.ts";
import { copyHoles, countReferences, deleteHoles, setHoles } from "../../templates/holes.ts";
import { chunkHashAt, committedHashes } from "../../templates/inode.ts";
import { oldestVersion, versionAt, versionEnd } from "../../templates/inode_at.ts";
import { joinedHashes } from "../../templates/listing.ts";
import { locksOfNode } from "../../templates/lock.ts";
import { committedVersions } from "../../templates/names.ts";
import { contentState } from "../../templates/redo.ts";
import { deleteSeal, deleteSealsBelow } from "../../templates/seal.ts";
import { moveManifest } from "../../templates/upload.ts";
import { now } from "../clock.ts";
import { AloeError } from "../errors.ts";
import type { Transaction } from "../storage/transaction.ts";
import { ChunkPool } from "./chunk_pool.ts";
import type { ChunkRow } from "./chunk_store.ts";

/** The row of a query. */
type RowOf<T extends { readonly row?: unknown }> = NonNullable<T["row"]>;

/** A chunk of a version with its bytes, which are null when the pool has not the chunk. */
export interface ManifestChunk extends ChunkRow {
  /** Its place in the content, from 0. */
  index: number;
  /** Its address. */
  hash: string;
}

/** Chunk rows of one version: `first` to `last`, both included. */
export interface RowRange {
  node: string;
  version: number;
  first: number;
  last: number;
}

/** An index that no chunk row is after. */
export const LAST_ROW = Number.MAX_SAFE_INTEGER;

/**
 * The versions of content and their chunk rows, within one transaction: the
 * only module that writes them. Chunks that lose a row are noted, and are
 * deleted by {@linkcode ManifestStore.reclaim} when nothing refers to them.
 */
export class ManifestStore {
  readonly #tx: Transaction;

  /** @param tx Any transaction to read; one that was begun to write for changes. */
  constructor(tx: Transaction) {
    this.#tx = tx;
  }

  // The content of a node, and its versions.

  /**
   * Makes the content row of a node.
   *
   * @param size Bytes of the version.
   * @param keep How many versions it keeps; null for no number of its own.
   */
  create(node: string, version = 0, size = 0, keep: number | null = null): Promise<number> {
    return this.#tx.run(insertContent, { node, version, size, keep });
  }

  /** The committed version with its size, and the greatest version that has rows. */
  state(node: string): Promise<RowOf<typeof versionState> | undefined> {
    return this.#tx.first(versionState, { node });
  }

  /** The committed version with its size, the true size and the noted holes. */
  facts(node: string): Promise<RowOf<typeof contentFacts> | undefined> {
    return this.#tx.first(contentFacts, { node });
  }

  /** The committed version with its size, the true size, and whether it has a history. */
  unfolded(node: string): Promise<RowOf<typeof contentState> | undefined> {
    return this.#tx.first(contentState, { node });
  }

  /** The committed versions of some nodes. @param nodes A JSON array of ids. */
  committed(nodes: string): Promise<RowOf<typeof committedVersions>[]> {
    return this.#tx.all(committedVersions, { nodes });
  }

  /** The versions of an entry that can be read, newest first. */
  versions(node: string): Promise<RowOf<typeof listVersions>[]> {
    return this.#tx.all(listVersions, { node });
  }

  /** What is known of the size of a version, and which version is the committed one. */
  sizes(node: string, version: number): Promise<RowOf<typeof versionSize> | undefined> {
    return this.#tx.first(versionSize, { node, version });
  }

  /** The newest readable version up to `version` that was committed up to a time, ns. */
  versionAt(
    node: string,
    at: bigint,
    version: number,
  ): Promise<RowOf<typeof versionAt> | undefined> {
    return this.#tx.first(versionAt, { node, at, version });
  }

  /** The oldest version that has chunk rows, and whether its time was noted. */
  oldest(node: string): Promise<RowOf<typeof oldestVersion> | undefined> {
    return this.#tx.first(oldestVersion, { node });
  }

  /** The bytes of a version, by its last chunk; 0 for one without chunks. */
  async end(node: string, version: number): Promise<number> {
    return (await this.#tx.first(versionEnd, { node, version }))?.size ?? 0;
  }

  /** Sets how many versions an entry keeps; null keeps all. */
  retain(node: string, keep: number | null): Promise<number> {
    return this.#tx.run(setRetention, { node, keep });
  }

  /**
   * The number of the next version: past the committed one and past any that is
   * being written. What an earlier writer began and did not commit is deleted,
   * so that it is not mistaken for history.
   *
   * @param lock The lock that the caller itself holds on the entry.
   * @throws {AloeError} `corrupt` without a content row.
   */
  async nextVersion(node: string, lock: string | null = null): Promise<number> {
    const state = await this.state(node);
    if (state === undefined) {
      throw new AloeError("corrupt", `${node}: the entry has no content row`);
    }
    const { version, top } = state;
    if (top === null || top <= version) return version + 1;
    const locks = await this.#tx.all(locksOfNode, { node, now: now() });
    if (locks.some((each) => each.lock_id !== lock)) return top + 1;
    await this.dropAbove(node, version);
    return version + 1;
  }

  /** Makes a version the committed one: readers see it from here on. */
  commit(node: string, version: number, size: number): Promise<number> {
    return this.#tx.run(commitVersion, { node, version, size });
  }

  /** Sets the bytes of the committed version, which stays the one it is. */
  resize(node: string, size: number): Promise<number> {
    return this.#tx.run(setContentSize, { node, size });
  }

  /** Sets the bytes that were noted of a version when it was committed. */
  noteSize(node: string, version: number, size: number): Promise<number> {
    return this.#tx.run(setNotedSize, { node, version, size });
  }

  /** Gives a version another number. */
  renumber(node: string, from: number, to: number): Promise<number> {
    return this.#tx.run(renumberVersion, { node, from, to });
  }

  /** Gives a node the committed content of another one, which it refers to again. */
  async copy(source: string, node: string): Promise<void> {
    await this.#tx.run(copyContent, { node, source });
    await this.copyRows(source, node);
    await this.#tx.run(copyHoles, { node, source });
  }

  /** The same of the chunk rows of the committed version alone. */
  copyRows(source: string, node: string): Promise<number> {
    return this.#tx.run(copyCommittedManifest, { node, source });
  }

  // What goes.

  /** Deletes a version that was begun and is not committed. */
  async drop(node: string, version: number): Promise<void> {
    await this.#tx.run(orphanRange, { node, version, first: 0, last: LAST_ROW });
    await this.#tx.run(deleteVersion, { node, version });
  }

  /** Deletes all versions above one, which were begun and not committed. */
  async dropAbove(node: string, version: number): Promise<void> {
    await this.#tx.run(orphanVersionsAbove, { node, version });
    await this.#tx.run(deleteVersionsAbove, { node, version });
  }

  /** Deletes the history but for the newest versions. @param keep How many, with `version`. */
  async dropHistory(node: string, version: number, keep: number): Promise<void> {
    const oldest = await this.#tx.first(oldestKept, { node, version, skip: keep - 1 });
    if (oldest === undefined) return;
    const below = { node, version: oldest.version };
    await this.#tx.run(orphanVersionsBelow, below);
    await this.#tx.run(deleteVersionsBelow, below);
    await this.#tx.run(deleteNotesBelow, below);
    await this.#tx.run(deleteSealsBelow, below);
  }

  /**
   * Deletes the versions that retention has given up, and those that were never
   * committed. Their chunks are not noted: a sweep of the pool follows.
   *
   * @param volume Only those of a volume; null for the whole file.
   * @param limit How many, at most.
   * @returns How many there were.
   */
  async prune(volume: string | null, limit: number = Infinity): Promise<number> {
    const all = await this.#tx.all(prunableVersions, { volume, now: now() });
    const versions = all.slice(0, limit);
    for (const { content_id: node, version } of versions) {
      await this.#tx.run(deleteVersion, { node, version });
      await this.#tx.run(deleteVersionNote, { node, version });
      await this.#tx.run(deleteSeal, { node, version });
    }
    return versions.length;
  }

  /** Notes all chunks of nodes that are about to be deleted. @param nodes A JSON array of ids. */
  release(nodes: string): Promise<number> {
    return this.#tx.run(orphanNodes, { nodes });
  }

  /** The same for all nodes of a volume. */
  releaseVolume(volume: string): Promise<number> {
    return this.#tx.run(orphanVolume, { volume });
  }

  /** The chunks that some nodes alone refer to. @param nodes A JSON array of ids. */
  async ownedBy(nodes: string): Promise<{ chunks: number; bytes: number }> {
    const { chunks, bytes } = (await this.#tx.first(chunksOfThese, { nodes }))!;
    return { chunks, bytes: bytes ?? 0 };
  }

  /**
   * Looks at noted chunks, and deletes those that nothing refers to.
   *
   * @param limit How many are looked at, at most.
   * @returns How many were.
   */
  async reclaim(limit: number): Promise<number> {
    const noted = await this.#tx.all(notedChunks, { limit });
    if (noted.length === 0) return 0;
    // Others may have referred to one again since it was noted.
    const unused = noted.filter((row) => !row.used).map((row) => row.chunk_hash);
    await new ChunkPool(this.#tx).delete(unused);
    await this.#tx.run(deleteNotes, { limit });
    return noted.length;
  }

  // Chunk rows.

  /** Adds a chunk row. */
  add(node: string, version: number, index: number, hash: string): Promise<number> {
    return this.#tx.run(insertManifestRow, { node, version, index, hash });
  }

  /** Adds rows that all refer to one chunk: a hole. */
  addRun(rows: RowRange, hash: string): Promise<number> {
    return this.#tx.run(insertManifestRun, { ...rows, hash });
  }

  /** Puts a row in the place of another, whose chunk is noted. */
  async replace(node: string, version: number, index: number, hash: string): Promise<void> {
    await this.#tx.run(orphanRange, { node, version, first: index, last: index });
    await this.#tx.run(replaceManifestRow, { node, version, index, hash });
  }

  /** Deletes rows, and notes their chunks. */
  async remove(rows: RowRange): Promise<void> {
    await this.#tx.run(orphanRange, rows);
    await this.#tx.run(deleteRange, rows);
  }

  /** Refers to the chunks of one version again in another one: `first` to `last`. */
  carry(node: string, from: number, to: number, first: number, last: number): Promise<number> {
    return this.#tx.run(carryManifest, { node, from, to, first, last });
  }

  /** Gives rows of a version to a version of another node. */
  move(rows: RowRange, to: string, newVersion: number): Promise<number> {
    const { node: from, version, first, last } = rows;
    return this.#tx.run(moveManifest, { from, version, to, newVersion, first, last });
  }

  /** The chunks of a version, in order, as far as it has rows. */
  async chunks(
    node: string,
    version: number,
    first: number,
    last: number,
  ): Promise<ManifestChunk[]> {
    return (await this.#tx.all(versionChunks, { node, version, first, last })).map(manifestChunk);
  }

  /** The same of the committed version. */
  async committedChunks(node: string, first: number, last: number): Promise<ManifestChunk[]> {
    return (await this.#tx.all(committedChunks, { node, first, last })).map(manifestChunk);
  }

  /** A page of the rows of a version, from an index on: addresses and plaintext lengths. */
  page(
    node: string,
    version: number,
    first: number,
    limit: number,
  ): Promise<RowOf<typeof manifestPage>[]> {
    return this.#tx.all(manifestPage, { node, version, first, limit });
  }

  /** The address of one chunk of a version; undefined when it has no such row. */
  async hashAt(node: string, version: number, index: number): Promise<string | undefined> {
    return (await this.#tx.first(chunkHashAt, { node, version, index }))?.chunk_hash;
  }

  /** The addresses of chunks of the committed version, as far as it has rows. */
  committedHashes(
    node: string,
    first: number,
    last: number,
  ): Promise<RowOf<typeof committedHashes>[]> {
    return this.#tx.all(committedHashes, { node, first, last });
  }

  /** The addresses of some chunks of a version, one after the other in one text. */
  async joinedHashes(rows: RowRange): Promise<string> {
    return (await this.#tx.first(joinedHashes, rows))?.hashes ?? "";
  }

  // How many chunks are known to be holes.

  /** How many of some rows refer to a chunk. */
  async countReferences(rows: RowRange, hash: string): Promise<number> {
    return (await this.#tx.first(countReferences, { ...rows, hash }))!.count;
  }

  /** Notes how many chunks of a version are holes; 0 takes the note back. */
  noteHoles(node: string, version: number, chunks: number): Promise<number> {
    return chunks === 0
      ? this.#tx.run(deleteHoles, { node })
      : this.#tx.run(setHoles, { node, version, chunks });
  }
}

function manifestChunk(
  [index, hash, data, length, N_c, enc_tag]: ChunkColumns,
): ManifestChunk {
  return { index, hash, data, length, N_c, enc_tag };
}
