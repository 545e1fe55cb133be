import { DatabaseSync } from "node:sqlite";
import { AloeLite } from "../../mod.ts";

// Creates trees by SQL, because operations would take too long.

/** Returns the id of a node of the chain by its level. */
export const nodeAt = (level: number): string => id(level, 1);

function id(count: number, kind: number): string {
  const time = (0x0190_0000_0000 + count).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-00000000000${kind}`;
}

/** Returns the SQL expression of that id. */
const sqlId = (count: string, kind: number) =>
  `printf('%08x-%04x-7000-8000-%012x', 0x01900000 + (${count} >> 16), (${count}) & 0xffff, ${kind})`;

/**
 * Creates a file whose volume is one chain of directories with one name, with a
 * file at its end.
 */
export async function makeChain(file: string, levels: number, name = "d"): Promise<void> {
  {
    await using fs = await AloeLite.open(file);
    await fs.createVolume({ name: "main" });
    await using mount = await fs.mount();
    await mount.put("/top.txt", "top");
  }
  using db = new DatabaseSync(file);
  const { volume, root } = db.prepare(
    "SELECT volume_id AS volume, root_node_id AS root FROM volume",
  ).get() as { volume: string; root: string };
  db.exec("BEGIN");
  const numbers = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)`;
  db.prepare(`${numbers} INSERT INTO node (node_id, type, name, created_at, modified_at, volume_id)
    SELECT ${sqlId("i", 1)}, 'container', ?, 1, 1, ? FROM n`).run(levels, name, volume);
  db.prepare(`${numbers} INSERT INTO edge (edge_id, from_id, to_id, volume_id, archived, name)
    SELECT ${sqlId("i", 2)}, CASE i WHEN 1 THEN ? ELSE ${sqlId("i - 1", 1)} END,
      ${sqlId("i", 1)}, ?, 0, ? FROM n`).run(levels, root, volume, name);
  db.prepare(`UPDATE edge SET from_id = ?, name = 'end.txt' WHERE name = 'top.txt'`)
    .run(nodeAt(levels));
  db.exec("COMMIT");
}

/**
 * Creates such a file whose last directory is the second one again: `/d/d`
 * contains itself.
 */
export async function makeCycle(file: string, levels = 5): Promise<void> {
  await makeChain(file, levels);
  using db = new DatabaseSync(file);
  db.prepare("UPDATE edge SET to_id = ? WHERE to_id = ?").run(nodeAt(2), nodeAt(levels));
}

/** Makes a file whose volume has a directory `/d` of many files, or of many directories. */
export async function makeWide(
  file: string,
  count: number,
  type: "entry" | "container" = "entry",
): Promise<void> {
  {
    await using fs = await AloeLite.open(file);
    await fs.createVolume({ name: "main" });
    await using mount = await fs.mount();
    await mount.mkdir("/d");
  }
  using db = new DatabaseSync(file);
  const { volume, parent } = db.prepare(
    "SELECT volume_id AS volume, to_id AS parent FROM edge WHERE name = 'd'",
  ).get() as { volume: string; parent: string };
  db.exec("BEGIN");
  const numbers = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)`;
  db.prepare(`${numbers} INSERT INTO node (node_id, type, name, created_at, modified_at, volume_id)
    SELECT ${sqlId("i", 1)}, ?, 'n' || i, 1, 1, ? FROM n`).run(count, type, volume);
  if (type === "entry") {
    db.prepare(`${numbers} INSERT INTO content (node_id, version, size)
      SELECT ${sqlId("i", 1)}, 0, 0 FROM n`).run(count);
  }
  db.prepare(`${numbers} INSERT INTO edge (edge_id, from_id, to_id, volume_id, archived, name)
    SELECT ${sqlId("i", 2)}, ?, ${sqlId("i", 1)}, ?, 0, 'n' || i FROM n`)
    .run(count, parent, volume);
  db.exec("COMMIT");
}
