import type { sql as Sql } from "kysely";

// Kysely's three hundred modules take longer to load than most commands take
// to run, and SQLite's texts are compiled ahead of time, so it is loaded only
// where a query is built: for another dialect, or to compile those texts.

/** Kysely's `sql`; there once {@linkcode loadKysely} has run. */
export let sql: typeof Sql;

/** Kysely itself; there once {@linkcode loadKysely} has run. */
export let kysely: typeof import("kysely");

/** Loads Kysely. */
export async function loadKysely(): Promise<typeof import("kysely")> {
  kysely = await import("kysely");
  sql = kysely.sql;
  return kysely;
}
