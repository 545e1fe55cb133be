import progress from "cli-progress";
import { showSize } from "./size.ts";

/** What is used of the library, which has no types of its own. */
interface SingleBar {
  readonly isActive: boolean;
  start(total: number, value: number, payload: Record<string, string>): void;
  setTotal(total: number): void;
  update(value: number, payload: Record<string, string>): void;
  stop(): void;
}

const STYLE = {
  // Of many small steps only the last few seconds should tell how long the rest takes.
  etaBuffer: 40,
  fps: 8,
  barsize: 24,
  clearOnComplete: true,
  // Cut to the terminal's width: switching the wrapping off would outlive a kill.
  linewrap: true,
  formatValue: (value: number, _options: unknown, kind: string): string =>
    kind === "total" || kind === "value" ? showSize(value) : `${value}`,
  // Text instead of a number: it has seen too little to tell.
  formatTime: (seconds: number | string, options: unknown, step: number): string =>
    typeof seconds === "string" ? "?" : progress.Format.TimeFormat(seconds, options, step),
};

/** A line of standard error: bytes, rate and time left, drawn over and over. */
export class Bar {
  readonly #label: string;
  readonly #start: number;
  readonly #bar: SingleBar;

  /**
   * @param label What is being done.
   * @param start When it began, on the clock of `performance.now()`.
   * @param measured Whether it is known how much there is to do.
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
   * Shows how far it is.
   *
   * @param bytes What is done.
   * @param total All there is to do; 0 when nobody knows.
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

  /** Takes the line away. */
  clear(): void {
    this.#bar.stop();
  }
}
