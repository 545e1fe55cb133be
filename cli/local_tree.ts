import { lstat, readDir } from "./local_files.ts";
import { localJoin } from "./paths.ts";

/** The kind of a local path. */
export type LocalKind = "directory" | "file" | "symlink" | "special";

/** An entry found in a local tree. */
export interface LocalEntry {
  /** The entry's path. */
  path: string;
  /** The names from the top folder down; empty for the top folder itself. */
  names: string[];
  /** The entry's kind. */
  kind: LocalKind;
  /** The operating system's status of the entry. */
  info: Deno.FileInfo;
}

/** Returns a file's kind from its status. */
export function kindOf(info: Deno.FileInfo): LocalKind {
  if (info.isSymlink) return "symlink";
  if (info.isDirectory) return "directory";
  return isSpecial(info) ? "special" : "file";
}

function isSpecial(info: Deno.FileInfo): boolean {
  return (info.isFifo ?? false) || (info.isSocket ?? false) ||
    (info.isCharDevice ?? false) || (info.isBlockDevice ?? false);
}

/** Returns the name of a special file's kind. */
export function specialName(info: Deno.FileInfo): string {
  if (info.isFifo) return "a FIFO";
  if (info.isSocket) return "a socket";
  return "a device";
}

/**
 * Walks a local tree: each folder before its entries, names in order, links not followed. It uses
 * synchronous calls, because for small files a switch to another thread would cost more than the
 * file.
 *
 * @param failed Receives the paths that could not be read, with the error.
 */
export function* walkLocal(
  path: string,
  failed: (path: string, error: unknown) => void,
  names: string[] = [],
): Generator<LocalEntry> {
  let info: Deno.FileInfo;
  try {
    info = lstat(path);
  } catch (error) {
    failed(path, error);
    return;
  }
  const kind = kindOf(info);
  yield { path, names, kind, info };
  if (kind !== "directory") return;
  let children: string[];
  try {
    children = readDir(path).sort();
  } catch (error) {
    failed(path, error);
    return;
  }
  for (const name of children) {
    yield* walkLocal(localJoin(path, name), failed, [...names, name]);
  }
}

/** Returns the size of all regular files below a path, in bytes. */
export function totalSize(path: string): number {
  let bytes = 0;
  for (const entry of walkLocal(path, () => {})) {
    if (entry.kind === "file") bytes += entry.info.size;
  }
  return bytes;
}
