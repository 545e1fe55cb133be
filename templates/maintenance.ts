import { MAX_CHUNKS, MAX_TEXT } from "../src/limits.ts";
import { sql } from "./kysely.ts";
import { isValidMount } from "./liveness.ts";
import { byteLength, isNoName, sumOf } from "./expressions.ts";
import { template } from "./template.ts";

/** Faults in the shape of the file, one row each. */
export const anomalies = template("maintenance.anomalies")((q) =>
  q.selectFrom("edge as e")
    .innerJoin("node as f", "f.node_id", "e.from_id")
    .innerJoin("node as t", "t.node_id", "e.to_id")
    .where((eb) =>
      eb.or([
        eb("f.volume_id", "!=", eb.ref("e.volume_id")),
        eb("t.volume_id", "!=", eb.ref("e.volume_id")),
      ])
    )
    .select([sql<string>`'edge_volume_mismatch'`.as("kind"), "e.edge_id as id"])
    .unionAll(
      q.selectFrom("edge as e").leftJoin("node as f", "f.node_id", "e.from_id")
        .leftJoin("node as t", "t.node_id", "e.to_id")
        .where((eb) => eb.or([eb("f.node_id", "is", null), eb("t.node_id", "is", null)]))
        .select([
          sql<string>`'edge_without_node'`.as("kind"),
          "e.edge_id as id",
        ]),
    )
    .unionAll(
      q.selectFrom("edge as e").innerJoin("node as f", "f.node_id", "e.from_id")
        .where("f.type", "!=", sql.lit("container")).where(
          "e.archived",
          "=",
          sql.lit(0),
        )
        .select([
          sql<string>`'edge_from_non_container'`.as("kind"),
          "e.edge_id as id",
        ]),
    )
    .unionAll(
      q.selectFrom("edge as e").where("e.name", "is", null)
        .select([
          sql<string>`'edge_without_name'`.as("kind"),
          "e.edge_id as id",
        ]),
    )
    .unionAll(
      q.selectFrom("edge as e").where("e.name", "is not", null).where(isNoName("e.name"))
        .select([
          sql<string>`'name_not_allowed'`.as("kind"),
          "e.edge_id as id",
        ]),
    )
    .unionAll(
      q.selectFrom("node as n").where("n.volume_id", "is", null)
        .where((eb) =>
          eb.exists(
            eb.selectFrom("edge as e").select(sql.lit(1).as("one"))
              .whereRef("e.to_id", "=", "n.node_id"),
          )
        )
        .select([
          sql<string>`'node_without_volume'`.as("kind"),
          "n.node_id as id",
        ]),
    )
    .unionAll(
      q.selectFrom("node as n").where("n.type", "=", sql.lit("container"))
        .innerJoin("edge as e", (join) =>
          join.onRef("e.to_id", "=", "n.node_id").on(
            "e.archived",
            "=",
            sql.lit(0),
          ))
        .groupBy("n.node_id").having(sql<boolean>`count(*) > 1`)
        .select([
          sql<string>`'container_with_two_placements'`.as("kind"),
          "n.node_id as id",
        ]),
    )
    .unionAll(
      q.selectFrom("node as n").where("n.type", "=", sql.lit("entry"))
        .where((eb) =>
          eb.not(eb.exists(
            eb.selectFrom("content as c").select(sql.lit(1).as("one"))
              .whereRef("c.node_id", "=", "n.node_id"),
          ))
        )
        .select([
          sql<string>`'entry_without_content'`.as("kind"),
          "n.node_id as id",
        ]),
    )
    .unionAll(
      q.selectFrom("volume as v").leftJoin(
        "node as n",
        "n.node_id",
        "v.root_node_id",
      )
        .where("n.node_id", "is", null)
        .select([
          sql<string>`'volume_without_root'`.as("kind"),
          "v.volume_id as id",
        ]),
    )
    .unionAll(
      q.selectFrom("edge as e").innerJoin(
        "volume as v",
        "v.root_node_id",
        "e.to_id",
      )
        .where("e.archived", "=", sql.lit(0))
        .select([
          sql<string>`'root_with_placement'`.as("kind"),
          "e.to_id as id",
        ]),
    )
);

/** The volume that a node is of. */
export const volumeOfNode = template<{ node: string }>("maintenance.volumeOfNode")((q, p) =>
  q.selectFrom("node").select("volume_id").where("node_id", "=", p.node)
);

/** Whether a placement, or one of a node's, is in a directory of a volume. */
export const isInDirectoryOf = template<{ id: string; volume: string }>(
  "maintenance.isInDirectoryOf",
)((q, p) =>
  q.selectFrom("edge as e").innerJoin("node as d", "d.node_id", "e.from_id")
    .select(sql.lit(1).as("one")).where("d.volume_id", "=", p.volume)
    .where((eb) => eb.or([eb("e.edge_id", "=", p.id), eb("e.to_id", "=", p.id)]))
    .limit(sql.lit(1))
);

/** Placements of a volume, the trash included, whose names the format does not allow. */
export const namesNotAllowed = template<{ volume: string }>("maintenance.namesNotAllowed")((q, p) =>
  q.selectFrom("edge as e").where("e.volume_id", "=", p.volume)
    .where((eb) => eb.or([eb("e.name", "is", null), isNoName("e.name")]))
    .select(["e.edge_id", "e.to_id", "e.name"])
    .orderBy("e.edge_id")
);

/**
 * What no cell of a sound file holds: table, column and the row, of one volume or of the
 * whole file. Chunks belong to no volume.
 */
export const impossibleCells = template<{ volume: string | null }>("maintenance.impossibleCells")((
  q,
  p,
) =>
  q.selectFrom(
    sql<{ cell: string; id: unknown; volume: string | null }>`(${
      sql.join(
        CELLS.map(([cell, id, volume, from, wrong]) =>
          sql`SELECT ${sql.lit(cell)} AS cell, ${sql.raw(id)} AS id, ${sql.raw(volume)} AS volume
        FROM ${sql.raw(from)} WHERE ${sql.raw(wrong)}`
        ),
        sql` UNION ALL `,
      )
    })`.as("c"),
  )
    .where((eb) =>
      eb.or([
        eb(sql`${p.volume}`, "is", null),
        eb("c.volume", "=", p.volume),
      ])
    )
    .select(["c.cell", sql<string>`CAST(c.id AS TEXT)`.as("id")])
);

/** A time in nanoseconds, or none. */
const noTime = (column: string) => `typeof(${column}) NOT IN ('integer', 'null')`;
const noCount = (column: string, most = "4503599627370496") =>
  `(typeof(${column}) != 'integer' OR ${column} < 0 OR ${column} > ${most})`;
const noText = (column: string) => `typeof(${column}) != 'text'`;
const noBytes = (column: string, lengths?: string) =>
  `(typeof(${column}) != 'blob'${
    lengths === undefined ? "" : ` OR length(${column}) NOT IN (${lengths})`
  })`;
const nothing = (column: string, table: string, key: string) =>
  `NOT EXISTS (SELECT 1 FROM ${table} AS o WHERE o.${key} = ${column})`;

const OF_NODE = "(SELECT n.volume_id FROM node AS n WHERE n.node_id = t.node_id)";
const OF_CONTENT = "(SELECT n.volume_id FROM node AS n WHERE n.node_id = t.content_id)";

/** Text that is too long; its length is known without reading it. */
const tooLong = (column: string, most: number = MAX_TEXT) => `octet_length(${column}) > ${most}`;

/** Cell, row, volume, table, and what is wrong with it. */
const CELLS: [string, string, string, string, string][] = [
  ...["created_at", "modified_at", "atime", "ctime"].map((
    column,
  ): [string, string, string, string, string] => [
    `node.${column}`,
    "t.node_id",
    "t.volume_id",
    "node AS t",
    noTime(`t.${column}`),
  ]),
  ["node.created_at", "t.node_id", "t.volume_id", "node AS t", "t.created_at IS NULL"],
  [
    "node.type",
    "t.node_id",
    "t.volume_id",
    "node AS t",
    "t.type IS NULL OR t.type NOT IN ('container', 'entry', 'symlink', 'fifo', 'socket')",
  ],
  ["node.name", "t.node_id", "t.volume_id", "node AS t", noText("t.name")],
  ["node.node_id", "t.node_id", "t.volume_id", "node AS t", "length(t.node_id) != 36"],
  [
    "node.volume_id",
    "t.node_id",
    "NULL",
    "node AS t",
    `t.volume_id IS NOT NULL AND ${nothing("t.volume_id", "volume", "volume_id")}`,
  ],
  [
    "node.metadata",
    "t.node_id",
    "t.volume_id",
    "node AS t",
    "t.metadata IS NOT NULL AND (typeof(t.metadata) != 'blob' OR NOT json_valid(t.metadata, 8))",
  ],
  ...["uid", "gid"].map((column): [string, string, string, string, string] => [
    `node.${column}`,
    "t.node_id",
    "t.volume_id",
    "node AS t",
    `t.${column} IS NOT NULL AND ${noCount(`t.${column}`, "4294967295")}`,
  ]),
  [
    "node.mode",
    "t.node_id",
    "t.volume_id",
    "node AS t",
    `t.mode IS NOT NULL AND ${noCount("t.mode", "4095")}`,
  ],
  ["content.version", "t.node_id", OF_NODE, "content AS t", noCount("t.version")],
  ["content.size", "t.node_id", OF_NODE, "content AS t", noCount("t.size")],
  ["content.node_id", "t.node_id", "NULL", "content AS t", nothing("t.node_id", "node", "node_id")],
  [
    "content.retention_keep",
    "t.node_id",
    OF_NODE,
    "content AS t",
    "t.retention_keep IS NOT NULL AND (typeof(t.retention_keep) != 'integer' OR t.retention_keep < 1)",
  ],
  [
    "content_version.version",
    "t.content_id",
    OF_CONTENT,
    "content_version AS t",
    noCount("t.version"),
  ],
  [
    "content_version.chunk_index",
    "t.content_id",
    OF_CONTENT,
    "content_version AS t",
    noCount("t.chunk_index", String(MAX_CHUNKS - 1)),
  ],
  [
    "content_version.content_id",
    "t.content_id",
    OF_CONTENT,
    "content_version AS t",
    nothing("t.content_id", "content", "node_id"),
  ],
  [
    "content_version.chunk_hash",
    "t.content_id",
    OF_CONTENT,
    "content_version AS t",
    `t.chunk_hash IS NULL OR ${nothing("t.chunk_hash", "content_chunk", "chunk_hash")}`,
  ],
  [
    "content_chunk.length",
    "t.chunk_hash",
    "NULL",
    "content_chunk AS t",
    `${noCount("t.length")} OR t.length != length(t.data)`,
  ],
  ["content_chunk.data", "t.chunk_hash", "NULL", "content_chunk AS t", noBytes("t.data")],
  ["content_chunk.N_c", "t.chunk_hash", "NULL", "content_chunk AS t", noBytes("t.N_c", "0, 12")],
  [
    "content_chunk.enc_tag",
    "t.chunk_hash",
    "NULL",
    "content_chunk AS t",
    noBytes("t.enc_tag", "0, 16"),
  ],
  [
    "edge.archived",
    "t.edge_id",
    "t.volume_id",
    "edge AS t",
    "typeof(t.archived) != 'integer' OR t.archived NOT IN (0, 1)",
  ],
  [
    "edge.name",
    "t.edge_id",
    "t.volume_id",
    "edge AS t",
    `t.name IS NOT NULL AND ${noText("t.name")}`,
  ],
  [
    "edge.volume_id",
    "t.edge_id",
    "NULL",
    "edge AS t",
    `t.volume_id IS NULL OR ${nothing("t.volume_id", "volume", "volume_id")}`,
  ],
  [
    "edge.from_id",
    "t.edge_id",
    "t.volume_id",
    "edge AS t",
    nothing("t.from_id", "node", "node_id"),
  ],
  ["edge.to_id", "t.edge_id", "t.volume_id", "edge AS t", nothing("t.to_id", "node", "node_id")],
  [
    "volume.root_node_id",
    "t.volume_id",
    "t.volume_id",
    "volume AS t",
    `t.root_node_id IS NULL OR ${nothing("t.root_node_id", "node", "node_id")}`,
  ],
  [
    "volume.chunk_size",
    "t.volume_id",
    "t.volume_id",
    "volume AS t",
    `${noCount("t.chunk_size", "1073741824")} OR t.chunk_size = 0`,
  ],
  [
    "volume.enc_mode",
    "t.volume_id",
    "t.volume_id",
    "volume AS t",
    "t.enc_mode IS NULL OR t.enc_mode NOT IN ('none', 'convergent', 'random')",
  ],
  ["volume.created_at", "t.volume_id", "t.volume_id", "volume AS t", noCountOrPast("t.created_at")],
  [
    "volume.wrapped_key",
    "t.volume_id",
    "t.volume_id",
    "volume AS t",
    "(t.enc_mode != 'none') != (t.wrapped_key IS NOT NULL)",
  ],
  ["edge.name", "t.edge_id", "t.volume_id", "edge AS t", tooLong("t.name")],
  ["node.name", "t.node_id", "t.volume_id", "node AS t", tooLong("t.name")],
  ["volume.name", "t.volume_id", "t.volume_id", "volume AS t", tooLong("t.name")],
  [
    "volume.wrapped_key",
    "t.volume_id",
    "t.volume_id",
    "volume AS t",
    `${tooLong("t.wrapped_key", 1024)} OR ${tooLong("t.wrap_nonce", 1024)}`,
  ],
  ["mount.mount_point", "t.mount_id", "t.volume_id", "mount AS t", tooLong("t.mount_point")],
  ["mount.principal", "t.mount_id", "t.volume_id", "mount AS t", tooLong("t.principal")],
  ["mount.N_m", "t.mount_id", "t.volume_id", "mount AS t", tooLong("t.N_m", 1024)],
  ["xattr.name", "t.node_id", OF_NODE, "xattr AS t", tooLong("t.name")],
  ["xattr.value", "t.node_id", OF_NODE, "xattr AS t", noBytes("t.value")],
  ["xattr.name", "t.node_id", OF_NODE, "xattr AS t", noText("t.name")],
  ["xattr.node_id", "t.node_id", "NULL", "xattr AS t", nothing("t.node_id", "node", "node_id")],
];

function noCountOrPast(column: string): string {
  return `typeof(${column}) != 'integer'`;
}

/**
 * Placed nodes that cannot be reached from their volume's root: a cycle keeps
 * them placed. Removed trees are not placed, so they do not appear.
 */
export const unreachable = template("maintenance.unreachable")((q) =>
  q.withRecursive(
    "live",
    (db) =>
      db.selectFrom("volume").where("root_node_id", "is not", null)
        .select("root_node_id as node_id")
        .union(
          db.selectFrom("live").innerJoin("edge as e", (join) =>
            join.onRef("e.from_id", "=", "live.node_id").on(
              "e.archived",
              "=",
              sql.lit(0),
            ))
            .select("e.to_id as node_id"),
        ),
  )
    .selectFrom("edge as e")
    .innerJoin("node as n", "n.node_id", "e.to_id")
    .where("e.archived", "=", sql.lit(0)).where(
      "n.type",
      "=",
      sql.lit("container"),
    )
    .where((eb) =>
      eb.not(eb.exists(
        eb.selectFrom("live").select(sql.lit(1).as("one"))
          .whereRef("live.node_id", "=", "e.to_id"),
      ))
    )
    .select(["e.to_id as id", "e.from_id"])
);

/** Entries and links of a volume, the removed ones included, after an id. */
export const entriesAfter = template<
  { volume: string; after: string; limit: number }
>("maintenance.entriesAfter")((q, p) =>
  q.selectFrom("node as n").innerJoin("content as c", "c.node_id", "n.node_id")
    .where("n.volume_id", "=", p.volume).where("n.node_id", ">", p.after)
    .select(["n.node_id", "n.name", "c.version", "c.size"])
    .orderBy("n.node_id").limit(p.limit)
);

/** Counts for one screen of facts. */
export const counts = template<{ now: bigint }>("maintenance.counts")((q, p) =>
  q.selectNoFrom((eb) => [
    eb.selectFrom("volume").select(({ fn }) => fn.countAll<number>().as("n"))
      .as("volumes"),
    eb.selectFrom("mount").select(({ fn }) => fn.countAll<number>().as("n"))
      .where(isValidMount("mount", p.now))
      .as("mounts"),
    eb.selectFrom("node").select(({ fn }) => fn.countAll<number>().as("n")).as(
      "nodes",
    ),
    eb.selectFrom("content_chunk").select(({ fn }) => fn.countAll<number>().as("n"))
      .as("chunks"),
    eb.selectFrom("content_chunk").select(({ fn }) =>
      fn.sum<number | null>(byteLength("data")).as("n")
    )
      .as("chunk_bytes"),
    eb.selectFrom("content").select(sumOf("size").as("n"))
      .as("content_bytes"),
  ])
);

/** Bytes of the largest chunk; null where there is none. */
export const largestChunk = template("maintenance.largestChunk")((q) =>
  q.selectFrom("content_chunk").select(({ fn }) =>
    fn.max<number | null>(byteLength("data")).as("bytes")
  )
);

/**
 * Chunks after one: stored bytes, how often they are referred to, and what
 * they are needed for: 0 files, 1 older versions, 2 the trash, 3 what is not
 * finished, 4 nothing.
 */
export const chunkUses = template<{ after: string; limit: number }>("maintenance.chunkUses")(
  (q, p) =>
    q.selectFrom((eb) =>
      eb.selectFrom("content_chunk").where("chunk_hash", ">", p.after)
        .select(["chunk_hash", byteLength("data").as("bytes")])
        .orderBy("chunk_hash").limit(p.limit).as("k")
    )
      .leftJoin("content_version as v", "v.chunk_hash", "k.chunk_hash")
      .leftJoin("content as c", "c.node_id", "v.content_id")
      .groupBy("k.chunk_hash")
      .select([
        "k.chunk_hash",
        sql<number>`min(k.bytes)`.as("bytes"),
        sql<number>`count(v.content_id)`.as("references"),
        sql<number>`min(CASE
          WHEN v.content_id IS NULL THEN 4
          WHEN v.version > c.version THEN 3
          WHEN EXISTS (SELECT 1 FROM edge AS e WHERE e.to_id = v.content_id AND e.archived = 0)
            THEN CASE WHEN v.version = c.version THEN 0 ELSE 1 END
          WHEN EXISTS (SELECT 1 FROM edge AS e WHERE e.to_id = v.content_id) THEN 2
          ELSE 3 END)`.as("use"),
      ])
      .orderBy("k.chunk_hash"),
);
