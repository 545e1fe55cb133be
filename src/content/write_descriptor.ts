import { deleteLock } from "../../templates/lock.ts";
import { AloeError } from "../errors.ts";
import { keepSeals, type Resolved } from "../tree/resolve.ts";
import { type Database, OpenDatabase } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";
import { ChunkMap } from "./chunk_map.ts";
import { Chunker } from "./chunker.ts";
import { storeChunk } from "./chunk_store.ts";
import { cipherFor } from "./cipher_for.ts";
import { ManifestStore } from "./manifest_store.ts";
import { reclaimAll } from "./reclaim.ts";
import { checkData, checkSize } from "./write_content.ts";
import { requireLock } from "./write_lock.ts";
import { zeroChunkAddress } from "./zero_chunk.ts";

/** Full chunks that one step stores at most, to bound its memory and its time. */
const CHUNKS_AT_ONCE = 8;

/** Chunks of a hole that one step writes at most: rows only. */
const HOLES_AT_ONCE = 32_768;

/**
 * An open entry for writing, from its start or at its end. Full chunks are
 * stored as they fill, each step a transaction of its own; readers see the
 * old content until `close` commits the whole.
 */
export class WriteDescriptor implements AsyncDisposable {
  readonly #db: Database;
  readonly #entry: Resolved;
  readonly #lock: string;
  /** Full chunks of the old version that this one begins with. */
  readonly #carried: number;
  #version: number | null = null;
  #index: number;
  #size: number;
  /** Bytes of the chunk that is filling. */
  readonly #buffer: Uint8Array;
  #filled: number;
  /** Of the chunks, how many are known to be holes. */
  #holes = 0;
  /** How many chunks one step stores at most. */
  #chunksAtOnce = CHUNKS_AT_ONCE;
  readonly #chunks: ChunkMap;
  readonly #chunker: Chunker;
  #state: "open" | "closed" | "failed" = "open";
  /** After a failure: whether what was written is gone from the file. */
  #givenUp = false;
  #tail: Promise<unknown> = Promise.resolve();

  /**
   * @ignore Descriptors come from `openWrite`.
   * @param start The old content's last, partial chunk when appending.
   */
  constructor(
    db: Database,
    entry: Resolved,
    lock: string,
    carried: number,
    start: Uint8Array,
  ) {
    this.#db = db;
    this.#entry = entry;
    this.#lock = lock;
    this.#carried = carried;
    this.#index = carried;
    this.#buffer = new Uint8Array(entry.chunkSize);
    this.#buffer.set(start);
    this.#filled = start.length;
    this.#chunks = new ChunkMap(entry.chunkSize);
    this.#chunker = new Chunker(this.#chunks);
    this.#size = this.#chunks.startOf(carried) + start.length;
  }

  /**
   * Writes on from the position.
   *
   * @returns How many bytes were taken: all.
   * @throws {AloeError} `lock_invalid` when the mount was ended meanwhile;
   * `no_space`, `unsupported`; `invalid` after `close`. After a fault the
   * descriptor is done for and the entry as it was.
   */
  write(data: Uint8Array): Promise<number> {
    return this.#inOrder(async () => {
      this.#requireOpen();
      checkData(data);
      checkSize(this.#size + data.length, this.#entry);
      let rest = data;
      while (this.#filled + rest.length >= this.#buffer.length) {
        rest = await this.#storeFull(rest);
      }
      this.#buffer.set(rest, this.#filled);
      this.#filled += rest.length;
      this.#size += data.length;
      return data.length;
    });
  }

  /**
   * Goes on as `write` does with so many zeros. Full chunks of them are a hole:
   * they share one chunk, where the volume's encryption allows that.
   *
   * @param bytes How many.
   * @throws {AloeError} As {@linkcode write}.
   */
  skip(bytes: number): Promise<void> {
    return this.#inOrder(async () => {
      this.#requireOpen();
      if (!Number.isSafeInteger(bytes) || bytes < 0) {
        throw new AloeError("invalid", `${bytes}: is not a number of bytes`);
      }
      checkSize(this.#size + bytes, this.#entry);
      const { chunkSize } = this.#entry;
      let rest = bytes;
      if (this.#filled > 0) {
        const head = Math.min(rest, chunkSize - this.#filled);
        this.#buffer.fill(0, this.#filled, this.#filled + head);
        this.#filled += head;
        this.#size += head;
        rest -= head;
        if (this.#filled === chunkSize) await this.#storeFull(new Uint8Array(0));
      }
      while (rest >= chunkSize) {
        const chunks = Math.min(HOLES_AT_ONCE, this.#chunks.indexOf(rest));
        await this.#storeHole(chunks);
        this.#size += this.#chunks.startOf(chunks);
        rest -= this.#chunks.startOf(chunks);
      }
      if (rest === 0) return;
      this.#buffer.fill(0, this.#filled, this.#filled + rest);
      this.#filled += rest;
      this.#size += rest;
    });
  }

  /** The position, bytes from the start: always the end of what was written. */
  tell(): number {
    return this.#size;
  }

  /** A stream whose closing commits and whose abortion drops everything. */
  get writable(): WritableStream<Uint8Array> {
    return new WritableStream<Uint8Array>({
      write: async (data) => {
        try {
          await this.write(data);
        } catch (error) {
          // A stream that fails in its sink is not aborted by itself.
          await this.abort();
          throw error;
        }
      },
      close: () => this.close(),
      abort: () => this.abort(),
    });
  }

  /**
   * Commits what was written as a new version, and releases the lock. Closing
   * twice is no fault.
   *
   * @throws {AloeError} `lock_invalid`, `no_space`; the fault of an earlier write.
   */
  close(): Promise<void> {
    return this.#inOrder(async () => {
      if (this.#state === "closed") return;
      this.#requireOpen();
      await this.#step(true, async (tx, version) => {
        if (this.#filled > 0) {
          await this.#store(
            tx,
            version,
            this.#buffer.subarray(0, this.#filled),
          );
        }
        const last = await this.#lastVersion(tx, version);
        const manifests = new ManifestStore(tx);
        await manifests.commit(this.#entry.node, last, this.#size);
        if (this.#holes > 0) await manifests.noteHoles(this.#entry.node, last, this.#holes);
        await tx.run(deleteLock, { lock: this.#lock });
      });
      this.#state = "closed";
    });
  }

  /**
   * Gives up: the entry stays as it was, the lock is released and the room that
   * was taken is given back.
   */
  abort(): Promise<void> {
    return this.#inOrder(async () => {
      if (this.#state === "closed") return;
      const done = this.#state === "failed" && this.#givenUp;
      this.#state = "closed";
      if (!done) await this.#giveUp();
    });
  }

  async #giveUp(): Promise<void> {
    const { node } = this.#entry;
    const version = this.#version;
    const began = await this.#db.current.write(async (tx) => {
      const held = await tx.run(deleteLock, { lock: this.#lock });
      // Without its lock, what it began may be gone already, or another's.
      if (held === 0 || version === null) return false;
      await new ManifestStore(tx).drop(node, version);
      return true;
    }, { durable: false, frees: true });
    this.#givenUp = true;
    const db = this.#db.current;
    if (began && db instanceof OpenDatabase) await reclaimAll(db);
  }

  /** Commits, unless a write has failed: then it gives up. */
  async [Symbol.asyncDispose](): Promise<void> {
    await (this.#state === "failed" ? this.abort() : this.close());
  }

  /** Stores the buffer with as many bytes as fill it, and full chunks after it. */
  async #storeFull(data: Uint8Array): Promise<Uint8Array> {
    const { chunkSize } = this.#entry;
    const head = chunkSize - this.#filled;
    const more = Math.min(
      this.#chunksAtOnce - 1,
      this.#chunks.indexOf(data.length - head),
    );
    const end = head + this.#chunks.startOf(more);
    try {
      await this.#step(false, async (tx, version) => {
        if (this.#filled > 0) {
          this.#buffer.set(data.subarray(0, head), this.#filled);
          await this.#store(tx, version, this.#buffer);
        } else {
          await this.#store(tx, version, data.subarray(0, head));
        }
        for (const chunk of this.#chunker.cut(data.subarray(head, end))) {
          await this.#store(tx, version, chunk.data);
        }
      }, more > 0);
    } catch (error) {
      if (more === 0 || this.#state === "failed") throw error;
      // The file may have room, and the WAL only for little at a time.
      this.#chunksAtOnce = 1;
      return await this.#storeFull(data);
    }
    this.#filled = 0;
    return data.subarray(end);
  }

  /** Stores full chunks of zeros. */
  async #storeHole(chunks: number): Promise<void> {
    const cipher = cipherFor(this.#entry);
    const known = zeroChunkAddress(cipher, this.#entry.chunkSize) !== null;
    const zeros = new Uint8Array(this.#entry.chunkSize);
    for (let stored = 0; stored < chunks;) {
      // Where each of them is a chunk of its own, as few as are written at once.
      const count = known ? chunks : Math.min(this.#chunksAtOnce, chunks - stored);
      await this.#step(false, async (tx, version) => {
        if (!known) {
          for (let i = 0; i < count; i++) await this.#store(tx, version, zeros);
          return;
        }
        const { node } = this.#entry;
        const rows = { node, version, first: this.#index, last: this.#index + count - 1 };
        await new ManifestStore(tx).addRun(rows, await storeChunk(tx, cipher, zeros));
        this.#index += count;
      });
      if (known) this.#holes += count;
      stored += count;
    }
  }

  /**
   * One transaction under the lock, in the version that this descriptor writes.
   *
   * @param canBeLess Whether less is tried when the disk is too full for it.
   */
  async #step(
    durable: boolean,
    task: (tx: Transaction, version: number) => Promise<void>,
    canBeLess = false,
  ): Promise<void> {
    const index = this.#index;
    try {
      await this.#db.current.write(async (tx) => {
        await requireLock(tx, this.#entry.mountId, this.#lock);
        keepSeals(tx, this.#entry.mount);
        const version = this.#version ?? await this.#begin(tx);
        await task(tx, version);
        return version;
      }, { durable }).then((version) => this.#version = version);
    } catch (error) {
      this.#index = index;
      const full = error instanceof AloeError && error.code === "no_space";
      const alone = this.#db.current instanceof OpenDatabase;
      if (canBeLess && full && alone) throw error;
      this.#state = "failed";
      // At once: on a full disk others wait for the room. An abort tries again.
      if (alone) await this.#giveUp().catch(() => {});
      throw error;
    }
  }

  /** Numbers the new version and carries the old one's full chunks into it. */
  async #begin(tx: Transaction): Promise<number> {
    const manifests = new ManifestStore(tx);
    const { node, version: from } = this.#entry;
    const version = await manifests.nextVersion(node, this.#lock);
    if (this.#carried > 0) {
      const facts = await manifests.facts(node);
      if (facts?.holes_version === from) this.#holes += facts!.holes ?? 0;
      await manifests.carry(node, from!, version, 0, this.#carried - 1);
    }
    return version;
  }

  /**
   * The number to commit under: another one when a later version was committed
   * since this one was begun, which would otherwise pass for one under way.
   */
  async #lastVersion(tx: Transaction, version: number): Promise<number> {
    const manifests = new ManifestStore(tx);
    const state = (await manifests.state(this.#entry.node))!;
    if (state.version < version) return version;
    const to = Math.max(state.version, state.top ?? 0) + 1;
    await manifests.renumber(this.#entry.node, version, to);
    return to;
  }

  async #store(
    tx: Transaction,
    version: number,
    chunk: Uint8Array,
  ): Promise<void> {
    const hash = await storeChunk(tx, cipherFor(this.#entry), chunk);
    await new ManifestStore(tx).add(this.#entry.node, version, this.#index, hash);
    this.#index++;
  }

  /** Calls that were not awaited still take effect in the order they were made. */
  #inOrder<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(task);
    this.#tail = result.catch(() => {});
    return result;
  }

  #requireOpen(): void {
    if (this.#state === "failed") {
      throw new AloeError(
        "invalid",
        "an earlier write failed; abort and begin again",
      );
    }
    if (this.#state === "closed") {
      throw new AloeError("invalid", "the descriptor is closed");
    }
  }
}
