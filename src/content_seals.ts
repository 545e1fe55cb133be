import {
  contentAfter,
  getSeal,
  hasContentType,
  isPlaced,
  lastIndex,
  olderSize,
  olderVersions,
  putSeal,
  putVolumeSeal,
  sealedRedo,
  sealedRows,
  sealState,
  volumeSeal,
} from "../templates/seal.ts";
import { redoIndexes, redoOf } from "../templates/redo.ts";
import type { ChunkCipher } from "./crypto/chunk_cipher.ts";
import type { MetadataKey } from "./crypto/metadata_key.ts";
import { sha256Hex } from "./crypto/sha256.ts";
import { AloeError } from "./errors.ts";
import { MAX_CHUNKS } from "./limits.ts";
import type { SealKeeper, TouchedContent } from "./sealed_changes.ts";
import type { Transaction } from "./storage/transaction.ts";

/** The number of manifest rows in one digest. */
const ROWS_A_PAGE = 4096;

/** The maximum number of nodes whose tag inputs a handle caches. */
const MOST_KNOWN = 8192;

/** The number of nodes sealed by one transaction during the first sealing of a volume. */
const NODES_AT_ONCE = 500;

const encoder = new TextEncoder();

/** The inputs of a tag, cached to compute the next tag incrementally. */
interface Known {
  version: number;
  tag: Uint8Array;
  /** The digest of each page of the manifest. */
  pages: string[];
  /** The digest of the redo log up to a record. */
  redo: { digest: string; last: number };
}

type State = NonNullable<typeof sealState.row>;

/**
 * The tags of an encrypted volume: one for its parameters, and one for the content of each node
 * (`aloe_sealed`, `aloe_seal`). Tags are checked before content is read or changed, and updated in
 * the transaction that changes it.
 */
export class ContentSeals implements SealKeeper {
  readonly #volume: string;
  readonly #key: MetadataKey;
  readonly #cipher: Pick<ChunkCipher, "open">;
  readonly #known = new Map<string, Known>();

  /**
   * @param volume The volume's id.
   * @param cipher Opens the records of redo logs, which tags cover without their data.
   */
  constructor(volume: string, key: MetadataKey, cipher: Pick<ChunkCipher, "open">) {
    this.#volume = volume;
    this.#key = key;
    this.#cipher = cipher;
  }

  /**
   * Checks the volume's parameters.
   *
   * @returns Whether the volume is sealed; a volume written before tags existed is not.
   * @throws {AloeError} `corrupt` when the parameters were modified.
   */
  async checkVolume(tx: Transaction): Promise<boolean> {
    const row = (await tx.first(volumeSeal, { volume: this.#volume }))!;
    if (row.tag === null) {
      if (row.wrap_nonce === null || !this.#key.isMarked(row.wrap_nonce)) return false;
      throw new AloeError(
        "corrupt",
        `volume ${this.#volume}: the tag of its parameters is missing`,
      );
    }
    if (!this.#key.fits(this.#volumeText(row, row.watermark!), row.tag)) {
      throw new AloeError(
        "corrupt",
        `volume ${this.#volume}: its encryption mode, root or chunk size was modified`,
      );
    }
    return true;
  }

  /**
   * Seals content that was written without tags since the last time. In a volume that was never
   * sealed, seals some nodes, and the volume together with the last of them.
   *
   * @returns Whether everything is sealed.
   */
  async sealSome(tx: Transaction, known?: VolumeRow): Promise<boolean> {
    const row = known ?? (await tx.first(volumeSeal, { volume: this.#volume }))!;
    let after = row.watermark ?? "";
    for (let left = NODES_AT_ONCE;;) {
      const nodes = await tx.all(contentAfter, { volume: this.#volume, after, limit: ROWS_A_PAGE });
      for (const { node_id: node, sealed } of nodes) {
        if (!sealed) {
          if (left-- === 0) {
            // An unsealed volume gets its tag once all of its nodes have theirs.
            if (row.watermark !== null) await this.#putVolume(tx, row, after);
            return false;
          }
          await this.#sealWhole(tx, node);
        }
        after = node;
      }
      if (nodes.length < ROWS_A_PAGE) break;
    }
    if (row.tag === null || after !== row.watermark) await this.#putVolume(tx, row, after);
    return true;
  }

  /** Returns whether {@linkcode sealSome} has work to do. */
  async isBehind(tx: Transaction): Promise<boolean> {
    const { watermark } = (await tx.first(volumeSeal, { volume: this.#volume }))!;
    if (watermark === null) return true;
    const next = { volume: this.#volume, after: watermark, limit: 1 };
    return await tx.first(contentAfter, next) !== undefined;
  }

  /**
   * Checks the content of a node before it is read or changed.
   *
   * @throws {AloeError} `corrupt` when it differs from the sealed content.
   */
  async check(tx: Transaction, node: string): Promise<void> {
    const state = await tx.first(sealState, { node });
    if (state === undefined || state.volume_id !== this.#volume) return;
    await this.#check(tx, node, null, state);
  }

  /**
   * Checks the content of a node that was reached through the volume's tree and so must belong to
   * it.
   *
   * @throws {AloeError} `corrupt` when the content was modified, is missing, or is recorded as that
   *   of another volume, whose tags are not checked.
   */
  async require(tx: Transaction, node: string, version: number | null = null): Promise<void> {
    const state = await tx.first(sealState, { node });
    if (state === undefined) {
      if (await tx.first(hasContentType, { node }) === undefined) return;
      throw new AloeError("corrupt", `${node}: its content is missing`);
    }
    if (state.volume_id !== this.#volume) {
      throw new AloeError("corrupt", `${node}: does not belong to volume ${this.#volume}`);
    }
    await this.#check(tx, node, version, state);
  }

  /** Checks an earlier, retained version of a node. */
  async checkVersion(tx: Transaction, node: string, version: number): Promise<void> {
    const state = await tx.first(sealState, { node });
    if (state === undefined || state.volume_id !== this.#volume) return;
    await this.#check(tx, node, version, state);
  }

  /**
   * Returns problems with the content of a node: of its committed version and of retained earlier
   * ones.
   *
   * @returns Problem codes for reports; none when all is well.
   */
  async problems(tx: Transaction, node: string): Promise<string[]> {
    const state = await tx.first(sealState, { node });
    if (state === undefined || state.volume_id !== this.#volume) return [];
    const found: string[] = [];
    // Ignore cached results.
    this.#known.delete(node);
    const problem = await this.#problem(tx, node, state);
    if (problem !== null) found.push(problem);
    for (const { version } of await tx.all(olderVersions, { node, after: 0 })) {
      const older = await this.#olderProblem(tx, node, version, state);
      if (older !== null) found.push(`${older} version=${version}`);
    }
    return found;
  }

  /** Updates the tags after changes in a transaction. */
  async seal(tx: Transaction, touched: ReadonlyMap<string, TouchedContent>): Promise<void> {
    let made = false;
    for (const [node, touch] of touched) {
      const state = await tx.first(sealState, { node });
      if (state === undefined || state.volume_id !== this.#volume) continue;
      if (state.uploading && await tx.first(isPlaced, { node }) === undefined) continue;
      made ||= touch.isNew;
      await this.#sealState(tx, node, state, touch);
    }
    if (made) await this.#moveWatermark(tx);
  }

  /**
   * Advances the watermark up to which content has tags; later content without a tag was written by
   * others.
   */
  async #moveWatermark(tx: Transaction): Promise<void> {
    const row = (await tx.first(volumeSeal, { volume: this.#volume }))!;
    if (row.tag !== null) await this.sealSome(tx, row);
  }

  async #putVolume(tx: Transaction, row: VolumeRow, watermark: string): Promise<void> {
    const tag = this.#key.tag(this.#volumeText(row, watermark));
    await tx.run(putVolumeSeal, { volume: this.#volume, watermark, tag });
  }

  #volumeText(row: VolumeRow, watermark: string): string {
    return volumeText({
      volume: this.#volume,
      root: row.root_node_id ?? "",
      mode: row.enc_mode,
      chunkSize: Number(row.chunk_size),
      watermark,
    });
  }

  /**
   * @param version The version to check; null for the committed one.
   */
  async #check(
    tx: Transaction,
    node: string,
    version: number | null,
    state: State,
  ): Promise<void> {
    const problem = version === null || version === state.version
      ? await this.#problem(tx, node, state)
      : await this.#olderProblem(tx, node, version, state);
    if (problem === null) return;
    const which = version === null ? node : `${node}: version ${version}`;
    throw new AloeError("corrupt", `${which}: ${WORDS[problem]}`);
  }

  async #problem(tx: Transaction, node: string, state: State): Promise<Problem | null> {
    const { version, tag, newest } = state;
    if (newest !== null && newest > version) return "version-gone";
    if (tag === null) {
      if (newest !== null) return null;
      return await this.#mustHaveTag(tx, node, state) ? "seal-missing" : null;
    }
    const known = this.#known.get(node);
    if (known !== undefined && known.version === version && equal(known.tag, tag)) return null;
    const parts = soleRow(state) ?? await this.#parts(tx, node, version);
    const redo = state.logged ? await this.#redo(tx, node, version, NO_REDO) : NO_REDO;
    if (!this.#key.fits(this.#text(node, state, parts, redo.digest), tag)) return "seal-mismatch";
    if (state.logged && !await this.#logOpens(tx, node)) return "redo-damaged";
    this.#remember(node, { version, tag, pages: parts, redo });
    return null;
  }

  /** Returns whether each record of the committed version's redo log can be decrypted. */
  async #logOpens(tx: Transaction, node: string): Promise<boolean> {
    // One chunk at a time, so that only its records are in memory.
    const indexes = await tx.all(redoIndexes, { node, limit: MAX_CHUNKS });
    for (const { chunk_index: index } of indexes) {
      for (const row of await tx.all(redoOf, { node, first: index, last: index })) {
        const { data, N_c: nonce, enc_tag: tag } = row;
        if (this.#cipher.open({ data, nonce, tag }) === null) return false;
      }
    }
    return true;
  }

  async #olderProblem(
    tx: Transaction,
    node: string,
    version: number,
    { newest }: State,
  ): Promise<Problem | null> {
    const seal = await tx.first(getSeal, { node, version });
    // Versions without a tag after the newest sealed one were written by others.
    if (seal === undefined) return newest !== null && version < newest ? "seal-missing" : null;
    const pages = await this.#parts(tx, node, version);
    const { noted, summed } = (await tx.first(olderSize, { node, version }))!;
    for (const size of new Set([noted ?? summed!, summed!])) {
      const state = { version, size, true_size: null };
      if (this.#key.fits(this.#text(node, state, pages, NO_REDO.digest), seal.tag)) return null;
    }
    return "seal-mismatch";
  }

  async #mustHaveTag(tx: Transaction, node: string, state: State): Promise<boolean> {
    if (state.uploading && await tx.first(isPlaced, { node }) === undefined) return false;
    const row = (await tx.first(volumeSeal, { volume: this.#volume }))!;
    return row.watermark !== null && node <= row.watermark;
  }

  async #sealWhole(tx: Transaction, node: string): Promise<void> {
    const state = await tx.first(sealState, { node });
    if (state === undefined) return;
    if (state.uploading && await tx.first(isPlaced, { node }) === undefined) return;
    await this.#sealOlder(tx, node, 0);
    await this.#sealState(tx, node, state, null);
  }

  /** Seals retained versions that others have committed. */
  async #sealOlder(tx: Transaction, node: string, after: number): Promise<void> {
    for (const { version } of await tx.all(olderVersions, { node, after })) {
      await this.#sealVersion(tx, node, version);
    }
  }

  /** Seals a version other than the committed one, which has no redo log. */
  async #sealVersion(tx: Transaction, node: string, version: number): Promise<void> {
    const pages = await this.#parts(tx, node, version);
    const { noted, summed } = (await tx.first(olderSize, { node, version }))!;
    const state = { version, size: noted ?? summed!, true_size: null };
    const tag = this.#key.tag(this.#text(node, state, pages, NO_REDO.digest));
    await tx.run(putSeal, { node, version, tag });
  }

  /**
   * @param touch The changes; null when they are unknown.
   */
  async #sealState(
    tx: Transaction,
    node: string,
    state: State,
    touch: TouchedContent | null,
  ): Promise<void> {
    const { version, tag, newest } = state;
    const known = this.#known.get(node);
    const before = known?.version === version && tag !== null && equal(known.tag, tag)
      ? known
      : undefined;
    const rows = touch?.versions.get(version);
    const pages = soleRow(state) ??
      (touch === null || before === undefined || rows === "all"
        ? await this.#parts(tx, node, version)
        : await this.#someParts(tx, node, version, before.pages, rows ?? new Set()));
    const redo = !state.logged
      ? NO_REDO
      : touch === null || before === undefined || touch.redo === "changed"
      ? await this.#redo(tx, node, version, NO_REDO)
      : touch.redo === "appended"
      ? await this.#redo(tx, node, version, before.redo)
      : before.redo;
    const made = this.#key.tag(this.#text(node, state, pages, redo.digest));
    this.#remember(node, { version, tag: made, pages, redo });
    if (tag === null || !equal(made, tag)) await tx.run(putSeal, { node, version, tag: made });
    if (touch === null || (newest ?? 0) >= version) return;
    if (newest !== null && touch.redo === "changed") {
      // Its redo log now belongs to the new version.
      const noted = await tx.first(getSeal, { node, version: newest });
      if (noted !== undefined) await this.#sealVersion(tx, node, newest);
    }
    // Versions in between were written by others, or by the same transaction.
    if ((newest ?? 0) < version - 1) await this.#sealOlder(tx, node, newest ?? 0);
  }

  /** Returns the digests of all pages of a version's manifest. */
  async #parts(tx: Transaction, node: string, version: number): Promise<string[]> {
    return await this.#someParts(tx, node, version, [], new Set());
  }

  /** Returns the digests of all pages; known, unchanged pages are not read. */
  async #someParts(
    tx: Transaction,
    node: string,
    version: number,
    known: readonly string[],
    changed: ReadonlySet<number>,
  ): Promise<string[]> {
    const last = (await tx.first(lastIndex, { node, version }))?.chunk_index ?? -1;
    const pages: string[] = [];
    for (let page = 0; page * ROWS_A_PAGE <= last; page++) {
      const first = page * ROWS_A_PAGE;
      // The last page may have changed by a change of the size alone.
      const same = page < known.length - 1 && !changed.has(page) ? known[page] : undefined;
      pages.push(same ?? await this.#page(tx, node, version, first));
    }
    return pages;
  }

  async #page(tx: Transaction, node: string, version: number, first: number): Promise<string> {
    const last = first + ROWS_A_PAGE - 1;
    const { rows } = (await tx.first(sealedRows, { node, version, first, last }))!;
    // Short text needs no digest.
    return rows.length <= 128 ? rows : sha256Hex(encoder.encode(rows));
  }

  async #redo(
    tx: Transaction,
    node: string,
    version: number,
    { digest, last }: Known["redo"],
  ): Promise<Known["redo"]> {
    for (const { seq, record } of await tx.all(sealedRedo, { node, version, after: last })) {
      digest = sha256Hex(encoder.encode(`${digest} ${record}`));
      last = Number(seq);
    }
    return { digest, last };
  }

  #text(
    node: string,
    { version, size, true_size }: Pick<State, "version" | "size" | "true_size">,
    pages: readonly string[],
    redo: string,
  ): string {
    const parts = ["content", this.#volume, node, version, size, true_size, redo, ...pages];
    return JSON.stringify(parts);
  }

  #remember(node: string, known: Known): void {
    this.#known.delete(node);
    this.#known.set(node, known);
    if (this.#known.size > MOST_KNOWN) this.#known.delete(this.#known.keys().next().value!);
  }
}

interface VolumeRow {
  root_node_id: string | null;
  enc_mode: string;
  chunk_size: number;
  wrapped_key: Uint8Array | null;
  wrap_nonce: Uint8Array | null;
  watermark: string | null;
  tag: Uint8Array | null;
}

/** Returns the text that a volume's tag covers. */
export function volumeText(facts: {
  volume: string;
  root: string;
  mode: string;
  chunkSize: number;
  watermark: string;
}): string {
  const { volume, root, mode, chunkSize, watermark } = facts;
  return JSON.stringify(["volume", volume, root, mode, chunkSize, watermark]);
}

/**
 * Returns the manifest text of up to one chunk; null for a longer manifest, which has to be read.
 */
function soleRow({ last, first_hash }: State): string[] | null {
  if (last === null) return [];
  return last === 0 && first_hash !== null ? [`1 0 0 ${first_hash}`] : null;
}

type Problem = "seal-mismatch" | "seal-missing" | "version-gone" | "redo-damaged";

const WORDS: Record<Problem, string> = {
  "seal-mismatch": "its chunks, size or redo log differ from those sealed with the volume's key",
  "seal-missing": "the tag of its content is missing",
  "redo-damaged": "a record of its redo log is not authentic",
  "version-gone": "a later version was sealed but is missing",
};

const NO_REDO: Known["redo"] = { digest: "", last: -1 };

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
