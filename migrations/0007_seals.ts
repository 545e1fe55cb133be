import { type Kysely, sql } from "kysely";

/**
 * Ours: tags over what an encrypted volume is and what its content consists of,
 * made with its key, so that rows which somebody without the key has rearranged
 * are noticed.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `CREATE TABLE IF NOT EXISTS aloe_seal (
    node_id TEXT NOT NULL REFERENCES node (node_id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    tag BLOB NOT NULL,
    PRIMARY KEY (node_id, version)
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS aloe_sealed (
    volume_id TEXT PRIMARY KEY REFERENCES volume (volume_id) ON DELETE CASCADE,
    watermark TEXT NOT NULL,
    tag BLOB NOT NULL
  ) STRICT, WITHOUT ROWID`,
];
