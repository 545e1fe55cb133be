import type { Bar } from "./bar.ts";

/** Work that is shorter than this shows no progress, in ms. */
const DELAY = 400;
/** The interval between two updates, in ms. */
const INTERVAL = 120;

/**
 * Shows the progress of long work on standard error, if that is a terminal. The code that draws it
 * is loaded only when the work takes long enough.
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
   * @param label The name of the operation.
   * @param total The total number of bytes; 0 when it is unknown.
   */
  constructor(label: string, total: number = 0) {
    this.#label = label;
    this.#total = total;
  }

  /** Whether progress is shown. If not, counting a total in advance is wasted. */
  get visible(): boolean {
    return this.#shown;
  }

  /** Adds completed work. */
  add(bytes: number): void {
    this.to(this.#done + bytes);
  }

  /** Sets the completed work. */
  to(bytes: number, total: number = this.#total): void {
    this.#done = bytes;
    this.#total = total;
    if (!this.#shown) return;
    const now = performance.now();
    if (now - this.#start < DELAY || now - this.#drawnAt < INTERVAL) return;
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
      // The work continues without a progress line.
    });
  }

  /** Removes the progress line before messages and results are printed. */
  clear(): void {
    this.#bar?.clear();
  }
}
