import { Problem } from "./problem.ts";

/** Where a PIN is kept outside: a file or a variable of the manager's environment. */
export interface PinSource {
  pinFile?: string | null;
  pinEnv?: string | null;
}

/** What a PIN may measure, bytes. */
const MOST = 4096;

const NEWLINE = 10;
const RETURN = 13;

/** Whether there is one. */
export function hasSource({ pinFile, pinEnv }: PinSource): boolean {
  return (pinFile ?? pinEnv ?? null) !== null;
}

/**
 * Reads a PIN from where it is kept.
 *
 * @returns Its bytes, for the caller to wipe.
 * @throws {Problem} 400 when it is not there.
 */
export async function readPin({ pinFile, pinEnv }: PinSource): Promise<Uint8Array> {
  if (typeof pinFile === "string") return await fromFile(pinFile);
  const text = pinEnv && !/[=\0]/.test(pinEnv) ? Deno.env.get(pinEnv) : undefined;
  if (text === undefined) throw new Problem(400, "invalid", "pin_env: no such variable here");
  return new TextEncoder().encode(text);
}

async function fromFile(path: string): Promise<Uint8Array> {
  try {
    const { isFile, size } = await Deno.stat(path);
    // One answer for all that is wrong: which files are here is nobody's business.
    if (!path.startsWith("/") || !isFile || size > MOST) throw new Error("no PIN");
    return trimmed(await Deno.readFile(path));
  } catch {
    throw new Problem(400, "invalid", "pin_file: no small file that can be read, by its full path");
  }
}

/** A PIN without the newline that editors and `echo` leave behind it. */
function trimmed(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  if (end > 0 && bytes[end - 1] === NEWLINE) {
    end--;
    if (end > 0 && bytes[end - 1] === RETURN) end--;
  }
  return bytes.subarray(0, end);
}
