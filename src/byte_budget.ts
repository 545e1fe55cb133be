/** A share of a budget, held until it is disposed. */
export interface BudgetShare {
  /** Releases the share. Idempotent. */
  [Symbol.dispose](): void;
}

/**
 * Limits the memory that tasks use temporarily, in bytes. Shares are granted in the order of
 * requests; a request larger than the whole budget is granted alone.
 *
 * A holder of a share must not wait for anything that a waiting requester may hold.
 */
export class ByteBudget {
  readonly #limit: number;
  #used = 0;
  readonly #waiting: { bytes: number; since: number; go: () => void }[] = [];

  /**
   * @param limit The size of the budget, in bytes.
   */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The number of bytes in use. */
  get used(): number {
    return this.#used;
  }

  /**
   * The bytes that requests wait for, and when the first of these requests came, by
   * `performance.now`; null when none waits.
   */
  get waiting(): { bytes: number; since: number } | null {
    if (this.#waiting.length === 0) return null;
    const bytes = this.#waiting.reduce((sum, each) => sum + each.bytes, 0);
    return { bytes, since: this.#waiting[0].since };
  }

  /** Takes a share; waits until there is room for it. */
  async take(bytes: number): Promise<BudgetShare> {
    if (this.#waiting.length > 0 || !this.#fits(bytes)) {
      await new Promise<void>((go) => {
        this.#waiting.push({ bytes, since: performance.now(), go });
      });
    } else {
      this.#used += bytes;
    }
    let held = bytes;
    return {
      [Symbol.dispose]: () => {
        this.#used -= held;
        held = 0;
        this.#next();
      },
    };
  }

  #fits(bytes: number): boolean {
    return this.#used === 0 || this.#used + bytes <= this.#limit;
  }

  #next(): void {
    for (let first = this.#waiting[0]; first !== undefined && this.#fits(first.bytes);) {
      this.#waiting.shift();
      // Count the share before its task runs, so that its room is not granted twice.
      this.#used += first.bytes;
      first.go();
      first = this.#waiting[0];
    }
  }
}
