import { fileSchema } from "../../../templates/sqlite_file.ts";
import { OpenDatabase } from "../database.ts";
import type { SchemaOwner } from "../schema_guard.ts";
import type { Transaction } from "../transaction.ts";
import { requireCompanions } from "./companions.ts";
import { isFile } from "./location.ts";
import { SqliteDialect } from "./sqlite_dialect.ts";

/**
 * Opens a file whose schema somebody else knows, making or upgrading it as needed.
 *
 * @throws {AloeError} What the owner throws; `busy`, `io_error`; `invalid` where no regular
 * file is, or beside it.
 */
export async function openRecords(path: string, owner: SchemaOwner): Promise<OpenDatabase> {
  await isFile(path);
  requireCompanions(path);
  const dialect = new SqliteDialect({ path });
  const db = new OpenDatabase(dialect, { path, readOnly: false, busyTimeout: 10_000 });
  try {
    const check = async (tx: Transaction) => await owner.check(await tx.all(fileSchema, {}));
    await db.connect();
    await db.read(check);
    await db.prepareForWriting();
    // It hardly takes any room, and a full disk is left by starting.
    const version = await db.write(async (tx) => {
      await check(tx);
      await owner.migrate(db.sharedDriver());
      return db.schemaVersion();
    }, { frees: true });
    db.guardSchema({
      async compare(tx) {
        await check(tx);
        return true;
      },
      complete: () => Promise.resolve(),
    }, version);
    return db;
  } catch (error) {
    await db.close();
    throw error;
  }
}
