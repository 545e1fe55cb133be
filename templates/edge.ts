import type { RawBuilder } from "kysely";
import { sql } from "./kysely.ts";
import { deviceText, fromJsonb, jsonRows, unindexed } from "./expressions.ts";
import { template } from "./template.ts";

/** A new placement. */
export const insertEdge = template<{
  edge: string;
  from: string;
  to: string;
  volume: string;
  name: string;
}>("edge.insertEdge")((q, p) =>
  q.insertInto("edge").values({
    edge_id: p.edge,
    from_id: p.from,
    to_id: p.to,
    volume_id: p.volume,
    archived: sql.lit(0),
    name: p.name,
  })
);

/** The children of a container, in listing order. */
export const listChildren = template<{ parent: string }>("edge.listChildren")((q, p) =>
  q.selectFrom("edge as e").innerJoin("node as n", "n.node_id", "e.to_id")
    .select(["e.edge_id", "e.to_id", "e.name", "n.type"])
    .where("e.from_id", "=", p.parent).where("e.archived", "=", sql.lit(0))
    .orderBy("e.edge_id")
);

/** The names that several children of a container have, each with the id of the visible one. */
export const doubledNames = template<{ parent: string }>("edge.doubledNames")((q, p) =>
  q.selectFrom("edge").where("from_id", "=", p.parent).where("archived", "=", sql.lit(0))
    .groupBy("name").having(sql<boolean>`count(*) > 1`)
    .select(({ fn }) => ["name", fn.max("to_id").as("visible")])
);

/** Whether a container has a child. */
export const hasChild = template<{ parent: string }>("edge.hasChild")((q, p) =>
  q.selectFrom("edge").select("edge_id")
    .where("from_id", "=", p.parent).where("archived", "=", sql.lit(0)).limit(
      sql.lit(1),
    )
);

/** The active placements of a node, oldest first. */
export const placements = template<{ node: string }>("edge.placements")((q, p) =>
  q.selectFrom("edge").select(["edge_id", "from_id", "name"])
    .where("to_id", "=", p.node).where("archived", "=", sql.lit(0)).orderBy(
      "edge_id",
    )
);

/** The active placements of a node of one name in one container, newest first. */
export const placementsAt = template<
  { node: string; parent: string; name: string }
>("edge.placementsAt")((q, p) =>
  q.selectFrom("edge").select(["edge_id", "from_id", "name"])
    .where("from_id", "=", p.parent).where("name", "=", p.name).where(
      "to_id",
      "=",
      p.node,
    )
    .where("archived", "=", sql.lit(0)).orderBy(unindexed("edge_id"), "desc")
);

/** Ends a placement. */
export const archiveEdge = template<{ edge: string }>("edge.archiveEdge")((q, p) =>
  q.updateTable("edge").set({ archived: sql.lit(1) }).where(
    "edge_id",
    "=",
    p.edge,
  )
);

/** Names a placement. */
export const setEdgeName = template<{ edge: string; name: string }>("edge.setEdgeName")((q, p) =>
  q.updateTable("edge").set({ name: p.name }).where("edge_id", "=", p.edge)
);

/** The containers above a node, nearest first, by its newest placement. */
export const ancestors = template<{ node: string }>("edge.ancestors")((q, p) =>
  q.withRecursive(
    "up",
    (db) =>
      db.selectFrom("node").where("node_id", "=", p.node)
        .select([
          "node_id",
          sql<string | null>`NULL`.as("name"),
          sql<number>`0`.as("depth"),
        ])
        .unionAll(
          db.selectFrom("up").innerJoin("edge as e", (join) =>
            join.on("e.edge_id", "=", (eb) =>
              eb.selectFrom("edge as x").select(({ fn }) => fn.max("x.edge_id").as("edge"))
                .whereRef("x.to_id", "=", "up.node_id").where(
                  "x.archived",
                  "=",
                  sql.lit(0),
                )))
            .select([
              "e.from_id as node_id",
              "e.name as name",
              sql<number>`up.depth + 1`.as("depth"),
            ])
            // A cycle would never end; healthCheck tells of it.
            .where("up.depth", "<", sql.lit(MAX_DEPTH)),
        ),
  )
    .selectFrom("up").select(["node_id", "name", "depth"]).orderBy("depth")
);

/** Levels after which a walk gives up: no sound tree is this deep. */
const MAX_DEPTH = 100_000;

/** A container of a subtree that is in it twice, or below itself: no walk from there may end. */
export const tangledBelow = template<{ node: string }>("edge.tangledBelow")((q, p) =>
  q.selectFrom(walkBelow(p.node)).crossJoin("node as n").whereRef("n.node_id", "=", "w.node_id")
    .where("n.type", "=", sql.lit("container"))
    .groupBy("w.node_id").having(sql<boolean>`count(*) > 1`)
    .select("w.node_id").limit(sql.lit(1))
);

/** Whether a container is below itself. */
export const isBelowItself = template<{ node: string }>("edge.isBelowItself")((q, p) =>
  q.selectFrom(walkBelow(p.node)).where("w.node_id", "=", p.node)
    .where("w.edge_id", "is not", null).select("w.node_id").limit(sql.lit(1))
);

/**
 * A subtree top-down: depth, then edge, then node. The top has no edge. It has
 * no end if {@linkcode tangledBelow} finds something.
 */
export const subtree = template<{ node: string }>("edge.subtree")(
  (q, p) =>
    q.withRecursive(
      "down",
      (db) =>
        db.selectFrom("node").where("node_id", "=", p.node)
          .select([
            "node_id",
            sql<string | null>`NULL`.as("parent_id"),
            sql<string | null>`NULL`.as("edge_id"),
            sql<string | null>`NULL`.as("edge_name"),
            sql<number>`0`.as("depth"),
          ])
          .unionAll(
            db.selectFrom("down").innerJoin("edge as e", (join) =>
              join.onRef("e.from_id", "=", "down.node_id").on(
                "e.archived",
                "=",
                sql.lit(0),
              ))
              .select([
                "e.to_id as node_id",
                "e.from_id as parent_id",
                "e.edge_id as edge_id",
                "e.name as edge_name",
                sql<number>`down.depth + 1`.as("depth"),
              ]),
          ),
    )
      .selectFrom("down")
      // Crossed, so that the planner walks the tree and looks the nodes up, not the reverse.
      .crossJoin("node as n").whereRef("n.node_id", "=", "down.node_id")
      .leftJoin("content as c", "c.node_id", "down.node_id")
      .select([
        "down.node_id",
        "down.parent_id",
        "down.edge_id",
        "down.edge_name",
        "down.depth",
        "n.type",
        "n.name",
        "n.created_at",
        "n.modified_at",
        "n.atime",
        "n.mode",
        "n.uid",
        "n.gid",
        deviceText("n.node_id").as("device"),
        fromJsonb("n.metadata").as("metadata"),
        "c.version",
        "c.size",
        "c.retention_keep",
      ])
      .orderBy("down.depth").orderBy("down.edge_id").orderBy("down.node_id"),
  { wide: true },
);

/**
 * Archives the placements of a whole subtree, and the one above it: `top`, an
 * edge, or empty to leave it. One statement, so that all have one time and
 * the trash can tell that they went together.
 */
export const archiveSubtree = template<{ node: string; top: string }>("edge.archiveSubtree")((
  q,
  p,
) =>
  q.updateTable("edge").set({ archived: sql.lit(1) })
    .where("archived", "=", sql.lit(0))
    .where((eb) =>
      eb.or([
        eb("edge_id", "=", p.top),
        eb(
          "edge_id",
          "in",
          edgesBelow(p.node),
        ),
      ])
    )
);

/** The active edges of a subtree. */
export function edgesBelow(node: string): RawBuilder<string> {
  return sql<string>`(SELECT edge_id FROM ${walkBelow(node)} WHERE edge_id IS NOT NULL)`;
}

/** The active edges of a subtree, each once, with the nodes that they lead to, and the top. */
function walkBelow(node: string) {
  return sql<{ node_id: string; edge_id: string | null }>`(
    WITH RECURSIVE walk (node_id, edge_id) AS (
      SELECT ${node}, NULL
      UNION
      SELECT e.to_id, e.edge_id FROM walk JOIN edge AS e
        ON e.from_id = walk.node_id AND e.archived = 0
    )
    SELECT node_id, edge_id FROM walk
  )`.as<"w">(sql.ref("w"));
}

/** Nodes of a subtree that a valid lock of another mount protects. */
export const lockedBelow = template<
  { node: string; mount: string; now: bigint }
>("edge.lockedBelow")((q, p) =>
  q.selectFrom("lock as l").innerJoin(
    "mount as lm",
    "lm.mount_id",
    "l.mount_id",
  )
    .select("l.node_id")
    .where("l.mount_id", "!=", p.mount)
    .where("lm.state", "!=", sql.lit("unmounted"))
    .where((eb) => eb.or([eb("lm.expires_at", "is", null), eb("lm.expires_at", ">", p.now)]))
    .where((eb) => eb.or([eb("l.expires_at", "is", null), eb("l.expires_at", ">", p.now)]))
    .where((eb) =>
      eb.or([
        eb("l.node_id", "=", p.node),
        eb("l.node_id", "in", (o) =>
          o.selectFrom("edge").select("to_id").where(
            "edge_id",
            "in",
            edgesBelow(p.node),
          )),
      ])
    )
);

/** Deletes every placement from or to some nodes. `nodes` is a JSON array of ids. */
export const deleteEdgesOf = template<{ nodes: string }>("edge.deleteEdgesOf")((q, p) =>
  q.deleteFrom("edge").where((eb) =>
    eb.or([
      eb(
        "from_id",
        "in",
        eb.selectFrom(jsonRows(p.nodes)).select("item.value"),
      ),
      eb("to_id", "in", eb.selectFrom(jsonRows(p.nodes)).select("item.value")),
    ])
  )
);
