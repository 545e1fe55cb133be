import { AloeError } from "./errors.ts";

/**
 * Splits a path at its slashes. Repeated and trailing slashes collapse; `.`
 * and `..` are names, which older files may hold, so that no path climbs out of
 * its mount.
 *
 * @param path A path relative to the mount point; `""` and `/` are the mount point itself.
 * @returns Its names, outermost first.
 * @throws {AloeError} `invalid` when a name cannot be stored.
 */
export function splitPath(path: string): string[] {
  const names = path.split("/").filter((name) => name !== "");
  // A path cannot hold a slash within a name; NUL and lone surrogates it can.
  if (!storable(path)) throw unstorable(path);
  return names;
}

/**
 * Puts names together to an absolute path.
 *
 * @returns `/` for no names.
 */
export function joinPath(names: readonly string[]): string {
  return "/" + names.join("/");
}

/**
 * Checks one name.
 *
 * @throws {AloeError} `nameless` when it is empty, `invalid` when it holds a
 * slash, a NUL or a lone surrogate.
 */
export function checkName(name: string): void {
  if (name === "") throw new AloeError("nameless", "a name is needed");
  if (name.includes("/") || !storable(name)) throw unstorable(name);
}

/**
 * Checks the name of something new: no directory of a disk can hold `.` and
 * `..`, and what unpacks an archive would be led out of it.
 *
 * @throws {AloeError} As {@linkcode checkName}; `invalid` for `.` and `..`.
 */
export function checkNewName(name: string): void {
  checkName(name);
  if (name === "." || name === "..") {
    throw new AloeError("invalid", `${JSON.stringify(name)}: is no name for anything new`);
  }
}

/**
 * Checks text that is to be stored as it is.
 *
 * @param what What it is, for the message.
 * @throws {AloeError} `invalid` when it holds a NUL or a lone surrogate.
 */
export function checkText(text: string, what: string): void {
  if (!storable(text)) {
    throw new AloeError("invalid", `${what} holds no NUL and no lone surrogate`);
  }
}

function storable(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}

function unstorable(text: string): AloeError {
  return new AloeError(
    "invalid",
    `${JSON.stringify(text)}: a name holds no slash, no NUL and no lone surrogate`,
  );
}
