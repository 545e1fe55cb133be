/** Something of a budget that is held until it is disposed. */
export interface BudgetShare {
  /** Gives it back. Twice is no fault. */
  [Symbol.dispose](): void;
}

/**
 * Bounds memory that tasks take for a while, bytes. They get it in the order in
 * which they ask; what is larger than all of it is given to one task alone.
 *
 * Who holds a share must not wait for what somebody who asks for one may hold.
 */
export class ByteBudget {
  readonly #limit: number;
  #used = 0;
  readonly #waiting: { bytes: number; go: () => void }[] = [];

  /** @param limit Bytes in all. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes that are held. */
  get used(): number {
    return this.#used;
  }

  /** Takes a share, waiting until there is room for it. */
  async take(bytes: number): Promise<BudgetShare> {
    if (this.#waiting.length > 0 || !this.#fits(bytes)) {
      await new Promise<void>((go) => this.#waiting.push({ bytes, go }));
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
      // Counted before it runs, lest two be given the same room.
      this.#used += first.bytes;
      first.go();
      first = this.#waiting[0];
    }
  }
}
