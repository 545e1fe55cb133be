import progress from "cli-progress";
import { showSize } from "./size.ts";

/** The part of the library's interface that is used; the library ships no types. */
interface SingleBar {
  readonly isActive: boolean;
  start(total: number, value: number, payload: Record<string, string>): void;
  setTotal(total: number): void;
  update(value: number, payload: Record<string, string>): void;
  stop(): void;
}

const STYLE = {
  // With many small steps, only the last few seconds should determine the remaining time.
  etaBuffer: 40,
  fps: 8,
  barsize: 24,
  clearOnComplete: true,
  // Cut the line to the terminal's width: disabling line wrap would outlast a killed process.
  linewrap: true,
  formatValue: (value: number, _options: unknown, kind: string): string =>
    kind === "total" || kind === "value" ? showSize(value) : `${value}`,
  // The library passes text instead of a number until it can estimate.
  formatTime: (seconds: number | string, options: unknown, step: number): string =>
    typeof seconds === "string" ? "?" : progress.Format.TimeFormat(seconds, options, step),
};

/** Draws a progress line on standard error with bytes, rate and time left. */
export class Bar {
  readonly #label: string;
  readonly #start: number;
  readonly #bar: SingleBar;

  /**
   * @param label The name of the operation.
   * @param start When the operation began, in ms on the clock of `performance.now()`.
   * @param measured Whether the total is known.
   */
  constructor(label: string, start: number, measured: boolean) {
    this.#label = label;
    this.#start = start;
    this.#bar = new progress.SingleBar({
      ...STYLE,
      format: measured
        ? "{label}  {bar}  {percentage}%  {value} of {total}  {rate}/s  {eta_formatted} left"
        : "{label}  {value}  {rate}/s",
    });
  }

  /**
   * Draws the current progress.
   *
   * @param bytes The number of bytes done.
   * @param total The total number of bytes; 0 when it is unknown.
   */
  draw(bytes: number, total: number): void {
    const seconds = (performance.now() - this.#start) / 1000;
    const rate = showSize(Math.round(bytes / Math.max(seconds, 0.001)));
    if (!this.#bar.isActive) {
      this.#bar.start(total, bytes, { label: this.#label, rate });
      return;
    }
    this.#bar.setTotal(total);
    this.#bar.update(bytes, { rate });
  }

  /** Removes the line. */
  clear(): void {
    this.#bar.stop();
  }
}
