import type { Compilable } from "kysely";
import { metadataMode } from "./expressions.ts";
import { sql } from "./kysely.ts";
import { template } from "./template.ts";

// What a person who browses a volume is shown.

/** A row of {@linkcode detailsAfter}: times are split, so that no integer passes 2^53. */
export type DetailColumns = [
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
];

/** A page of a listing with all facts, after an edge. */
export const detailsAfter = template<{ parent: string; after: string; limit: number }>(
  "listing.detailsAfter",
)(
  (q, p) =>
    q.selectFrom("edge as e").crossJoin("node as n").whereRef("n.node_id", "=", "e.to_id")
      .leftJoin("content as c", "c.node_id", "n.node_id")
      .leftJoin("content_version as v", (join) =>
        // The type first: of anything but a link nothing more is looked up.
        join.on("n.type", "=", sql.lit("symlink")).onRef("v.content_id", "=", "c.node_id")
          .onRef("v.version", "=", "c.version").on("v.chunk_index", "=", sql.lit(0)))
      .leftJoin("content_chunk as k", "k.chunk_hash", "v.chunk_hash")
      .where("e.from_id", "=", p.parent).where("e.archived", "=", sql.lit(0))
      .where("e.edge_id", ">", p.after)
      .orderBy("e.edge_id").limit(p.limit)
      .select((eb) => [
        "e.edge_id",
        "e.name",
        "e.to_id",
        "n.type",
        eb.exists(
          eb.selectFrom("edge as o").select(sql.lit(1).as("one"))
            .whereRef("o.from_id", "=", "e.from_id").whereRef("o.name", "=", "e.name")
            .whereRef("o.to_id", ">", "e.to_id").where("o.archived", "=", sql.lit(0)),
        ).as("hidden"),
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
      ]) as unknown as Compilable<DetailColumns>,
  { arrays: true },
);

/** A row of {@linkcode placementsAfter}. */
export type NameColumns = [
  edge: string,
  parent: string,
  node: string,
  name: string,
  volume: string,
  archived: number,
];

/**
 * Placements of the file, after an edge: of all volumes and ended ones too, so
 * that a page takes the same time wherever it is.
 */
export const placementsAfter = template<{ after: string; limit: number }>(
  "listing.placementsAfter",
)(
  (q, p) =>
    q.selectFrom("edge")
      .select(["edge_id", "from_id", "to_id", "name", "volume_id", "archived"])
      .where("edge_id", ">", p.after)
      .orderBy("edge_id").limit(p.limit) as unknown as Compilable<NameColumns>,
  { arrays: true },
);

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
