import { sql } from "./kysely.ts";
import { toInteger } from "./expressions.ts";
import { template } from "./template.ts";

/** A write for the redo log. */
export const insertRedo = template<{
  node: string;
  version: number;
  index: number;
  start: number;
  length: number;
  data: Uint8Array;
  nonce: Uint8Array;
  tag: Uint8Array;
}>("redo.insertRedo")((q, p) =>
  q.insertInto("aloe_redo").values({
    node_id: p.node,
    version: p.version,
    chunk_index: p.index,
    start: p.start,
    length: p.length,
    data: p.data,
    N_c: p.nonce,
    enc_tag: p.tag,
  }), { touches: ({ node }) => ({ node, redo: "appended" }) });

/** The log of a node's chunks `first` to `last`, in the order of writing. */
export const redoOf = template<{ node: string; first: number; last: number }>("redo.redoOf")((
  q,
  p,
) =>
  q.selectFrom("aloe_redo as r").innerJoin(
    "content as c",
    (join) => join.onRef("c.node_id", "=", "r.node_id").onRef("c.version", "=", "r.version"),
  )
    .where("r.node_id", "=", p.node)
    .where("r.chunk_index", ">=", p.first).where("r.chunk_index", "<=", p.last)
    .select(["r.seq", "r.chunk_index", "r.start", "r.length", "r.data", "r.N_c", "r.enc_tag"])
    .orderBy("r.seq")
);

/** The first chunks that a node's log has anything of. */
export const redoIndexes = template<{ node: string; limit: number }>("redo.redoIndexes")((q, p) =>
  q.selectFrom("aloe_redo as r").innerJoin(
    "content as c",
    (join) => join.onRef("c.node_id", "=", "r.node_id").onRef("c.version", "=", "r.version"),
  )
    .where("r.node_id", "=", p.node).select("r.chunk_index").distinct()
    .orderBy("r.chunk_index").limit(p.limit)
);

/** Drops the log of one chunk. */
export const deleteRedo = template<{ node: string; index: number }>("redo.deleteRedo")(
  (q, p) =>
    q.deleteFrom("aloe_redo").where("node_id", "=", p.node).where("chunk_index", "=", p.index),
  { touches: ({ node }) => ({ node, redo: "changed" }) },
);

/** Drops a node's log. */
export const deleteAllRedo = template<{ node: string }>("redo.deleteAllRedo")(
  (q, p) => q.deleteFrom("aloe_redo").where("node_id", "=", p.node),
  { touches: ({ node }) => ({ node, redo: "changed" }) },
);

/** Drops what was logged for another version than the committed one. */
export const deleteStaleRedo = template<{ node: string }>("redo.deleteStaleRedo")((q, p) =>
  q.deleteFrom("aloe_redo").where("node_id", "=", p.node).where(
    "version",
    "!=",
    (eb) => eb.selectFrom("content").select("version").where("node_id", "=", p.node),
  )
);

/** Makes what was logged for one version be of another. */
export const carryRedo = template<{ node: string; from: number; to: number }>("redo.carryRedo")((
  q,
  p,
) =>
  q.updateTable("aloe_redo").set({ version: p.to }).where("node_id", "=", p.node)
    .where("version", "=", p.from), { touches: ({ node }) => ({ node, redo: "changed" }) });

/** Notes a true size. */
export const setTrueSize = template<{ node: string; version: number; size: number }>(
  "redo.setTrueSize",
)((q, p) =>
  q.insertInto("aloe_size").values({
    node_id: p.node,
    version: p.version,
    size: toInteger(p.size) as never,
  }).onConflict((c) =>
    c.column("node_id").doUpdateSet((eb) => ({
      version: eb.ref("excluded.version"),
      size: eb.ref("excluded.size"),
    }))
  ), { touches: ({ node }) => ({ node }) });

/** The true size is the committed one. */
export const deleteTrueSize = template<{ node: string }>("redo.deleteTrueSize")(
  (q, p) => q.deleteFrom("aloe_size").where("node_id", "=", p.node),
  { touches: ({ node }) => ({ node }) },
);

/** Whether a node's log has anything of a version. */
export const hasRedo = template<{ node: string; version: number }>("redo.hasRedo")((q, p) =>
  q.selectFrom("aloe_redo").select("seq").where("node_id", "=", p.node)
    .where("version", "=", p.version).limit(sql.lit(1))
);

/** Whether anything in the file waits for recovery. */
export const anyUnfinished = template("redo.anyUnfinished")((q) =>
  q.selectFrom("aloe_size").select(sql.lit(1).as("one"))
    .unionAll(q.selectFrom("aloe_unlinked").select(sql.lit(1).as("one")))
    .limit(sql.lit(1))
);

/** Nodes of a volume whose content waits to be folded, after one. */
export const unfoldedNodes = template<{ volume: string; after: string; limit: number }>(
  "redo.unfoldedNodes",
)((q, p) =>
  q.selectFrom("aloe_size as u").crossJoin("node as n").whereRef("n.node_id", "=", "u.node_id")
    .where("u.node_id", ">", p.after).where("n.volume_id", "=", p.volume)
    .select("u.node_id").orderBy("u.node_id").limit(p.limit)
);

/** The committed content of a node, with what waits to be folded into it. */
export const contentState = template<{ node: string }>("redo.contentState")((q, p) =>
  q.selectFrom("content as c")
    .leftJoin(
      "aloe_size as s",
      (join) => join.onRef("s.node_id", "=", "c.node_id").onRef("s.version", "=", "c.version"),
    )
    .where("c.node_id", "=", p.node)
    .select((eb) => [
      "c.version",
      "c.size",
      "c.retention_keep",
      "s.size as true_size",
      eb.exists(
        eb.selectFrom("content_version as v").select(sql.lit(1).as("one"))
          .whereRef("v.content_id", "=", "c.node_id").whereRef("v.version", "<", "c.version"),
      ).as("has_history"),
    ])
);
