import { checkRegistrySchema } from "../../migrations/registry/check_schema.ts";
import { migrateRegistry } from "../../migrations/registry/migrate.ts";
import { fileSchema } from "../../templates/file.ts";
import { requireCompanions } from "../storage/sqlite/companions.ts";
import { OpenDatabase } from "../storage/database.ts";
import { isFile } from "../storage/open.ts";
import { SqliteDialect } from "../storage/sqlite/sqlite_dialect.ts";
import type { Transaction } from "../storage/transaction.ts";

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
  await isFile(path);
  requireCompanions(path);
  const dialect = new SqliteDialect({ path });
  const db = new OpenDatabase(dialect, { path, readOnly: false, busyTimeout: 10_000 });
  try {
    const check = async (tx: Transaction) =>
      await checkRegistrySchema(await tx.all(fileSchema, {}), path);
    await db.connect();
    await db.read(check);
    await db.prepareForWriting();
    // It hardly takes any room, and a full disk is left by starting.
    const version = await db.write(async (tx) => {
      await check(tx);
      await migrateRegistry(db.sharedDriver());
      return db.schemaVersion();
    }, { frees: true });
    db.guardSchema({
      async compare(tx) {
        await check(tx);
        return true;
      },
      complete: () => Promise.resolve(),
    }, version);
    return { db, close: () => db.close() };
  } catch (error) {
    await db.close();
    throw error;
  }
}
