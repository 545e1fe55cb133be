import type { Kysely } from "kysely";
import type { SchemaRow } from "../migrations/check_schema.ts";
import { sql } from "./kysely.ts";
import { raw, type Statement, template } from "./template.ts";

// What only SQLite knows: its tables of objects, its pragmas, its maintenance.
// Nothing but `src/storage/sqlite/` uses these.

/** Every object of the file. By the name that no table of the file can stand for. */
export const fileSchema = template("sqlite_file.fileSchema")((q) =>
  (q as unknown as Kysely<{ "main.sqlite_master": SchemaRow }>)
    .selectFrom("main.sqlite_master").select(["type", "name", "tbl_name", "rootpage", "sql"])
);

/** Temporary tables and views of the connection. */
export const temporaries = template("sqlite_file.temporaries")((q) =>
  (q as unknown as Kysely<{ "temp.sqlite_master": SchemaRow }>)
    .selectFrom("temp.sqlite_master").select(["type", "name"])
    .where("type", "in", [sql.lit("table"), sql.lit("view")])
);

/** The era that the file is of. A table of the file could stand for a function's. */
export const fileEra = raw<{ user_version: number }>("PRAGMA main.user_version");

/** A number that another one replaces whenever another connection has committed. */
export const dataVersion = template("sqlite_file.dataVersion")((q) =>
  q.selectNoFrom([
    sql<number>`(SELECT data_version FROM pragma_data_version)`.as("version"),
  ])
);

/** The file's own facts. */
export const fileFacts = template("sqlite_file.fileFacts")((q) =>
  q.selectNoFrom([
    sql<number>`(SELECT user_version FROM pragma_user_version)`.as("era"),
    sql<number>`(SELECT page_count FROM pragma_page_count)`.as("pages"),
    sql<number>`(SELECT page_size FROM pragma_page_size)`.as("page_size"),
    sql<number>`(SELECT freelist_count FROM pragma_freelist_count)`.as(
      "free_pages",
    ),
  ])
);

/** A statement that is no query. */
type Command = Statement<Record<never, never>, unknown>;

/** Rebuilds the file without its free pages. */
export const vacuum: Command = raw("VACUUM");

/** Where the temporary copy of a vacuum is kept: in memory it could be too large. */
export const vacuumOnDisk: Command = raw("PRAGMA temp_store = FILE");

/** Where small temporary tables are kept otherwise. */
export const temporariesInMemory: Command = raw("PRAGMA temp_store = MEMORY");

/** Moves the WAL into the file and empties it. */
export const checkpoint: Command = raw("PRAGMA wal_checkpoint(TRUNCATE)");

/** Moves of the WAL what nobody is reading any more, and waits for nobody. */
export const checkpointPassively = raw<{ busy: number; log: number; checkpointed: number }>(
  "PRAGMA wal_checkpoint(PASSIVE)",
);

/** How many pages the WAL holds that were committed; nothing is moved. Not in a transaction. */
export const walLength = raw<{ busy: number; log: number; checkpointed: number }>(
  "PRAGMA wal_checkpoint(NOOP)",
);

/** What a check of SQLite's says. */
type Check = Statement<Record<never, never>, { fault: string }>;

/**
 * Damage of the file's pages and tables: one row, of several lines where the trees of
 * pages are damaged, `ok` when there is none. The rows of a damaged tree may never end,
 * so nothing is looked at beyond the first row.
 */
export const quickCheck: Check = raw("SELECT quick_check AS fault FROM pragma_quick_check LIMIT 1");

/** The same for one table with its indexes. */
export const quickCheckOf = (table: string): Check =>
  raw(`SELECT quick_check AS fault FROM pragma_quick_check('${table}', 'main') LIMIT 1`);

/** What a table, whose pages are trees, and its indexes are at odds about: a row a fault, or `ok`. */
export const integrityOf = (table: string): Check =>
  raw(`SELECT integrity_check AS fault FROM pragma_integrity_check('${table}', 'main')`);

/** Of tables that are read from end to end by whoever opens or lists a file, a row each. */
export const checkLists = raw<{ name: string; fault: string }>(
  ["volume", "mount"].map((table) =>
    `SELECT '${table}' AS name, fault FROM (SELECT quick_check AS fault
      FROM pragma_quick_check('${table}', 'main') LIMIT 1)`
  ).join(" UNION ALL "),
);

/** An index that has some rows of its table. */
interface PartialIndex {
  name: string;
  table: string;
  /** Which rows it has. */
  where: string;
}

/** Those that a file may have. */
export const PARTIAL_INDEXES: readonly PartialIndex[] = [
  ["edge_active_placement", 0],
  ["edge_from_name", 0],
  ["edge_from_active", 0],
  ["edge_to_active", 0],
  ["aloe_edge_gone", 1],
].map(([name, archived]) => ({ name: `${name}`, table: "edge", where: `archived = ${archived}` }));

/** Makes an index anew of its table. */
export const rebuildIndex = (name: string): Command => raw(`REINDEX main."${name}"`);

/** How many rows more than its table an index has. */
export const indexSurplus = (
  { name, table, where }: PartialIndex,
): Statement<Record<never, never>, { rows: number }> =>
  raw(
    `SELECT (SELECT count(*) FROM main."${table}" INDEXED BY "${name}" WHERE ${where})
      - (SELECT count(*) FROM main."${table}" NOT INDEXED WHERE ${where}) AS rows`,
  );
