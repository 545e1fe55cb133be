import { type Kysely, sql } from "kysely";
import { toNanoseconds } from "./era1_times.ts";

/** The era that this migration leaves. */
const ERA = 3;

/**
 * From era 1 to era 3, the era of the reference's 0.4: nanosecond times, the
 * name on the placement and its index, POSIX columns, extended attributes,
 * mount access, hard links. No released file is of era 2.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ user_version: number }>`PRAGMA user_version`
    .execute(db);
  if (rows[0].user_version < ERA) {
    await dropDerived(db);
    for (const statement of UPGRADE) await sql.raw(statement).execute(db);
    await sql.raw(`PRAGMA user_version = ${ERA}`).execute(db);
  }
  for (const statement of TRIGGERS) await sql.raw(statement).execute(db);
}

/** Era 1's views and triggers speak of milliseconds and of two node types only. */
async function dropDerived(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ type: string; name: string }>`
    SELECT type, name FROM sqlite_schema
    WHERE type IN ('view', 'trigger') AND name NOT LIKE 'aloe\\_%' ESCAPE '\\'
    ORDER BY type`.execute(db);
  for (const { type, name } of rows) {
    await sql.raw(
      `DROP ${type === "view" ? "VIEW" : "TRIGGER"} IF EXISTS "${name}"`,
    ).execute(db);
  }
}

const UPGRADE = [
  `ALTER TABLE node ADD COLUMN uid INTEGER`,
  `ALTER TABLE node ADD COLUMN gid INTEGER`,
  `ALTER TABLE node ADD COLUMN mode INTEGER`,
  `ALTER TABLE node ADD COLUMN atime INTEGER`,
  `ALTER TABLE node ADD COLUMN ctime INTEGER`,
  `ALTER TABLE mount ADD COLUMN access TEXT NOT NULL DEFAULT 'rw'`,
  `ALTER TABLE mount ADD COLUMN principal TEXT`,
  `ALTER TABLE edge ADD COLUMN name TEXT`,
  `UPDATE node SET created_at = ${toNanoseconds("created_at")},
    modified_at = ${toNanoseconds("modified_at")}`,
  `UPDATE volume SET created_at = ${toNanoseconds("created_at")}`,
  `UPDATE mount SET created_at = ${toNanoseconds("created_at")},
    expires_at = ${toNanoseconds("expires_at")}`,
  `UPDATE lock SET created_at = ${toNanoseconds("created_at")},
    expires_at = ${toNanoseconds("expires_at")}`,
  `UPDATE edge SET name = (SELECT name FROM node WHERE node_id = edge.to_id)`,
  `DROP INDEX IF EXISTS edge_active_placement`,
  `CREATE INDEX IF NOT EXISTS edge_from_name ON edge (from_id, name, to_id) WHERE archived = 0`,
  `CREATE TABLE IF NOT EXISTS xattr (
    node_id TEXT NOT NULL REFERENCES node (node_id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (node_id, name)
  ) STRICT`,
];

/** The wall clock in nanoseconds, as exactly as SQLite keeps it. */
export const NOW = `(CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000000)`;

const NODE_TYPES = `('container', 'entry', 'symlink', 'fifo', 'socket')`;
const TO_IS_CONTAINER = `(SELECT type FROM node WHERE node_id = NEW.to_id) = 'container'`;

/** The reference's triggers by name and meaning, for files that it has not opened yet. */
const TRIGGERS = [
  `CREATE TRIGGER IF NOT EXISTS node_guard_type BEFORE INSERT ON node
    WHEN NEW.type NOT IN ${NODE_TYPES}
    BEGIN SELECT RAISE(ABORT, 'unknown node type'); END`,
  `CREATE TRIGGER IF NOT EXISTS node_guard_type_upd BEFORE UPDATE OF type ON node
    WHEN NEW.type NOT IN ${NODE_TYPES}
    BEGIN SELECT RAISE(ABORT, 'unknown node type'); END`,
  `CREATE TRIGGER IF NOT EXISTS edge_guard_from_type BEFORE INSERT ON edge
    WHEN (SELECT type FROM node WHERE node_id = NEW.from_id) <> 'container'
    BEGIN SELECT RAISE(ABORT, 'an edge starts at a container'); END`,
  `CREATE TRIGGER IF NOT EXISTS edge_guard_name BEFORE INSERT ON edge
    WHEN NEW.name IS NULL
    BEGIN SELECT RAISE(ABORT, 'an edge has a name'); END`,
  `CREATE TRIGGER IF NOT EXISTS edge_guard_single_parent BEFORE INSERT ON edge
    WHEN NEW.archived = 0 AND ${TO_IS_CONTAINER}
      AND EXISTS (SELECT 1 FROM edge WHERE to_id = NEW.to_id AND archived = 0)
    BEGIN SELECT RAISE(ABORT, 'a container has one placement'); END`,
  `CREATE TRIGGER IF NOT EXISTS edge_guard_single_parent_upd BEFORE UPDATE OF archived ON edge
    WHEN NEW.archived = 0 AND OLD.archived = 1 AND ${TO_IS_CONTAINER}
      AND EXISTS (SELECT 1 FROM edge
        WHERE to_id = NEW.to_id AND archived = 0 AND edge_id <> NEW.edge_id)
    BEGIN SELECT RAISE(ABORT, 'a container has one placement'); END`,
  `CREATE TRIGGER IF NOT EXISTS edge_guard_volume BEFORE INSERT ON edge
    WHEN (SELECT volume_id FROM node WHERE node_id = NEW.from_id) <> NEW.volume_id
      OR (SELECT volume_id FROM node WHERE node_id = NEW.to_id) <> NEW.volume_id
    BEGIN SELECT RAISE(ABORT, 'an edge stays in its volume'); END`,
  `CREATE TRIGGER IF NOT EXISTS node_touch_content
    AFTER UPDATE OF version, content_hash ON content
    BEGIN UPDATE node SET modified_at = ${NOW}, ctime = ${NOW} WHERE node_id = NEW.node_id; END`,
  `CREATE TRIGGER IF NOT EXISTS node_touch_name AFTER UPDATE OF name ON node
    WHEN NEW.name <> OLD.name
    BEGIN UPDATE node SET modified_at = ${NOW}, ctime = ${NOW} WHERE node_id = NEW.node_id; END`,
  `CREATE TRIGGER IF NOT EXISTS node_touch_owner AFTER UPDATE OF uid, gid, mode ON node
    BEGIN UPDATE node SET ctime = ${NOW} WHERE node_id = NEW.node_id; END`,
  `CREATE TRIGGER IF NOT EXISTS edge_touch_ctime AFTER INSERT ON edge
    WHEN NEW.archived = 0
    BEGIN UPDATE node SET ctime = ${NOW} WHERE node_id = NEW.to_id; END`,
  `CREATE TRIGGER IF NOT EXISTS edge_touch_ctime_arch AFTER UPDATE OF archived ON edge
    WHEN NEW.archived <> OLD.archived
    BEGIN UPDATE node SET ctime = ${NOW} WHERE node_id = NEW.to_id; END`,
  `CREATE TRIGGER IF NOT EXISTS mount_guard_access BEFORE INSERT ON mount
    WHEN NEW.access NOT IN ('ro', 'rw')
    BEGIN SELECT RAISE(ABORT, 'unknown mount access'); END`,
  `CREATE TRIGGER IF NOT EXISTS mount_guard_access_upd BEFORE UPDATE OF access ON mount
    WHEN NEW.access NOT IN ('ro', 'rw')
    BEGIN SELECT RAISE(ABORT, 'unknown mount access'); END`,
];
