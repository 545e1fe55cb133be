import type { Compilable, RawBuilder } from "kysely";
import { sql } from "./kysely.ts";
import { isValidLock } from "./liveness.ts";
import { byteLength, jsonRows, sumOf } from "./expressions.ts";
import { template } from "./template.ts";

/** The content row of a new entry. */
export const insertContent = template<{
  node: string;
  version: number;
  size: number;
  keep: number | null;
}>("content.insertContent")((q, p) =>
  q.insertInto("content").values({
    node_id: p.node,
    version: p.version,
    size: p.size,
    retention_keep: p.keep,
  }), { touches: ({ node }) => ({ node, isNew: true }) });

/** The content row of a copy: the same committed version, size and retention. */
export const copyContent = template<{ node: string; source: string }>("content.copyContent")((
  q,
  p,
) =>
  q.insertInto("content").columns([
    "node_id",
    "version",
    "size",
    "retention_keep",
  ])
    .expression((eb) =>
      eb.selectFrom("content").where("node_id", "=", p.source)
        .select([
          sql<string>`${p.node}`.as("id"),
          "version",
          "size",
          "retention_keep",
        ])
    ), { touches: ({ node, source }) => ({ node, source, isNew: true }) });

/** The committed manifest of a copy. */
export const copyCommittedManifest = template<
  { node: string; source: string }
>("content.copyCommittedManifest")((q, p) =>
  q.insertInto("content_version")
    .columns(["content_id", "version", "chunk_index", "chunk_hash"])
    .expression((eb) =>
      eb.selectFrom("content as c").innerJoin("content_version as v", (join) =>
        join.onRef("v.content_id", "=", "c.node_id").onRef(
          "v.version",
          "=",
          "c.version",
        ))
        .where("c.node_id", "=", p.source)
        .select([
          sql<string>`${p.node}`.as("id"),
          "v.version",
          "v.chunk_index",
          "v.chunk_hash",
        ])
    ), { touches: ({ node, source }) => ({ node, source }) });

/** Moves the committed pointer: readers see this version from here on. */
export const commitVersion = template<
  { node: string; version: number; size: number }
>("content.commitVersion")(
  (q, p) =>
    q.updateTable("content").set({ version: p.version, size: p.size })
      .where("node_id", "=", p.node),
  { touches: ({ node, version }) => ({ node, version }) },
);

/** The committed version and the highest one in the manifest. */
export const versionState = template<{ node: string }>("content.versionState")((q, p) =>
  q.selectFrom("content").where("node_id", "=", p.node)
    .select((eb) => [
      "version",
      "size",
      eb.selectFrom("content_version as v").select(({ fn }) => fn.max("v.version").as("top"))
        .whereRef("v.content_id", "=", "content.node_id").as("top"),
    ])
);

/** Puts a chunk into the pool, unless it is there. */
export const insertChunk = template<{
  hash: string;
  data: Uint8Array;
  length: number;
  nonce: Uint8Array;
  tag: Uint8Array;
}>("content.insertChunk")((q, p) =>
  q.insertInto("content_chunk").values({
    chunk_hash: p.hash,
    data: p.data,
    length: p.length,
    N_c: p.nonce,
    enc_tag: p.tag,
  }).onConflict((c) => c.doNothing())
);

/** One manifest row. */
export const insertManifestRow = template<{
  node: string;
  version: number;
  index: number;
  hash: string;
}>("content.insertManifestRow")((q, p) =>
  q.insertInto("content_version").values({
    content_id: p.node,
    version: p.version,
    chunk_index: p.index,
    chunk_hash: p.hash,
    proof: null,
  }), { touches: ({ node, version, index }) => ({ node, version, first: index, last: index }) });

/** Many manifest rows that all refer to one chunk: `first` to `last`, both included. */
export const insertManifestRun = template<{
  node: string;
  version: number;
  first: number;
  last: number;
  hash: string;
}>("content.insertManifestRun")((q, p) =>
  q.insertInto("content_version")
    .columns(["content_id", "version", "chunk_index", "chunk_hash"])
    .expression(
      q.withRecursive("run", (db) =>
        db.selectNoFrom(sql<number>`CAST(${p.first} AS INTEGER)`.as("i"))
          .unionAll(
            db.selectFrom("run").select(sql<number>`i + 1`.as("i"))
              .where("i", "<", sql<number>`CAST(${p.last} AS INTEGER)`),
          ))
        .selectFrom("run").select([
          sql<string>`${p.node}`.as("id"),
          sql<number>`${p.version}`.as("version"),
          "i",
          sql<string>`${p.hash}`.as("hash"),
        ]),
    ), { touches: ({ node, version, first, last }) => ({ node, version, first, last }) });

/** Carries manifest rows of one version into another by reference: `first` to `last`. */
export const carryManifest = template<{
  node: string;
  from: number;
  to: number;
  first: number;
  last: number;
}>("content.carryManifest")((q, p) =>
  q.insertInto("content_version")
    .columns(["content_id", "version", "chunk_index", "chunk_hash"])
    .expression((eb) =>
      eb.selectFrom("content_version")
        .where("content_id", "=", p.node).where("version", "=", p.from)
        .where("chunk_index", ">=", p.first).where("chunk_index", "<=", p.last)
        .select([
          "content_id",
          sql<number>`${p.to}`.as("version"),
          "chunk_index",
          "chunk_hash",
        ])
    ), {
  touches: ({ node, from, to, first, last }) => ({ node, version: to, from, first, last }),
});

/** A chunk of a version. Its bytes are null when the pool has not the chunk. */
export type ChunkColumns = [
  index: number,
  hash: string,
  data: Uint8Array | null,
  length: number | null,
  nonce: Uint8Array | null,
  tag: Uint8Array | null,
];

/**
 * The bytes of a chunk `k`; null where there are more than a chunk of the node's volume
 * has. A file may refer many times to one that is larger than it says.
 */
function fittingData(node: string): RawBuilder<Uint8Array | null> {
  return sql`CASE WHEN ${byteLength("k.data")} <= coalesce((SELECT o.chunk_size
    FROM node AS n JOIN volume AS o ON o.volume_id = n.volume_id WHERE n.node_id = ${node}),
    ${sql.lit(2 ** 30)}) THEN k.data END`;
}

/** Committed chunks `first` to `last` with their bytes. */
export const committedChunks = template<{ node: string; first: number; last: number }>(
  "content.committedChunks",
)(
  (q, p) =>
    q.selectFrom("content as c").crossJoin("content_version as v")
      .leftJoin("content_chunk as k", "k.chunk_hash", "v.chunk_hash")
      .where("c.node_id", "=", p.node)
      .whereRef("v.content_id", "=", "c.node_id").whereRef("v.version", "=", "c.version")
      .where("v.chunk_index", ">=", p.first).where("v.chunk_index", "<=", p.last)
      .select([
        "v.chunk_index",
        "v.chunk_hash",
        fittingData(p.node).as("data"),
        "k.length",
        "k.N_c",
        "k.enc_tag",
      ])
      .orderBy("v.chunk_index") as unknown as Compilable<ChunkColumns>,
  { arrays: true },
);

/** The same of a version that need not be the committed one. */
export const versionChunks = template<
  { node: string; version: number; first: number; last: number }
>("content.versionChunks")(
  (q, p) =>
    q.selectFrom("content_version as v")
      .leftJoin("content_chunk as k", "k.chunk_hash", "v.chunk_hash")
      .where("v.content_id", "=", p.node).where("v.version", "=", p.version)
      .where("v.chunk_index", ">=", p.first).where("v.chunk_index", "<=", p.last)
      .select([
        "v.chunk_index",
        "v.chunk_hash",
        fittingData(p.node).as("data"),
        "k.length",
        "k.N_c",
        "k.enc_tag",
      ])
      .orderBy("v.chunk_index") as unknown as Compilable<ChunkColumns>,
  { arrays: true },
);

/** The chunk addresses of a version, from an index on. */
export const manifestPage = template<{
  node: string;
  version: number;
  first: number;
  limit: number;
}>("content.manifestPage")((q, p) =>
  q.selectFrom("content_version as v")
    .leftJoin("content_chunk as k", "k.chunk_hash", "v.chunk_hash")
    .where("v.content_id", "=", p.node).where("v.version", "=", p.version)
    .where("v.chunk_index", ">=", p.first)
    .select(["v.chunk_index", "v.chunk_hash", "k.length"])
    .orderBy("v.chunk_index").limit(p.limit)
);

/** The versions of an entry that the manifest or our times know, newest first. */
export const listVersions = template<{ node: string }>("content.listVersions")(
  (q, p) =>
    q.selectFrom((eb) =>
      eb.selectFrom("content_version as v").innerJoin(
        "content as c",
        "c.node_id",
        "v.content_id",
      )
        .where("v.content_id", "=", p.node).whereRef(
          "v.version",
          "<=",
          "c.version",
        )
        .select("v.version").distinct()
        // A version of no bytes has no manifest rows.
        .union(
          eb.selectFrom("aloe_version as a").innerJoin(
            "content as c",
            "c.node_id",
            "a.content_id",
          )
            .where("a.content_id", "=", p.node).where("a.size", "=", sql.lit(0))
            .whereRef("a.version", "<=", "c.version").select("a.version"),
        )
        .union(
          eb.selectFrom("content as c").where("c.node_id", "=", p.node).select(
            "c.version",
          ),
        )
        .as("known")
    )
      .innerJoin("content as c", (join) => join.on("c.node_id", "=", p.node))
      .innerJoin("node as n", "n.node_id", "c.node_id")
      .leftJoin(
        "aloe_version as a",
        (join) =>
          join.onRef("a.content_id", "=", "c.node_id").onRef(
            "a.version",
            "=",
            "known.version",
          ),
      )
      .select((eb) => [
        "known.version",
        "a.committed_at",
        "c.version as committed",
        "c.size as committed_size",
        "a.size as noted_size",
        "n.created_at",
        "n.modified_at",
        eb.selectFrom("content_version as m").innerJoin(
          "content_chunk as k",
          "k.chunk_hash",
          "m.chunk_hash",
        )
          .where("m.content_id", "=", p.node).whereRef(
            "m.version",
            "=",
            "known.version",
          )
          .select(sumOf("k.length").as("sum")).as(
            "summed_size",
          ),
      ])
      .orderBy("known.version", "desc"),
  { wide: true },
);

/** Whether a version can be read, and its size as far as it was noted. */
export const versionSize = template<{ node: string; version: number }>("content.versionSize")((
  q,
  p,
) =>
  q.selectFrom("content as c").where("c.node_id", "=", p.node)
    .select((eb) => [
      "c.version as committed",
      "c.size as committed_size",
      eb.selectFrom("aloe_version as a").select("a.size")
        .where("a.content_id", "=", p.node).where("a.version", "=", p.version)
        .as("noted_size"),
      eb.selectFrom("content_version as m")
        .innerJoin("content_chunk as k", "k.chunk_hash", "m.chunk_hash")
        .where("m.content_id", "=", p.node).where("m.version", "=", p.version)
        .select(sumOf("k.length").as("sum")).as(
          "summed_size",
        ),
    ])
);

/** Sets how many versions an entry keeps; null keeps all. */
export const setRetention = template<{ node: string; keep: number | null }>("content.setRetention")(
  (
    q,
    p,
  ) =>
    q.updateTable("content").set({ retention_keep: p.keep }).where(
      "node_id",
      "=",
      p.node,
    ),
);

/**
 * Versions of a volume's entries that retention has given up, or that were
 * never committed. A version of no bytes is known by our note alone.
 */
export const prunableVersions = template<{ volume: string | null; now: bigint }>(
  "content.prunableVersions",
)((q, p) =>
  q.selectFrom((eb) =>
    eb.selectFrom((i) =>
      i.selectFrom("content_version").select(["content_id", "version"])
        .union(
          i.selectFrom("aloe_version").select(["content_id", "version"])
            .where("size", "=", sql.lit(0)),
        )
        .as("d")
    )
      .innerJoin("content as c", "c.node_id", "d.content_id")
      .innerJoin("node as n", "n.node_id", "d.content_id")
      .where((w) => w.or([w("n.volume_id", "=", p.volume), w(sql`${p.volume}`, "is", null)]))
      .whereRef("d.version", "!=", "c.version")
      .select([
        "d.content_id",
        "d.version",
        "c.version as committed",
        "c.retention_keep as keep",
        sql<number>`row_number() OVER (
          PARTITION BY d.content_id, d.version < c.version ORDER BY d.version DESC
        )`.as("rank"),
      ])
      .as("r")
  )
    .select(["r.content_id", "r.version"])
    .where((eb) =>
      eb.or([
        eb("r.version", ">", eb.ref("r.committed")),
        eb.and([
          eb("r.keep", "is not", null),
          // The committed version is one of those that are kept.
          eb("r.rank", ">", sql<number>`max(r.keep, 1) - 1`),
        ]),
      ])
    )
    .where(
      "r.content_id",
      "not in",
      (eb) =>
        eb.selectFrom("lock as l").innerJoin("mount as lm", "lm.mount_id", "l.mount_id")
          .select("l.node_id")
          .where(isValidLock("l", "lm", p.now)),
    )
);

/** Drops the manifest of one version. */
export const deleteVersion = template<{ node: string; version: number }>("content.deleteVersion")((
  q,
  p,
) =>
  q.deleteFrom("content_version").where("content_id", "=", p.node).where(
    "version",
    "=",
    p.version,
  )
);

/** Drops the manifests of versions that were begun and not committed. */
export const deleteVersionsAbove = template<{ node: string; version: number }>(
  "content.deleteVersionsAbove",
)((q, p) =>
  q.deleteFrom("content_version").where("content_id", "=", p.node).where("version", ">", p.version)
);

/** Gives a version's manifest another number. */
export const renumberVersion = template<{ node: string; from: number; to: number }>(
  "content.renumberVersion",
)((q, p) =>
  q.updateTable("content_version").set({ version: p.to })
    .where("content_id", "=", p.node).where("version", "=", p.from)
);

/** Drops what we noted of one version. */
export const deleteVersionNote = template<{ node: string; version: number }>(
  "content.deleteVersionNote",
)((
  q,
  p,
) =>
  q.deleteFrom("aloe_version").where("content_id", "=", p.node).where(
    "version",
    "=",
    p.version,
  )
);

/** Chunks after an address: their stored bytes, and whether a manifest refers to them. */
export const chunkReferences = template<{ after: string; limit: number }>(
  "content.chunkReferences",
)((q, p) =>
  q.selectFrom("content_chunk as k").where("k.chunk_hash", ">", p.after)
    .select((eb) => [
      "k.chunk_hash",
      byteLength("k.data").as("bytes"),
      eb.exists(
        eb.selectFrom("content_version as v").select(sql.lit(1).as("one"))
          .whereRef("v.chunk_hash", "=", "k.chunk_hash"),
      ).as("used"),
    ])
    .orderBy("k.chunk_hash").limit(p.limit)
);

/** Deletes chunks. `hashes` is a JSON array of addresses. */
export const deleteChunks = template<{ hashes: string }>("content.deleteChunks")((q, p) =>
  q.deleteFrom("content_chunk").where(
    "chunk_hash",
    "in",
    (eb) => eb.selectFrom(jsonRows(p.hashes)).select("item.value"),
  )
);

/** Some chunks of up to so many bytes. `hashes` is a JSON array of addresses. */
export const chunksByHashes = template<{ hashes: string; most: number }>(
  "content.chunksByHashes",
)((q, p) =>
  q.selectFrom(jsonRows(p.hashes)).crossJoin("content_chunk as k")
    .whereRef("k.chunk_hash", "=", "item.value").where(byteLength("k.data"), "<=", p.most)
    .select(["k.chunk_hash", "k.data", "k.length", "k.N_c", "k.enc_tag"])
);

/** One chunk. */
export const chunkByHash = template<{ hash: string }>("content.chunkByHash")((q, p) =>
  q.selectFrom("content_chunk").select(["data", "length", "N_c", "enc_tag"])
    .where("chunk_hash", "=", p.hash)
);
