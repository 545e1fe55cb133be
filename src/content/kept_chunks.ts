import { type BudgetShare, ByteBudget } from "../byte_budget.ts";
import type { ChunkCipher } from "../crypto/chunk_cipher.ts";
import type { Database } from "../storage/database.ts";
import { release } from "./chunk_memory.ts";

/** Bytes of all kept chunks; a larger chunk is kept alone. */
const MOST_KEPT = 256 * 1024 * 1024;

/** Bytes of all chunks that are being loaded. */
const MOST_LOADING = 512 * 1024 * 1024;

/** Chunks up to here are loaded without asking. */
const SMALL = 4 * 1024 * 1024;

/** A chunk is in memory so often while it is loaded: in SQLite, as it is stored, and in plaintext. */
const COPIES = 3;

interface Kept {
  readonly db: Database;
  readonly cipher: ChunkCipher;
  readonly hash: string;
  readonly bytes: Uint8Array;
  readonly users: Set<object>;
}

/**
 * Plaintext of chunks of which only a part was read, for the next read of the
 * same user: a chunk can be opened as a whole only. It is the whole process's, so
 * that many readers of large chunks do not take more memory than a few.
 */
class KeptChunks {
  /** The least recently used first. */
  readonly #order = new Set<Kept>();
  readonly #byHash = new Map<string, Set<Kept>>();
  readonly #byUser = new WeakMap<object, Kept>();
  #bytes = 0;

  /** Bytes that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * A chunk that is kept for the user, or for another one of the same key. It is
   * valid until the next call that has no `await` before it.
   */
  take(user: object, db: Database, cipher: ChunkCipher, hash: string): Uint8Array | null {
    for (const kept of this.#byHash.get(hash) ?? []) {
      // Of another key or file it may be something else, or not to be seen.
      if (kept.cipher !== cipher || kept.db !== db) continue;
      this.#order.delete(kept);
      this.#order.add(kept);
      this.#use(user, kept);
      return kept.bytes;
    }
    return null;
  }

  /** Keeps a chunk for a user, who keeps no other one from here on. The array is not the caller's any more. */
  keep(user: object, db: Database, cipher: ChunkCipher, hash: string, bytes: Uint8Array): void {
    const kept: Kept = { db, cipher, hash, bytes, users: new Set() };
    this.#use(user, kept);
    this.makeRoom(bytes.length);
    this.#order.add(kept);
    let same = this.#byHash.get(hash);
    if (same === undefined) this.#byHash.set(hash, same = new Set());
    same.add(kept);
    this.#bytes += bytes.length;
  }

  /** Lets the least recently used ones go until so many bytes more can be kept. */
  makeRoom(bytes: number): void {
    for (const oldest of this.#order) {
      if (this.#bytes + bytes <= MOST_KEPT) return;
      for (const user of oldest.users) this.#byUser.delete(user);
      this.#drop(oldest);
    }
  }

  /** Lets go what is kept for a user alone. */
  forget(user: object): void {
    const kept = this.#byUser.get(user);
    if (kept === undefined) return;
    this.#byUser.delete(user);
    kept.users.delete(user);
    if (kept.users.size === 0) this.#drop(kept);
  }

  #use(user: object, kept: Kept): void {
    if (this.#byUser.get(user) === kept) return;
    this.forget(user);
    this.#byUser.set(user, kept);
    kept.users.add(user);
  }

  #drop(kept: Kept): void {
    if (!this.#order.delete(kept)) return;
    const same = this.#byHash.get(kept.hash)!;
    same.delete(kept);
    if (same.size === 0) this.#byHash.delete(kept.hash);
    this.#bytes -= kept.bytes.length;
    release(kept.bytes);
  }
}

/** Those of this process. */
export const keptChunks = new KeptChunks();

const loading = new ByteBudget(MOST_LOADING);
const NOTHING: BudgetShare = { [Symbol.dispose]() {} };

/**
 * Waits until large chunks may be loaded. To be asked for in the transaction that
 * loads them, and given back before anything else is waited for.
 *
 * @param bytes Bytes of the chunks.
 */
export async function loadingRoom(bytes: number): Promise<BudgetShare> {
  if (bytes <= SMALL) return NOTHING;
  const share = await loading.take(COPIES * bytes);
  keptChunks.makeRoom(bytes);
  return share;
}
