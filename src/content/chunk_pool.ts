import {
  chunkByHash,
  chunkReferences,
  chunksByHashes,
  deleteChunks,
  insertChunk,
} from "../../templates/content.ts";
import { poolReferences } from "../../templates/listing.ts";
import { chunkUses, largestChunk } from "../../templates/maintenance.ts";
import type { Transaction } from "../storage/transaction.ts";

/** Chunks that one statement looks at when all are looked at: none is to take long. */
const LOOKED_AT_ONCE = 1000;

/** A chunk as the pool stores it. */
export interface PooledChunk {
  /** What is stored: the plaintext, or the ciphertext of an encrypted volume. */
  data: Uint8Array;
  /** Bytes of the plaintext. */
  length: number;
  /** The nonce; empty in a plain volume. */
  N_c: Uint8Array;
  /** The tag of the cipher; empty in a plain volume. */
  enc_tag: Uint8Array;
}

/**
 * The chunks of a file by their addresses, within one transaction: the only
 * module that writes them. It knows addresses and bytes; which chunks are
 * needed is known by the `ManifestStore`.
 */
export class ChunkPool {
  readonly #tx: Transaction;

  /** @param tx Any transaction to read; one that was begun to write for changes. */
  constructor(tx: Transaction) {
    this.#tx = tx;
  }

  /**
   * Stores a chunk unless its address is taken.
   *
   * @returns Whether it was stored. Equal addresses are equal bytes, except for
   * ciphertexts of a few bytes.
   */
  async put(hash: string, chunk: PooledChunk): Promise<boolean> {
    return await this.#tx.run(insertChunk, {
      hash,
      data: chunk.data,
      length: chunk.length,
      nonce: chunk.N_c,
      tag: chunk.enc_tag,
    }) === 1;
  }

  /**
   * The chunks that have these addresses, by address. Those that are not stored are left out.
   *
   * @param most Of several chunks, larger ones are left out too, bytes.
   */
  async get(
    hashes: readonly string[],
    most: number = Number.MAX_SAFE_INTEGER,
  ): Promise<Map<string, PooledChunk>> {
    const found = new Map<string, PooledChunk>();
    if (hashes.length === 1) {
      const row = await this.#tx.first(chunkByHash, { hash: hashes[0] });
      if (row !== undefined) found.set(hashes[0], row);
      return found;
    }
    for (
      const { chunk_hash, ...chunk } of await this.#tx.all(chunksByHashes, {
        hashes: JSON.stringify(hashes),
        most,
      })
    ) found.set(chunk_hash, chunk);
    return found;
  }

  /** Whether a chunk of this address is stored. */
  async has(hash: string): Promise<boolean> {
    return (await this.get([hash])).has(hash);
  }

  /**
   * Deletes chunks. The caller knows that no manifest refers to them.
   *
   * @returns How many there were.
   */
  delete(hashes: readonly string[]): Promise<number> {
    return hashes.length === 0
      ? Promise.resolve(0)
      : this.#tx.run(deleteChunks, { hashes: JSON.stringify(hashes) });
  }

  /**
   * Deletes all chunks that no manifest refers to. It looks at each chunk of the file.
   *
   * @returns How many there were, and their stored bytes.
   */
  async deleteUnreferenced(): Promise<{ chunks: number; bytes: number }> {
    const freed = { chunks: 0, bytes: 0 };
    for (let after: string | null = ""; after !== null;) {
      const some = await this.deleteSomeUnreferenced(after, LOOKED_AT_ONCE);
      freed.chunks += some.chunks;
      freed.bytes += some.bytes;
      after = some.last;
    }
    return freed;
  }

  /**
   * The same for some chunks.
   *
   * @param after The address that they come after; empty for the first.
   * @param limit How many chunks are looked at, at most.
   * @returns How many were deleted, their stored bytes, and the last address
   * that was looked at; null when no more are left.
   */
  async deleteSomeUnreferenced(
    after: string,
    limit: number,
  ): Promise<{ chunks: number; bytes: number; last: string | null }> {
    const page = await this.#tx.all(chunkReferences, { after, limit });
    const unused = page.filter((row) => !row.used);
    const chunks = await this.delete(unused.map((row) => row.chunk_hash));
    const bytes = unused.reduce((sum, row) => sum + row.bytes, 0);
    return { chunks, bytes, last: page.length < limit ? null : page.at(-1)!.chunk_hash };
  }

  /** A page of chunks after an address, with what each is needed for. */
  uses(after: string, limit: number): Promise<NonNullable<typeof chunkUses.row>[]> {
    return this.#tx.all(chunkUses, { after, limit });
  }

  /** A page of chunks after an address, with how often a volume's manifests refer to each. */
  references(
    volume: string,
    after: string,
    limit: number,
  ): Promise<NonNullable<typeof poolReferences.row>[]> {
    return this.#tx.all(poolReferences, { volume, after, limit });
  }

  /** Bytes of the largest chunk; 0 without chunks. */
  async largest(): Promise<number> {
    return Number((await this.#tx.first(largestChunk, {}))?.bytes ?? 0);
  }
}
