// Long work that never waits for anything would keep everybody else waiting:
// promises that are settled already give way to each other, not to the event loop.

/** How long work goes on before others get their turn, ms. */
const TURN_MS = 15;

/** Gives the event loop a turn whenever work has gone on for some time. */
export class Turns {
  #since = performance.now();

  /** To be awaited between two steps, if it is anything to be awaited. */
  next(): Promise<void> | void {
    if (performance.now() - this.#since < TURN_MS) return;
    return this.#give();
  }

  async #give(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#since = performance.now();
  }
}
