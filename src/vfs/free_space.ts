import { AloeError } from "../errors.ts";
import type { Database } from "../storage/database.ts";

/** How long a reading counts, ms. */
const FRESH_MS = 1000;

/** Bytes below which space is short. */
const SHORT = 512 * 2 ** 20;

/** Bytes below which the log is not left to grow. */
const TIGHT = 128 * 2 ** 20;

/** What is stored beside content is no more than this part of it, but for very small files. */
const OVERHEAD_PART = 16;

/** Space that is left for what has to be written to free some, bytes. */
const RESERVE = 2 * 2 ** 20;

/** Space for what is to be written: on the disk that has the file, and in the file. */
export class FreeSpace {
  readonly #db: Pick<Database, "path" | "room">;
  #readAt = -Infinity;
  #available = 0;
  /** What the file's log has on the disk already. */
  #log = 0;
  /** What the log may hold anew for removals. */
  #held = 0;
  #reusable = 0;

  constructor(db: Pick<Database, "path" | "room">) {
    this.#db = db;
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

  /**
   * Bytes of content that can be offered: what {@linkcode fits} lets through
   * when they come at once, and nearly all of what is not short.
   */
  get room(): number {
    this.#read();
    const plenty = Math.max(0, this.#available - SHORT);
    // What is held behind the log's end may be held anew.
    const short = Math.max(0, this.#available - plenty - this.#held);
    /** The most that fits beside a reserve. */
    const beside = (reserve: number): number => {
      const left = short - reserve;
      const inPlace = this.#reusable - this.#log;
      return left <= inPlace ? left : Math.max(inPlace, (left + inPlace) / 2);
    };
    const within = Math.min(this.#reusable - RESERVE, beside(RESERVE / 8));
    const most = Math.max(0, within, beside(RESERVE));
    // Names, manifests and the pages that they are in need some too.
    return plenty + most - most / OVERHEAD_PART;
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
    const { log, held, disk } = this.#db.room();
    if (disk === null) {
      throw new AloeError("io_error", `${this.#db.path}: its disk does not answer`);
    }
    this.#available = disk;
    // What is held behind its end is for removals.
    this.#log = Math.max(0, log - held);
    this.#held = held;
  }
}
