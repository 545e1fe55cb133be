import { lstat, readDir } from "./local_files.ts";
import { localJoin } from "./paths.ts";

/** What a local path is. */
export type LocalKind = "directory" | "file" | "symlink" | "special";

/** Something found below a local folder. */
export interface LocalEntry {
  /** Its path. */
  path: string;
  /** The names from the folder down to it; empty for the folder itself. */
  names: string[];
  /** What it is. */
  kind: LocalKind;
  /** What the operating system says of it. */
  info: Deno.FileInfo;
}

/** What a file is, of what the operating system says. */
export function kindOf(info: Deno.FileInfo): LocalKind {
  if (info.isSymlink) return "symlink";
  if (info.isDirectory) return "directory";
  return isSpecial(info) ? "special" : "file";
}

function isSpecial(info: Deno.FileInfo): boolean {
  return (info.isFifo ?? false) || (info.isSocket ?? false) ||
    (info.isCharDevice ?? false) || (info.isBlockDevice ?? false);
}

/** What a special file is called. */
export function specialName(info: Deno.FileInfo): string {
  if (info.isFifo) return "a FIFO";
  if (info.isSocket) return "a socket";
  return "a device";
}

/**
 * Walks a local tree: each folder before what is in it, names in order, links
 * not followed. Synchronous calls: a thread's hop for each small file would cost
 * more than the file.
 *
 * @param failed Takes the paths that could not be read, and why.
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

/** The bytes of all regular files below a path. */
export function totalSize(path: string): number {
  let bytes = 0;
  for (const entry of walkLocal(path, () => {})) {
    if (entry.kind === "file") bytes += entry.info.size;
  }
  return bytes;
}
