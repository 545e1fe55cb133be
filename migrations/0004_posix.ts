import { type Kysely, sql } from "kysely";

/**
 * Ours: what a filesystem needs and the format has no place for. Small
 * synchronous writes that wait to become chunks, files that are open without
 * a name, chunks that may have lost their last reference, and devices.
 *
 * And the directories in a directory, whose number is a part of what `stat`
 * says: triggers keep them while other implementations write. Two indexes
 * give the foreign keys of a node that is deleted something to look in, and
 * one finds what had a name once.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const IS_CONTAINER = `(SELECT type FROM node WHERE node_id = NEW.to_id) = 'container'`;

const STATEMENTS = [
  `CREATE TABLE IF NOT EXISTS aloe_redo (
    seq INTEGER PRIMARY KEY,
    node_id TEXT NOT NULL REFERENCES node (node_id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    chunk_index INTEGER NOT NULL,
    start INTEGER NOT NULL,
    length INTEGER NOT NULL,
    data BLOB NOT NULL,
    N_c BLOB NOT NULL,
    enc_tag BLOB NOT NULL
  ) STRICT`,
  `CREATE INDEX IF NOT EXISTS aloe_redo_node ON aloe_redo (node_id, chunk_index)`,
  `CREATE TABLE IF NOT EXISTS aloe_size (
    node_id TEXT PRIMARY KEY REFERENCES node (node_id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    size INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS aloe_unlinked (
    node_id TEXT PRIMARY KEY REFERENCES node (node_id) ON DELETE CASCADE,
    mount_id TEXT NOT NULL
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS aloe_orphan (
    chunk_hash TEXT PRIMARY KEY
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS aloe_device (
    node_id TEXT PRIMARY KEY REFERENCES node (node_id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('char', 'block')),
    major INTEGER NOT NULL,
    minor INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS aloe_subdir (
    parent_id TEXT NOT NULL,
    edge_id TEXT NOT NULL,
    PRIMARY KEY (parent_id, edge_id)
  ) STRICT, WITHOUT ROWID`,
  `CREATE TRIGGER IF NOT EXISTS aloe_subdir_added AFTER INSERT ON edge
    WHEN NEW.archived = 0 AND ${IS_CONTAINER}
    BEGIN INSERT OR IGNORE INTO aloe_subdir VALUES (NEW.from_id, NEW.edge_id); END`,
  `CREATE TRIGGER IF NOT EXISTS aloe_subdir_removed AFTER UPDATE OF archived ON edge
    WHEN NEW.archived = 1 AND OLD.archived = 0
    BEGIN DELETE FROM aloe_subdir WHERE parent_id = OLD.from_id AND edge_id = OLD.edge_id; END`,
  `CREATE TRIGGER IF NOT EXISTS aloe_subdir_restored AFTER UPDATE OF archived ON edge
    WHEN NEW.archived = 0 AND OLD.archived = 1 AND ${IS_CONTAINER}
    BEGIN INSERT OR IGNORE INTO aloe_subdir VALUES (NEW.from_id, NEW.edge_id); END`,
  `CREATE TRIGGER IF NOT EXISTS aloe_subdir_deleted AFTER DELETE ON edge
    WHEN OLD.archived = 0
    BEGIN DELETE FROM aloe_subdir WHERE parent_id = OLD.from_id AND edge_id = OLD.edge_id; END`,
  `DELETE FROM aloe_subdir`,
  `INSERT INTO aloe_subdir
    SELECT e.from_id, e.edge_id
    FROM edge e JOIN node n ON n.node_id = e.to_id
    WHERE e.archived = 0 AND n.type = 'container'`,
  `CREATE INDEX IF NOT EXISTS aloe_edge_gone ON edge (from_id, name, to_id) WHERE archived = 1`,
  `CREATE INDEX IF NOT EXISTS aloe_mount_point ON mount (mount_point)`,
  `CREATE INDEX IF NOT EXISTS aloe_lock_node ON lock (node_id)`,
];
