import {
  entriesAfter,
  impossibleCells,
  isInDirectoryOf,
  namesNotAllowed,
  volumeOfNode,
} from "../../templates/maintenance.ts";
import { ChunkPool } from "../content/chunk_pool.ts";
import { ManifestStore } from "../content/manifest_store.ts";
import { ChunkMap } from "../content/chunk_map.ts";
import { cipherFor } from "../content/cipher_for.ts";
import { type ChunkCipher, plainCipher } from "../crypto/chunk_cipher.ts";
import { chunkAddress } from "../crypto/chunk_address.ts";
import { MountHandle, type MountRef } from "../mount_handle.ts";
import { resolve, type Resolved } from "../tree/resolve.ts";
import {
  DAMAGED_FREE_PAGES,
  DAMAGED_INDEX,
  DAMAGED_PAGES,
  healthCheck,
  isCorrupt,
} from "./health.ts";
import type { ContentSeals } from "../content_seals.ts";
import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";
import { yieldToEventLoop } from "../yield_to_event_loop.ts";
import type { Anomaly, VerifyReport } from "../types.ts";

/** Options of {@linkcode verify}. */
export interface VerifyOptions {
  /** Whether to check every chunk's bytes in addition to the manifests. Default false. */
  deep?: boolean;
  /** Aborts the check. */
  signal?: AbortSignal;
  /** Called on progress. */
  onProgress?: (progress: { entries: number; chunks: number }) => void;
}

/** The number of entries and manifest rows read by one query. */
const PAGE = 1000;

/**
 * The maximum size of chunks that one transaction reads, in bytes, so that no checkpoint waits
 * long.
 */
const BYTES_AT_ONCE = 16 * 2 ** 20;

/**
 * The number of attempts to check an entry during writes, before it is checked in one transaction.
 */
const ATTEMPTS = 3;

/**
 * Checks the committed content of the mount's volume, including the trash: every manifest is
 * complete and matches the size; every name is valid; no directory contains itself. If deep, also
 * the address and length of every chunk and, in an encrypted volume, its authenticity.
 *
 * The file may be in use: the result for each entry is of one state of it. A transaction only takes
 * as long as reading some MiB, except for an entry that is written repeatedly.
 *
 * @returns The counts and the problems; problems are not thrown.
 * @throws {AloeError} `mount_invalid`, `encryption_required`.
 */
export async function verify(
  db: Database,
  mount: MountRef,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const top = await db.read((tx) => resolve(tx, mount, "/"));
  const cipher = options.deep ? cipherFor(top) : plainCipher;
  const report: VerifyReport = {
    entriesChecked: 0,
    chunksChecked: 0,
    problems: [],
  };
  const seals = typeof mount === "string" ? null : MountHandle.sealsOf(mount);
  if (seals !== null) {
    await db.read((tx) => seals.checkVolume(tx)).catch((error) => {
      if (!isCorrupt(error)) throw error;
      report.problems.push(`volume-seal-mismatch volume=${top.volume}`);
    });
  }
  const shape = await healthCheck(db);
  for (const { kind, id } of shape) {
    if (kind === DAMAGED_PAGES) report.problems.push(`damaged-pages table=${id}`);
    else if (kind === DAMAGED_INDEX) report.problems.push(`damaged-index index=${id}`);
    else if (kind === DAMAGED_FREE_PAGES) report.problems.push(`damaged-free-pages ${id}`);
    // A fault without a row belongs to no volume.
    else if (id === "") report.problems.push(kind.replaceAll("_", "-"));
  }
  // A walk through them may have no end.
  if (shape.some(({ kind }) => kind === DAMAGED_PAGES)) return report;
  try {
    await verifyRows(db, top, shape, report);
    await verifyEntries(db, new Check(db, top, cipher, report, options), seals);
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    report.problems.push("rows-not-readable");
  }
  return report;
}

/** Tells of rows that say what cannot be. */
async function verifyRows(
  db: Database,
  { volume }: Resolved,
  shape: readonly Anomaly[],
  report: VerifyReport,
): Promise<void> {
  for (const row of await db.query((tx) => tx.all(namesNotAllowed, { volume }))) {
    report.problems.push(`name-not-allowed node=${row.to_id} name=${JSON.stringify(row.name)}`);
  }
  for (const { cell, id } of await db.query((tx) => tx.all(impossibleCells, { volume }))) {
    report.problems.push(`impossible-value ${cell} of=${id}`);
  }
  for (const { kind, id } of shape) {
    const ofOne = OF_ONE_VOLUME.get(kind);
    if (ofOne !== undefined) {
      const owner = await db.query((tx) => tx.first(volumeOfNode, { node: id }));
      if (owner?.volume_id === volume) report.problems.push(`${ofOne} node=${id}`);
    }
    const between = BETWEEN_VOLUMES.get(kind);
    if (between === undefined) continue;
    const ours = await db.query((tx) => tx.first(isInDirectoryOf, { id, volume }));
    if (ours !== undefined) report.problems.push(`${between}=${id}`);
  }
}

/** Checks the content of each entry. */
async function verifyEntries(
  db: Database,
  check: Check,
  seals: ContentSeals | null,
): Promise<void> {
  const { report, options, volume } = check;
  for (let after = "";;) {
    const entries = await db.query((tx) => tx.all(entriesAfter, { volume, after, limit: PAGE }));
    for (const entry of entries) {
      options.signal?.throwIfAborted();
      await check.entry(entry.node_id, entry.name);
      for (
        const problem of await db.read(async (tx) => await seals?.problems(tx, entry.node_id) ?? [])
      ) {
        report.problems.push(
          `${problem} node=${entry.node_id} name=${JSON.stringify(entry.name)}`,
        );
      }
      report.entriesChecked++;
    }
    options.onProgress?.({
      entries: report.entriesChecked,
      chunks: report.chunksChecked,
    });
    if (entries.length < PAGE) return;
    after = entries[entries.length - 1].node_id;
  }
}

/**
 * Structural faults that concern the volume of a node, with their names here: faults that make
 * walks endless, and missing content.
 */
const OF_ONE_VOLUME: ReadonlyMap<string, string> = new Map([
  ["cycle", "cycle"],
  ["container_with_two_placements", "directory-with-two-places"],
  ["root_with_placement", "root-with-place"],
  ["entry_without_content", "content-gone"],
]);

/** Structural faults that concern the volume whose directory refers to another one. */
const BETWEEN_VOLUMES: ReadonlyMap<string, string> = new Map([
  ["edge_volume_mismatch", "volume-mismatch edge"],
  ["node_without_volume", "volume-gone node"],
]);

/** The state of the check of one entry. */
interface Progress {
  /** The committed version and its size; null before the first step. */
  state: { version: number; size: number } | null;
  /** The index of the next chunk. */
  index: number;
  /** The problems found so far. */
  problems: string[];
  /** `changed` when the entry has changed since the first step. */
  end: "open" | "done" | "changed";
}

class Check {
  readonly report: VerifyReport;
  readonly options: VerifyOptions;
  readonly #db: Database;
  readonly #top: Resolved;
  readonly #cipher: ChunkCipher;
  /** What is wrong with chunks that were looked at, by address; null for nothing. */
  readonly #checked = new Map<string, string | null>();

  constructor(
    db: Database,
    top: Resolved,
    cipher: ChunkCipher,
    report: VerifyReport,
    options: VerifyOptions,
  ) {
    this.#db = db;
    this.#top = top;
    this.#cipher = cipher;
    this.report = report;
    this.options = options;
  }

  /** The volume that is checked. */
  get volume(): string {
    return this.#top.volume;
  }

  async entry(node: string, name: string): Promise<void> {
    let progress: Progress;
    for (let attempt = 0;; attempt++) {
      progress = { state: null, index: 0, problems: [], end: "open" };
      const step = (tx: Transaction) => this.#step(tx, node, progress);
      if (attempt < ATTEMPTS) {
        while (progress.end === "open") {
          await this.#db.read(step);
          // Let other work of this process run in between.
          await yieldToEventLoop();
        }
      } else {
        await this.#db.read(async (tx) => {
          while (progress.end === "open") await step(tx);
        });
      }
      if (progress.end === "done") break;
    }
    for (const problem of progress.problems) {
      this.report.problems.push(`${problem} node=${node} name=${JSON.stringify(name)}`);
    }
  }

  /** Checks some chunks of an entry, in one state of the file. */
  async #step(tx: Transaction, node: string, progress: Progress): Promise<void> {
    this.options.signal?.throwIfAborted();
    const manifests = new ManifestStore(tx);
    const state = await manifests.state(node);
    if (state === undefined) {
      // The entry was deleted meanwhile.
      progress.problems = [];
      progress.end = "done";
      return;
    }
    const { version, size } = state;
    const before = progress.state;
    if (before !== null && (before.version !== version || before.size !== size)) {
      progress.end = "changed";
      return;
    }
    progress.state = { version, size };
    const chunks = new ChunkMap(this.#top.chunkSize);
    const { problems } = progress;
    if (!isCount(version) || !isCount(size) || size > chunks.limit) {
      problems.push(`size-not-possible version=${version} size=${size}`);
      progress.end = "done";
      return;
    }
    const first = progress.index;
    const rows = await manifests.page(node, version, first, PAGE);
    let bytes = 0;
    for (const row of rows) {
      if (bytes >= BYTES_AT_ONCE) return;
      const { chunk_index: index, chunk_hash: hash, length } = row;
      if (!isCount(index)) {
        problems.push(`index-not-possible index=${index}`);
        continue;
      }
      if (index !== progress.index) problems.push(`chunk-missing index=${progress.index}`);
      progress.index = index + 1;
      const wanted = chunks.lengthOf(index, size);
      if (length === null) problems.push(`chunk-missing hash=${hash}`);
      else if (length !== wanted) {
        problems.push(`length-mismatch index=${index} expected=${wanted} found=${length}`);
      }
      if (!this.options.deep || length === null) continue;
      let problem = this.#checked.get(hash);
      if (problem === undefined) {
        problem = await this.#chunkProblem(tx, hash);
        bytes += Math.max(chunks.chunkSize, Number(length));
        this.report.chunksChecked++;
        this.#checked.set(hash, problem);
      }
      if (problem !== null) problems.push(`${problem} hash=${hash}`);
    }
    if (rows.length === PAGE) return;
    const wanted = chunks.count(size);
    if (progress.index !== wanted) {
      problems.push(`size-mismatch size=${size} expected-chunks=${wanted} found=${progress.index}`);
    }
    progress.end = "done";
  }

  async #chunkProblem(tx: Transaction, hash: string): Promise<string | null> {
    const row = (await new ChunkPool(tx).get([hash])).get(hash);
    if (row === undefined) return "chunk-missing";
    const { data, N_c: nonce, enc_tag: tag, length } = row;
    if (![data, nonce, tag].every((each) => each instanceof Uint8Array)) return "no-bytes";
    if (chunkAddress(data) !== hash) return "address-mismatch";
    const plaintext = this.#cipher.open({ data, nonce, tag });
    if (plaintext === null) return "not-authentic";
    return plaintext.length === length ? null : "length-mismatch";
  }
}

/** Returns whether a number from the file is a valid count. */
function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && value as number >= 0;
}
