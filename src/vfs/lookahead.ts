/** The number of single lookups in a directory before other names are read with them. */
const PLAIN_LOOKUPS = 3;

/** The number of names to read ahead at first, and at most. */
const FIRST_COUNT = 256;
const MAX_COUNT = 1024;

/** Fewer names than this are not worth a query. */
const MIN_COUNT = 16;

/** The number of names after which a useless read-ahead is tried again. */
const RETRY_AFTER = 256;

/** The cost of looking up a missing name, in rows; once all names are known it costs nothing. */
const MISSING_COST = 8;

/** A directory with more names is not read completely, because memory would not keep them. */
const WHOLE_LIMIT = 2048;

/**
 * Decides how many names to read together with a lookup in the file. Reading a row with others
 * costs a fraction of reading it alone, but only pays off if the row is needed.
 */
export class Lookahead {
  /** All names up to this placement are known; null when that is uncertain. */
  reach: string | null = "";
  #missed = 0;
  #used = 0;
  #read = 0;
  #total = 0;
  #window = FIRST_COUNT;

  /** Records a lookup that memory could answer. */
  used(): void {
    this.#used++;
  }

  /**
   * Records a lookup in the file.
   *
   * @param edge The name's placement; null when the name does not exist.
   * @returns The number of names to read and the placement before them; null for none.
   */
  missed(edge: string | null): { after: string; count: number } | null {
    this.#missed++;
    if (edge === null) this.#used += MISSING_COST;
    if (this.#missed < PLAIN_LOOKUPS) return null;
    const wanted = this.#used * 2 >= this.#read;
    const { reach } = this;
    // Only reading all names can answer lookups of missing names.
    if (edge === null && (reach === null || !wanted)) return null;
    if (this.#read > 0) {
      this.#window = wanted ? Math.min(2 * this.#window, MAX_COUNT) : this.#window >> 2;
    }
    if (this.#window < MIN_COUNT && this.#missed % RETRY_AFTER === 0) this.#window = MIN_COUNT;
    this.#read = this.#used = 0;
    if (this.#window < MIN_COUNT) return null;
    const after = reach !== null && (edge === null || edge > reach) ? reach : edge!;
    return { after, count: this.#window };
  }

  /**
   * Records a read-ahead.
   *
   * @param added The number of names that were not known.
   * @param after The position before the names that were read.
   * @param next The position before the following names; null when there are none, or when reading
   *   in order is useless.
   */
  read(added: number, after: string, next: string | null): void {
    this.#read = added;
    this.#total += added;
    if (after === this.reach) this.reach = this.#total < WHOLE_LIMIT ? next : null;
  }
}
