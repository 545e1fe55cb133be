/**
 * Files of era 1, made by hand: tables, indexes and rows as the description of
 * the format has them, without the library.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { reference } from "../../migrations/reference_schema.ts";
import { noise } from "./support.ts";

/** What is in a file that {@linkcode makeEra1} made. */
export interface Era1 {
  volume: string;
  root: string;
  /** `/docs`, a directory. */
  docs: string;
  /** Entries in `/docs` by name, with the bytes of their versions, oldest first. */
  entries: Map<string, { id: string; versions: Uint8Array<ArrayBuffer>[] }>;
  /** `/gone.txt`, which was removed. */
  gone: { id: string; edge: string; data: Uint8Array<ArrayBuffer> };
  /** A mount that never ends, and one that lapsed long ago. */
  mounts: [living: string, lapsed: string];
  /** A lock of the living mount on the first entry. */
  lock: string;
  /** When all of it was made, ms. */
  at: bigint;
}

/** Chunk size of the volume, bytes. */
export const ERA1_CHUNK = 1000;

/** Makes a file of era 1. @param entries How many there are in `/docs`. */
export function makeEra1(path: string, entries: number): Era1 {
  const db = new DatabaseSync(path);
  try {
    for (const statement of SCHEMA) db.exec(statement);
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

const SCHEMA = [
  "PRAGMA journal_mode = WAL",
  `CREATE TABLE node (
    node_id TEXT PRIMARY KEY, type TEXT NOT NULL, name TEXT NOT NULL,
    created_at INTEGER NOT NULL, modified_at INTEGER,
    volume_id TEXT REFERENCES volume (volume_id), metadata BLOB) STRICT`,
  `CREATE TABLE content (
    node_id TEXT PRIMARY KEY REFERENCES node (node_id) ON DELETE CASCADE,
    version INTEGER NOT NULL DEFAULT 0, size INTEGER NOT NULL DEFAULT 0,
    content_hash BLOB, retention_keep INTEGER) STRICT`,
  `CREATE TABLE content_chunk (
    chunk_hash TEXT PRIMARY KEY, data BLOB NOT NULL, length INTEGER NOT NULL,
    N_c BLOB NOT NULL, enc_tag BLOB NOT NULL) STRICT`,
  `CREATE TABLE content_version (
    content_id TEXT NOT NULL REFERENCES node (node_id) ON DELETE CASCADE,
    version INTEGER NOT NULL, chunk_index INTEGER NOT NULL,
    chunk_hash TEXT NOT NULL REFERENCES content_chunk (chunk_hash), proof BLOB,
    PRIMARY KEY (content_id, version, chunk_index)) STRICT`,
  `CREATE TABLE volume (
    volume_id TEXT PRIMARY KEY, root_node_id TEXT UNIQUE REFERENCES node (node_id), name TEXT,
    created_at INTEGER NOT NULL, api_version INTEGER NOT NULL DEFAULT 1,
    chunk_size INTEGER NOT NULL DEFAULT 1048576, wm_ts INTEGER NOT NULL DEFAULT 0,
    wm_seq INTEGER NOT NULL DEFAULT 0,
    enc_mode TEXT NOT NULL DEFAULT 'none' CHECK (enc_mode IN ('none', 'convergent', 'random')),
    wrapped_key BLOB, wrap_nonce BLOB) STRICT`,
  `CREATE TABLE edge (
    edge_id TEXT PRIMARY KEY, from_id TEXT NOT NULL REFERENCES node (node_id),
    to_id TEXT NOT NULL REFERENCES node (node_id),
    volume_id TEXT NOT NULL REFERENCES volume (volume_id),
    archived INTEGER NOT NULL DEFAULT 0 CHECK (archived IN (0, 1))) STRICT`,
  `CREATE TABLE mount (
    mount_id TEXT PRIMARY KEY, volume_id TEXT NOT NULL REFERENCES volume (volume_id),
    mount_point TEXT NOT NULL REFERENCES node (node_id),
    state TEXT NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'active', 'unmounted')),
    expires_at INTEGER, created_at INTEGER NOT NULL, N_m BLOB NOT NULL) STRICT`,
  `CREATE TABLE lock (
    lock_id TEXT PRIMARY KEY,
    mount_id TEXT NOT NULL REFERENCES mount (mount_id) ON DELETE CASCADE,
    node_id TEXT NOT NULL REFERENCES node (node_id),
    read_count INTEGER NOT NULL DEFAULT 0, write_count INTEGER NOT NULL DEFAULT 0,
    expires_at INTEGER, created_at INTEGER NOT NULL) STRICT`,
  "CREATE UNIQUE INDEX edge_active_placement ON edge (volume_id, to_id) WHERE archived = 0",
  "CREATE INDEX edge_from_active ON edge (from_id) WHERE archived = 0",
  "CREATE INDEX edge_to_active ON edge (to_id) WHERE archived = 0",
  "CREATE INDEX edge_to_any ON edge (to_id)",
  "CREATE INDEX edge_volume ON edge (volume_id)",
  "CREATE INDEX lock_mount ON lock (mount_id)",
  "CREATE INDEX content_version_chunk ON content_version (chunk_hash)",
  // Views and triggers of that era know two types of nodes, and milliseconds.
  ...reference["0.3"].filter(([type]) => type === "view" || type === "trigger")
    .map(([, , , sql]) => sql),
  "PRAGMA user_version = 1",
];
