import { touchUpload } from "../../templates/upload.ts";
import { now } from "../clock.ts";
import { AloeError } from "../errors.ts";
import { requireWritable, type Resolved, resolveId } from "../tree/resolve.ts";
import type { Database } from "../storage/database.ts";
import { ChunkMap } from "./chunk_map.ts";
import { Chunker } from "./chunker.ts";
import { storeChunk } from "./chunk_store.ts";
import { release } from "./chunk_memory.ts";
import { cipherFor } from "./cipher_for.ts";
import { ManifestStore } from "./manifest_store.ts";
import { checkData, checkSize } from "./write_content.ts";

/** Bytes that one step stores at most, to bound its memory and its time. */
const BYTES_AT_ONCE = 1024 * 1024;

/** The version that an upload's content has while it grows. */
export const UPLOAD_VERSION = 1;

/**
 * Writes on at the end of an upload. What fills chunks is stored as it comes;
 * the rest with `flush` or `close`, in a short last chunk which the next
 * writer fills up. What is stored survives the process.
 */
export class UploadWriter implements AsyncDisposable {
  readonly #db: Database;
  readonly #entry: Resolved;
  readonly #ttl: number;
  readonly #limit: number;
  /** Bytes in the file. */
  #stored: number;
  /** The chunks that are filling. */
  readonly #chunks: ChunkMap;
  readonly #chunker: Chunker;
  readonly #buffer: Uint8Array;
  #filled: number;
  /** Whether the first of them has a manifest row already. */
  #replaces: boolean;
  #open = true;

  /**
   * @ignore Writers come from `openUpload`.
   * @param tail The last chunk, when it is not full.
   * @param limit Bytes that the upload may have in the end.
   * @param ttl How long it is kept after each step, ms.
   */
  constructor(db: Database, entry: Resolved, tail: Uint8Array, limit: number, ttl: number) {
    this.#db = db;
    this.#entry = entry;
    this.#stored = entry.size ?? 0;
    this.#limit = limit;
    this.#ttl = ttl;
    this.#chunks = new ChunkMap(entry.chunkSize);
    this.#chunker = new Chunker(this.#chunks);
    this.#buffer = new Uint8Array(this.#chunker.batch(BYTES_AT_ONCE));
    this.#buffer.set(tail);
    this.#filled = tail.length;
    this.#replaces = tail.length > 0;
  }

  /** Bytes that have come so far. */
  get size(): number {
    const base = this.#replaces ? this.#stored - this.#chunks.partial(this.#stored) : this.#stored;
    return base + this.#filled;
  }

  /**
   * Takes bytes.
   *
   * @throws {AloeError} `invalid` for more than there are to be; `unsupported`,
   * `no_space`; `mount_conflict` when another one writes the same upload;
   * `not_found` when it has been dropped.
   */
  async write(data: Uint8Array): Promise<void> {
    this.#requireOpen();
    checkData(data);
    const size = this.size + data.length;
    if (size > this.#limit) {
      throw new AloeError("invalid", `${this.#entry.node}: more than ${this.#limit} bytes came`);
    }
    checkSize(size, this.#entry);
    for (let rest = data; rest.length > 0;) {
      const taken = Math.min(rest.length, this.#buffer.length - this.#filled);
      this.#buffer.set(rest.subarray(0, taken), this.#filled);
      this.#filled += taken;
      rest = rest.subarray(taken);
      if (this.#filled === this.#buffer.length) await this.#step();
    }
  }

  /** Stores what has come. */
  async flush(): Promise<void> {
    this.#requireOpen();
    if (this.size > this.#stored) await this.#step();
  }

  /** Stores what has come and ends. Closing twice is no fault. */
  async close(): Promise<void> {
    if (!this.#open) return;
    await this.flush();
    this.#open = false;
    release(this.#buffer);
  }

  /** Closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** One transaction: the chunks, their manifest rows, the size, the time until it is kept. */
  async #step(): Promise<void> {
    const { node } = this.#entry;
    const { size } = this;
    const first = this.#chunks.indexOf(this.#stored);
    try {
      await this.#db.current.write(async (tx) => {
        const entry = await resolveId(tx, this.#entry.mount, node);
        requireWritable(entry);
        if (entry.size !== this.#stored || entry.version !== UPLOAD_VERSION) {
          throw new AloeError("mount_conflict", `${node}: somebody else writes this upload`);
        }
        const expiresAt = now() + BigInt(Math.ceil(this.#ttl)) * 1_000_000n;
        if (await tx.run(touchUpload, { node, expiresAt }) === 0) {
          throw new AloeError("not_found", `${node}: is no upload any more`);
        }
        const manifests = new ManifestStore(tx);
        const cipher = cipherFor(entry);
        const come = this.#buffer.subarray(0, this.#filled);
        for (const { index, data } of this.#chunker.cut(come, first)) {
          const hash = await storeChunk(tx, cipher, data);
          if (index === first && this.#replaces) {
            await manifests.replace(node, UPLOAD_VERSION, index, hash);
          } else {
            await manifests.add(node, UPLOAD_VERSION, index, hash);
          }
        }
        await manifests.resize(node, size);
      }, { durable: false });
    } catch (error) {
      this.#open = false;
      throw error;
    }
    this.#stored = size;
    const left = this.#chunks.partial(size);
    this.#buffer.copyWithin(0, this.#filled - left, this.#filled);
    this.#filled = left;
    this.#replaces = left > 0;
  }

  #requireOpen(): void {
    if (!this.#open) throw new AloeError("invalid", "the upload is not open any more");
  }
}
