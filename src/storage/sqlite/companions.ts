import { AloeError } from "../../errors.ts";
import { type FileStatus, runtime } from "../../runtime/mod.ts";
import { SIDE_FILES } from "../../side_files.ts";
import { openGuarded } from "./guarded.ts";

/**
 * Refuses a file beside which something else than a file stands where its WAL,
 * its index or its journal is to be: SQLite waits at a FIFO for ever, and says
 * of a link that it cannot open the database.
 *
 * @param path The file, which may be a link itself.
 * @throws {AloeError} `invalid`.
 */
export function requireCompanions(path: string): void {
  const file = targetOf(path);
  for (const suffix of SIDE_FILES) {
    const beside = `${file}${suffix}`;
    const found = lookAt(beside);
    if (found === null || found === "file") continue;
    const what = WORDS[found];
    throw new AloeError("invalid", `${beside}: is ${what}, where the database keeps a file`);
  }
}

const WORDS = {
  symlink: "a symbolic link",
  directory: "a directory",
  other: "a device, a FIFO or a socket",
};

/** Where SQLite keeps them: beside what a link leads to. */
function targetOf(path: string): string {
  for (let i = 0; i < MOST_LINKS && lookAt(path) === "symlink"; i++) {
    const target = runtime.readLinkSync(path);
    path = target.startsWith("/") ? target : `${path.replace(/[^/]*$/, "")}${target}`;
  }
  return path;
}

/** As many as Linux follows. */
const MOST_LINKS = 40;

/** Null for nothing, and for what may not be looked at. */
function lookAt(path: string): FileStatus["kind"] | null {
  if (!runtime.isAllowed("read", path)) return null;
  try {
    return runtime.lstatSync(path)?.kind ?? null;
  } catch {
    return null;
  }
}

/**
 * Takes away the `-wal` and `-shm` that a connection for reading has made: only
 * one that may write does that by itself, as the last one to close. So one is
 * opened and closed. Whoever has the file open meanwhile keeps them, and a WAL
 * that holds anything is left: to empty it would change the file.
 *
 * @param path The file, as SQLite takes it.
 */
export function removeCompanions(path: string): void {
  try {
    if (sizeOf(`${path}-shm`) === null || (sizeOf(`${path}-wal`) ?? 0) > 0) return;
    const database = openGuarded(path, { timeout: 0 });
    try {
      // With nothing to move there is nothing to sync.
      database.prepare("PRAGMA synchronous = OFF").run();
      database.prepare("SELECT 1 FROM main.sqlite_master").get();
    } finally {
      database.close();
    }
  } catch {
    // What was read was read; two files that mean nothing stay.
  }
}

function sizeOf(path: string): number | null {
  return runtime.lstatSync(path)?.size ?? null;
}
