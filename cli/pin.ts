import type { Flags } from "./args.ts";
import { UsageError } from "./args.ts";
import { Fault, Interrupted } from "./faults.ts";
import { readSmall, toEnd } from "./small_file.ts";

/** The prefixes of the options that give a PIN, and of those that give a token. */
export type PinPrefix = "pin" | "dest-pin" | "new-pin" | "source-pin" | "token";

const NEWLINE = 10;
const RETURN = 13;

/** Removes the newline that editors and `echo` add to a PIN. */
function withoutNewline(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  if (end > 0 && bytes[end - 1] === NEWLINE) {
    end--;
    if (end > 0 && bytes[end - 1] === RETURN) end--;
  }
  return bytes.subarray(0, end);
}

async function fromFile(option: string, path: string): Promise<Uint8Array> {
  try {
    return withoutNewline(await readSmall(path));
  } catch (error) {
    if (error instanceof Fault) throw error;
    const reason = error instanceof Deno.errors.NotFound
      ? "no such file"
      : error instanceof Deno.errors.IsADirectory
      ? "a directory"
      : "cannot be read";
    throw new Fault(path, `${reason} (${option})`);
  }
}

async function fromDescriptor(
  option: string,
  text: string,
): Promise<Uint8Array> {
  if (!/^\d{1,5}$/.test(text)) {
    throw new UsageError(`${option} needs the number of a descriptor, not ${text}`);
  }
  if (text === "0") {
    return withoutNewline(await toEnd("standard input", Deno.stdin.readable));
  }
  try {
    return withoutNewline(await readSmall(`/dev/fd/${text}`));
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault(`descriptor ${text}`, `not open for reading (${option})`);
  }
}

/**
 * Reads the PIN that the options name.
 *
 * @returns The PIN's bytes, or null when no option names one.
 * @throws {UsageError} When several options name one.
 */
export async function givenPin(
  flags: Flags,
  prefix: PinPrefix = "pin",
): Promise<Uint8Array | null> {
  const given = ["file", "env", "fd"].filter((s) => flags.has(`${prefix}-${s}`));
  if (given.length === 0) return null;
  if (given.length > 1) {
    throw new UsageError(
      `give only one of ${given.map((s) => `--${prefix}-${s}`).join(" and ")}`,
    );
  }
  const option = `--${prefix}-${given[0]}`;
  const value = flags.get(option.slice(2))!;
  if (given[0] === "file") return await fromFile(option, value);
  if (given[0] === "fd") return await fromDescriptor(option, value);
  const bytes = value === "" || /[=\0]/.test(value) ? undefined : variable(value, option);
  if (bytes === undefined) {
    throw new Fault(value, `no such environment variable (${option})`);
  }
  return bytes;
}

/**
 * Returns the bytes of an environment variable. Replaces the runtime's error for invalid UTF-8,
 * because that error contains the value.
 */
function variable(name: string, option: string): Uint8Array | undefined {
  try {
    const text = Deno.env.get(name);
    return text === undefined ? undefined : new TextEncoder().encode(text);
  } catch {
    throw new Fault(name, `not UTF-8; give the PIN in a file or by a descriptor (${option})`);
  }
}

/** Returns whether standard input is a terminal. */
export function canPrompt(): boolean {
  return Deno.stdin.isTerminal();
}

/** The codes of keys that edit or end the input. */
const KEY = {
  interrupt: 3,
  end: 4,
  backspace: 8,
  clear: 21,
  quit: 28,
  delete: 127,
} as const;

/**
 * Prompts for a PIN on the terminal without showing it.
 *
 * @param question The prompt, without a colon.
 * @throws {Interrupted} On Ctrl-C.
 */
export async function promptPin(question: string): Promise<Uint8Array> {
  const stderr = (text: string): void => {
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  };
  const bytes: number[] = [];
  const key = new Uint8Array(1);
  // A terminal in raw mode shows no input, so restore the mode when the process is terminated.
  const onTerminate = (): void => {
    Deno.stdin.setRaw(false);
    Deno.exit(143);
  };
  Deno.addSignalListener("SIGTERM", onTerminate);
  // Set raw mode before the prompt, so that early input is not shown.
  Deno.stdin.setRaw(true);
  stderr(`${question}: `);
  try {
    while (true) {
      const n = await Deno.stdin.read(key);
      const c = key[0];
      if (n === null || c === NEWLINE || c === RETURN || c === KEY.end) break;
      if (c === KEY.interrupt) throw new Interrupted(130);
      if (c === KEY.quit) throw new Interrupted(131);
      if (c === KEY.clear) bytes.length = 0;
      else if (c === KEY.backspace || c === KEY.delete) {
        // A character may have several bytes; 10xxxxxx marks a continuation byte.
        while (bytes.length > 0 && (bytes.pop()! & 0xc0) === 0x80);
      } else bytes.push(c);
    }
    return Uint8Array.from(bytes);
  } finally {
    bytes.fill(0);
    Deno.stdin.setRaw(false);
    Deno.removeSignalListener("SIGTERM", onTerminate);
    stderr("\n");
  }
}

/**
 * Returns a PIN for a new volume or a new PIN: from the options, otherwise from two prompts.
 *
 * @param what The purpose of the PIN, as the prompt names it.
 */
export async function newPin(
  flags: Flags,
  prefix: PinPrefix,
  what: string,
): Promise<Uint8Array> {
  const given = await givenPin(flags, prefix);
  if (given !== null) return given;
  if (!canPrompt()) {
    throw new UsageError(
      `${what} is required: give --${prefix}-file, --${prefix}-env or ` +
        `--${prefix}-fd`,
    );
  }
  const first = await promptPin(what);
  const second = await promptPin(`${what}, again`);
  const same = first.length === second.length &&
    first.every((byte, i) => byte === second[i]);
  second.fill(0);
  if (!same) throw new Fault(null, "the two PINs differ; nothing was changed");
  return first;
}
