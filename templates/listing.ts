import type { Compilable, ExpressionBuilder, Kysely, RawBuilder } from "kysely";
import { byteLength, metadataMode } from "./expressions.ts";
import { sql } from "./kysely.ts";
import type { Schema } from "./schema.ts";
import { template } from "./template.ts";

// What a person who browses a volume is shown.

/** Bytes of the longest target of a link: no system takes a longer path. */
export const LONGEST_TARGET = 4096;

/** A row of {@linkcode detailsAfter}: times are split, so that no integer passes 2^53. */
export type DetailColumns = [
  place: string,
  edge: string,
  name: string,
  node: string,
  type: string,
  hidden: number,
  size: number | null,
  version: number | null,
  mode: number | null,
  metadataMode: string | null,
  createdSec: number,
  createdNsec: number,
  modifiedSec: number,
  modifiedNsec: number,
  /** The first chunk of a link: where it points. */
  data: Uint8Array | null,
  length: number | null,
  nonce: Uint8Array | null,
  tag: Uint8Array | null,
  /** Of a device. */
  deviceKind: "char" | "block" | null,
  major: number | null,
  minor: number | null,
];

/**
 * A page of the children of a container, in the order of their placements: those
 * after one, up to another.
 */
export const childrenAfter = template<PageValues>("listing.childrenAfter")((q, p) =>
  children(placedBetween(q, p))
);

/** The same where some have been renamed or replaced since: see {@linkcode placesBetween}. */
export const childrenThen = template<PageValues>("listing.childrenThen")((q, p) =>
  children(placesBetween(q, p))
);

/** A page of a listing with all facts. */
export const detailsAfter = template<PageValues>("listing.detailsAfter")(
  (q, p) => details(placedBetween(q, p)),
  { arrays: true },
);

/** The same where some have been renamed or replaced since: see {@linkcode placesBetween}. */
export const detailsThen = template<PageValues>("listing.detailsThen")(
  (q, p) => details(placesBetween(q, p)),
  { arrays: true },
);

interface PageValues {
  parent: string;
  after: string;
  until: string;
  limit: number;
}

/** The newest placement that a container ever had. */
export const newestPlacement = template<{ parent: string }>("listing.newestPlacement")((q, p) =>
  q.selectFrom("edge").select("edge_id").where("from_id", "=", p.parent)
    .orderBy("edge_id", "desc").limit(sql.lit(1))
);

/** Whether a container has a child that was placed after another one. */
export const hasNewerChild = template<{ parent: string; until: string }>("listing.hasNewerChild")((
  q,
  p,
) =>
  q.selectFrom("edge").select("edge_id").where("from_id", "=", p.parent)
    .where("edge_id", ">", p.until).where("archived", "=", sql.lit(0)).limit(sql.lit(1))
);

/** Placements of a page, each at its own place. */
function placedBetween(q: Kysely<Schema>, p: PageValues) {
  return q.selectFrom("edge as e").crossJoin("node as n").whereRef("n.node_id", "=", "e.to_id")
    .where("e.from_id", "=", p.parent).where("e.archived", "=", sql.lit(0))
    .where("e.edge_id", ">", p.after).where("e.edge_id", "<=", p.until)
    .orderBy("e.edge_id").limit(p.limit).select("e.edge_id as place");
}

/**
 * The same, with those that are newer than the page's last at the places that
 * they had: where the placement of their node that was ended last was, or else that of their
 * name. A listing that goes on has each child then that was there when it began, once,
 * whatever was renamed meanwhile, and comes to an end.
 */
function placesBetween(q: Kysely<Schema>, p: PageValues) {
  const page = sql<{ place: string; edge_id: string }>`(
    SELECT place, edge_id FROM (
      SELECT o.edge_id AS place, CASE WHEN o.archived = 0 THEN o.edge_id
        ELSE coalesce(${newerOfNode(p.until)}, ${newerOfName(p.until)}) END AS edge_id
      FROM edge AS o
      WHERE o.from_id = ${p.parent} AND o.edge_id > ${p.after} AND o.edge_id <= ${p.until})
    WHERE edge_id IS NOT NULL ORDER BY place LIMIT ${p.limit})`.as<"w">(sql.ref("w"));
  return q.selectFrom(page).crossJoin("edge as e").crossJoin("node as n")
    .whereRef("e.edge_id", "=", "w.edge_id").whereRef("n.node_id", "=", "e.to_id")
    .orderBy("w.place").select("w.place");
}

// A "+" keeps a column from being looked up in an index: few placements are of one node or of
// one name, many of one container.

/** Of the newer placements of a node in its container, the one that stands for an ended one `o`. */
function newerOfNode(until: string): RawBuilder<string | null> {
  return sql`(SELECT edge_id FROM (
      SELECT f.edge_id, row_number() OVER (ORDER BY f.edge_id DESC) AS number FROM edge AS f
      WHERE f.to_id = o.to_id AND +f.from_id = o.from_id AND f.archived = 0
        AND +f.edge_id > ${until})
    WHERE number = 1 + (
      SELECT count(*) FROM edge AS l WHERE l.to_id = o.to_id AND +l.from_id = o.from_id
        AND l.archived = 1 AND +l.edge_id <= ${until} AND ${endedLater("l", "o")}))`;
}

/** The newer placement of an ended one's name, where its node had none before. */
function newerOfName(until: string): RawBuilder<string | null> {
  return sql`(SELECT f.edge_id FROM edge AS f
    WHERE f.from_id = o.from_id AND f.name = o.name AND f.archived = 0 AND +f.edge_id > ${until}
      AND NOT EXISTS (SELECT 1 FROM edge AS b WHERE b.to_id = f.to_id
        AND +b.from_id = f.from_id AND b.archived = 1 AND +b.edge_id <= ${until})
      AND NOT EXISTS (SELECT 1 FROM edge AS l WHERE l.from_id = o.from_id AND l.name = o.name
        AND l.archived = 1 AND +l.edge_id <= ${until} AND ${endedLater("l", "o")})
    ORDER BY f.edge_id DESC LIMIT 1)`;
}

/** Whether one ended placement has ended after another. */
function endedLater(one: string, other: string): RawBuilder<boolean> {
  const ended = (edge: string) => {
    const id = sql.ref(`${edge}.edge_id`);
    return sql`(coalesce((SELECT removed_at FROM aloe_removed WHERE edge_id = ${id}), 0), ${id})`;
  };
  return sql`${ended(one)} > ${ended(other)}`;
}

type PageBuilder = ReturnType<typeof placedBetween>;

function children(page: unknown) {
  return (page as PageBuilder).select((eb) => [
    "e.edge_id",
    "e.to_id",
    "e.name",
    "n.type",
    hidden(eb).as("hidden"),
  ]);
}

function details(page: unknown) {
  return (page as PageBuilder)
    .leftJoin("content as c", "c.node_id", "n.node_id")
    .leftJoin("content_version as v", (join) =>
      // The type first: of anything but a link nothing more is looked up.
      join.on("n.type", "=", sql.lit("symlink")).onRef("v.content_id", "=", "c.node_id")
        .onRef("v.version", "=", "c.version").on("v.chunk_index", "=", sql.lit(0)))
    .leftJoin("content_chunk as k", (join) =>
      // A link may say that it is as large as a chunk can be.
      join.onRef("k.chunk_hash", "=", "v.chunk_hash")
        .on("c.size", "<=", sql.lit(LONGEST_TARGET))
        .on(byteLength("k.data"), "<=", sql.lit(LONGEST_TARGET)))
    .leftJoin("aloe_device as d", "d.node_id", "n.node_id")
    .select((eb) => [
      "e.edge_id",
      "e.name",
      "e.to_id",
      "n.type",
      hidden(eb).as("hidden"),
      "c.size",
      "c.version",
      "n.mode",
      metadataMode("n.mode", "n.metadata").as("metadata_mode"),
      sql<number>`n.created_at / 1000000000`.as("created_sec"),
      sql<number>`n.created_at % 1000000000`.as("created_nsec"),
      sql<number>`coalesce(n.modified_at, n.created_at) / 1000000000`.as("modified_sec"),
      sql<number>`coalesce(n.modified_at, n.created_at) % 1000000000`.as("modified_nsec"),
      "k.data",
      "k.length",
      "k.N_c",
      "k.enc_tag",
      "d.kind",
      "d.major",
      "d.minor",
    ]) as unknown as Compilable<DetailColumns>;
}

/** Whether a younger sibling of its name hides a placement `e`. */
// deno-lint-ignore no-explicit-any -- used within scopes of several shapes
function hidden(scope: ExpressionBuilder<any, any>) {
  const eb = scope as unknown as ExpressionBuilder<Schema & { e: Schema["edge"] }, "e">;
  return eb.exists(
    eb.selectFrom("edge as o").select(sql.lit(1).as("one"))
      .whereRef("o.from_id", "=", "e.from_id").whereRef("o.name", "=", "e.name")
      .whereRef("o.to_id", ">", "e.to_id").where("o.archived", "=", sql.lit(0)),
  );
}

/** A row of {@linkcode placementsAfter}. */
export type NameColumns = [
  place: string,
  parent: string,
  node: string,
  name: string,
  volume: string,
  archived: number,
];

/**
 * Placements of the file, after one and up to another: of all volumes and ended
 * ones too, so that a page takes the same time wherever it is.
 */
export const placementsAfter = template<{ after: string; until: string; limit: number }>(
  "listing.placementsAfter",
)(
  (q, p) =>
    q.selectFrom("edge")
      .select(["edge_id", "from_id", "to_id", "name", "volume_id", "archived"])
      .where("edge_id", ">", p.after).where("edge_id", "<=", p.until)
      .orderBy("edge_id").limit(p.limit) as unknown as Compilable<NameColumns>,
  { arrays: true },
);

/** The same with placements that are newer than the last at the places that their nodes had. */
export const placementsThen = template<{ after: string; until: string; limit: number }>(
  "listing.placementsThen",
)(
  (q, p) => {
    const page = sql<{ place: string; edge_id: string }>`(
      SELECT o.edge_id AS place,
        CASE WHEN o.archived = 0 THEN o.edge_id
          ELSE coalesce(${newerAnywhere(p.until)}, o.edge_id) END AS edge_id
      FROM edge AS o WHERE o.edge_id > ${p.after} AND o.edge_id <= ${p.until}
      ORDER BY place LIMIT ${p.limit})`.as<"w">(sql.ref("w"));
    return q.selectFrom(page).crossJoin("edge as e").whereRef("e.edge_id", "=", "w.edge_id")
      .select(["w.place", "e.from_id", "e.to_id", "e.name", "e.volume_id", "e.archived"])
      .orderBy("w.place") as unknown as Compilable<NameColumns>;
  },
  { arrays: true },
);

/** The newest placement of the file. */
export const newestOfAll = template("listing.newestOfAll")((q) =>
  q.selectFrom("edge").select("edge_id").orderBy("edge_id", "desc").limit(sql.lit(1))
);

/** Of the newer placements of a node, the one that stands for an ended one `o`. */
function newerAnywhere(until: string): RawBuilder<string | null> {
  return sql`(SELECT edge_id FROM (
      SELECT f.edge_id, row_number() OVER (ORDER BY f.edge_id DESC) AS number FROM edge AS f
      WHERE f.to_id = o.to_id AND f.archived = 0 AND +f.edge_id > ${until})
    WHERE number = 1 + (
      SELECT count(*) FROM edge AS l WHERE l.to_id = o.to_id
        AND l.archived = 1 AND +l.edge_id <= ${until} AND ${endedLater("l", "o")}))`;
}

/** A row of {@linkcode volumeNodes}. */
export type VolumeNodeColumns = [
  node: string,
  type: string,
  size: number | null,
  placed: number,
  removed: number,
];

/** The nodes of a volume, after one: how large, whether placed, whether removed. */
export const volumeNodes = template<{ volume: string; after: string; limit: number }>(
  "listing.volumeNodes",
)(
  (q, p) =>
    q.selectFrom("node as n").leftJoin("content as c", "c.node_id", "n.node_id")
      .where("n.node_id", ">", p.after).where("n.volume_id", "=", p.volume)
      .orderBy("n.node_id").limit(p.limit)
      .select((eb) => [
        "n.node_id",
        "n.type",
        "c.size",
        eb.exists(
          eb.selectFrom("edge as a").select(sql.lit(1).as("one"))
            .whereRef("a.to_id", "=", "n.node_id").where("a.archived", "=", sql.lit(0)),
        ).as("placed"),
        eb.exists(
          eb.selectFrom("edge as r").select(sql.lit(1).as("one"))
            .whereRef("r.to_id", "=", "n.node_id").where("r.archived", "=", sql.lit(1)),
        ).as("removed"),
      ]) as unknown as Compilable<VolumeNodeColumns>,
  { arrays: true },
);

/** A row of {@linkcode poolReferences}. */
export type PoolColumns = [hash: string, bytes: number, references: number];

/** Chunks of the pool, after one, each with how often a volume's manifests refer to it. */
export const poolReferences = template<{ volume: string; after: string; limit: number }>(
  "listing.poolReferences",
)(
  (q, p) =>
    q.selectFrom("content_chunk as k").where("k.chunk_hash", ">", p.after)
      .orderBy("k.chunk_hash").limit(p.limit)
      .select((eb) => [
        "k.chunk_hash",
        sql<number>`length(k.data)`.as("bytes"),
        eb.selectFrom("content_version as v").crossJoin("node as n")
          .whereRef("v.chunk_hash", "=", "k.chunk_hash")
          .whereRef("n.node_id", "=", "v.content_id").where("n.volume_id", "=", p.volume)
          .select(sql<number>`count(*)`.as("n")).as("refs"),
      ]) as unknown as Compilable<PoolColumns>,
  { arrays: true },
);

/** The addresses of some chunks of a version, one after the other in one text. */
export const joinedHashes = template<
  { node: string; version: number; first: number; last: number }
>("listing.joinedHashes")((q, p) =>
  q.selectFrom((eb) =>
    eb.selectFrom("content_version").select("chunk_hash")
      .where("content_id", "=", p.node).where("version", "=", p.version)
      .where("chunk_index", ">=", p.first).where("chunk_index", "<=", p.last)
      .orderBy("chunk_index").as("h")
  ).select(sql<string | null>`group_concat(h.chunk_hash, '')`.as("hashes"))
);

/** When a node's content last changed, and when a version of it was committed, if it was noted. */
export const contentTimes = template<{ node: string; version: number }>("listing.contentTimes")(
  (q, p) =>
    q.selectFrom("node as n")
      .leftJoin("aloe_version as a", (join) =>
        join.onRef("a.content_id", "=", "n.node_id").on("a.version", "=", p.version))
      .where("n.node_id", "=", p.node)
      .select(["n.created_at", "n.modified_at", "a.committed_at"]),
  { wide: true },
);
