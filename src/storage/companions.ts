import { openGuarded } from "./guarded.ts";
import { runtime } from "../runtime/mod.ts";

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
