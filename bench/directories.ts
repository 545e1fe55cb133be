import { DatabaseSync } from "node:sqlite";
import { newId, openOurs } from "./peer.ts";

/** A directory of {@linkcode makeDirectories}. */
export interface Directory {
  /** Its path. */
  path: string;
  /** How many children it has. */
  children: number;
}

/** The name of a child, in a directory of any size. */
export function childName(index: number): string {
  return `child ${String(index).padStart(7, "0")}.txt`;
}

/**
 * Makes a file whose root has directories of given sizes, quickly: the
 * directories by the engine, their children by one statement a table, without
 * the triggers, which would only find nothing to do.
 */
export async function makeDirectories(
  path: string,
  sizes: readonly number[],
): Promise<Directory[]> {
  const directories = sizes.map((children) => ({ path: `/${children}`, children }));
  const ids: string[] = [];
  {
    await using ours = await openOurs(path);
    for (const directory of directories) ids.push(await ours.mount.mkdir(directory.path));
  }
  using db = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  db.exec("PRAGMA synchronous = OFF; PRAGMA cache_size = -262144; PRAGMA temp_store = MEMORY");
  const triggers = db.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").all();
  db.exec("BEGIN");
  for (const { name } of triggers) db.exec(`DROP TRIGGER "${name}"`);
  directories.forEach((directory, i) => insertChildren(db, ids[i], directory.children));
  for (const { sql } of triggers) db.exec(sql as string);
  db.exec("COMMIT");
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  return directories;
}

/** Ids grow in the order of the names, as they would had the engine made them. */
function insertChildren(db: DatabaseSync, parent: string, children: number): void {
  const [nodes, edges] = [newId(), newId()].map((id) => id.slice(0, 24));
  db.exec(`
    CREATE TEMP TABLE child AS
      WITH RECURSIVE run (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM run WHERE i < ${children - 1})
      SELECT '${nodes}' || printf('%012x', i) AS child_id, '${edges}' || printf('%012x', i) AS edge,
        'child ' || printf('%07d', i) || '.txt' AS label FROM run;
    INSERT INTO node (node_id, type, name, created_at, modified_at, volume_id)
      SELECT child_id, 'entry', label, 1700000000000000000, 1700000000000000000, volume_id
      FROM temp.child, volume;
    INSERT INTO content (node_id) SELECT child_id FROM temp.child;
    INSERT INTO edge (edge_id, from_id, to_id, volume_id, archived, name)
      SELECT edge, '${parent}', child_id, volume_id, 0, label FROM temp.child, volume;
    DROP TABLE temp.child;
  `);
}
