import { sql } from "./kysely.ts";
import { toInteger } from "./expressions.ts";
import { template } from "./template.ts";

// Tags over the content of encrypted volumes, and what they are made of.

/** What a tag of a node's committed content covers, but for its chunks, and the tag itself. */
export const sealState = template<{ node: string }>("seal.sealState")((q, p) =>
  q.selectFrom("content as c")
    .innerJoin("node as n", "n.node_id", "c.node_id")
    .leftJoin(
      "aloe_size as s",
      (join) => join.onRef("s.node_id", "=", "c.node_id").onRef("s.version", "=", "c.version"),
    )
    .leftJoin(
      "aloe_seal as t",
      (join) => join.onRef("t.node_id", "=", "c.node_id").onRef("t.version", "=", "c.version"),
    )
    .where("c.node_id", "=", p.node)
    .select((eb) => [
      "n.volume_id",
      "c.version",
      sql<string>`CAST(c.size AS TEXT)`.as("size"),
      sql<string | null>`CAST(s.size AS TEXT)`.as("true_size"),
      "t.tag",
      eb.selectFrom("content_version as l").select("l.chunk_index")
        .whereRef("l.content_id", "=", "c.node_id").whereRef("l.version", "=", "c.version")
        .orderBy("l.chunk_index", "desc").limit(sql.lit(1)).as("last"),
      eb.exists(
        eb.selectFrom("aloe_redo as r").select(sql.lit(1).as("one"))
          .whereRef("r.node_id", "=", "c.node_id").whereRef("r.version", "=", "c.version"),
      ).as("logged"),
      eb.selectFrom("content_version as f").select("f.chunk_hash")
        .whereRef("f.content_id", "=", "c.node_id").whereRef("f.version", "=", "c.version")
        .where("f.chunk_index", "=", sql.lit(0)).as("first_hash"),
      eb.selectFrom("aloe_seal as o").select(({ fn }) => fn.max("o.version").as("top"))
        .whereRef("o.node_id", "=", "c.node_id").as("newest"),
      eb.exists(
        eb.selectFrom("aloe_upload as u").select(sql.lit(1).as("one"))
          .whereRef("u.node_id", "=", "c.node_id"),
      ).as("uploading"),
    ])
);

/** Whether a node is one that has content. */
export const hasContentType = template<{ node: string }>("seal.hasContentType")((q, p) =>
  q.selectFrom("node").select(sql.lit(1).as("one")).where("node_id", "=", p.node)
    .where("type", "in", [sql.lit("entry"), sql.lit("symlink")]).limit(sql.lit(1))
);

/** Whether a node has an active placement. */
export const isPlaced = template<{ node: string }>("seal.isPlaced")((q, p) =>
  q.selectFrom("edge").select(sql.lit(1).as("one")).where("to_id", "=", p.node)
    .where("archived", "=", 0).limit(sql.lit(1))
);

/** The greatest index that a version has. */
export const lastIndex = template<{ node: string; version: number }>("seal.lastIndex")((q, p) =>
  q.selectFrom("content_version").select("chunk_index").where("content_id", "=", p.node)
    .where("version", "=", p.version).orderBy("chunk_index", "desc").limit(sql.lit(1))
);

/** The addresses of a version's chunks `first` to `last` in one text, and which indexes they have. */
export const sealedRows = template<
  { node: string; version: number; first: number; last: number }
>("seal.sealedRows")((q, p) =>
  q.selectFrom((eb) =>
    eb.selectFrom("content_version").select(["chunk_hash", "chunk_index"])
      .where("content_id", "=", p.node).where("version", "=", p.version)
      .where("chunk_index", ">=", p.first).where("chunk_index", "<=", p.last)
      .orderBy("chunk_index").as("h")
  ).select(
    sql<string>`count(*) || ' ' || ifnull(min(h.chunk_index), '') || ' ' ||
      ifnull(max(h.chunk_index), '') || ' ' || ifnull(group_concat(h.chunk_hash, ''), '')`
      .as("rows"),
  )
);

/** The redo log of a node's version after a record, without its bytes. */
export const sealedRedo = template<{ node: string; version: number; after: number }>(
  "seal.sealedRedo",
)((q, p) =>
  q.selectFrom("aloe_redo").where("node_id", "=", p.node).where("version", "=", p.version)
    .where("seq", ">", p.after)
    .select([
      "seq",
      sql<string>`seq || ' ' || chunk_index || ' ' || start || ' ' || length || ' ' ||
        hex(N_c) || hex(enc_tag)`.as("record"),
    ])
    .orderBy("seq")
);

/** Notes a tag. */
export const putSeal = template<{ node: string; version: number; tag: Uint8Array }>(
  "seal.putSeal",
)((q, p) =>
  q.insertInto("aloe_seal").values({ node_id: p.node, version: p.version, tag: p.tag })
    .onConflict((c) =>
      c.columns(["node_id", "version"]).doUpdateSet((eb) => ({ tag: eb.ref("excluded.tag") }))
    )
);

/** A noted tag. */
export const getSeal = template<{ node: string; version: number }>("seal.getSeal")((q, p) =>
  q.selectFrom("aloe_seal").select("tag").where("node_id", "=", p.node)
    .where("version", "=", p.version)
);

/** Drops the tag of a version. */
export const deleteSeal = template<{ node: string; version: number }>("seal.deleteSeal")((q, p) =>
  q.deleteFrom("aloe_seal").where("node_id", "=", p.node).where("version", "=", p.version)
);

/** Drops the tags of all versions below one. */
export const deleteSealsBelow = template<{ node: string; version: number }>(
  "seal.deleteSealsBelow",
)((q, p) =>
  q.deleteFrom("aloe_seal").where("node_id", "=", p.node).where("version", "<", p.version)
);

/** The retained versions of a node below the committed one that are newer than one, oldest first. */
export const olderVersions = template<{ node: string; after: number }>("seal.olderVersions")((
  q,
  p,
) =>
  q.selectFrom("content_version as v").innerJoin("content as c", "c.node_id", "v.content_id")
    .where("v.content_id", "=", p.node).where("v.version", ">", p.after)
    .whereRef("v.version", "<", "c.version").select("v.version").distinct().orderBy("v.version")
);

/** The bytes of a version that is not the committed one: as noted, or as its chunks add up to. */
export const olderSize = template<{ node: string; version: number }>("seal.olderSize")((q, p) =>
  q.selectNoFrom((eb) => [
    eb.selectFrom("aloe_version").select(sql<string>`CAST(size AS TEXT)`.as("size"))
      .where("content_id", "=", p.node).where("version", "=", p.version).as("noted"),
    eb.selectFrom("content_version as v").innerJoin(
      "content_chunk as k",
      (join) => join.onRef("k.chunk_hash", "=", "v.chunk_hash"),
    )
      .select(sql<string>`CAST(ifnull(sum(k.length), 0) AS TEXT)`.as("size"))
      .where("v.content_id", "=", p.node).where("v.version", "=", p.version).as("summed"),
  ])
);

/** What a volume's tag covers, and the tag itself. */
export const volumeSeal = template<{ volume: string }>("seal.volumeSeal")((q, p) =>
  q.selectFrom("volume as v").leftJoin("aloe_sealed as s", "s.volume_id", "v.volume_id")
    .where("v.volume_id", "=", p.volume)
    .select([
      "v.root_node_id",
      "v.enc_mode",
      "v.chunk_size",
      "v.wrapped_key",
      "v.wrap_nonce",
      "s.watermark",
      "s.tag",
    ])
);

/** Notes a volume's tag. */
export const putVolumeSeal = template<{ volume: string; watermark: string; tag: Uint8Array }>(
  "seal.putVolumeSeal",
)((q, p) =>
  q.insertInto("aloe_sealed").values({
    volume_id: p.volume,
    watermark: p.watermark,
    tag: p.tag,
  }).onConflict((c) =>
    c.column("volume_id").doUpdateSet((eb) => ({
      watermark: eb.ref("excluded.watermark"),
      tag: eb.ref("excluded.tag"),
    }))
  )
);

/** Nodes of a volume with content, after one, and whether their content has a tag. */
export const contentAfter = template<{ volume: string; after: string; limit: number }>(
  "seal.contentAfter",
)((q, p) =>
  q.selectFrom("node as n").innerJoin("content as c", "c.node_id", "n.node_id")
    .where("n.node_id", ">", p.after).where("n.volume_id", "=", p.volume)
    .select((eb) => [
      "n.node_id",
      eb.exists(
        eb.selectFrom("aloe_seal as t").select(sql.lit(1).as("one"))
          .whereRef("t.node_id", "=", "n.node_id"),
      ).as("sealed"),
    ])
    .orderBy("n.node_id").limit(toInteger(p.limit) as never)
);
