import type { RawBuilder, SelectQueryBuilder } from "kysely";
import { sql } from "./kysely.ts";
import { isValidLock } from "./liveness.ts";
import { deviceText, fromJsonb, jsonRows, unindexed } from "./expressions.ts";
import type { Schema } from "./schema.ts";
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

/** Whether a container is below itself. */
export const isBelowItself = template<{ node: string }>("edge.isBelowItself")((q, p) =>
  q.selectFrom(walkBelow(p.node)).where("w.node_id", "=", p.node)
    .where("w.edge_id", "is not", null).select("w.node_id").limit(sql.lit(1))
);

/** Facts of one node, as {@linkcode treeBelow} has them of others. */
export const treeTop = template<{ node: string }>("edge.treeTop")(
  (q, p) =>
    treeFacts(
      q.selectFrom("node as n").where("n.node_id", "=", p.node)
        .select([
          sql<string | null>`NULL`.as("parent_id"),
          sql<string | null>`NULL`.as("edge_id"),
          sql<string | null>`NULL`.as("edge_name"),
        ]),
    ),
  { wide: true },
);

/** What is placed in a container, after a placement, oldest first. */
export const treeBelow = template<{ parent: string; after: string; limit: number }>(
  "edge.treeBelow",
)(
  (q, p) =>
    treeFacts(
      // Crossed, so that the planner looks the placements up, and then their nodes.
      q.selectFrom("edge as e").crossJoin("node as n")
        .where("e.from_id", "=", p.parent).where("e.archived", "=", sql.lit(0))
        .where("e.edge_id", ">", p.after).whereRef("n.node_id", "=", "e.to_id")
        .select([
          sql<string | null>`e.from_id`.as("parent_id"),
          sql<string | null>`e.edge_id`.as("edge_id"),
          sql<string | null>`e.name`.as("edge_name"),
        ])
        .orderBy("e.edge_id").limit(p.limit),
    ),
  { wide: true },
);

function treeFacts(query: unknown) {
  return (query as TreeQuery).leftJoin("content as c", "c.node_id", "n.node_id").select([
    "n.node_id",
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
  ]);
}

type TreeQuery = SelectQueryBuilder<
  Schema & { n: Schema["node"] },
  "n",
  { parent_id: string | null; edge_id: string | null; edge_name: string | null }
>;

/**
 * Some active placements in some containers, with what is placed there. `containers`
 * is a JSON array of ids.
 */
export const placementsIn = template<{ containers: string; limit: number }>("edge.placementsIn")((
  q,
  p,
) =>
  q.selectFrom(jsonRows(p.containers)).crossJoin("edge as e")
    .whereRef("e.from_id", "=", "item.value").where("e.archived", "=", sql.lit(0))
    .leftJoin("node as n", "n.node_id", "e.to_id")
    .select(["e.edge_id", "e.to_id", "n.type"]).limit(p.limit)
);

/** Ends placements. `edges` is a JSON array of ids. */
export const archiveEdges = template<{ edges: string }>("edge.archiveEdges")((q, p) =>
  q.updateTable("edge").set({ archived: sql.lit(1) }).where(
    "edge_id",
    "in",
    (eb) => eb.selectFrom(jsonRows(p.edges)).select("item.value"),
  )
);

/** The active edges of a subtree. */
function edgesBelow(node: string): RawBuilder<string> {
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
    .where(isValidLock("l", "lm", p.now))
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
