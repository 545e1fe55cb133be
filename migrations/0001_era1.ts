import { type Kysely, sql } from "kysely";

/**
 * Era 1 of the format: its tables and indexes, exactly. A file of the
 * reference has them already, whatever its era.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of TABLES) await sql.raw(statement).execute(db);
  if (await hasNoEra(db)) {
    for (const statement of INDEXES) await sql.raw(statement).execute(db);
    await sql`PRAGMA user_version = 1`.execute(db);
  }
}

/** Only a new file has no era; a later era has dropped one of the indexes. */
async function hasNoEra(db: Kysely<unknown>): Promise<boolean> {
  const { rows } = await sql<{ user_version: number }>`PRAGMA user_version`
    .execute(db);
  return rows[0].user_version === 0;
}

const TABLES = [
  `CREATE TABLE IF NOT EXISTS node (
    node_id TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    modified_at INTEGER,
    volume_id TEXT REFERENCES volume (volume_id),
    metadata BLOB
  ) STRICT`,
  `CREATE TABLE IF NOT EXISTS content (
    node_id TEXT PRIMARY KEY REFERENCES node (node_id) ON DELETE CASCADE,
    version INTEGER NOT NULL DEFAULT 0,
    size INTEGER NOT NULL DEFAULT 0,
    content_hash BLOB,
    retention_keep INTEGER
  ) STRICT`,
  `CREATE TABLE IF NOT EXISTS content_chunk (
    chunk_hash TEXT PRIMARY KEY,
    data BLOB NOT NULL,
    length INTEGER NOT NULL,
    N_c BLOB NOT NULL,
    enc_tag BLOB NOT NULL
  ) STRICT`,
  `CREATE TABLE IF NOT EXISTS content_version (
    content_id TEXT NOT NULL REFERENCES node (node_id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    chunk_index INTEGER NOT NULL,
    chunk_hash TEXT NOT NULL REFERENCES content_chunk (chunk_hash),
    proof BLOB,
    PRIMARY KEY (content_id, version, chunk_index)
  ) STRICT`,
  `CREATE TABLE IF NOT EXISTS volume (
    volume_id TEXT PRIMARY KEY,
    root_node_id TEXT UNIQUE REFERENCES node (node_id),
    name TEXT,
    created_at INTEGER NOT NULL,
    api_version INTEGER NOT NULL DEFAULT 1,
    chunk_size INTEGER NOT NULL DEFAULT 1048576,
    wm_ts INTEGER NOT NULL DEFAULT 0,
    wm_seq INTEGER NOT NULL DEFAULT 0,
    enc_mode TEXT NOT NULL DEFAULT 'none'
      CHECK (enc_mode IN ('none', 'convergent', 'random')),
    wrapped_key BLOB,
    wrap_nonce BLOB
  ) STRICT`,
  `CREATE TABLE IF NOT EXISTS edge (
    edge_id TEXT PRIMARY KEY,
    from_id TEXT NOT NULL REFERENCES node (node_id),
    to_id TEXT NOT NULL REFERENCES node (node_id),
    volume_id TEXT NOT NULL REFERENCES volume (volume_id),
    archived INTEGER NOT NULL DEFAULT 0 CHECK (archived IN (0, 1))
  ) STRICT`,
  `CREATE TABLE IF NOT EXISTS mount (
    mount_id TEXT PRIMARY KEY,
    volume_id TEXT NOT NULL REFERENCES volume (volume_id),
    mount_point TEXT NOT NULL REFERENCES node (node_id),
    state TEXT NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'active', 'unmounted')),
    expires_at INTEGER,
    created_at INTEGER NOT NULL,
    N_m BLOB NOT NULL
  ) STRICT`,
  `CREATE TABLE IF NOT EXISTS lock (
    lock_id TEXT PRIMARY KEY,
    mount_id TEXT NOT NULL REFERENCES mount (mount_id) ON DELETE CASCADE,
    node_id TEXT NOT NULL REFERENCES node (node_id),
    read_count INTEGER NOT NULL DEFAULT 0,
    write_count INTEGER NOT NULL DEFAULT 0,
    expires_at INTEGER,
    created_at INTEGER NOT NULL
  ) STRICT`,
];

const INDEXES = [
  `CREATE UNIQUE INDEX edge_active_placement ON edge (volume_id, to_id) WHERE archived = 0`,
  `CREATE INDEX edge_from_active ON edge (from_id) WHERE archived = 0`,
  `CREATE INDEX edge_to_active ON edge (to_id) WHERE archived = 0`,
  `CREATE INDEX edge_to_any ON edge (to_id)`,
  `CREATE INDEX edge_volume ON edge (volume_id)`,
  `CREATE INDEX lock_mount ON lock (mount_id)`,
  `CREATE INDEX content_version_chunk ON content_version (chunk_hash)`,
];
