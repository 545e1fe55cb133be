import { type Kysely, sql } from "kysely";
import { NOW } from "./0002_era3.ts";

/**
 * Ours: when a placement was archived and when a version was committed, which
 * the format has no column for. Triggers keep both while other
 * implementations write; what was archived before them is filled in from
 * the node's change time where the file has one. Null stands for a time that
 * nobody recorded.
 *
 * And an index of all placements by container: it gives listings their order,
 * and the foreign key of a node that is deleted something to look in.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `CREATE INDEX IF NOT EXISTS aloe_edge_from ON edge (from_id, edge_id)`,
  `CREATE TABLE IF NOT EXISTS aloe_removed (
    edge_id TEXT PRIMARY KEY REFERENCES edge (edge_id) ON DELETE CASCADE,
    removed_at INTEGER
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS aloe_version (
    content_id TEXT NOT NULL REFERENCES node (node_id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    size INTEGER NOT NULL,
    committed_at INTEGER NOT NULL,
    PRIMARY KEY (content_id, version)
  ) STRICT, WITHOUT ROWID`,
  `CREATE TRIGGER IF NOT EXISTS aloe_edge_removed AFTER UPDATE OF archived ON edge
    WHEN NEW.archived = 1 AND OLD.archived = 0
    BEGIN INSERT OR IGNORE INTO aloe_removed VALUES (NEW.edge_id, ${NOW}); END`,
  `CREATE TRIGGER IF NOT EXISTS aloe_edge_restored AFTER UPDATE OF archived ON edge
    WHEN NEW.archived = 0 AND OLD.archived = 1
    BEGIN DELETE FROM aloe_removed WHERE edge_id = NEW.edge_id; END`,
  `CREATE TRIGGER IF NOT EXISTS aloe_version_committed AFTER UPDATE OF version ON content
    WHEN NEW.version <> OLD.version
    BEGIN
      INSERT OR REPLACE INTO aloe_version VALUES (NEW.node_id, NEW.version, NEW.size, ${NOW});
    END`,
  `INSERT OR IGNORE INTO aloe_removed
    SELECT e.edge_id, n.ctime
    FROM edge e JOIN node n ON n.node_id = e.to_id
    WHERE e.archived = 1`,
];
