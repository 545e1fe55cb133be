/**
 * Names that leave a volume. A file may hold any name, as others may have made
 * it, and whatever takes a name elsewhere may find more in it than a name: a
 * path that leads out of the directory it is unpacked in, an end of a line in a
 * header. So every name goes through `safeName`, in archives, in copies on a
 * disk, in headers and in addresses.
 */

import { runtime } from "./runtime/mod.ts";

/** Where a name goes. */
export type Destination =
  /** A directory of the system that it runs on. */
  | "disk"
  /** Any system, by way of an archive, a header or a protocol. */
  | "anywhere";

/** What cannot stand in a name of a POSIX system. */
// deno-lint-ignore no-control-regex
const ON_POSIX = /[/\x00]/g;

/** What cannot in one of Windows, or is no part of a name elsewhere. */
// deno-lint-ignore no-control-regex
const ANYWHERE = /[/\\\x00-\x1f\x7f\u2028\u2029]/g;

/**
 * A name that leads nowhere but to a child, wherever it goes: itself if it is
 * such a name already.
 *
 * @returns A name that is not empty.
 */
export function safeName(name: string, to: Destination): string {
  const windows = to === "disk" && runtime.windows;
  let safe = name.replace(to === "anywhere" || windows ? ANYWHERE : ON_POSIX, "_");
  // A drive in an archive, a stream of a file on a disk.
  if (windows) safe = safe.replaceAll(":", "_");
  else if (to === "anywhere") safe = safe.replace(/^([A-Za-z]):/, "$1_");
  if (safe === "" || safe === "." || safe === "..") return "_".repeat(Math.max(1, safe.length));
  return safe;
}
