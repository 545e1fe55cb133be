import { checkRegistrySchema } from "../../migrations/registry/check_schema.ts";
import { migrateRegistry } from "../../migrations/registry/migrate.ts";
import type { OpenDatabase } from "../storage/database.ts";
import { openRecords } from "../storage/open.ts";

/** The manager's open records. Operations on them are functions that take this object. */
export interface Registry {
  /** The database of the records. */
  readonly db: OpenDatabase;
  /** Closes the database. */
  close(): Promise<void>;
}

/**
 * Opens the records; creates or upgrades the file as needed.
 *
 * @param path The file.
 * @throws {AloeError} `unsupported` when it has SQL that no release writes; `corrupt`, `busy`,
 *   `io_error`; `invalid` when the path or a side file is not a regular file.
 */
export async function openRegistry(path: string): Promise<Registry> {
  const db = await openRecords(path, {
    check: (rows) => checkRegistrySchema(rows, path),
    migrate: migrateRegistry,
  });
  return { db, close: () => db.close() };
}
