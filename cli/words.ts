import { decodeText, encodeText } from "../src/names.ts";

/** The first UTF-16 unit of the text of every byte that is not UTF-8. */
const MARK = "\udbff";
/** The character that the runtime substitutes for bytes that are not UTF-8. */
const REPLACEMENT = "\ufffd";

const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Converts text to the form of names, in which some characters represent bytes (see `decodeText`).
 */
export function nameForm(text: string): string {
  return text.includes(MARK) ? decodeText(encoder.encode(text)) : text;
}

/**
 * Returns the words of this process's command line, with bytes that the runtime has lost restored.
 */
export function ownWords(): string[] {
  const args = Deno.args;
  if (!args.some((arg) => arg.includes(REPLACEMENT))) return args.map(nameForm);
  return rawArguments(args)?.map(decodeText) ?? args.map(nameForm);
}

/** Returns a word as text; null when it is not valid UTF-8. */
export function textOf(word: string): string | null {
  if (!word.includes(MARK)) return word;
  try {
    return strict.decode(encodeText(word));
  } catch {
    return null;
  }
}

/** The maximum number of ancestors to inspect: `npx` runs a shell that runs Deno that runs Deno. */
const GENERATIONS = 8;

/**
 * Returns the raw arguments of this process or, when a parent such as `deno task` has lost bytes,
 * those of the parent.
 *
 * @param args The arguments with U+FFFD in place of lost bytes.
 */
function rawArguments(args: readonly string[]): Uint8Array[] | null {
  if (Deno.build.os !== "linux") return null;
  const lossy = new TextDecoder("utf-8", { ignoreBOM: true });
  try {
    let pid = `${Deno.pid}`;
    for (let i = 0; i < GENERATIONS && pid !== "0"; i++) {
      const raw = split(Deno.readFileSync(`/proc/${pid}/cmdline`)).slice(-args.length);
      const same = raw.length === args.length &&
        raw.every((word, at) => lossy.decode(word) === args[at]);
      if (same && raw.some((word) => !isText(word))) return raw;
      // The program's name, in parentheses, may contain any characters.
      const status = Deno.readTextFileSync(`/proc/${pid}/stat`);
      pid = status.slice(status.lastIndexOf(")") + 2).split(" ")[1];
    }
  } catch {
    // The process cannot be inspected, so the words stay unchanged.
  }
  return null;
}

function isText(bytes: Uint8Array): boolean {
  try {
    strict.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Splits bytes into words that end with a NUL each. */
function split(bytes: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  let start = 0;
  for (let end = bytes.indexOf(0); end !== -1; end = bytes.indexOf(0, start)) {
    found.push(bytes.slice(start, end));
    start = end + 1;
  }
  return found;
}
