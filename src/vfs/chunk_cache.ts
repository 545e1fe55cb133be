import type { Inode } from "./inode.ts";

interface Cached {
  inode: Inode;
  index: number;
  data: Uint8Array;
}

/** A cache of the plaintext of stored chunks, with least-recently-used eviction. */
export class ChunkCache {
  readonly #limit: number;
  readonly #byInode = new Map<Inode, Map<number, Cached>>();
  /** All cached chunks, the least recently used first. */
  readonly #order = new Set<Cached>();
  #bytes = 0;

  /**
   * @param limit The maximum size in bytes.
   */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The current size in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Returns a chunk's plaintext, which is valid until the next call of `put`. */
  get(inode: Inode, index: number): Uint8Array | undefined {
    const cached = this.#byInode.get(inode)?.get(index);
    if (cached === undefined) return undefined;
    this.#order.delete(cached);
    this.#order.add(cached);
    return cached.data;
  }

  /** Caches a chunk. The cache takes ownership of the array. */
  put(inode: Inode, index: number, data: Uint8Array): void {
    let chunks = this.#byInode.get(inode);
    if (chunks === undefined) this.#byInode.set(inode, chunks = new Map());
    const old = chunks.get(index);
    if (old !== undefined) this.#forget(old);
    const cached = { inode, index, data };
    chunks.set(index, cached);
    this.#order.add(cached);
    this.#bytes += data.length;
    for (const oldest of this.#order) {
      if (this.#bytes <= this.#limit || oldest === cached) break;
      this.#drop(oldest);
    }
  }

  /** Drops an inode's chunks from an index on. */
  drop(inode: Inode, from: number = 0): void {
    const chunks = this.#byInode.get(inode);
    if (chunks === undefined) return;
    for (const cached of [...chunks.values()]) {
      if (cached.index >= from) this.#drop(cached);
    }
  }

  #drop(cached: Cached): void {
    const chunks = this.#byInode.get(cached.inode)!;
    chunks.delete(cached.index);
    if (chunks.size === 0) this.#byInode.delete(cached.inode);
    this.#forget(cached);
  }

  #forget(cached: Cached): void {
    this.#order.delete(cached);
    this.#bytes -= cached.data.length;
    // Free the memory now: SQLite's blobs are counted too late to be collected in time.
    const buffer = cached.data.buffer as ArrayBuffer;
    if (!buffer.detached && buffer.byteLength === cached.data.length) buffer.transfer(0);
  }
}
