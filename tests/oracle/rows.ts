/**
 * The rows of a file, read past every API, so that two files can be compared
 * table by table.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";

/** A value of a row. */
export type Cell = string | number | bigint | null;

/** One row by column name; blobs as `x'…'`. */
export type Cells = Record<string, Cell>;

/** The tables of the format. */
export const TABLES = [
  "volume",
  "node",
  "edge",
  "content",
  "content_version",
  "content_chunk",
  "mount",
  "lock",
  "xattr",
] as const;

/** All rows of the format's tables, each in the order of its primary key. */
export type Tables = Record<(typeof TABLES)[number], Cells[]>;

const ORDER: Record<(typeof TABLES)[number], string> = {
  volume: "volume_id",
  node: "node_id",
  edge: "edge_id",
  content: "node_id",
  content_version: "content_id, version, chunk_index",
  content_chunk: "chunk_hash",
  mount: "mount_id",
  lock: "lock_id",
  xattr: "node_id, name",
};

/** The same JSONB may be written in more ways than one, so it is read as JSON. */
const COLUMNS: Partial<typeof ORDER> = { node: "*, json(metadata) as metadata" };

/** Opens a file for looking only. */
export function openRaw(path: string): DatabaseSync {
  return new DatabaseSync(path, { readOnly: true, timeout: 60_000 });
}

/** The rows of a query, integers as bigint, blobs as text. */
export function query(db: DatabaseSync, sql: string): Cells[] {
  const statement = db.prepare(sql);
  statement.setReadBigInts(true);
  return statement.all().map((found) =>
    Object.fromEntries(
      Object.entries(found).map(([column, value]) => [
        column,
        value instanceof Uint8Array ? `x'${value.toHex()}'` : value as Cell,
      ]),
    )
  );
}

/** Every row of the format's tables. */
export function readTables(path: string): Tables {
  const db = openRaw(path);
  try {
    return Object.fromEntries(
      TABLES.map((table) => [
        table,
        query(db, `select ${COLUMNS[table] ?? "*"} from ${table} order by ${ORDER[table]}`),
      ]),
    ) as Tables;
  } finally {
    db.close();
  }
}

/** The greatest id that each volume ever gave to a node or an edge. */
export function greatestIds(path: string): Map<string, string> {
  const db = openRaw(path);
  try {
    const greatest = new Map<string, string>();
    for (const table of ["node", "edge"]) {
      for (
        const found of query(
          db,
          `select volume_id, max(${table}_id) as id from ${table} group by volume_id`,
        )
      ) {
        const volume = String(found.volume_id);
        const id = String(found.id);
        if (id > (greatest.get(volume) ?? "")) greatest.set(volume, id);
      }
    }
    return greatest;
  } finally {
    db.close();
  }
}

/** Whether anything at or below a node has a placement outside of what is below it. */
export function isLinkedFromOutside(path: string, top: string): boolean {
  const db = openRaw(path);
  try {
    const edges = query(db, "select from_id, to_id from edge where archived = 0");
    const below = new Set<Cell>([top]);
    for (const node of below) {
      for (const { from_id, to_id } of edges) if (from_id === node) below.add(to_id);
    }
    const into = edges.filter(({ to_id }) => below.has(to_id));
    return into.filter(({ to_id }) => to_id === top).length > 1 ||
      into.some(({ from_id, to_id }) => to_id !== top && !below.has(from_id));
  } finally {
    db.close();
  }
}

/** Whether a node is placed in a directory by a name. */
export function isPlaced(path: string, at: { node: string; dir: string; name: string }): boolean {
  const db = openRaw(path);
  try {
    return query(db, "select from_id, to_id, name from edge where archived = 0")
      .some((e) => e.to_id === at.node && e.from_id === at.dir && e.name === at.name);
  } finally {
    db.close();
  }
}

/** Every node and edge id of a file. */
export function allIds(path: string): { id: string; volume: string }[] {
  const db = openRaw(path);
  try {
    return ["node", "edge"].flatMap((table) =>
      query(db, `select ${table}_id as id, volume_id as volume from ${table}`)
        .map((found) => ({
          id: String(found.id),
          volume: String(found.volume),
        }))
    );
  } finally {
    db.close();
  }
}

/**
 * The rows with everything taken out that differs between two files of the
 * same history: ids become their rank, times whether they are set, and, where
 * encryption makes addresses differ, chunks their plaintext length.
 *
 * @param packed Whether there are packs: they hold times, so that not even the number of distinct chunks compares.
 */
export function comparable(
  tables: Tables,
  packed: boolean = false,
): Record<string, unknown> {
  const nodes = ranks(tables.node.map((n) => String(n.node_id)));
  const node = (id: Cell) => id === null ? null : `node ${nodes.get(String(id))}`;
  const plain = !packed && tables.volume.every((v) => v.enc_mode === "none");
  const lengths = new Map(
    tables.content_chunk.map((c) => [c.chunk_hash, c.length]),
  );
  const chunk = (hash: Cell) => plain ? hash : `${lengths.get(hash)} bytes`;
  const set = (time: Cell) => time === null ? "null" : "set";
  return {
    node: tables.node.map((n) => ({
      ...n,
      metadata: n.metadata === null ? null : JSON.parse(String(n.metadata)),
      node_id: node(n.node_id),
      volume_id: n.volume_id === null ? null : "volume",
      created_at: "set",
      modified_at: set(n.modified_at),
      atime: set(n.atime),
      ctime: set(n.ctime),
    })),
    edge: tables.edge.map((e) => ({
      ...e,
      edge_id: "edge",
      volume_id: "volume",
      from_id: node(e.from_id),
      to_id: node(e.to_id),
    })),
    content: tables.content.map((c) => ({ ...c, node_id: node(c.node_id) })),
    content_version: tables.content_version.map((v) => ({
      ...v,
      content_id: node(v.content_id),
      chunk_hash: chunk(v.chunk_hash),
    })),
    // Of random ones, each of the reference's zero chunks is stored for itself.
    content_chunk: packed || tables.volume.some((v) => v.enc_mode === "random")
      ? "not compared"
      : plain
      ? tables.content_chunk
      : tables.content_chunk.map((c) => Number(c.length)).sort((a, b) => a - b),
    lock: tables.lock.length,
    xattr: tables.xattr.map((x) => ({ ...x, node_id: node(x.node_id) })),
  };
}

function ranks(ids: string[]): Map<string, number> {
  return new Map(ids.toSorted().map((id, rank) => [id, rank]));
}
