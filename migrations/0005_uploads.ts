import { type Kysely, sql } from "kysely";

/**
 * Ours: content that is on its way. Who uploads a file in pieces, over days
 * and restarts, keeps them in an entry that has no placement, so that nobody
 * sees them and a prune can tell when they have been given up.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `CREATE TABLE IF NOT EXISTS aloe_upload (
    node_id TEXT PRIMARY KEY REFERENCES node (node_id) ON DELETE CASCADE,
    length INTEGER,
    note TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
];
