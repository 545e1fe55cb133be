import { isoTime } from "./time.ts";

/** The reader of our standard output has gone: not a fault, only the end. */
export class OutputClosed extends Error {}

/** Characters that would move the cursor or change the terminal's colours. */
// deno-lint-ignore no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/** Text in which every control character is written out, for terminals and messages. */
export function printable(text: string): string {
  return text.replace(CONTROL, (c) => {
    if (c === "\n") return "\\n";
    if (c === "\t") return "\\t";
    return `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** Buffered text held back before it is written. */
const BUFFER = 32 * 1024;

/** Standard output: buffered text, and bytes as they are. */
export class Output {
  readonly #encoder = new TextEncoder();
  #pending: string[] = [];
  #length = 0;
  #terminal: boolean | null = null;

  /** Whether a person reads it. */
  get isTerminal(): boolean {
    return this.#terminal ??= Deno.stdout.isTerminal();
  }

  /** A name as it may be shown: as it is in a pipe, made harmless on a terminal. */
  name(text: string): string {
    return this.isTerminal ? printable(text) : text;
  }

  /** Prints text and a newline. */
  async line(text: string = ""): Promise<void> {
    await this.text(`${text}\n`);
  }

  /** Prints text. */
  async text(text: string): Promise<void> {
    this.#pending.push(text);
    this.#length += text.length;
    if (this.#length >= BUFFER) await this.flush();
  }

  /**
   * Prints a value as one JSON document. Times (bigints) become ISO 8601 text
   * with nanoseconds, as nothing else that is printed is a bigint.
   */
  async json(value: unknown): Promise<void> {
    await this.line(JSON.stringify(
      value,
      (_key, v: unknown) => typeof v === "bigint" ? isoTime(v) : v,
      2,
    ));
  }

  /** Writes bytes, after the text printed so far. */
  async bytes(data: Uint8Array): Promise<void> {
    if (this.#length > 0) await this.flush();
    try {
      for (let done = 0; done < data.length;) {
        done += await Deno.stdout.write(data.subarray(done));
      }
    } catch (error) {
      if (error instanceof Deno.errors.BrokenPipe) {
        throw new OutputClosed("standard output is closed");
      }
      throw error;
    }
  }

  /** Writes what is buffered. */
  async flush(): Promise<void> {
    if (this.#length === 0) return;
    const text = this.#pending.join("");
    this.#pending = [];
    this.#length = 0;
    await this.bytes(this.#encoder.encode(text));
  }
}

/**
 * Lays rows out in columns, two spaces apart.
 *
 * @param rows Cells of text; all rows of one length.
 * @param right The columns whose cells are set to the right.
 */
export function table(
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length);
    });
  }
  return rows.map((row) =>
    row.map((cell, i) =>
      right.includes(i)
        ? cell.padStart(widths[i])
        : i === row.length - 1
        ? cell
        : cell.padEnd(widths[i])
    ).join("  ")
  );
}
