import { anyUnfinished, mountIds } from "../../templates/abandoned.ts";
import { reclaimAll } from "../content/reclaim.ts";
import { AloeError } from "../errors.ts";
import type { OpenDatabase } from "../storage/database.ts";
import { openDatabase as openFile, type OpenOptions } from "../storage/open.ts";
import { clearAbandoned } from "./abandoned.ts";
import { MAKING } from "./remove_volume.ts";

/**
 * Opens a file; creates or upgrades it as needed, and frees unfinished work of killed processes.
 *
 * @param path The file, or `:memory:`. A path is used unchanged: `file:` at its start is part of
 *   the file's name.
 * @throws {AloeError} `not_found`, `corrupt`, `unsupported`, `read_only`, `busy`, `io_error` or
 *   `no_space`.
 */
export async function openDatabase(
  path: string | URL,
  options: OpenOptions = {},
): Promise<OpenDatabase> {
  const db = await openFile(path, options);
  if (db.readOnly) return db;
  try {
    await clear(db);
  } catch (error) {
    // The file is usable; the next process that opens it retries.
    if (error instanceof AloeError && db.isOpen) return db;
    await db.close();
    throw error;
  }
  return db;
}

async function clear(db: OpenDatabase): Promise<void> {
  const { used, noted } = (await db.query((tx) => tx.first(anyUnfinished, { making: MAKING })))!;
  if (used) {
    const dead = await db.whileAlone(async (tx) =>
      (await tx.all(mountIds, {})).map((row) => row.mount_id)
    );
    await clearAbandoned(db, dead ?? []);
  } else if (noted) await reclaimAll(db);
}
