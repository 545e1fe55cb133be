import { jsonRows } from "./expressions.ts";
import { sql } from "./kysely.ts";
import { template } from "./template.ts";

// What a filesystem's commit asks when others have committed since it looked.

/**
 * The active placements that have some names, the visible one of each name
 * first. `names` is a JSON array of container and name, `at` an index in it.
 */
export const placementsOfNames = template<{ names: string }>("names.placementsOfNames")((q, p) =>
  q.selectFrom(jsonRows(p.names)).crossJoin("edge as e").innerJoin(
    "node as n",
    "n.node_id",
    "e.to_id",
  )
    .whereRef("e.from_id", "=", sql`item.value ->> 0`)
    .whereRef("e.name", "=", sql`item.value ->> 1`)
    .where("e.archived", "=", sql.lit(0))
    .select(["item.key as at", "e.edge_id", "e.to_id", "n.type"])
    .orderBy("item.key").orderBy("e.to_id", "desc")
);

/** Which of some placements are active. `edges` is a JSON array of ids. */
export const activePlacements = template<{ edges: string }>("names.activePlacements")((q, p) =>
  q.selectFrom(jsonRows(p.edges)).innerJoin("edge as e", "e.edge_id", "item.value")
    .where("e.archived", "=", sql.lit(0)).select("e.edge_id")
);

/** Which of some nodes are containers that have a placement besides some. Both arrays are JSON. */
export const placedElsewhere = template<{ nodes: string; edges: string }>("names.placedElsewhere")((
  q,
  p,
) =>
  q.selectFrom(jsonRows(p.nodes)).innerJoin("node as n", "n.node_id", "item.value")
    .where("n.type", "=", sql.lit("container"))
    .where((eb) =>
      eb.exists(
        eb.selectFrom("edge as e").select(sql.lit(1).as("one"))
          .whereRef("e.to_id", "=", "n.node_id").where("e.archived", "=", sql.lit(0))
          .where("e.edge_id", "not in", eb.selectFrom(jsonRows(p.edges)).select("item.value")),
      )
    )
    .select("n.node_id")
);

/** The committed versions of some nodes. `nodes` is a JSON array of ids. */
export const committedVersions = template<{ nodes: string }>("names.committedVersions")((q, p) =>
  q.selectFrom(jsonRows(p.nodes)).innerJoin("content as c", "c.node_id", "item.value")
    .select(["c.node_id", "c.version"])
);
