import { toNanoseconds } from "./era1_times.ts";

/** A temporary table or view. */
export interface Shadow {
  type: string;
  name: string;
}

/**
 * What a read-only connection needs and its file may lack: temporary tables
 * and views that stand before the file's own. Nothing reaches the file. What
 * the file has got meanwhile is not hidden any more.
 *
 * @param era The file's era, 1 or 3.
 * @param existing Names of the file's own tables.
 * @param made What the connection has of them already.
 * @returns Statements to execute, in order.
 */
export function shadows(
  era: number,
  existing: ReadonlySet<string>,
  made: readonly Shadow[],
): string[] {
  const wanted: [name: string, ...statements: string[]][] = [
    ["mount", MOUNT, era === 1 ? ERA1_MOUNTS : ERA3_MOUNTS],
    ["lock", LOCK],
  ];
  if (era === 1) wanted.push(...ERA1);
  for (const [name, statement] of Object.entries(ADDITIONS)) {
    if (!existing.has(name)) wanted.push([name, statement]);
  }
  const names = new Set(wanted.map(([name]) => name));
  const has = new Set(made.map(({ name }) => name));
  return [
    ...made.filter(({ name }) => !names.has(name))
      .map(({ type, name }) => `DROP ${type} temp."${name}"`),
    ...wanted.filter(([name]) => !has.has(name)).flatMap(([, ...statements]) => statements),
  ];
}

/** Mounts and locks of a read-only connection are its own, beside a copy of the file's mounts. */
const MOUNT = `CREATE TEMP TABLE mount (
    mount_id TEXT PRIMARY KEY,
    volume_id TEXT NOT NULL,
    mount_point TEXT NOT NULL,
    state TEXT NOT NULL,
    expires_at INTEGER,
    created_at INTEGER NOT NULL,
    N_m BLOB NOT NULL,
    access TEXT NOT NULL,
    principal TEXT
  ) STRICT`;

const LOCK = `CREATE TEMP TABLE lock (
    lock_id TEXT PRIMARY KEY,
    mount_id TEXT NOT NULL,
    node_id TEXT NOT NULL,
    read_count INTEGER NOT NULL DEFAULT 0,
    write_count INTEGER NOT NULL DEFAULT 0,
    expires_at INTEGER,
    created_at INTEGER NOT NULL
  ) STRICT`;

const ERA3_MOUNTS = `INSERT INTO temp.mount SELECT
  mount_id, volume_id, mount_point, state, expires_at, created_at, N_m, access, principal
  FROM main.mount`;

const ERA1_MOUNTS = `INSERT INTO temp.mount SELECT
  mount_id, volume_id, mount_point, state, ${toNanoseconds("expires_at")}, ${
  toNanoseconds("created_at")
}, N_m,
  'rw', NULL
  FROM main.mount`;

/** Era 1 in the shape of era 3: milliseconds to nanoseconds, the node's name on its placement. */
const ERA1: [name: string, statement: string][] = [
  [
    "node",
    `CREATE TEMP VIEW node AS SELECT
    node_id, type, name, ${toNanoseconds("created_at")} AS created_at,
    ${toNanoseconds("modified_at")} AS modified_at, volume_id, metadata,
    NULL AS uid, NULL AS gid, NULL AS mode, NULL AS atime, NULL AS ctime
    FROM main.node`,
  ],
  [
    "volume",
    `CREATE TEMP VIEW volume AS SELECT
    volume_id, root_node_id, name, ${toNanoseconds("created_at")} AS created_at, api_version,
    chunk_size, wm_ts, wm_seq, enc_mode, wrapped_key, wrap_nonce
    FROM main.volume`,
  ],
  [
    "edge",
    `CREATE TEMP VIEW edge AS SELECT
    e.edge_id, e.from_id, e.to_id, e.volume_id, e.archived, n.name AS name
    FROM main.edge AS e JOIN main.node AS n ON n.node_id = e.to_id`,
  ],
  [
    "xattr",
    `CREATE TEMP TABLE xattr (
    node_id TEXT NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (node_id, name)
  ) STRICT`,
  ],
];

/** What we add, and a file that nobody has written to need not have. */
const ADDITIONS: Record<string, string> = {
  aloe_removed: `CREATE TEMP VIEW aloe_removed AS SELECT
  e.edge_id, n.ctime AS removed_at
  FROM edge AS e JOIN node AS n ON n.node_id = e.to_id WHERE e.archived = 1`,
  aloe_version: `CREATE TEMP TABLE aloe_version (
  content_id TEXT NOT NULL, version INTEGER NOT NULL, size INTEGER NOT NULL,
  committed_at INTEGER NOT NULL, PRIMARY KEY (content_id, version)
) STRICT`,
  aloe_redo: `CREATE TEMP TABLE aloe_redo (
    seq INTEGER PRIMARY KEY, node_id TEXT NOT NULL, version INTEGER NOT NULL,
    chunk_index INTEGER NOT NULL, start INTEGER NOT NULL, length INTEGER NOT NULL,
    data BLOB NOT NULL, N_c BLOB NOT NULL, enc_tag BLOB NOT NULL
  ) STRICT`,
  aloe_size: `CREATE TEMP TABLE aloe_size (
    node_id TEXT PRIMARY KEY, version INTEGER NOT NULL, size INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
  aloe_hole: `CREATE TEMP TABLE aloe_hole (
    node_id TEXT PRIMARY KEY, version INTEGER NOT NULL, chunks INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
  aloe_seal: `CREATE TEMP TABLE aloe_seal (
    node_id TEXT NOT NULL, version INTEGER NOT NULL, tag BLOB NOT NULL,
    PRIMARY KEY (node_id, version)
  ) STRICT, WITHOUT ROWID`,
  aloe_sealed: `CREATE TEMP TABLE aloe_sealed (
    volume_id TEXT PRIMARY KEY, watermark TEXT NOT NULL, tag BLOB NOT NULL
  ) STRICT, WITHOUT ROWID`,
  aloe_upload: `CREATE TEMP TABLE aloe_upload (
    node_id TEXT PRIMARY KEY, length INTEGER, note TEXT NOT NULL,
    created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
  aloe_device: `CREATE TEMP TABLE aloe_device (
    node_id TEXT PRIMARY KEY, kind TEXT NOT NULL, major INTEGER NOT NULL, minor INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
  aloe_subdir: `CREATE TEMP VIEW aloe_subdir AS SELECT e.from_id AS parent_id, e.edge_id
    FROM edge AS e JOIN node AS n ON n.node_id = e.to_id
    WHERE e.archived = 0 AND n.type = 'container'`,
};
