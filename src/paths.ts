import { AloeError } from "./errors.ts";
import { MAX_TEXT } from "./limits.ts";

/**
 * Splits a path at its slashes. Repeated and trailing slashes are ignored. `.` and `..` are names,
 * which older files may contain, so no path leads out of its mount.
 *
 * @param path A path relative to the mount point; `""` and `/` are the mount point itself.
 * @returns The names, outermost first.
 * @throws {AloeError} `invalid` when a name cannot be stored.
 */
export function splitPath(path: string): string[] {
  const names = path.split("/").filter((name) => name !== "");
  // Slashes are separators, but a path may contain NUL and lone surrogates.
  if (!storable(path)) throw unstorable(path);
  return names;
}

/**
 * Joins names to an absolute path.
 *
 * @returns `/` for no names.
 */
export function joinPath(names: readonly string[]): string {
  return "/" + names.join("/");
}

/**
 * Checks a name.
 *
 * @throws {AloeError} `nameless` when it is empty; `invalid` when it contains a slash, a NUL or a
 *   lone surrogate.
 */
export function checkName(name: string): void {
  if (name === "") throw new AloeError("nameless", "a name is required");
  if (name.includes("/") || !storable(name)) throw unstorable(name);
}

/**
 * Checks the name of a new node. `.` and `..` are refused: no directory on a disk can hold them,
 * and an unpacked archive could be led out of its directory.
 *
 * @throws {AloeError} Like {@linkcode checkName}; also `invalid` for `.` and `..`, and for a name
 *   of more than {@linkcode MAX_TEXT} bytes.
 */
export function checkNewName(name: string): void {
  checkName(name);
  if (name === "." || name === "..") {
    throw new AloeError("invalid", `${JSON.stringify(name)}: cannot be the name of a new node`);
  }
  checkLength(name, "a name");
}

function checkLength(text: string, what: string): void {
  // A character has at most three bytes for each of its UTF-16 units.
  if (text.length * 3 <= MAX_TEXT) return;
  if (new TextEncoder().encode(text).length > MAX_TEXT) {
    throw new AloeError("invalid", `${what} cannot be longer than ${MAX_TEXT} bytes`);
  }
}

/**
 * Checks text that is stored unchanged.
 *
 * @param what The kind of text, for the message.
 * @throws {AloeError} `invalid` when it contains a NUL or a lone surrogate, or has more than
 *   {@linkcode MAX_TEXT} bytes.
 */
export function checkText(text: string, what: string): void {
  if (!storable(text)) {
    throw new AloeError("invalid", `${what} cannot contain a NUL or a lone surrogate`);
  }
  checkLength(text, what);
}

function storable(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}

function unstorable(text: string): AloeError {
  return new AloeError(
    "invalid",
    `${JSON.stringify(text)}: a name cannot contain a slash, a NUL or a lone surrogate`,
  );
}
