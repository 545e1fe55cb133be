import { contentTimes } from "../../templates/listing.ts";
import { ChunkMap } from "../content/chunk_map.ts";
import {
  CHUNKS_A_PAGE,
  type HashPage,
  hashPage,
  pageCount,
  tagOf,
} from "../content/content_tag.ts";
import { handOver, release } from "../content/chunk_memory.ts";
import { openChunk } from "../content/chunk_store.ts";
import { cipherFor } from "../content/cipher_for.ts";
import { keptChunks, loadingRoom } from "../content/kept_chunks.ts";
import { ManifestStore } from "../content/manifest_store.ts";
import { AloeError } from "../errors.ts";
import type { MountRef } from "../mount_handle.ts";
import {
  requireEntry,
  requireSealed,
  type Resolved,
  resolveId,
  resolveTarget,
  type Target,
} from "../tree/resolve.ts";
import { capability } from "../storage/capabilities.ts";
import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";
import { yieldToEventLoop } from "../yield_to_event_loop.ts";
import type { NodeType } from "../types.ts";
import { retainedVersion, type VersionOption } from "./content.ts";

/** Chunks smaller than this are decrypted again by each read, in bytes. */
const WORTH_KEEPING = 64 * 1024;

/** Files up to this size may be returned as a whole, in bytes. */
const SMALL = 256 * 1024;

/** The content of a file at one moment. */
export interface SnapshotInfo {
  /** The node's id. */
  node: string;
  /** The node's type. */
  type: NodeType;
  /** The node's own name. */
  name: string;
  /** The version number. */
  version: number;
  /** The size in bytes. */
  size: number;
  /** When it was last changed, in ns; for an old version, when it was committed. */
  modifiedAt: bigint;
  /**
   * 32 hexadecimal digits that identify the content. Different content has a different tag, even if
   * a filesystem changes a version in place.
   */
  tag: string;
}

/**
 * The content of a file at one moment, for reading in pieces. It holds no lock: content that has
 * changed can no longer be read, which is reported instead of mixing old and new bytes.
 */
export class Snapshot implements SnapshotInfo {
  readonly node: string;
  readonly type: NodeType;
  readonly name: string;
  readonly version: number;
  readonly size: number;
  readonly modifiedAt: bigint;
  readonly tag: string;
  /** The size of a full chunk, in bytes. */
  readonly chunkSize: number;
  readonly #db: Database;
  readonly #mount: MountRef;
  readonly #pages: readonly string[];
  #page: HashPage | null;
  #checked: Resolved | null = null;

  /**
   * @ignore `openSnapshot` creates snapshots.
   */
  constructor(
    db: Database,
    entry: Resolved,
    facts: { version: number; size: number; modifiedAt: bigint; tag: string },
    pages: readonly string[],
    page: HashPage | null,
  ) {
    this.node = entry.node;
    this.type = entry.type;
    this.name = entry.name;
    this.version = facts.version;
    this.size = facts.size;
    this.modifiedAt = facts.modifiedAt;
    this.tag = facts.tag;
    this.chunkSize = entry.chunkSize;
    this.#db = db;
    this.#mount = entry.mount;
    this.#pages = pages;
    this.#page = page;
  }

  /**
   * Reads from an offset on.
   *
   * @param offset The start in bytes.
   * @param length The number of bytes. Fewer are returned at the end of the file, and to end a read
   *   at a chunk boundary when that avoids a copy. The rest of a partly read chunk is cached for
   *   the next read, until {@linkcode forget}.
   * @returns Consecutive pieces.
   * @throws {AloeError} `mount_conflict` when the content has changed; `mount_invalid`, `corrupt`.
   */
  async read(offset: number, length: number): Promise<Uint8Array[]> {
    const end = Math.min(offset + length, this.size);
    if (offset >= end) return [];
    return await this.#db.current.read(async (tx) => {
      // Check the mount on each read, because it may have ended.
      const entry = await resolveId(tx, this.#mount, this.node);
      return await this.#read(tx, entry, offset, end);
    });
  }

  /** Drops the chunk cached for the next read. */
  forget(): void {
    keptChunks.forget(this);
  }

  /**
   * @ignore Reads everything within a transaction that has resolved the entry.
   */
  async readWith(tx: Transaction, entry: Resolved): Promise<Uint8Array[]> {
    return await this.#read(tx, entry, 0, this.size);
  }

  async #read(
    tx: Transaction,
    entry: Resolved,
    offset: number,
    end: number,
  ): Promise<Uint8Array[]> {
    const cipher = cipherFor(entry);
    const { chunkSize } = this;
    const chunks = new ChunkMap(chunkSize);
    const first = chunks.indexOf(offset);
    const number = Math.floor(first / CHUNKS_A_PAGE);
    let last = Math.min(
      chunks.indexOf(end - 1),
      (number + 1) * CHUNKS_A_PAGE - 1,
    );
    // End at a chunk boundary, so that the next read starts with a whole chunk.
    const cut = last > first && chunks.partial(end) !== 0 && end < this.size;
    if (cut && chunkSize >= WORTH_KEEPING) last--;
    const page = await this.#pageAt(tx, number);
    const kept = chunkSize < WORTH_KEEPING
      ? null
      : keptChunks.take(this, this.#db, cipher, page.at(first));
    if (kept !== null) return [this.#part(kept, first, offset, end)];
    using _room = await loadingRoom(Math.min(chunks.startOf(last - first + 1), this.size));
    const rows = await new ManifestStore(tx).chunks(this.node, this.version, first, last);
    if (rows.length !== last - first + 1) throw this.#changed();
    const pieces: Uint8Array[] = [];
    for (let i = 0; i < rows.length; i++) {
      const { index, hash, data } = rows[i];
      if (index !== first + i || !page.has(index, hash)) throw this.#changed();
      const chunk = openChunk(cipher, rows[i], this.name);
      if (chunk !== data) release(data!);
      const start = chunks.startOf(index);
      if (chunk.length < chunks.lengthOf(index, this.size)) {
        throw new AloeError("corrupt", `${this.name}: chunk ${index} is too short`);
      }
      const whole = offset <= start && end >= start + chunk.length;
      if (whole) {
        pieces.push(handOver(chunk));
        continue;
      }
      // Copy, because a view would keep the whole chunk in memory while a slow client reads.
      pieces.push(this.#part(chunk, index, offset, end));
      if (chunkSize < WORTH_KEEPING) release(chunk);
      else keptChunks.keep(this, this.#db, cipher, hash, chunk);
    }
    return pieces;
  }

  /** Returns a copy of the requested part of a chunk. */
  #part(chunk: Uint8Array, index: number, offset: number, end: number): Uint8Array {
    const start = new ChunkMap(this.chunkSize).startOf(index);
    const to = Math.min(chunk.length, end - start, this.size - start);
    return chunk.slice(Math.max(0, offset - start), to);
  }

  async #pageAt(tx: Transaction, number: number): Promise<HashPage> {
    if (this.#page?.first === number * CHUNKS_A_PAGE) return this.#page;
    const version = { ...this, label: this.name };
    const page = await hashPage(tx, version, number).catch(() => null);
    if (page?.digest !== this.#pages[number]) throw this.#changed();
    return this.#page = page!;
  }

  #changed(): AloeError {
    return new AloeError("mount_conflict", `${this.name}: changed while it was read`);
  }
}

/**
 * Opens a snapshot of a file's content.
 *
 * @param options `version` selects a retained version instead of the committed one.
 * @throws {AloeError} `not_found` (also for the version), `not_an_entry`, `encryption_required`,
 *   `mount_invalid`, `corrupt`.
 */
export async function openSnapshot(
  db: Database,
  mount: MountRef,
  target: Target,
  options: VersionOption = {},
): Promise<Snapshot> {
  return (await takeSnapshot(db, mount, target, options, false)).snapshot;
}

/**
 * Opens a snapshot; for a small file of at most one chunk also returns its bytes, which saves a
 * transaction.
 */
export async function openSmallSnapshot(
  db: Database,
  mount: MountRef,
  target: Target,
  options: VersionOption = {},
): Promise<{ snapshot: Snapshot; bytes: Uint8Array | null }> {
  return await takeSnapshot(db, mount, target, options, true);
}

async function takeSnapshot(
  db: Database,
  mount: MountRef,
  target: Target,
  options: VersionOption,
  small: boolean,
): Promise<{ snapshot: Snapshot; bytes: Uint8Array | null }> {
  for (let attempt = 0;; attempt++) {
    const begun = await db.read(async (tx) => {
      const entry = await resolveTarget(tx, mount, target);
      requireEntry(entry);
      cipherFor(entry);
      await requireSealed(tx, entry, options.version);
      const facts = await versionFacts(tx, entry, options.version);
      const chunks = new ChunkMap(entry.chunkSize).count(facts.size);
      if (chunks > CHUNKS_A_PAGE) {
        const counter = await capability(tx, "changeCounter")(tx);
        return { entry, facts, done: null, counter };
      }
      const page = chunks === 0 ? null : await hashPage(tx, labelled(entry, facts), 0);
      const pages = page === null ? [] : [page.digest];
      const tag = tagOf(facts.size, pages);
      const snapshot = new Snapshot(db, entry, { ...facts, tag }, pages, page);
      if (!small || chunks > 1 || facts.size > SMALL) {
        return { entry, facts, done: { snapshot, bytes: null }, counter: 0 };
      }
      const [bytes = new Uint8Array(0)] = chunks === 0 ? [] : await snapshot.readWith(tx, entry);
      return { entry, facts, done: { snapshot, bytes }, counter: 0 };
    });
    if (begun.done !== null) return begun.done;
    const { entry, facts, counter } = begun;
    const pages = known(db, entry, facts, counter) ?? await stablePages(db, entry, facts);
    if (pages !== null) {
      remember(db, entry, facts, counter, pages);
      const tag = tagOf(facts.size, pages);
      return { snapshot: new Snapshot(db, entry, { ...facts, tag }, pages, null), bytes: null };
    }
    // The file is changed continuously, so no consistent state was found.
    if (attempt === 4) {
      throw new AloeError("busy", `${entry.label}: is being changed continuously`);
    }
  }
}

interface Facts {
  version: number;
  size: number;
  modifiedAt: bigint;
}

async function versionFacts(
  tx: Transaction,
  entry: Resolved,
  wanted: number | undefined,
): Promise<Facts> {
  const old = wanted === undefined ? null : await retainedVersion(tx, entry, wanted);
  const { version, size } = old ?? { version: entry.version ?? 0, size: entry.size ?? 0 };
  const times = (await tx.first(contentTimes, { node: entry.node, version }))!;
  const modified = times.modified_at ?? times.created_at;
  const modifiedAt = old === null
    ? modified
    : times.committed_at ?? (version <= 1 ? times.created_at : modified);
  return { version, size, modifiedAt };
}

function labelled(entry: Resolved, facts: Facts) {
  const { node, chunkSize, label } = entry;
  return { node, version: facts.version, size: facts.size, chunkSize, label };
}

/**
 * Returns the digests of a large manifest, one transaction each, so that other operations do not
 * wait.
 */
async function allPages(
  db: Database,
  entry: Resolved,
  facts: Facts,
): Promise<string[]> {
  const count = pageCount(facts.size, entry.chunkSize);
  const pages: string[] = [];
  for (let number = 0; number < count; number++) {
    pages.push((await db.read((tx) => hashPage(tx, labelled(entry, facts), number))).digest);
    await yieldToEventLoop();
  }
  return pages;
}

/**
 * Returns the digests of a large manifest at one moment. They are read in several transactions,
 * between which a filesystem may change it in place, so they are read twice.
 *
 * @returns Null when it changed meanwhile.
 */
async function stablePages(
  db: Database,
  entry: Resolved,
  facts: Facts,
): Promise<string[] | null> {
  let pages: string[];
  let second: string[];
  try {
    pages = await allPages(db, entry, facts);
    second = await allPages(db, entry, facts);
  } catch (error) {
    // Missing rows may have been deleted since their size was read.
    if (error instanceof AloeError && error.code === "corrupt" && await changed(db, entry)) {
      return null;
    }
    throw error;
  }
  return second.every((digest, i) => digest === pages[i]) ? pages : null;
}

async function changed(db: Database, entry: Resolved): Promise<boolean> {
  const { size, version } = await db.read((tx) => resolveId(tx, entry.mount, entry.node));
  return size !== entry.size || version !== entry.version;
}

/**
 * Cached digests of a connection, valid until another connection commits: ranges of a file are
 * often read one after another.
 */
const digests = new WeakMap<Database, Map<string, Known>>();

interface Known extends Facts {
  counter: number;
  pages: string[];
}

/** The number of files whose digests are cached. */
const MOST_KNOWN = 64;

function known(db: Database, entry: Resolved, facts: Facts, counter: number): string[] | null {
  const found = digests.get(db)?.get(`${entry.node} ${facts.version}`);
  if (found === undefined || found.counter !== counter) return null;
  // The connection's own commits create versions and need no check.
  return found.size === facts.size && found.modifiedAt === facts.modifiedAt ? found.pages : null;
}

function remember(
  db: Database,
  entry: Resolved,
  facts: Facts,
  counter: number,
  pages: string[],
): void {
  let all = digests.get(db);
  if (all === undefined) digests.set(db, all = new Map());
  const key = `${entry.node} ${facts.version}`;
  all.delete(key);
  all.set(key, { ...facts, counter, pages });
  if (all.size > MOST_KNOWN) all.delete(all.keys().next().value!);
}
