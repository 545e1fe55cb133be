/**
 * Makes names safe that leave a volume. A file may contain any name, because other programs can
 * write it, and the receiver of a name may give parts of it a meaning: a path that leads out of the
 * directory of extraction, or a line break in a header. So every name passes through `safeName`: in
 * archives, in copies on disk, in headers and in URLs.
 */

import { runtime } from "./runtime/mod.ts";

/** Where a name is used. */
export type Destination =
  /** A directory of this system. */
  | "disk"
  /** Any system, through an archive, a header or a protocol. */
  | "anywhere";

/** The characters that a POSIX file name cannot contain. */
// deno-lint-ignore no-control-regex
const ON_POSIX = /[/\x00]/g;

/** The characters that a Windows file name cannot contain, or that are unsafe elsewhere. */
// deno-lint-ignore no-control-regex
const ANYWHERE = /[/\\\x00-\x1f\x7f\u2028\u2029]/g;

/**
 * Returns a name that refers only to a child, wherever it is used; a safe name is returned
 * unchanged.
 *
 * @returns A name that is not empty.
 */
export function safeName(name: string, to: Destination): string {
  const windows = to === "disk" && runtime.windows;
  let safe = name.replace(to === "anywhere" || windows ? ANYWHERE : ON_POSIX, "_");
  // A colon means a drive in an archive, and a stream of a file on a disk.
  if (windows) safe = safe.replaceAll(":", "_");
  else if (to === "anywhere") safe = safe.replace(/^([A-Za-z]):/, "$1_");
  if (safe === "" || safe === "." || safe === "..") return "_".repeat(Math.max(1, safe.length));
  return safe;
}
