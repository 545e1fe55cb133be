/**
 * A first-in, first-out lane: one task at a time, so that concurrent
 * operations on a connection never share a transaction.
 */
export class Lane {
  #busy = false;
  readonly #waiting: (() => void)[] = [];

  /** Whether a task is running. */
  get busy(): boolean {
    return this.#busy;
  }

  /** Runs `task` when all earlier ones have settled. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#busy) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#busy = true;
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      // The lane stays busy while it is handed on, or a newcomer would jump in.
      if (next) next();
      else this.#busy = false;
    }
  }
}
