/** Names of a directory that are looked up one by one before others are read with them. */
const PATIENCE = 3;

/** Names that are read at first, and at most. */
const FIRST = 256;
const MOST = 1024;

/** Fewer are not worth a query. */
const LEAST = 16;

/** When reading ahead was in vain, it is tried again after so many names. */
const PAUSE = 256;

/** A look for a name that is not there costs as much as so many rows, and none once all are known. */
const ABSENT = 8;

/** A directory of more names is not read as a whole: memory would not keep them. */
const WHOLE = 2048;

/**
 * Decides how many names are read along when one of a directory has to be
 * looked up in the file: to read a row with others costs a fraction of what it
 * costs alone, but only if it is wanted.
 */
export class Lookahead {
  /** All names up to this placement are known; null when that cannot be said. */
  reach: string | null = "";
  #missed = 0;
  #used = 0;
  #read = 0;
  #total = 0;
  #window = FIRST;

  /** A name was asked for that memory had. */
  used(): void {
    this.#used++;
  }

  /**
   * A name had to be looked up in the file.
   *
   * @param edge Its placement; null when it is not there.
   * @returns How many names to read, and what placement they come after; null for none.
   */
  missed(edge: string | null): { after: string; count: number } | null {
    this.#missed++;
    if (edge === null) this.#used += ABSENT;
    if (this.#missed < PATIENCE) return null;
    const wanted = this.#used * 2 >= this.#read;
    const { reach } = this;
    // That a name is not there, only reading all of them can tell.
    if (edge === null && (reach === null || !wanted)) return null;
    if (this.#read > 0) {
      this.#window = wanted ? Math.min(2 * this.#window, MOST) : this.#window >> 2;
    }
    if (this.#window < LEAST && this.#missed % PAUSE === 0) this.#window = LEAST;
    this.#read = this.#used = 0;
    if (this.#window < LEAST) return null;
    const after = reach !== null && (edge === null || edge > reach) ? reach : edge!;
    return { after, count: this.#window };
  }

  /**
   * Names were read.
   *
   * @param added How many of them were not known.
   * @param after What they come after.
   * @param next What the following ones come after; null when there are none, or
   * reading on in order is of no use.
   */
  read(added: number, after: string, next: string | null): void {
    this.#read = added;
    this.#total += added;
    if (after === this.reach) this.reach = this.#total < WHOLE ? next : null;
  }
}
