import {
  type Driver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import { type MigrationProvider, Migrator } from "kysely/migration";
import { AloeError } from "../src/errors.ts";
import { ensureAdditions, migrations } from "./mod.ts";

/**
 * Brings a file up to date, on a connection that is in a write transaction.
 *
 * @param driver Gives the connection; its transactions are not used.
 */
export async function migrate(driver: Driver): Promise<void> {
  const db = new Kysely<unknown>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => driver,
      createIntrospector: (kysely) => new SqliteIntrospector(kysely),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  });
  const provider: MigrationProvider = {
    getMigrations: () => Promise.resolve(migrations),
  };
  const { error } = await new Migrator({
    db,
    provider,
    migrationTableName: MIGRATION_TABLE,
    migrationLockTableName: `${MIGRATION_TABLE}_lock`,
    disableTransactions: true,
  }).migrateToLatest();
  if (error) {
    const detail = (error as Error).message;
    if (!detail.startsWith("corrupted migrations")) throw error;
    throw new AloeError("unsupported", `a newer aloelite has changed the file (${detail})`, {
      cause: error,
    });
  }
  // Another implementation may have dropped our triggers since.
  await ensureAdditions(db);
}

/** Kysely's record of the migrations that a file has had. */
const MIGRATION_TABLE = "aloe_migration";
