import type { ExpressionBuilder } from "kysely";
import { unindexed } from "./expressions.ts";
import { inodeColumns, type ListedColumns, type PlacedColumns } from "./inode.ts";
import { sql } from "./kysely.ts";
import type { Schema } from "./schema.ts";
import { template } from "./template.ts";

/** A time, and what every id is less than that was minted up to it. */
interface AtValues {
  /** Nanoseconds. */
  at: bigint;
  before: string;
}

/** The child of a name at a time: that of the greatest node id. */
export const inodeByNameAt = template<
  AtValues & { parent: string; name: string; volume: string }
>("inode_at.inodeByNameAt")((q, p) =>
  inodeColumns<PlacedColumns>(
    q.selectFrom((eb) =>
      eb.selectFrom("edge").select(["edge_id", "to_id"])
        .where("from_id", "=", p.parent).where("name", "=", p.name)
        .where("archived", "=", sql.lit(0)).where(unindexed("edge_id"), "<", p.before)
        .unionAll(
          eb.selectFrom("edge").innerJoin("aloe_removed as r", "r.edge_id", "edge.edge_id")
            .select(["edge.edge_id", "edge.to_id"])
            .where("from_id", "=", p.parent).where("name", "=", p.name)
            .where("archived", "=", sql.lit(1)).where(unindexed("edge.edge_id"), "<", p.before)
            .where("r.removed_at", ">", p.at),
        ).as("e")
    ).crossJoin("node as n").whereRef("n.node_id", "=", "e.to_id")
      .where("n.volume_id", "=", p.volume)
      .orderBy("e.to_id", "desc").limit(sql.lit(1)),
    () => ["e.edge_id"],
  ), { arrays: true });

/** A page of what was in a container at a time. */
export const inodesAtAfter = template<
  AtValues & { parent: string; after: string; limit: number; volume: string }
>("inode_at.inodesAtAfter")((q, p) =>
  inodeColumns<ListedColumns>(
    q.selectFrom("edge as e").crossJoin("node as n").whereRef("n.node_id", "=", "e.to_id")
      .where("e.from_id", "=", p.parent)
      .where("e.edge_id", ">", p.after).where("e.edge_id", "<", p.before)
      .where((eb) => thenPlaced(eb, p)).where("n.volume_id", "=", p.volume)
      .orderBy("e.edge_id").limit(p.limit),
    (eb) => [
      "e.edge_id",
      "e.name",
      eb.or([
        eb.exists(
          eb.selectFrom("edge as o").select(sql.lit(1).as("one"))
            .whereRef("o.from_id", "=", "e.from_id").whereRef("o.name", "=", "e.name")
            .whereRef("o.to_id", ">", "e.to_id").where("o.archived", "=", sql.lit(0))
            .where("o.edge_id", "<", p.before),
        ),
        eb.exists(
          eb.selectFrom("edge as o").innerJoin("aloe_removed as w", "w.edge_id", "o.edge_id")
            .select(sql.lit(1).as("one"))
            .whereRef("o.from_id", "=", "e.from_id").whereRef("o.name", "=", "e.name")
            .whereRef("o.to_id", ">", "e.to_id").where("o.archived", "=", sql.lit(1))
            .where("o.edge_id", "<", p.before).where("w.removed_at", ">", p.at),
        ),
      ]).as("hidden"),
    ],
  ), { arrays: true });

/** How many placements a node had. */
export const linksAt = template<AtValues & { node: string }>("inode_at.linksAt")((q, p) =>
  q.selectFrom("edge as e").where("e.to_id", "=", p.node).where("e.edge_id", "<", p.before)
    .where((eb) => thenPlaced(eb, p)).select(sql<number>`count(*)`.as("links"))
);

/**
 * The newest version of an entry that was committed up to a time and can
 * still be read. A version of no bytes has no manifest.
 */
export const versionAt = template<{ node: string; at: bigint; version: number }>(
  "inode_at.versionAt",
)((q, p) =>
  q.selectFrom("aloe_version as a").where("a.content_id", "=", p.node)
    .where("a.version", "<=", p.version).where("a.committed_at", "<=", p.at)
    .where((eb) =>
      eb.or([
        eb("a.version", "=", p.version),
        eb("a.size", "=", sql.lit(0)),
        eb.exists(
          eb.selectFrom("content_version as v").select(sql.lit(1).as("one"))
            .whereRef("v.content_id", "=", "a.content_id").whereRef("v.version", "=", "a.version"),
        ),
      ])
    )
    .select([
      "a.version",
      sql<number>`a.committed_at / 1000000000`.as("committed_s"),
      sql<number>`a.committed_at % 1000000000`.as("committed_ns"),
    ])
    .orderBy("a.version", "desc").limit(sql.lit(1))
);

/** The oldest version that has a manifest, and whether its time was noted. */
export const oldestVersion = template<{ node: string }>("inode_at.oldestVersion")((q, p) =>
  q.selectFrom("content_version as v").where("v.content_id", "=", p.node)
    .select((eb) => [
      "v.version",
      eb.exists(
        eb.selectFrom("aloe_version as a").select(sql.lit(1).as("one"))
          .whereRef("a.content_id", "=", "v.content_id").whereRef("a.version", "=", "v.version"),
      ).as("noted"),
    ])
    .orderBy("v.version").limit(sql.lit(1))
);

/** How many bytes a version has, by its last chunk. */
export const versionEnd = template<{ node: string; version: number }>("inode_at.versionEnd")((
  q,
  p,
) =>
  q.selectFrom("content_version as v").innerJoin(
    "content_chunk as k",
    "k.chunk_hash",
    "v.chunk_hash",
  )
    .innerJoin("node as n", "n.node_id", "v.content_id")
    .innerJoin("volume as vol", "vol.volume_id", "n.volume_id")
    .where("v.content_id", "=", p.node).where("v.version", "=", p.version)
    .select(sql<number>`v.chunk_index * vol.chunk_size + k.length`.as("size"))
    .orderBy("v.chunk_index", "desc").limit(sql.lit(1))
);

/** Whether a placement `e` that had begun had not ended yet. */
// deno-lint-ignore no-explicit-any -- used within scopes of several shapes
function thenPlaced(eb: ExpressionBuilder<any, any>, p: AtValues) {
  const builder = eb as unknown as ExpressionBuilder<Schema & { e: Schema["edge"] }, "e">;
  return builder.or([
    builder("e.archived", "=", sql.lit(0)),
    builder.exists(
      builder.selectFrom("aloe_removed as r").select(sql.lit(1).as("one"))
        .whereRef("r.edge_id", "=", "e.edge_id").where("r.removed_at", ">", p.at),
    ),
  ]);
}
