import { type Kysely, sql } from "kysely";

/**
 * Ours: how many chunks of a file are known to be holes, so that `stat` can
 * tell what a sparse file takes without looking at its manifest.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `CREATE TABLE IF NOT EXISTS aloe_hole (
    node_id TEXT PRIMARY KEY REFERENCES node (node_id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    chunks INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
];
