import { decodeText, encodeText } from "../src/names.ts";

/** What the text of every byte that is not UTF-8 begins with, in UTF-16. */
const MARK = "\udbff";
/** What the runtime puts in the place of bytes that are not UTF-8. */
const LOST = "\ufffd";

const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Text as names are written, in which some characters stand for bytes (see `decodeText`). */
export function nameForm(text: string): string {
  return text.includes(MARK) ? decodeText(encoder.encode(text)) : text;
}

/** The words that this process was given, with the bytes that the runtime has lost. */
export function ownWords(): string[] {
  const args = Deno.args;
  if (!args.some((arg) => arg.includes(LOST))) return args.map(nameForm);
  return rawArguments(args)?.map(decodeText) ?? args.map(nameForm);
}

/** The text that a word is; null for one that is not UTF-8. */
export function textOf(word: string): string | null {
  if (!word.includes(MARK)) return word;
  try {
    return strict.decode(encodeText(word));
  } catch {
    return null;
  }
}

/** Processes that are looked at: `npx` runs a shell that runs Deno that runs Deno. */
const GENERATIONS = 8;

/**
 * The arguments as the system has them: those of this process, or where they
 * were lost on the way, as by `deno task`, those of the one that lost them.
 *
 * @param args The same with U+FFFD for what was lost.
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
      // The name of the program, in brackets, may hold anything.
      const status = Deno.readTextFileSync(`/proc/${pid}/stat`);
      pid = status.slice(status.lastIndexOf(")") + 2).split(" ")[1];
    }
  } catch {
    // Nothing that may be looked at: the words stay as they came.
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

/** Words that end with a NUL each. */
function split(bytes: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  let start = 0;
  for (let end = bytes.indexOf(0); end !== -1; end = bytes.indexOf(0, start)) {
    found.push(bytes.slice(start, end));
    start = end + 1;
  }
  return found;
}
