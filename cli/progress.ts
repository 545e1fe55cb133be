import type { Bar } from "./bar.ts";

/** Shorter work than this shows nothing, in ms. */
const PATIENCE = 400;
/** Time between two pictures, in ms. */
const INTERVAL = 120;

/**
 * How far some long work is, shown on standard error if that is a terminal. What
 * draws it is only loaded once the work takes long enough to be watched.
 */
export class Progress {
  readonly #label: string;
  readonly #shown: boolean = Deno.stderr.isTerminal();
  readonly #start: number = performance.now();
  #total: number;
  #done = 0;
  #drawnAt = 0;
  #bar: Bar | null = null;
  #loading = false;

  /**
   * @param label What is being done.
   * @param total All the bytes there are to do; 0 when nobody knows.
   */
  constructor(label: string, total: number = 0) {
    this.#label = label;
    this.#total = total;
  }

  /** Whether anybody sees it: counting a total in advance is wasted otherwise. */
  get visible(): boolean {
    return this.#shown;
  }

  /** More work was done. */
  add(bytes: number): void {
    this.to(this.#done + bytes);
  }

  /** Work was done up to here. */
  to(bytes: number, total: number = this.#total): void {
    this.#done = bytes;
    this.#total = total;
    if (!this.#shown) return;
    const now = performance.now();
    if (now - this.#start < PATIENCE || now - this.#drawnAt < INTERVAL) return;
    this.#drawnAt = now;
    this.#load();
    this.#bar?.draw(bytes, total);
  }

  #load(): void {
    if (this.#loading) return;
    this.#loading = true;
    import("./bar.ts").then(({ Bar }) => {
      this.#bar = new Bar(this.#label, this.#start, this.#total > 0);
    }, () => {
      // The work is done as well without being watched.
    });
  }

  /** Takes the line away, so that messages and results stand on their own. */
  clear(): void {
    this.#bar?.clear();
  }
}
