import { sql } from "./kysely.ts";
import { jsonRows, toJsonb } from "./expressions.ts";
import { template } from "./template.ts";

/** A new node. */
export const insertNode = template<{
  node: string;
  type: string;
  name: string;
  createdAt: bigint;
  modifiedAt: bigint;
  volume: string;
}>("node.insertNode")((q, p) =>
  q.insertInto("node").values({
    node_id: p.node,
    type: p.type,
    name: p.name,
    created_at: p.createdAt,
    modified_at: p.modifiedAt,
    volume_id: p.volume,
  } as never)
);

/** A new node with all that another one says of itself. */
export const copyNode = template<
  { node: string; source: string; name: string; volume: string }
>("node.copyNode")(
  (q, p) =>
    q.insertInto("node")
      .columns([
        "node_id",
        "type",
        "name",
        "created_at",
        "modified_at",
        "volume_id",
        "metadata",
        "uid",
        "gid",
        "mode",
      ])
      .expression((eb) =>
        eb.selectFrom("node").where("node_id", "=", p.source).select([
          sql<string>`${p.node}`.as("id"),
          "type",
          sql<string>`${p.name}`.as("new_name"),
          "created_at",
          "modified_at",
          sql<string>`${p.volume}`.as("volume"),
          "metadata",
          "uid",
          "gid",
          "mode",
        ])
      ),
);

/** A new node from a pack or another file. */
export const insertWholeNode = template<{
  node: string;
  type: string;
  name: string;
  createdAt: bigint;
  modifiedAt: bigint;
  volume: string;
  metadata: string | null;
  uid: number | null;
  gid: number | null;
  mode: number | null;
  atime: bigint | null;
}>("node.insertWholeNode")((q, p) =>
  q.insertInto("node").values({
    node_id: p.node,
    type: p.type,
    name: p.name,
    created_at: p.createdAt,
    modified_at: p.modifiedAt,
    volume_id: p.volume,
    metadata: toJsonb(p.metadata),
    uid: p.uid,
    gid: p.gid,
    mode: p.mode,
    atime: p.atime,
    ctime: null,
  })
);

/** Replaces a node's metadata; null is the empty map. */
export const setMetadata = template<
  { node: string; metadata: string | null }
>("node.setMetadata")((q, p) =>
  q.updateTable("node").set({ metadata: toJsonb(p.metadata) }).where(
    "node_id",
    "=",
    p.node,
  )
);

/** Names a node. */
export const setNodeName = template<{ node: string; name: string }>("node.setNodeName")((q, p) =>
  q.updateTable("node").set({ name: p.name }).where("node_id", "=", p.node)
);

/** Sets the modification time. */
export const setModified = template<{ node: string; at: bigint }>("node.setModified")((q, p) =>
  q.updateTable("node").set({ modified_at: p.at }).where("node_id", "=", p.node)
);

/** Sets the access time. */
export const setAccessed = template<{ node: string; at: bigint }>("node.setAccessed")((q, p) =>
  q.updateTable("node").set({ atime: p.at }).where("node_id", "=", p.node)
);

/** Sets the permission bits. */
export const setMode = template<{ node: string; mode: number }>("node.setMode")((q, p) =>
  q.updateTable("node").set({ mode: p.mode }).where("node_id", "=", p.node)
);

/** Sets owner and group; null leaves one as it is. */
export const setOwner = template<
  { node: string; uid: number | null; gid: number | null }
>("node.setOwner")((
  q,
  p,
) =>
  q.updateTable("node").set((eb) => ({
    uid: eb.fn.coalesce(sql<number | null>`${p.uid}`, "uid"),
    gid: eb.fn.coalesce(sql<number | null>`${p.gid}`, "gid"),
  })).where("node_id", "=", p.node)
);

/** One extended attribute. */
export const getXattr = template<{ node: string; name: string }>("node.getXattr")((q, p) =>
  q.selectFrom("xattr").select("value").where("node_id", "=", p.node).where(
    "name",
    "=",
    p.name,
  )
);

/** All extended attributes, by name. */
export const listXattrs = template<{ node: string }>("node.listXattrs")((q, p) =>
  q.selectFrom("xattr").select(["name", "value"]).where("node_id", "=", p.node)
    .orderBy("name")
);

/** Sets an extended attribute. */
export const setXattr = template<
  { node: string; name: string; value: Uint8Array }
>("node.setXattr")((q, p) =>
  q.insertInto("xattr").values({
    node_id: p.node,
    name: p.name,
    value: p.value,
  })
    .onConflict((c) => c.columns(["node_id", "name"]).doUpdateSet({ value: p.value }))
);

/** Removes an extended attribute. */
export const deleteXattr = template<{ node: string; name: string }>("node.deleteXattr")((q, p) =>
  q.deleteFrom("xattr").where("node_id", "=", p.node).where("name", "=", p.name)
);

/** Gives a node the extended attributes of another. */
export const copyXattrs = template<{ node: string; source: string }>("node.copyXattrs")((q, p) =>
  q.insertInto("xattr").columns(["node_id", "name", "value"]).expression((eb) =>
    eb.selectFrom("xattr").where("node_id", "=", p.source)
      .select([sql<string>`${p.node}`.as("id"), "name", "value"])
  )
);

/** Deletes nodes, with their content. `nodes` is a JSON array of ids. */
export const deleteNodes = template<{ nodes: string }>("node.deleteNodes")((q, p) =>
  q.deleteFrom("node").where(
    "node_id",
    "in",
    (eb) => eb.selectFrom(jsonRows(p.nodes)).select("item.value"),
  )
);

/**
 * Nodes that never had a placement, are no root and are not in use without
 * one: open, or being uploaded.
 */
export const deleteUnplacedNodes = template<
  { volume: string | null; now: bigint; limit: number }
>(
  "node.deleteUnplacedNodes",
)((q, p) =>
  q.deleteFrom("node").where(
    "node_id",
    "in",
    (nodes) =>
      nodes.selectFrom("node").select("node.node_id")
        .where((eb) =>
          eb.not(eb.exists(
            eb.selectFrom("edge").select(sql.lit(1).as("one")).whereRef(
              "edge.to_id",
              "=",
              "node.node_id",
            ),
          ))
        )
        .where((eb) =>
          eb.not(eb.exists(
            eb.selectFrom("edge").select(sql.lit(1).as("one")).whereRef(
              "edge.from_id",
              "=",
              "node.node_id",
            ),
          ))
        )
        .where((eb) =>
          eb.not(eb.exists(
            eb.selectFrom("volume").select(sql.lit(1).as("one")).whereRef(
              "volume.root_node_id",
              "=",
              "node.node_id",
            ),
          ))
        )
        .where((eb) =>
          eb.not(eb.exists(
            eb.selectFrom("mount").select(sql.lit(1).as("one")).whereRef(
              "mount.mount_point",
              "=",
              "node.node_id",
            ),
          ))
        )
        .where((eb) =>
          eb.not(eb.exists(
            eb.selectFrom("lock").select(sql.lit(1).as("one")).whereRef(
              "lock.node_id",
              "=",
              "node.node_id",
            ),
          ))
        )
        .where((eb) =>
          eb.not(eb.exists(
            eb.selectFrom("aloe_unlinked").select(sql.lit(1).as("one")).whereRef(
              "aloe_unlinked.node_id",
              "=",
              "node.node_id",
            ),
          ))
        )
        .where((eb) =>
          eb.not(eb.exists(
            eb.selectFrom("aloe_upload").select(sql.lit(1).as("one"))
              .whereRef("aloe_upload.node_id", "=", "node.node_id")
              .where("aloe_upload.expires_at", ">", p.now),
          ))
        )
        .where((eb) =>
          eb.or([
            eb("node.volume_id", "=", p.volume),
            eb(sql`${p.volume}`, "is", null),
          ])
        ).limit(p.limit),
  )
);
