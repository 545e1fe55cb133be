import { AloeError } from "../../errors.ts";

/**
 * The path of a file as SQLite takes it. SQLite reads what begins with `file:`
 * as a URI, the rest of which it decodes and whose query it obeys: `file:a.fs`
 * would be `a.fs`. A path is a path, so such a one is written with its folder.
 */
export function sqliteLocation(path: string): string {
  return /^file:/i.test(path) ? `./${path}` : path;
}

/**
 * The same for what is to be a file and nothing else.
 *
 * @throws {AloeError} `invalid` for the empty path.
 */
export function sqliteFile(path: string): string {
  if (path === "") throw new AloeError("invalid", "an empty path is no file");
  return path === ":memory:" ? "./:memory:" : sqliteLocation(path);
}
