import { AloeError } from "../errors.ts";
import type { Database } from "../ops.ts";

/** How long a reading of the free space is used, in ms. */
const FRESH_MS = 1000;

/** Free space below this is short, in bytes. */
const SHORT = 512 * 2 ** 20;

/** Below this free space the log is not allowed to grow, in bytes. */
const TIGHT = 128 * 2 ** 20;

/** Except for very small files, metadata takes at most this part of the content's size. */
const OVERHEAD_PART = 16;

/** Space reserved for writes that free space, in bytes. */
const RESERVE = 2 * 2 ** 20;

/** The space for new data: on the file's disk, and in the file. */
export class FreeSpace {
  readonly #db: Pick<Database, "path" | "room">;
  #readAt = -Infinity;
  #available = 0;
  /** The space that the file's log already takes on the disk. */
  #log = 0;
  /** The space that the log holds in reserve for removals. */
  #held = 0;
  #reusable = 0;

  constructor(db: Pick<Database, "path" | "room">) {
    this.#db = db;
  }

  /** The number of bytes that can still be written. */
  get available(): number {
    this.#read();
    return this.#available + this.#reusable;
  }

  /** Whether the free space must be checked before each write. */
  get isShort(): boolean {
    this.#read();
    return this.#available < SHORT;
  }

  /** Whether so little is left that what one commit writes to the log may be too much. */
  get isTight(): boolean {
    this.#read();
    return this.#available < TIGHT;
  }

  /**
   * Returns whether data of a size can be written. Data first goes to the log and then, with the
   * rest of the log, to its place, which may be a free part of the file.
   */
  fits(bytes: number): boolean {
    this.#read(0);
    const growth = Math.max(0, this.#log + bytes - this.#reusable);
    // When the file itself has room, only the log has to grow, a part at a time.
    const reserve = this.#reusable >= bytes + RESERVE ? RESERVE / 8 : RESERVE;
    return this.#available >= bytes + growth + reserve;
  }

  /**
   * The number of content bytes to report as available: the largest size that {@linkcode fits}
   * accepts at once, plus nearly all space that is not short.
   */
  get room(): number {
    this.#read();
    const plenty = Math.max(0, this.#available - SHORT);
    // Space held after the log's end can be held again.
    const short = Math.max(0, this.#available - plenty - this.#held);
    /** Returns the largest size that fits beside a reserve. */
    const beside = (reserve: number): number => {
      const left = short - reserve;
      const inPlace = this.#reusable - this.#log;
      return left <= inPlace ? left : Math.max(inPlace, (left + inPlace) / 2);
    };
    const within = Math.min(this.#reusable - RESERVE, beside(RESERVE / 8));
    const most = Math.max(0, within, beside(RESERVE));
    // Subtract the space for names, manifests and their pages.
    return plenty + most - most / OVERHEAD_PART;
  }

  /** Whether the log should be emptied because its space is needed. */
  get shouldEmptyLog(): boolean {
    this.#read();
    return this.#available < TIGHT && this.#log > RESERVE / 8;
  }

  /** Sets the free space in the file. */
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
    // The space held after the log's end is for removals.
    this.#log = Math.max(0, log - held);
    this.#held = held;
  }
}
