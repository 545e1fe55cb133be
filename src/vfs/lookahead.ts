/** Names of a directory that are looked up one by one before others are read with them. */
const PATIENCE = 3;

/** Names that are read at first, and at most. */
const FIRST = 256;
const MOST = 1024;

/** Fewer are not worth a query. */
const LEAST = 16;

/** When reading ahead was in vain, it is tried again after so many names. */
const PAUSE = 256;

/**
 * Decides how many names are read along when one of a directory has to be
 * looked up in the file: to read a row with others costs a fraction of what it
 * costs alone, but only if it is wanted.
 */
export class Lookahead {
  #missed = 0;
  #used = 0;
  #read = 0;
  #window = FIRST;

  /** A name was asked for that memory had. */
  used(): void {
    this.#used++;
  }

  /**
   * A name had to be looked up in the file.
   *
   * @returns How many names to read, and whether from the first on: who looks up
   * names of a small directory is likely to want them all.
   */
  missed(): { count: number; fromFirst: boolean } {
    this.#missed++;
    if (this.#missed < PATIENCE) return { count: 0, fromFirst: false };
    const fromFirst = this.#missed === PATIENCE;
    if (this.#read > 0) {
      const wanted = this.#used * 2 >= this.#read;
      this.#window = wanted ? Math.min(2 * this.#window, MOST) : this.#window >> 2;
    }
    if (this.#window < LEAST && this.#missed % PAUSE === 0) this.#window = LEAST;
    this.#read = this.#used = 0;
    const count = this.#window < LEAST ? 0 : this.#window;
    return { count, fromFirst };
  }

  /** So many names were read that were not known. */
  read(count: number): void {
    this.#read = count;
  }
}
