import { sql } from "./kysely.ts";
import { byteLength, isNoName } from "./expressions.ts";
import { template } from "./template.ts";

/** Faults in the shape of the file, one row each. */
export const anomalies = template("maintenance.anomalies")((q) =>
  q.selectFrom("edge as e")
    .innerJoin("node as f", "f.node_id", "e.from_id")
    .innerJoin("node as t", "t.node_id", "e.to_id")
    .where((eb) =>
      eb.or([
        eb("f.volume_id", "!=", eb.ref("e.volume_id")),
        eb("t.volume_id", "!=", eb.ref("e.volume_id")),
      ])
    )
    .select([sql<string>`'edge_volume_mismatch'`.as("kind"), "e.edge_id as id"])
    .unionAll(
      q.selectFrom("edge as e").leftJoin("node as f", "f.node_id", "e.from_id")
        .leftJoin("node as t", "t.node_id", "e.to_id")
        .where((eb) => eb.or([eb("f.node_id", "is", null), eb("t.node_id", "is", null)]))
        .select([
          sql<string>`'edge_without_node'`.as("kind"),
          "e.edge_id as id",
        ]),
    )
    .unionAll(
      q.selectFrom("edge as e").innerJoin("node as f", "f.node_id", "e.from_id")
        .where("f.type", "!=", sql.lit("container")).where(
          "e.archived",
          "=",
          sql.lit(0),
        )
        .select([
          sql<string>`'edge_from_non_container'`.as("kind"),
          "e.edge_id as id",
        ]),
    )
    .unionAll(
      q.selectFrom("edge as e").where("e.name", "is", null)
        .select([
          sql<string>`'edge_without_name'`.as("kind"),
          "e.edge_id as id",
        ]),
    )
    .unionAll(
      q.selectFrom("edge as e").where("e.name", "is not", null).where(isNoName("e.name"))
        .select([
          sql<string>`'name_not_allowed'`.as("kind"),
          "e.edge_id as id",
        ]),
    )
    .unionAll(
      q.selectFrom("node as n").where("n.volume_id", "is", null)
        .where((eb) =>
          eb.exists(
            eb.selectFrom("edge as e").select(sql.lit(1).as("one"))
              .whereRef("e.to_id", "=", "n.node_id"),
          )
        )
        .select([
          sql<string>`'node_without_volume'`.as("kind"),
          "n.node_id as id",
        ]),
    )
    .unionAll(
      q.selectFrom("node as n").where("n.type", "=", sql.lit("container"))
        .innerJoin("edge as e", (join) =>
          join.onRef("e.to_id", "=", "n.node_id").on(
            "e.archived",
            "=",
            sql.lit(0),
          ))
        .groupBy("n.node_id").having(sql<boolean>`count(*) > 1`)
        .select([
          sql<string>`'container_with_two_placements'`.as("kind"),
          "n.node_id as id",
        ]),
    )
    .unionAll(
      q.selectFrom("node as n").where("n.type", "=", sql.lit("entry"))
        .where((eb) =>
          eb.not(eb.exists(
            eb.selectFrom("content as c").select(sql.lit(1).as("one"))
              .whereRef("c.node_id", "=", "n.node_id"),
          ))
        )
        .select([
          sql<string>`'entry_without_content'`.as("kind"),
          "n.node_id as id",
        ]),
    )
    .unionAll(
      q.selectFrom("volume as v").leftJoin(
        "node as n",
        "n.node_id",
        "v.root_node_id",
      )
        .where("n.node_id", "is", null)
        .select([
          sql<string>`'volume_without_root'`.as("kind"),
          "v.volume_id as id",
        ]),
    )
    .unionAll(
      q.selectFrom("edge as e").innerJoin(
        "volume as v",
        "v.root_node_id",
        "e.to_id",
      )
        .where("e.archived", "=", sql.lit(0))
        .select([
          sql<string>`'root_with_placement'`.as("kind"),
          "e.to_id as id",
        ]),
    )
);

/** The volume that a node is of. */
export const volumeOfNode = template<{ node: string }>("maintenance.volumeOfNode")((q, p) =>
  q.selectFrom("node").select("volume_id").where("node_id", "=", p.node)
);

/** Placements of a volume, the trash included, whose names the format does not allow. */
export const namesNotAllowed = template<{ volume: string }>("maintenance.namesNotAllowed")((q, p) =>
  q.selectFrom("edge as e").where("e.volume_id", "=", p.volume)
    .where((eb) => eb.or([eb("e.name", "is", null), isNoName("e.name")]))
    .select(["e.edge_id", "e.to_id", "e.name"])
    .orderBy("e.edge_id")
);

/**
 * Placed nodes that cannot be reached from their volume's root: a cycle keeps
 * them placed. Removed trees are not placed, so they do not appear.
 */
export const unreachable = template("maintenance.unreachable")((q) =>
  q.withRecursive(
    "live",
    (db) =>
      db.selectFrom("volume").where("root_node_id", "is not", null)
        .select("root_node_id as node_id")
        .union(
          db.selectFrom("live").innerJoin("edge as e", (join) =>
            join.onRef("e.from_id", "=", "live.node_id").on(
              "e.archived",
              "=",
              sql.lit(0),
            ))
            .select("e.to_id as node_id"),
        ),
  )
    .selectFrom("edge as e")
    .innerJoin("node as n", "n.node_id", "e.to_id")
    .where("e.archived", "=", sql.lit(0)).where(
      "n.type",
      "=",
      sql.lit("container"),
    )
    .where((eb) =>
      eb.not(eb.exists(
        eb.selectFrom("live").select(sql.lit(1).as("one"))
          .whereRef("live.node_id", "=", "e.to_id"),
      ))
    )
    .select(["e.to_id as id", "e.from_id"])
);

/** Entries and links of a volume, the removed ones included, after an id. */
export const entriesAfter = template<
  { volume: string; after: string; limit: number }
>("maintenance.entriesAfter")((q, p) =>
  q.selectFrom("node as n").innerJoin("content as c", "c.node_id", "n.node_id")
    .where("n.volume_id", "=", p.volume).where("n.node_id", ">", p.after)
    .select(["n.node_id", "n.name", "c.version", "c.size"])
    .orderBy("n.node_id").limit(p.limit)
);

/** Counts for one screen of facts. */
export const counts = template<{ now: bigint }>("maintenance.counts")((q, p) =>
  q.selectNoFrom((eb) => [
    eb.selectFrom("volume").select(({ fn }) => fn.countAll<number>().as("n"))
      .as("volumes"),
    eb.selectFrom("mount").select(({ fn }) => fn.countAll<number>().as("n"))
      .where("state", "!=", sql.lit("unmounted"))
      .where((o) => o.or([o("expires_at", "is", null), o("expires_at", ">", p.now)]))
      .as("mounts"),
    eb.selectFrom("node").select(({ fn }) => fn.countAll<number>().as("n")).as(
      "nodes",
    ),
    eb.selectFrom("content_chunk").select(({ fn }) => fn.countAll<number>().as("n"))
      .as("chunks"),
    eb.selectFrom("content_chunk").select(({ fn }) =>
      fn.sum<number | null>(byteLength("data")).as("n")
    )
      .as("chunk_bytes"),
    eb.selectFrom("content").select(({ fn }) => fn.sum<number | null>("size").as("n"))
      .as("content_bytes"),
  ])
);

/** Bytes of the largest chunk; null where there is none. */
export const largestChunk = template("maintenance.largestChunk")((q) =>
  q.selectFrom("content_chunk").select(({ fn }) =>
    fn.max<number | null>(byteLength("data")).as("bytes")
  )
);

/** The file's own facts. */
export const fileFacts = template("maintenance.fileFacts")((q) =>
  q.selectNoFrom([
    sql<number>`(SELECT user_version FROM pragma_user_version)`.as("era"),
    sql<number>`(SELECT page_count FROM pragma_page_count)`.as("pages"),
    sql<number>`(SELECT page_size FROM pragma_page_size)`.as("page_size"),
    sql<number>`(SELECT freelist_count FROM pragma_freelist_count)`.as(
      "free_pages",
    ),
  ])
);
