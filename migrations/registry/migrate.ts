import {
  type Driver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import { Migrator } from "kysely/migration";
import { AloeError } from "../../src/errors.ts";
import { registryMigrations } from "./mod.ts";

/**
 * Brings the manager's records up to date, on a connection that is in a write
 * transaction.
 *
 * @param driver Gives the connection; its transactions are not used.
 */
export async function migrateRegistry(driver: Driver): Promise<void> {
  const db = new Kysely<unknown>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => driver,
      createIntrospector: (kysely) => new SqliteIntrospector(kysely),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  });
  const { error } = await new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve(registryMigrations) },
    disableTransactions: true,
  }).migrateToLatest();
  if (error === undefined) return;
  const detail = (error as Error).message;
  if (!detail.startsWith("corrupted migrations")) throw error;
  throw new AloeError("unsupported", `a newer aloelite has made the records (${detail})`, {
    cause: error,
  });
}
