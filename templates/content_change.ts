import { byteLength, jsonRows, toInteger } from "./expressions.ts";
import { sql } from "./kysely.ts";
import { template } from "./template.ts";

// Content that is changed in place, and the chunks that lose a reference by it.

/** The committed content of a node, and the true size and the holes where they were noted. */
export const contentFacts = template<{ node: string }>("content_change.contentFacts")((q, p) =>
  q.selectFrom("content as c").leftJoin("aloe_size as s", "s.node_id", "c.node_id")
    .leftJoin("aloe_hole as h", "h.node_id", "c.node_id")
    .where("c.node_id", "=", p.node)
    .select([
      "c.version",
      "c.size",
      "s.size as true_size",
      "s.version as size_version",
      "h.chunks as holes",
      "h.version as holes_version",
    ])
);

/** Puts a manifest row in place of another. */
export const replaceManifestRow = template<{
  node: string;
  version: number;
  index: number;
  hash: string;
}>("content_change.replaceManifestRow")((q, p) =>
  q.insertInto("content_version").values({
    content_id: p.node,
    version: p.version,
    chunk_index: p.index,
    chunk_hash: p.hash,
    proof: null,
  }).onConflict((c) =>
    c.columns(["content_id", "version", "chunk_index"]).doUpdateSet({ chunk_hash: p.hash })
  ), { touches: ({ node, version, index }) => ({ node, version, first: index, last: index }) });

/** Notes the chunks of a version, `first` to `last`, as perhaps no longer referred to. */
export const orphanRange = template<
  { node: string; version: number; first: number; last: number }
>("content_change.orphanRange")((q, p) =>
  q.insertInto("aloe_orphan").columns(["chunk_hash"]).expression((eb) =>
    eb.selectFrom("content_version").select("chunk_hash")
      .where("content_id", "=", p.node).where("version", "=", p.version)
      .where("chunk_index", ">=", p.first).where("chunk_index", "<=", p.last)
  ).onConflict((c) => c.doNothing())
);

/** Drops manifest rows `first` to `last` of a version. */
export const deleteRange = template<
  { node: string; version: number; first: number; last: number }
>("content_change.deleteRange")(
  (q, p) =>
    q.deleteFrom("content_version").where("content_id", "=", p.node)
      .where("version", "=", p.version)
      .where("chunk_index", ">=", p.first).where("chunk_index", "<=", p.last),
  { touches: ({ node, version, first, last }) => ({ node, version, first, last }) },
);

/** The same for the chunks of all versions below one. */
export const orphanVersionsBelow = template<{ node: string; version: number }>(
  "content_change.orphanVersionsBelow",
)((q, p) =>
  q.insertInto("aloe_orphan").columns(["chunk_hash"]).expression((eb) =>
    eb.selectFrom("content_version").select("chunk_hash")
      .where("content_id", "=", p.node).where("version", "<", p.version)
  ).onConflict((c) => c.doNothing())
);

/** The same for the chunks of all versions above one, which were begun and not committed. */
export const orphanVersionsAbove = template<{ node: string; version: number }>(
  "content_change.orphanVersionsAbove",
)((q, p) =>
  q.insertInto("aloe_orphan").columns(["chunk_hash"]).expression((eb) =>
    eb.selectFrom("content_version").select("chunk_hash")
      .where("content_id", "=", p.node).where("version", ">", p.version)
  ).onConflict((c) => c.doNothing())
);

/** The same for all chunks of a volume. */
export const orphanVolume = template<{ volume: string }>("content_change.orphanVolume")((q, p) =>
  q.insertInto("aloe_orphan").columns(["chunk_hash"]).expression((eb) =>
    eb.selectFrom("content_version as v").innerJoin("node as n", "n.node_id", "v.content_id")
      .where("n.volume_id", "=", p.volume).select("v.chunk_hash")
  ).onConflict((c) => c.doNothing())
);

/** Drops the manifests of all versions below one. */
export const deleteVersionsBelow = template<{ node: string; version: number }>(
  "content_change.deleteVersionsBelow",
)((q, p) =>
  q.deleteFrom("content_version").where("content_id", "=", p.node).where("version", "<", p.version)
);

/** Drops what we noted of all versions below one. */
export const deleteNotesBelow = template<{ node: string; version: number }>(
  "content_change.deleteNotesBelow",
)((q, p) =>
  q.deleteFrom("aloe_version").where("content_id", "=", p.node).where("version", "<", p.version)
);

/** The oldest of the newest so many committed versions, if there are as many. */
export const oldestKept = template<{ node: string; version: number; skip: number }>(
  "content_change.oldestKept",
)((q, p) =>
  q.selectFrom("aloe_version").select("version").where("content_id", "=", p.node)
    .where("version", "<=", p.version).orderBy("version", "desc").limit(sql.lit(1)).offset(p.skip)
);

/** The same for all chunks of some nodes. `nodes` is a JSON array of ids. */
export const orphanNodes = template<{ nodes: string }>("content_change.orphanNodes")((q, p) =>
  q.insertInto("aloe_orphan").columns(["chunk_hash"]).expression((eb) =>
    eb.selectFrom("content_version").select("chunk_hash").where(
      "content_id",
      "in",
      (i) => i.selectFrom(jsonRows(p.nodes)).select("item.value"),
    )
  ).onConflict((c) => c.doNothing())
);

/** How many chunks some nodes alone refer to, and their stored bytes. `nodes` is a JSON array. */
export const chunksOfThese = template<{ nodes: string }>("content_change.chunksOfThese")((q, p) => {
  // deno-lint-ignore no-explicit-any -- of a query within the query
  const nodes = (eb: any) => eb.selectFrom(jsonRows(p.nodes)).select("item.value");
  return q.selectFrom("content_chunk as k")
    .where(
      "k.chunk_hash",
      "in",
      (eb) =>
        eb.selectFrom("content_version").select("chunk_hash").where("content_id", "in", nodes),
    )
    .where((eb) =>
      eb.not(eb.exists(
        eb.selectFrom("content_version as v").select(sql.lit(1).as("one"))
          .whereRef("v.chunk_hash", "=", "k.chunk_hash").where("v.content_id", "not in", nodes),
      ))
    )
    .select(({ fn }) => [
      fn.countAll<number>().as("chunks"),
      fn.sum<number | null>(byteLength("k.data")).as("bytes"),
    ]);
});

/** Sets the size of the committed version, which stays the one it is. */
export const setContentSize = template<{ node: string; size: number }>(
  "content_change.setContentSize",
)(
  (
    q,
    p,
  ) =>
    q.updateTable("content").set({ size: toInteger(p.size) as never }).where(
      "node_id",
      "=",
      p.node,
    ),
  { touches: ({ node }) => ({ node }) },
);

/** The same in our note of it, if there is one. */
export const setNotedSize = template<{ node: string; version: number; size: number }>(
  "content_change.setNotedSize",
)((q, p) =>
  q.updateTable("aloe_version").set({ size: toInteger(p.size) as never })
    .where("content_id", "=", p.node).where("version", "=", p.version)
);

/** The first noted chunks, and whether a manifest refers to them. */
export const notedChunks = template<{ limit: number }>("content_change.notedChunks")((q, p) =>
  q.selectFrom("aloe_orphan as o").select((eb) => [
    "o.chunk_hash",
    eb.exists(
      eb.selectFrom("content_version as v").select(sql.lit(1).as("one"))
        .whereRef("v.chunk_hash", "=", "o.chunk_hash"),
    ).as("used"),
  ]).orderBy("o.chunk_hash").limit(p.limit)
);

/** Strikes the first noted chunks from the notes. */
export const deleteNotes = template<{ limit: number }>("content_change.deleteNotes")((q, p) =>
  q.deleteFrom("aloe_orphan").where(
    "chunk_hash",
    "in",
    (eb) => eb.selectFrom("aloe_orphan").select("chunk_hash").orderBy("chunk_hash").limit(p.limit),
  )
);
