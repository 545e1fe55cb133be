import { statfsSync } from "node:fs";

/** How long a reading counts, ms. */
const FRESH_MS = 1000;

/** Space on the disk that has the file. */
export class FreeSpace {
  readonly #path: string;
  #readAt = -Infinity;
  #last = { total: 0, available: 0 };

  /** @param path The file. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Bytes in all, and bytes that may be taken; at most a second old. */
  read(): { total: number; available: number } {
    const now = performance.now();
    if (now - this.#readAt >= FRESH_MS) {
      const { bsize, blocks, bavail } = statfsSync(this.#path);
      this.#last = { total: bsize * blocks, available: bsize * bavail };
      this.#readAt = now;
    }
    return this.#last;
  }

  /** Whether so little is left that it has to be asked for before each write. */
  get isShort(): boolean {
    return this.read().available < SHORT;
  }
}

/** Bytes below which space is short. */
const SHORT = 512 * 2 ** 20;
