import { encodeText, shownName } from "../src/names.ts";
import { isoTime } from "./time.ts";
import { nameForm, textOf } from "./words.ts";

/** The reader of our standard output has gone: not a fault, only the end. */
export class OutputClosed extends Error {}

/** Characters that would move the cursor or change the terminal's colours. */
// deno-lint-ignore no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/** Characters that stand for a byte of a name. */
const BYTE = /[\u{10fe00}-\u{10feff}]/gu;

/**
 * Text in which every control character, and every byte that is not UTF-8, is
 * written out, for terminals and messages.
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

/** What JSON has of what people see: paths, names, and where links lead. */
const NAMES = new Set(["path", "name", "target", "from", "to"]);

/**
 * Text of names is text in JSON too. Where it stands for other bytes, those are
 * given beside it, in base64.
 */
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

/** Buffered text held back before it is written. */
const BUFFER = 32 * 1024;

/** Standard output: buffered text, and bytes as they are. */
export class Output {
  #pending: string[] = [];
  #length = 0;
  #terminal: boolean | null = null;

  /** Whether a person reads it. */
  get isTerminal(): boolean {
    return this.#terminal ??= Deno.stdout.isTerminal();
  }

  /**
   * A path, or where a link leads, as it may be shown: with its bytes in a pipe,
   * made harmless on a terminal.
   */
  name(text: string): string {
    return this.isTerminal ? printable(text) : text;
  }

  /** The same for one name of a directory's. */
  child(name: string): string {
    return this.name(shownName(name));
  }

  /** The same for text that is no name. */
  plain(text: string): string {
    if (this.isTerminal) return printable(text);
    return nameForm(text);
  }

  /** Prints text and a newline. */
  async line(text: string = ""): Promise<void> {
    await this.text(`${text}\n`);
  }

  /** Prints text, in which bytes of names may be as `decodeText` has them. */
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
    await this.line(jsonText(value, 2));
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
    await this.bytes(encodeText(text));
  }
}

/**
 * Lays rows out in columns below their headings.
 *
 * @param headings One for each column.
 * @returns No line without a row.
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

/** A value as JSON has it. */
export function jsonText(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, withBytes, indent);
  // As JSON writes them: in what is printed they stand for bytes.
  return text.replace(BYTE, (c) => {
    return [...c.split("")].map((unit) => `\\u${hex(unit.charCodeAt(0), 4)}`).join("");
  });
}
