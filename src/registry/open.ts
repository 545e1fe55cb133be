import { checkRegistrySchema } from "../../migrations/registry/check_schema.ts";
import { migrateRegistry } from "../../migrations/registry/migrate.ts";
import type { OpenDatabase } from "../storage/database.ts";
import { openRecords } from "../storage/open.ts";

/** The manager's records, open. Operations over them are functions of this. */
export interface Registry {
  /** The database of the records. */
  readonly db: OpenDatabase;
  /** Closes it. */
  close(): Promise<void>;
}

/**
 * Opens the records, making or upgrading the file as needed.
 *
 * @param path The file.
 * @throws {AloeError} `unsupported` when it has SQL that no release writes, `corrupt`,
 * `busy`, `io_error`; `invalid` where no regular file is, or beside it.
 */
export async function openRegistry(path: string): Promise<Registry> {
  const db = await openRecords(path, {
    check: (rows) => checkRegistrySchema(rows, path),
    migrate: migrateRegistry,
  });
  return { db, close: () => db.close() };
}
