import { encodeText, shownName } from "../src/names.ts";
import { isoTime } from "./time.ts";
import { nameForm, textOf } from "./words.ts";

/** Thrown when the reader of standard output has closed it, which is not a failure. */
export class OutputClosed extends Error {}

/** Characters that could move the cursor or change the terminal's colours. */
// deno-lint-ignore no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/** Characters that represent a byte of a name. */
const BYTE = /[\u{10fe00}-\u{10feff}]/gu;

/**
 * Escapes every control character, and every byte that is not UTF-8, for terminals and messages.
 */
export function printable(text: string): string {
  return text.replace(BYTE, (c) => `\\x${hex(c.codePointAt(0)! & 0xff, 2)}`).replace(
    CONTROL,
    (c) => {
      if (c === "\n") return "\\n";
      if (c === "\t") return "\\t";
      return `\\u${hex(c.charCodeAt(0), 4)}`;
    },
  );
}

function hex(number: number, digits: number): string {
  return number.toString(16).padStart(digits, "0");
}

/** The JSON fields that hold paths, names and link targets. */
const NAMES = new Set(["path", "name", "target", "from", "to"]);

/** Adds a field with the bytes in base64 to each name that is not valid UTF-8. */
function withBytes(key: string, value: unknown): unknown {
  if (typeof value === "bigint") return isoTime(value);
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  if (key === "metadata") return value;
  const found: Record<string, unknown> = {};
  for (const [name, each] of Object.entries(value)) {
    if (typeof each !== "string" || !NAMES.has(name) || textOf(each) === each) continue;
    found[`${name}Bytes`] = encodeText(each).toBase64();
  }
  return Object.keys(found).length === 0 ? value : { ...value, ...found };
}

/** The length of text to buffer before it is written, in UTF-16 units. */
const BUFFER = 32 * 1024;

/** Standard output: buffered text and raw bytes. */
export class Output {
  #pending: string[] = [];
  #length = 0;
  #terminal: boolean | null = null;

  /** Whether standard output is a terminal. */
  get isTerminal(): boolean {
    return this.#terminal ??= Deno.stdout.isTerminal();
  }

  /** Returns a path or link target for output: unchanged for a pipe, escaped for a terminal. */
  name(text: string): string {
    return this.isTerminal ? printable(text) : text;
  }

  /** Returns one name of a directory for output, like {@linkcode name}. */
  child(name: string): string {
    return this.name(shownName(name));
  }

  /** Returns text that is not a name for output: escaped for a terminal. */
  plain(text: string): string {
    if (this.isTerminal) return printable(text);
    return nameForm(text);
  }

  /** Prints text and a newline. */
  async line(text: string = ""): Promise<void> {
    await this.text(`${text}\n`);
  }

  /** Prints text, which may hold bytes of names as `decodeText` encodes them. */
  async text(text: string): Promise<void> {
    this.#pending.push(text);
    this.#length += text.length;
    if (this.#length >= BUFFER) await this.flush();
  }

  /**
   * Prints a value as one JSON document. Bigints are times and become ISO 8601 text with
   * nanoseconds.
   */
  async json(value: unknown): Promise<void> {
    await this.line(jsonText(value, 2));
  }

  /** Writes bytes after the text printed so far. */
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

  /** Writes the buffered text. */
  async flush(): Promise<void> {
    if (this.#length === 0) return;
    const text = this.#pending.join("");
    this.#pending = [];
    this.#length = 0;
    await this.bytes(encodeText(text));
  }
}

/**
 * Arranges rows in columns below their headings.
 *
 * @param headings One heading for each column.
 * @returns The lines; empty when there are no rows.
 */
export function listing(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string[] {
  if (rows.length === 0) return [];
  return table([headings, ...rows], right).map((line) => line.trimEnd());
}

/**
 * Arranges rows in columns, two spaces apart.
 *
 * @param rows Cells of text; all rows have the same length.
 * @param right The columns to align right.
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

/** Returns a value as JSON text. */
export function jsonText(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, withBytes, indent);
  // Escape the characters that represent bytes, because output would turn them into bytes.
  return text.replace(BYTE, (c) => {
    return [...c.split("")].map((unit) => `\\u${hex(unit.charCodeAt(0), 4)}`).join("");
  });
}
