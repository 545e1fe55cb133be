/**
 * Creates files of era 1 without the library: the reference's schema, and rows
 * as FORMAT.md describes them.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { noise } from "./support.ts";

/** The content of a file that {@linkcode makeEra1} created. */
export interface Era1 {
  volume: string;
  root: string;
  /** `/docs`, a directory. */
  docs: string;
  /** Entries in `/docs` by name, with the bytes of their versions, oldest first. */
  entries: Map<string, { id: string; versions: Uint8Array<ArrayBuffer>[] }>;
  /** `/gone.txt`, which was removed. */
  gone: { id: string; edge: string; data: Uint8Array<ArrayBuffer> };
  /** A mount without an expiry, and one that expired long ago. */
  mounts: [living: string, lapsed: string];
  /** A lock of the living mount on the first entry. */
  lock: string;
  /** When all of it was created, ms. */
  at: bigint;
}

/** Chunk size of the volume, bytes. */
export const ERA1_CHUNK = 1000;

/** Creates a file of era 1. @param entries The number of entries in `/docs`. */
export function makeEra1(path: string, entries: number): Era1 {
  const db = new DatabaseSync(path);
  try {
    makeSchema(db);
    db.exec("BEGIN");
    const made = fill(db, entries);
    db.exec("COMMIT");
    return made;
  } finally {
    db.close();
  }
}

function fill(db: DatabaseSync, count: number): Era1 {
  const at = 1_700_000_000_123n;
  let serial = 0;
  const id = () => {
    const n = serial++;
    const time = (at + BigInt(n >> 12)).toString(16).padStart(12, "0");
    const seq = (n & 0xfff).toString(16).padStart(3, "0");
    return `${time.slice(0, 8)}-${time.slice(8)}-7${seq}-8abc-0123456789ab`;
  };
  const insert = (table: string, ...values: (string | bigint | number | Uint8Array | null)[]) =>
    prepared(db, `INSERT INTO ${table} VALUES (${values.map(() => "?").join(", ")})`)
      .run(...values);

  const volume = "01234567-0000-7000-8000-000000000001";
  const root = id();
  insert("volume", volume, null, "old", at, 1, ERA1_CHUNK, at, 0, "none", null, null);
  insert("node", root, "container", "/", at, at, volume, null);
  db.prepare("UPDATE volume SET root_node_id = ?").run(root);

  const place = (node: string, parent: string, archived = 0): string => {
    const edge = id();
    insert("edge", edge, parent, node, volume, archived);
    return edge;
  };
  const container = (name: string, parent: string): string => {
    const node = id();
    insert("node", node, "container", name, at + 1n, null, volume, null);
    place(node, parent);
    return node;
  };
  const entry = (name: string, versions: Uint8Array<ArrayBuffer>[]): string => {
    const node = id();
    prepared(db, "INSERT INTO node VALUES (?, 'entry', ?, ?, ?, ?, jsonb(?))")
      .run(node, name, at + 2n, at + 3n, volume, '{"mode":"644"}');
    insert("content", node, versions.length, versions.at(-1)!.length, null, null);
    versions.forEach((bytes, i) => {
      for (let start = 0; start < bytes.length; start += ERA1_CHUNK) {
        const chunk = bytes.subarray(start, start + ERA1_CHUNK);
        const hash = address(chunk);
        prepared(db, "INSERT OR IGNORE INTO content_chunk VALUES (?, ?, ?, x'', x'')")
          .run(hash, chunk, chunk.length);
        insert("content_version", node, i + 1, start / ERA1_CHUNK, hash, null);
      }
    });
    return node;
  };

  const docs = container("docs", root);
  container("empty", docs);
  const entries: Era1["entries"] = new Map();
  for (let i = 0; i < count; i++) {
    const name = `file ${i}`;
    const versions = [noise(i + 1, 1 + (i * 37) % 300), noise(i + 2, 1 + (i * 731) % 2500)];
    const node = entry(name, versions);
    place(node, docs);
    entries.set(name, { id: node, versions });
  }
  const data = noise(99, 1500);
  const gone = entry("gone.txt", [data]);
  const edge = place(gone, root, 1);

  const mounts: Era1["mounts"] = [
    "01234567-0000-7000-8000-000000000002",
    "01234567-0000-7000-8000-000000000003",
  ];
  insert("mount", mounts[0], volume, docs, "active", null, at + 4n, new Uint8Array(16));
  insert("mount", mounts[1], volume, root, "active", at + 6n, at + 5n, new Uint8Array(16));
  const lock = "01234567-0000-7000-8000-000000000004";
  const locked = entries.get("file 0")!.id;
  insert("lock", lock, mounts[0], locked, 0, 1, null, at + 7n);
  db.prepare("UPDATE volume SET wm_ts = ?, wm_seq = ?").run(
    at + BigInt((serial - 1) >> 12),
    (serial - 1) & 0xfff,
  );
  return { volume, root, docs, entries, gone: { id: gone, edge, data }, mounts, lock, at };
}

/** A chunk's address: SHA-256 over its length in 8 bytes, big-endian, and its bytes. */
export function address(chunk: Uint8Array): string {
  const length = new DataView(new ArrayBuffer(8));
  length.setBigUint64(0, BigInt(chunk.length));
  return createHash("sha256").update(new Uint8Array(length.buffer)).update(chunk).digest("hex");
}

const statements = new WeakMap<DatabaseSync, Map<string, ReturnType<DatabaseSync["prepare"]>>>();

function prepared(db: DatabaseSync, sql: string) {
  const known = statements.get(db) ?? new Map();
  statements.set(db, known);
  const statement = known.get(sql) ?? db.prepare(sql);
  known.set(sql, statement);
  return statement;
}

/** A file of era 1 by the reference, whose schema is used. */
const REFERENCE_FILE = new URL("../../golden/era1.db", import.meta.url).pathname;

/**
 * Creates the reference's tables, indexes, views and triggers of era 1 in a new
 * file.
 */
function makeSchema(db: DatabaseSync): void {
  db.exec("PRAGMA journal_mode = WAL");
  const reference = new DatabaseSync(REFERENCE_FILE, { readOnly: true });
  try {
    const statements = reference
      .prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")
      .all() as { sql: string }[];
    for (const { sql } of statements) db.exec(sql);
  } finally {
    reference.close();
  }
  db.exec("PRAGMA user_version = 1");
}
