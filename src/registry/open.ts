import { OpenDatabase } from "../storage/database.ts";
import { SqliteDialect } from "../storage/sqlite_dialect.ts";
import { migrateRegistry } from "../../migrations/registry/migrate.ts";

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
 */
export async function openRegistry(path: string): Promise<Registry> {
  const dialect = new SqliteDialect({ path });
  const db = new OpenDatabase(dialect, { path, readOnly: false, busyTimeout: 10_000 });
  try {
    await db.connect();
    await db.prepareForWriting();
    // It hardly takes any room, and a full disk is left by starting.
    await db.write(() => migrateRegistry(db.sharedDriver()), { frees: true });
    return { db, close: () => db.close() };
  } catch (error) {
    await db.close();
    throw error;
  }
}
