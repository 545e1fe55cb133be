import { runtime } from "../../runtime/mod.ts";
import { openGuarded } from "./guarded.ts";

/** Pages that removals write to the WAL, with its index. */
const PAGES = 256;

/** Bytes that are held at most. */
const MOST_HELD = 4 * 2 ** 20;

/** Room is taken anew only where so many times as much is free. */
const PLENTY = 4;

/**
 * Has the disk hold room for a file that was closed, behind the file's end, where
 * neither readers nor copies see it. When somebody else fills the disk, that is
 * room for a WAL: without one nothing can be removed. SQLite gives it up whenever it
 * moves a WAL into the file.
 *
 * @param path A file that was just closed.
 * @param again Whether it held some before: then what is left is held again.
 */
export function holdTail(path: string, pageSize: number, again: boolean): void {
  if (runtime.holdBehindEnd === undefined) return;
  try {
    // Somebody has it open still: the last one to close it holds the room.
    if (runtime.statSync(`${path}-wal`) !== null) return;
    const free = runtime.diskSpace(path).available;
    let bytes = Math.min(PAGES * pageSize, MOST_HELD);
    if (free < PLENTY * bytes) {
      if (!again) return;
      bytes = Math.min(bytes, free);
    }
    const status = runtime.statSync(path);
    if (status?.kind === "file") runtime.holdBehindEnd(path, status.size, bytes);
  } catch {
    // Without it nothing is lost but room.
  }
}

/**
 * Gives that room back to the disk, before the file is opened, if the disk has
 * little else and nobody has the file open.
 *
 * @returns Whether it did.
 */
export function dropTail(path: string): boolean {
  if (runtime.dropBehindEnd === undefined) return false;
  try {
    if (runtime.diskSpace(path).available >= MOST_HELD) return false;
    const database = openGuarded(path, { timeout: 0 });
    try {
      // So nobody makes the file longer meanwhile, and no index is made beside it.
      database.prepare("PRAGMA locking_mode = EXCLUSIVE").run();
      database.prepare("SELECT 1 FROM main.sqlite_master").get();
      const status = runtime.statSync(path);
      return status?.kind === "file" && runtime.dropBehindEnd(path, status.size);
    } finally {
      database.close();
    }
  } catch {
    // It is no database, or somebody else has it open, who has its WAL.
    return false;
  }
}
