/** Holds what runs side by side, so that it can be looked at while nothing goes on. */
export class Gate {
  readonly #ended: () => boolean;
  #open: PromiseWithResolvers<void> | null = null;
  #inside = 0;
  /** Told whenever somebody waits or ends. */
  #changed = Promise.withResolvers<void>();
  #waiting = 0;
  #failure: unknown = null;

  /** @param ended Whether time is over. */
  constructor(ended: () => boolean) {
    this.#ended = ended;
  }

  /**
   * Runs a task again and again until time is over, or until any task has failed.
   *
   * @param round What is done; ends by itself.
   * @param pause How long to wait after each, ms.
   */
  async run(name: string, round: (count: number) => Promise<void>, pause: number): Promise<void> {
    this.#inside++;
    try {
      for (let count = 0; !this.#ended() && this.#failure === null; count++) {
        await round(count);
        await new Promise((resolve) => setTimeout(resolve, pause));
        if (this.#open === null) continue;
        this.#waiting++;
        this.#tell();
        await this.#open.promise;
        this.#waiting--;
      }
    } catch (error) {
      this.#failure ??= new Error(`${name}: ${error}`, { cause: error });
      throw this.#failure;
    } finally {
      this.#inside--;
      this.#tell();
    }
  }

  /** Waits until nobody does anything; nobody begins until `open`. */
  async close(): Promise<void> {
    this.#open = Promise.withResolvers();
    while (this.#waiting < this.#inside) await this.#changed.promise;
  }

  /** Lets all go on. */
  open(): void {
    this.#open?.resolve();
    this.#open = null;
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
