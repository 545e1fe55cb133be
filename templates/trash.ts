import type { ExpressionBuilder, Kysely } from "kysely";
import { jsonRows, unindexed } from "./expressions.ts";
import { sql } from "./kysely.ts";
import { isValidMount } from "./liveness.ts";
import type { Schema } from "./schema.ts";
import { template } from "./template.ts";

/**
 * Nodes of a volume that lost their last placement, each with the placement
 * that it lost last: those after a placement, by the placements' ids.
 */
export const listRemoved = template<{ volume: string; after: string; limit: number }>(
  "trash.listRemoved",
)(
  (q, p) =>
    removed(q).where(unindexed("e.volume_id"), "=", p.volume)
      .where("e.edge_id", ">", p.after).orderBy("e.edge_id").limit(p.limit),
  { wide: true },
);

/** The same of one node; no row when it is placed, or never was. */
export const removedNode = template<{ node: string; volume: string }>("trash.removedNode")(
  (q, p) => removed(q).where("e.to_id", "=", p.node).where("e.volume_id", "=", p.volume),
  { wide: true },
);

/** The same of the nodes that lost their last placement in a container, after a placement. */
export const removedFrom = template<{ parent: string; after: string; limit: number }>(
  "trash.removedFrom",
)((q, p) =>
  q.selectFrom("edge as e").where("e.from_id", "=", p.parent).where("e.edge_id", ">", p.after)
    .where("e.archived", "=", sql.lit(1)).where((eb) => lostLast(eb))
    .select(["e.edge_id", "e.to_id"]).orderBy("e.edge_id").limit(p.limit)
);

/** Placements that ended, of nodes that have no other, each the one that ended last. */
function removed(q: Kysely<Schema>) {
  return q.selectFrom("edge as e")
    .innerJoin("node as n", "n.node_id", "e.to_id")
    .leftJoin("aloe_removed as r", "r.edge_id", "e.edge_id")
    .leftJoin("content as c", "c.node_id", "e.to_id")
    .where("e.archived", "=", sql.lit(1)).where((eb) => lostLast(eb))
    .select(["e.edge_id", "e.from_id", "e.to_id", "e.name", "r.removed_at", "n.type", "c.size"]);
}

/** Whether an ended placement `e` is the last that its node has lost. */
// deno-lint-ignore no-explicit-any -- used within scopes of several shapes
function lostLast(scope: ExpressionBuilder<any, any>) {
  const eb = scope as unknown as ExpressionBuilder<Schema & { e: Schema["edge"] }, "e">;
  return eb.and([
    eb.not(eb.exists(
      eb.selectFrom("edge as a").select(sql.lit(1).as("one"))
        .whereRef("a.to_id", "=", "e.to_id").where("a.archived", "=", sql.lit(0)),
    )),
    eb(
      "e.edge_id",
      "=",
      eb.selectFrom("edge as l").leftJoin("aloe_removed as lr", "lr.edge_id", "l.edge_id")
        .select("l.edge_id").whereRef("l.to_id", "=", "e.to_id")
        .orderBy("lr.removed_at", "desc").orderBy("l.edge_id", "desc").limit(sql.lit(1)),
    ),
  ]);
}

/**
 * Notes when a placement ends, before it does: all that one removal ends has
 * one time, which no other removal has. What others end gets its time, in
 * milliseconds, from a trigger.
 */
export const noteRemoval = template<{ edge: string; at: bigint }>("trash.noteRemoval")((q, p) =>
  q.insertInto("aloe_removed").values({ edge_id: p.edge, removed_at: p.at })
    .onConflict((c) => c.column("edge_id").doUpdateSet({ removed_at: p.at }))
);

/** The same for several placements. `edges` is a JSON array of ids. */
export const noteRemovals = template<{ edges: string; at: bigint }>("trash.noteRemovals")((
  q,
  p,
) =>
  q.insertInto("aloe_removed").columns(["edge_id", "removed_at"]).expression((eb) =>
    eb.selectFrom("edge").select(["edge_id", sql<bigint>`${p.at}`.as("at")])
      .where("edge_id", "in", eb.selectFrom(jsonRows(p.edges)).select("item.value"))
  ).onConflict((c) => c.column("edge_id").doUpdateSet({ removed_at: p.at }))
);

/** The placements in a container that one removal ended, after one of them. */
export const removedTogether = template<
  { parent: string; at: bigint | null; after: string; limit: number }
>(
  "trash.removedTogether",
)((q, p) =>
  q.selectFrom("edge as e").innerJoin("aloe_removed as r", "r.edge_id", "e.edge_id")
    .innerJoin("node as n", "n.node_id", "e.to_id")
    .where("e.from_id", "=", p.parent).where("e.archived", "=", sql.lit(1))
    .where("e.edge_id", ">", p.after)
    .where("r.removed_at", "is", p.at as never)
    .orderBy("e.edge_id").limit(p.limit)
    .select((eb) => [
      "e.edge_id",
      "e.to_id",
      "e.name",
      "n.type",
      eb.exists(
        eb.selectFrom("edge as a").select(sql.lit(1).as("one"))
          .whereRef("a.to_id", "=", "e.to_id").where("a.archived", "=", sql.lit(0)),
      ).as("placed"),
    ])
);

/** Brings placements back. */
export const restoreEdge = template<{ edge: string }>("trash.restoreEdge")((q, p) =>
  q.updateTable("edge").set({ archived: sql.lit(0) }).where(
    "edge_id",
    "=",
    p.edge,
  )
);

/** Valid mounts at a node. */
export const mountsAt = template<{ node: string; now: bigint }>("trash.mountsAt")((q, p) =>
  q.selectFrom("mount").select("mount_id")
    .where("mount_point", "=", p.node).where(isValidMount("mount", p.now))
);
