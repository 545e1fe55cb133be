import { statfsSync } from "node:fs";

/** How long a reading counts, ms. */
const FRESH_MS = 1000;

/** Bytes below which space is short. */
const SHORT = 512 * 2 ** 20;

/** Bytes below which the log is not left to grow. */
const TIGHT = 128 * 2 ** 20;

/** Space that is left for what has to be written to free some, bytes. */
const RESERVE = 2 * 2 ** 20;

/** Space for what is to be written: on the disk that has the file, and in the file. */
export class FreeSpace {
  readonly #path: string;
  #readAt = -Infinity;
  #total = 0;
  #available = 0;
  /** What the file's log has on the disk already. */
  #log = 0;
  #reusable = 0;

  /** @param path The file. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Bytes of the disk in all; at most a second old. */
  get total(): number {
    this.#read();
    return this.#total;
  }

  /** Bytes that may still be written. */
  get available(): number {
    this.#read();
    return this.#available + this.#reusable;
  }

  /** Whether so little is left that it has to be looked at before each write. */
  get isShort(): boolean {
    this.#read();
    return this.#available < SHORT;
  }

  /**
   * Whether bytes can be written. Each goes to the log first, and then, as
   * all that is in the log, to its place, which may be free in the file.
   */
  fits(bytes: number): boolean {
    this.#read(0);
    const growth = Math.max(0, this.#log + bytes - this.#reusable);
    // Where the file itself has room, only the log needs more, a part at a time.
    const reserve = this.#reusable >= bytes + RESERVE ? RESERVE / 8 : RESERVE;
    return this.#available >= bytes + growth + reserve;
  }

  /** Whether the log takes space that is needed. */
  get shouldEmptyLog(): boolean {
    this.#read();
    return this.#available < TIGHT && this.#log > RESERVE / 8;
  }

  /** Says how much of the file is free. */
  reuse(bytes: number): void {
    this.#reusable = bytes;
    this.#readAt = -Infinity;
  }

  #read(fresh: number = FRESH_MS): void {
    const now = performance.now();
    if (now - this.#readAt < fresh) return;
    this.#readAt = now;
    const { bsize, blocks, bavail } = statfsSync(this.#path);
    this.#total = bsize * blocks;
    this.#available = bsize * bavail;
    this.#log = sizeOf(`${this.#path}-wal`);
  }
}

function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch {
    return 0;
  }
}
