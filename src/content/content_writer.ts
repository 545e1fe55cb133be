import type { Resolved } from "../tree/resolve.ts";
import type { Transaction } from "../storage/transaction.ts";
import { storeChunk } from "./chunk_store.ts";
import { cipherFor } from "./cipher_for.ts";
import { ManifestStore } from "./manifest_store.ts";
import { checkSize } from "./write_content.ts";

/** Writes a version piece by piece within one transaction, in the memory of one chunk. */
export class ContentWriter {
  readonly #tx: Transaction;
  readonly #manifests: ManifestStore;
  readonly #entry: Resolved;
  readonly #version: number;
  readonly #buffer: Uint8Array;
  #filled = 0;
  #index = 0;
  #size = 0;

  /**
   * @param entry Whose content it is.
   * @param version The number that it is to have.
   */
  constructor(tx: Transaction, entry: Resolved, version: number) {
    this.#tx = tx;
    this.#manifests = new ManifestStore(tx);
    this.#entry = entry;
    this.#version = version;
    this.#buffer = new Uint8Array(entry.chunkSize);
  }

  /** Appends bytes. */
  async write(data: Uint8Array): Promise<void> {
    checkSize(this.#size + data.length, this.#entry);
    this.#size += data.length;
    for (let rest = data; rest.length > 0;) {
      const taken = Math.min(rest.length, this.#buffer.length - this.#filled);
      if (taken === this.#buffer.length) {
        await this.#store(rest.subarray(0, taken));
      } else {
        this.#buffer.set(rest.subarray(0, taken), this.#filled);
        this.#filled += taken;
        if (this.#filled === this.#buffer.length) await this.#flush();
      }
      rest = rest.subarray(taken);
    }
  }

  /** Commits the version. @returns Its size, bytes. */
  async finish(): Promise<number> {
    await this.#flush();
    await this.#manifests.commit(this.#entry.node, this.#version, this.#size);
    return this.#size;
  }

  async #flush(): Promise<void> {
    if (this.#filled > 0) {
      await this.#store(this.#buffer.subarray(0, this.#filled));
    }
    this.#filled = 0;
  }

  async #store(chunk: Uint8Array): Promise<void> {
    const hash = await storeChunk(this.#tx, cipherFor(this.#entry), chunk);
    await this.#manifests.add(this.#entry.node, this.#version, this.#index++, hash);
  }
}
