import { AloeError } from "../errors.ts";
import type { MountRef } from "../mount_handle.ts";
import { type Resolved, resolveId } from "../tree/resolve.ts";
import type { Database } from "../storage/database.ts";
import { ChunkMap } from "./chunk_map.ts";
import { release } from "./chunk_memory.ts";
import { cipherFor } from "./cipher_for.ts";
import { keptChunks } from "./kept_chunks.ts";
import { ManifestStore } from "./manifest_store.ts";
import { readRange } from "./read_range.ts";
import { zeroChunkAddress } from "./zero_chunk.ts";

/** Bytes that a stream hands out at once, of larger chunks. */
const STREAMED_AT_ONCE = 1024 * 1024;

/** Manifest rows that are looked at for a hole at once. */
const ROWS_AHEAD = 4096;

/** Where a seek counts from. */
export type Whence = "set" | "cur" | "end";

/** A version that a descriptor is bound to. */
export interface BoundVersion {
  /** Its number. */
  version: number;
  /** Its size, bytes. */
  size: number;
}

/**
 * An open entry for reading. It follows the committed content at each read,
 * unless it was opened at a version.
 */
export class ReadDescriptor implements AsyncDisposable {
  readonly #db: Database;
  readonly #mount: MountRef;
  readonly #node: string;
  readonly #bound: BoundVersion | null;
  readonly #chunks: ChunkMap;
  #position = 0;
  #closed = false;

  /** @ignore Descriptors come from `openRead`. */
  constructor(
    db: Database,
    entry: Resolved,
    bound: BoundVersion | null,
  ) {
    this.#db = db;
    this.#mount = entry.mount;
    this.#node = entry.node;
    this.#chunks = new ChunkMap(entry.chunkSize);
    this.#bound = bound;
  }

  /**
   * Reads on from the position.
   *
   * @param n Bytes wanted; to the end when left out.
   * @returns The bytes there are: fewer at the end, none past it.
   * @throws {AloeError} `mount_invalid`, `corrupt`, `invalid` after `close`.
   */
  async read(n?: number): Promise<Uint8Array> {
    this.#requireOpen();
    if (n !== undefined && (!Number.isSafeInteger(n) || n < 0)) {
      throw new AloeError("invalid", `${n}: is not a number of bytes`);
    }
    const bytes = await this.#db.current.read(async (tx) => {
      const entry = await resolveId(tx, this.#mount, this.#node);
      const { version, size } = this.#bound ??
        { version: entry.version ?? 0, size: entry.size ?? 0 };
      const length = Math.max(
        0,
        Math.min(n ?? Infinity, size - this.#position),
      );
      if (length === 0) return await readRange(tx, entry, this.#position, 0, this.#bound);
      const { index, within: from, length: most } = this.#chunks.locate(this.#position);
      if (length > most) {
        return await readRange(tx, entry, this.#position, length, this.#bound);
      }
      // By its address: a filesystem changes chunks of a version in place.
      const hash = await new ManifestStore(tx).hashAt(this.#node, version, index);
      const cipher = cipherFor(entry);
      const kept = hash === undefined ? null : keptChunks.take(this, this.#db, cipher, hash);
      if (kept !== null && kept.length >= from + length) return kept.slice(from, from + length);
      const chunk = await readRange(
        tx,
        entry,
        this.#chunks.startOf(index),
        this.#chunks.chunkSize,
        this.#bound,
      );
      const part = chunk.slice(from, from + length);
      // Of a chunk that has changed under its version there is more to be read than is kept.
      if (hash !== undefined && kept === null) {
        keptChunks.keep(this, this.#db, cipher, hash, chunk);
      } else {
        release(chunk);
      }
      return part;
    });
    this.#position += bytes.length;
    return bytes;
  }

  /**
   * Reads to the end of the chunk that the position is in.
   *
   * @returns None at the end of the entry.
   * @throws {AloeError} As {@linkcode read}.
   */
  async readChunk(): Promise<Uint8Array> {
    this.#requireOpen();
    const { length } = this.#chunks.locate(this.#position);
    const bytes = await this.#db.current.read(async (tx) => {
      const entry = await resolveId(tx, this.#mount, this.#node);
      return await readRange(tx, entry, this.#position, length, this.#bound);
    });
    this.#position += bytes.length;
    return bytes;
  }

  /**
   * How many bytes from the position on are known to be a hole: they read as
   * zeros, and need not be read. It looks some way ahead, not always to the
   * hole's end.
   *
   * @returns 0 where it is not known to be one.
   * @throws {AloeError} As {@linkcode read}.
   */
  async hole(): Promise<number> {
    this.#requireOpen();
    return await this.#db.current.read(async (tx) => {
      const entry = await resolveId(tx, this.#mount, this.#node);
      const { version, size } = this.#bound ??
        { version: entry.version ?? 0, size: entry.size ?? 0 };
      const zeros = zeroChunkAddress(cipherFor(entry), this.#chunks.chunkSize);
      if (zeros === null || this.#position >= size) return 0;
      const first = this.#chunks.indexOf(this.#position);
      const rows = await new ManifestStore(tx).page(this.#node, version, first, ROWS_AHEAD);
      let next = first;
      while (rows[next - first]?.chunk_index === next && rows[next - first].chunk_hash === zeros) {
        next++;
      }
      return Math.max(0, Math.min(this.#chunks.startOf(next), size) - this.#position);
    });
  }

  /**
   * Moves the position. It may lie past the end.
   *
   * @returns The new position, bytes from the start.
   * @throws {AloeError} `invalid` for one before the start.
   */
  async seek(offset: number, whence: Whence = "set"): Promise<number> {
    this.#requireOpen();
    const base = whence === "set" ? 0 : whence === "cur" ? this.#position : await this.size();
    const position = base + offset;
    if (!Number.isSafeInteger(position) || position < 0) {
      throw new AloeError(
        "invalid",
        `${offset} from ${whence}: is before the start`,
      );
    }
    this.#position = position;
    return position;
  }

  /** The position, bytes from the start. */
  tell(): number {
    return this.#position;
  }

  /** How many bytes there are now. */
  async size(): Promise<number> {
    this.#requireOpen();
    if (this.#bound !== null) return this.#bound.size;
    return await this.#db.current.query(async (tx) => {
      return (await resolveId(tx, this.#mount, this.#node)).size ?? 0;
    });
  }

  /** What is left, as a stream of chunks or parts of them. The descriptor closes at its end. */
  get readable(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        const bytes = this.#chunks.chunkSize > STREAMED_AT_ONCE
          ? await this.read(STREAMED_AT_ONCE)
          : await this.readChunk();
        if (bytes.length > 0) return controller.enqueue(bytes);
        this.close();
        controller.close();
      },
      cancel: () => this.close(),
    }, { highWaterMark: 0 });
  }

  /** Closes it. Closing twice is no fault. */
  close(): void {
    this.#closed = true;
    keptChunks.forget(this);
  }

  /** Closes it. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  #requireOpen(): void {
    if (this.#closed) {
      throw new AloeError("invalid", "the descriptor is closed");
    }
  }
}
