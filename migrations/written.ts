import { DatabaseSync } from "node:sqlite";
import type { Driver } from "kysely";
import type { KnownObject } from "./check_schema.ts";

/**
 * What a file in memory contains after a change, as SQLite keeps it.
 *
 * @param base What it begins with.
 * @param era The era that it says then.
 * @param change Changes it, by the connection of the driver.
 */
export async function written(
  base: KnownObject[],
  era: number,
  change: (driver: Driver) => Promise<void>,
): Promise<KnownObject[]> {
  using db = new DatabaseSync(":memory:");
  for (const [, , , sql] of base) db.exec(sql);
  db.exec(`PRAGMA user_version = ${era}`);
  const nothing = () => Promise.resolve();
  await change({
    init: nothing,
    acquireConnection: () =>
      Promise.resolve({
        executeQuery: ({ sql, parameters }) => {
          const statement = db.prepare(sql);
          const rows = statement.all(...parameters as string[]);
          return Promise.resolve({ rows: rows as never[] });
        },
        streamQuery: () => {
          throw new Error("nothing is streamed");
        },
      }),
    beginTransaction: nothing,
    commitTransaction: nothing,
    rollbackTransaction: nothing,
    releaseConnection: nothing,
    destroy: nothing,
  });
  const rows = db.prepare(
    "SELECT type, name, tbl_name, sql FROM main.sqlite_master WHERE sql IS NOT NULL ORDER BY rowid",
  ).all();
  return rows.map((row) => [row.type, row.name, row.tbl_name, row.sql] as KnownObject);
}
