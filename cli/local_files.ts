/**
 * Local files by paths of any bytes. A path is text as `decodeText` returns it: each byte that is
 * not UTF-8 is a character of its own. Paths that are valid UTF-8 are passed to the runtime.
 */

import { decodeText, encodeText } from "../src/names.ts";
import { Fault } from "./faults.ts";
import * as raw from "./raw_files.ts";
import { textOf } from "./words.ts";

/** The character that the runtime substitutes for bytes that are not UTF-8. */
const REPLACEMENT = "\ufffd";
/** The first UTF-16 unit of the text of every byte that is not UTF-8. */
const MARK = "\udbff";

function bytesOf(path: string): Uint8Array {
  if (!raw.haveRawFiles()) {
    throw new Fault(path, "not UTF-8; such names need Linux and `deno run --allow-all`");
  }
  return encodeText(path);
}

/** Runs a task with a path that the runtime accepts, following links. */
function followed<T>(path: string, task: (path: string) => T): T {
  const text = textOf(path);
  return text === null ? raw.withPath(bytesOf(path), true, task) : task(text);
}

/** Returns the status of a path without following links. */
export function lstat(path: string): Deno.FileInfo {
  const text = textOf(path);
  return text === null ? raw.withPath(bytesOf(path), false, Deno.statSync) : Deno.lstatSync(text);
}

/** Returns the status of a path, following links. */
export function stat(path: string): Deno.FileInfo {
  return followed(path, Deno.statSync);
}

/** Returns the names in a directory. */
export function readDir(path: string): string[] {
  const text = textOf(path);
  if (text !== null) {
    const names = [...Deno.readDirSync(text)].map((entry) => entry.name);
    const lossy = names.some((name) => name.includes(REPLACEMENT) || name.includes(MARK));
    if (!lossy || !raw.haveRawFiles()) return names;
  }
  return raw.readDir(bytesOf(path)).map(decodeText);
}

/** Returns a link's target. */
export function readLink(path: string): string {
  const text = textOf(path);
  if (text !== null) {
    try {
      const target = Deno.readLinkSync(text);
      if (!target.includes(REPLACEMENT) && !target.includes(MARK)) return target;
      if (!raw.haveRawFiles()) return target;
    } catch (error) {
      if (!(error instanceof Deno.errors.InvalidData)) throw error;
    }
  }
  return decodeText(raw.readLink(bytesOf(path)));
}

/** Returns the path with all links resolved. */
export function realPath(path: string): string {
  const text = textOf(path);
  if (text !== null) {
    const real = Deno.realPathSync(text);
    const lossy = real.includes(REPLACEMENT) || real.includes(MARK);
    if (!lossy || !raw.haveRawFiles()) return real;
  }
  return raw.withPath(bytesOf(path), true, readLink);
}

/** Opens a file for reading. */
export function openRead(path: string): Deno.FsFile {
  return followed(path, (at) => Deno.openSync(at, { read: true }));
}

/** Opens an existing file for writing and truncates it. */
export function openOver(path: string): Deno.FsFile {
  return followed(path, (at) => Deno.openSync(at, { write: true, truncate: true }));
}

/** Creates a new file. */
export function create(path: string, mode: number): Deno.FsFile {
  const text = textOf(path);
  return text === null
    ? raw.withNewFile(bytesOf(path), mode, (at) => Deno.openSync(at, { write: true }))
    : Deno.openSync(text, { write: true, createNew: true, mode });
}

/** Returns a file's content. */
export function readFile(path: string): Uint8Array {
  return followed(path, Deno.readFileSync);
}

/** Creates a directory. */
export function mkdir(path: string, mode: number): void {
  const text = textOf(path);
  if (text === null) raw.mkdir(bytesOf(path), mode);
  else Deno.mkdirSync(text, { mode });
}

/** Creates a symbolic link. */
export function symlink(target: string, path: string): void {
  const texts = [textOf(target), textOf(path)];
  if (texts[0] !== null && texts[1] !== null) Deno.symlinkSync(texts[0], texts[1]);
  else raw.symlink(bytesOf(target), bytesOf(path));
}

/** Adds a name to a file. */
export function link(old: string, path: string): void {
  const texts = [textOf(old), textOf(path)];
  if (texts[0] !== null && texts[1] !== null) Deno.linkSync(texts[0], texts[1]);
  else raw.link(bytesOf(old), bytesOf(path));
}

/** Renames a file. */
export function rename(old: string, path: string): void {
  const texts = [textOf(old), textOf(path)];
  if (texts[0] !== null && texts[1] !== null) Deno.renameSync(texts[0], texts[1]);
  else raw.rename(bytesOf(old), bytesOf(path));
}

/** Removes a file. */
export function remove(path: string): void {
  const text = textOf(path);
  if (text === null) raw.unlink(bytesOf(path));
  else Deno.removeSync(text);
}

/** Sets permission bits. */
export function chmod(path: string, mode: number): void {
  followed(path, (at) => Deno.chmodSync(at, mode));
}

/** Sets a file's owner. */
export function chown(path: string, uid: number, gid: number): void {
  followed(path, (at) => Deno.chownSync(at, uid, gid));
}

/** Sets a file's times. */
export function utime(path: string, atime: Date, mtime: Date): void {
  followed(path, (at) => Deno.utimeSync(at, atime, mtime));
}

/** node:fs, because the runtime's own API cannot set a link's own owner and times. */
const nodeFiles = () => import("node:fs");

/** Sets a link's own owner. */
export async function lchown(path: string, uid: number, gid: number): Promise<void> {
  const text = textOf(path);
  if (text === null) raw.lchown(bytesOf(path), uid, gid);
  else (await nodeFiles()).lchownSync(text, uid, gid);
}

/** Sets a link's own times. */
export async function lutime(path: string, atime: Date, mtime: Date): Promise<void> {
  const text = textOf(path);
  if (text === null) raw.lutime(bytesOf(path), atime, mtime);
  else (await nodeFiles()).lutimesSync(text, atime, mtime);
}

/**
 * Returns the parts of a file that are not holes, in order; null when they are not known or the
 * file has no holes.
 */
export function dataExtents(path: string, info: Deno.FileInfo): Iterable<raw.Extent> | null {
  const { blocks, size } = info;
  if (blocks === null || blocks * 512 >= size || !raw.haveRawFiles()) return null;
  return raw.dataExtents(encodeText(path), size);
}
