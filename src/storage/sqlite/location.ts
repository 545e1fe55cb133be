import { AloeError } from "../../errors.ts";
import { runtime } from "../../runtime/mod.ts";

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

/**
 * Whether the file is there. It is not opened to find out: when a process closes
 * a file, the locks of all of its connections to it are gone, and another
 * process may take the WAL away under them.
 *
 * @throws {AloeError} `invalid` for what is no regular file.
 */
export async function isFile(path: string): Promise<boolean> {
  try {
    const status = await runtime.stat(path);
    if (status === null) return false;
    if (status.kind === "directory") throw new AloeError("invalid", `${path}: is a directory`);
    // SQLite would wait at a FIFO for ever.
    if (status.kind !== "file") {
      throw new AloeError("invalid", `${path}: is a device, a FIFO or a socket, no file`);
    }
    return true;
  } catch (error) {
    if (error instanceof AloeError) throw error;
    throw new AloeError("io_error", `${path}: cannot be opened (${(error as Error).message})`, {
      cause: error,
    });
  }
}
