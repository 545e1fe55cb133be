/**
 * Files with SQL of an attacker, one of each kind. Each is a modified valid
 * file with a volume `main` that contains `/a.txt`.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { AloeLite } from "../../mod.ts";

/** A kind of hostile file, and the expected reaction. */
export interface HostileFile {
  /** The defect; also its name. */
  kind: string;
  /** Modifies a valid file. */
  make(db: DatabaseSync): void;
  /** The expected error code. */
  code: "corrupt" | "unsupported";
  /** Whether `repair` makes it usable. */
  repairable: boolean;
}

/** A query that never ends. */
const ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n";

/** A query that would return one row at its end, which it never reaches. */
const ENDLESS_COUNT = `SELECT count(*) FROM (${ENDLESS})`;

/** Writes `sqlite_schema` directly. */
function rewrite(db: DatabaseSync, sql: string, ...values: string[]): void {
  (db as unknown as { enableDefensive(on: boolean): void }).enableDefensive(false);
  db.exec("PRAGMA writable_schema = ON");
  db.prepare(sql).run(...values);
  const { schema_version } = db.prepare("PRAGMA schema_version").get() as {
    schema_version: number;
  };
  db.exec(`PRAGMA schema_version = ${schema_version + 1}; PRAGMA writable_schema = RESET`);
}

const unknown = (kind: string, sql: string): HostileFile => ({
  kind,
  make: (db) => db.exec(sql),
  code: "unsupported",
  repairable: true,
});

const edited = (kind: string, table: string, from: string, to: string): HostileFile => ({
  kind,
  make: (db) =>
    rewrite(
      db,
      "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = ?",
      from,
      to,
      table,
    ),
  code: "corrupt",
  repairable: false,
});

const table = (kind: string, sql: string): HostileFile => ({
  kind,
  make: (db) => db.exec(sql),
  code: "unsupported",
  repairable: false,
});

/** All kinds. */
export const HOSTILE_FILES: HostileFile[] = [
  unknown(
    "endless-trigger-on-mount",
    `CREATE TRIGGER evil AFTER UPDATE ON mount BEGIN ${ENDLESS_COUNT}; END`,
  ),
  unknown(
    "endless-trigger-on-new-mounts",
    `CREATE TRIGGER evil BEFORE INSERT ON mount BEGIN ${ENDLESS_COUNT}; END`,
  ),
  unknown(
    "trigger-that-empties-files",
    "CREATE TRIGGER evil AFTER INSERT ON mount BEGIN UPDATE content SET size = 0, version = 0; END",
  ),
  unknown(
    "trigger-that-deletes-what-is-made",
    "CREATE TRIGGER evil AFTER INSERT ON edge BEGIN DELETE FROM edge WHERE edge_id = NEW.edge_id; END",
  ),
  unknown(
    "trigger-that-says-nothing-happened",
    "CREATE TRIGGER evil BEFORE INSERT ON content BEGIN SELECT RAISE(IGNORE); END",
  ),
  unknown(
    "trigger-on-what-is-ours",
    `CREATE TRIGGER aloe_evil AFTER INSERT ON aloe_redo BEGIN ${ENDLESS_COUNT}; END`,
  ),
  unknown(
    "trigger-of-the-format-with-another-text",
    `DROP TRIGGER node_touch_content; CREATE TRIGGER node_touch_content
       AFTER UPDATE OF version, content_hash ON content BEGIN ${ENDLESS_COUNT}; END`,
  ),
  unknown(
    "trigger-of-ours-with-another-text",
    `DROP TRIGGER aloe_version_committed; CREATE TRIGGER aloe_version_committed
       AFTER UPDATE OF version ON content BEGIN DELETE FROM content_version; END`,
  ),
  unknown(
    "trigger-of-the-format-on-another-table",
    `DROP TRIGGER node_guard_type; CREATE TRIGGER node_guard_type BEFORE INSERT ON edge
       WHEN NEW.type NOT IN ('container', 'entry', 'symlink', 'fifo', 'socket')
       BEGIN SELECT RAISE(ABORT, 'unknown node type'); END`.replace("NEW.type", "NEW.name"),
  ),
  unknown("unknown-view", `CREATE VIEW evil AS ${ENDLESS}`),
  unknown("view-of-the-package-with-another-text", `CREATE VIEW health_anomaly AS ${ENDLESS}`),
  unknown(
    "view-with-triggers",
    `CREATE VIEW evil AS SELECT 1 AS x;
     CREATE TRIGGER evil_ins INSTEAD OF INSERT ON evil BEGIN ${ENDLESS_COUNT}; END`,
  ),
  unknown(
    "view-in-place-of-pragma_user_version",
    `CREATE VIEW pragma_user_version AS SELECT 3 AS user_version FROM (${ENDLESS})`,
  ),
  unknown(
    "index-on-an-expression",
    "CREATE INDEX evil ON node (hex(randomblob(8)) || name)"
      .replace("randomblob(8)", "zeroblob(8)"),
  ),
  unknown("partial-index", "CREATE INDEX evil ON edge (to_id) WHERE name GLOB '*a*a*a*a*b'"),
  unknown(
    "unique-index",
    "CREATE UNIQUE INDEX evil ON mount (state)",
  ),
  unknown(
    "index-of-the-format-with-another-text",
    "DROP INDEX edge_from_name; CREATE INDEX edge_from_name ON edge (from_id) WHERE archived = 1",
  ),
  unknown(
    "quotes-in-a-name",
    `CREATE TRIGGER "ev""il; DROP TABLE node; --" AFTER INSERT ON mount BEGIN SELECT 1; END`,
  ),
  table("unknown-table", "CREATE TABLE evil (x)"),
  table(
    "table-that-keeps-nodes-from-going",
    "CREATE TABLE evil (n TEXT REFERENCES node (node_id) ON DELETE RESTRICT)",
  ),
  table("table-in-place-of-pragma_page_count", "CREATE TABLE pragma_page_count (page_count)"),
  table("virtual-table", "CREATE VIRTUAL TABLE evil USING fts5(x)"),
  table("virtual-table-r-tree", "CREATE VIRTUAL TABLE evil USING rtree(id, a, b)"),
  table("virtual-table-of-pages", "CREATE VIRTUAL TABLE evil USING dbstat"),
  table(
    "table-with-a-generated-column",
    "CREATE TABLE aloe_evil (x, y AS (zeroblob(900000000)) STORED)",
  ),
  {
    kind: "view-in-place-of-a-table",
    make: (db) => db.exec(`DROP TABLE xattr; CREATE VIEW xattr AS ${ENDLESS}`),
    code: "corrupt",
    repairable: false,
  },
  ...["edge", "volume", "mount", "node"].map((name): HostileFile => ({
    kind: `view-named-${name}`,
    make: (db) => {
      db.exec("PRAGMA foreign_keys = OFF; PRAGMA legacy_alter_table = ON");
      for (const each of triggers(db, name)) db.exec(`DROP TRIGGER "${each}"`);
      db.exec(`ALTER TABLE ${name} RENAME TO ${name}_kept;
        CREATE VIEW ${name} AS SELECT e.* FROM ${name}_kept e, (${ENDLESS})`);
    },
    code: "corrupt",
    repairable: false,
  })),
  edited(
    "check-that-never-ends",
    "node",
    "type TEXT NOT NULL",
    `type TEXT NOT NULL CHECK (
    name NOT GLOB '*a*a*a*a*a*a*a*a*a*a*a*b')`,
  ),
  edited(
    "check-that-is-never-true",
    "mount",
    "created_at INTEGER NOT NULL",
    "created_at INTEGER NOT NULL CHECK (created_at < 0)",
  ),
  edited(
    "default-with-a-function",
    "content",
    "size INTEGER NOT NULL DEFAULT 0",
    "size INTEGER NOT NULL DEFAULT (abs(random()))",
  ),
  edited(
    "column-that-is-generated",
    "content",
    "content_hash BLOB",
    "content_hash BLOB AS (zeroblob(99)) VIRTUAL",
  ),
  edited("table-that-is-not-strict", "content", ") STRICT", ")"),
  edited("column-more", "node", "metadata BLOB", "metadata BLOB, evil TEXT DEFAULT 'x'"),
  edited(
    "foreign-key-to-elsewhere",
    "content_version",
    "REFERENCES content_chunk (chunk_hash)",
    "REFERENCES content_chunk (chunk_hash) ON DELETE CASCADE",
  ),
  {
    kind: "two-tables-in-one-place",
    make: (db) =>
      rewrite(
        db,
        `UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = ?)
         WHERE name = 'aloe_size'`,
        "aloe_hole",
      ),
    code: "corrupt",
    repairable: false,
  },
  {
    kind: "schema-that-is-no-sql",
    make: (db) => rewrite(db, "UPDATE sqlite_schema SET sql = ? WHERE name = 'lock'", "CREATE x"),
    code: "corrupt",
    repairable: false,
  },
  {
    kind: "negative-era",
    make: (db) => db.exec("PRAGMA user_version = -3"),
    code: "corrupt",
    repairable: false,
  },
];

function triggers(db: DatabaseSync, table: string): string[] {
  return db.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?")
    .all(table).map((row) => row.name as string);
}

/** Creates a valid file with a volume `main` that contains `/a.txt`. */
export async function makeGoodFile(path: string): Promise<void> {
  await using fs = await AloeLite.open(path);
  await fs.createVolume({ name: "main" });
  await using mount = await fs.mount("main");
  await mount.put("/a.txt", "kept");
}

/** Makes a hostile file of a valid one. */
export function makeHostile(good: string, path: string, file: HostileFile): void {
  Deno.copyFileSync(good, path);
  using db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode = DELETE");
  file.make(db);
}
