import type { Compilable, ExpressionBuilder, RawBuilder, SelectQueryBuilder } from "kysely";
import { jsonRows, metadataMode, toInteger, withMetadataMode } from "./expressions.ts";
import { sql } from "./kysely.ts";
import { isValidMount } from "./liveness.ts";
import { type MountValues, validMount } from "./resolve.ts";
import { template } from "./template.ts";

/** A row of {@linkcode inodeById}: times are split, so that no integer passes 2^53. */
export type InodeColumns = [
  id: string,
  type: string,
  kind: "char" | "block" | null,
  major: number | null,
  minor: number | null,
  mode: number | null,
  metadataMode: string | null,
  uid: number | null,
  gid: number | null,
  atimeSec: number,
  atimeNsec: number,
  mtimeSec: number,
  mtimeNsec: number,
  ctimeSec: number,
  ctimeNsec: number,
  stored: number | null,
  /** True size, where anything waits to be folded. */
  size: number | null,
  version: number | null,
  keep: number | null,
  /** As stat has them. */
  links: number,
  /** Chunks that are known to be holes; null when none is. */
  holes: number | null,
];

/** A row of {@linkcode inodeByName}. */
export type PlacedColumns = [...InodeColumns, edge: string];

/** A row of {@linkcode inodesAfter}. */
export type ListedColumns = [...PlacedColumns, name: string, hidden: number | boolean];

/** A node of a volume, placed or not. */
export const inodeById = template<{ node: string; volume: string }>("inode.inodeById")(
  (q, p) =>
    inodeColumns<InodeColumns>(
      q.selectFrom("node as n").where("n.node_id", "=", p.node)
        .where("n.volume_id", "=", p.volume),
    ),
  { arrays: true },
);

/** The visible child of a name: that of the greatest node id. */
export const inodeByName = template<{ parent: string; name: string; volume: string }>(
  "inode.inodeByName",
)(
  (q, p) =>
    inodeColumns<PlacedColumns>(
      q.selectFrom("edge as e").crossJoin("node as n").whereRef("n.node_id", "=", "e.to_id")
        .where("e.from_id", "=", p.parent).where("e.name", "=", p.name)
        .where("e.archived", "=", sql.lit(0)).where("n.volume_id", "=", p.volume)
        .orderBy("e.to_id", "desc").limit(sql.lit(1)),
      () => ["e.edge_id"],
    ),
  { arrays: true },
);

/** A page of a listing, after an edge. */
export const inodesAfter = template<
  { parent: string; after: string; limit: number; volume: string }
>("inode.inodesAfter")(
  (q, p) =>
    listedColumns(
      q.selectFrom("edge as e").crossJoin("node as n").whereRef("n.node_id", "=", "e.to_id")
        .where("e.from_id", "=", p.parent).where("e.archived", "=", sql.lit(0))
        .where("e.edge_id", ">", p.after).where("n.volume_id", "=", p.volume)
        .orderBy("e.edge_id").limit(p.limit),
    ),
  { arrays: true },
);

/** A page of a listing backwards: the edges between two, the newest first. */
export const newestInodesAfter = template<
  { parent: string; after: string; before: string; limit: number; volume: string }
>("inode.newestInodesAfter")(
  (q, p) =>
    listedColumns(
      q.selectFrom("edge as e").crossJoin("node as n").whereRef("n.node_id", "=", "e.to_id")
        .where("e.from_id", "=", p.parent).where("e.archived", "=", sql.lit(0))
        .where("e.edge_id", ">", p.after).where("e.edge_id", "<", p.before)
        .where("n.volume_id", "=", p.volume)
        .orderBy("e.edge_id", "desc").limit(p.limit),
    ),
  { arrays: true },
);

/** The names of a page of a listing, hidden ones among them: a tenth of what the rows cost. */
export const namesAfter = template<{ parent: string; after: string; limit: number }>(
  "inode.namesAfter",
)((q, p) =>
  q.selectFrom("edge").select(["edge_id as edge", "name"])
    .where("from_id", "=", p.parent).where("archived", "=", sql.lit(0))
    .where("edge_id", ">", p.after).orderBy("edge_id").limit(p.limit)
);

/** The same backwards, between two edges. */
export const newestNamesAfter = template<
  { parent: string; after: string; before: string; limit: number }
>("inode.newestNamesAfter")((q, p) =>
  q.selectFrom("edge").select(["edge_id as edge", "name"])
    .where("from_id", "=", p.parent).where("archived", "=", sql.lit(0))
    .where("edge_id", ">", p.after).where("edge_id", "<", p.before)
    .orderBy("edge_id", "desc").limit(p.limit)
);

/** Whether a container has a child but for some placements. `edges` is a JSON array of ids. */
export const hasOtherChild = template<{ parent: string; edges: string }>("inode.hasOtherChild")((
  q,
  p,
) =>
  q.selectFrom("edge").select("edge_id")
    .where("from_id", "=", p.parent).where("archived", "=", sql.lit(0))
    .where(
      "edge_id",
      "not in",
      (eb) => eb.selectFrom(jsonRows(p.edges)).select("item.value"),
    )
    .limit(sql.lit(1))
);

/** Where a mount begins, and its volume's facts. */
export const mountedVolume = template<{ mount: string }>("inode.mountedVolume")((q, p) =>
  q.selectFrom("mount as m").innerJoin("volume as v", "v.volume_id", "m.volume_id")
    .where("m.mount_id", "=", p.mount)
    .select(["m.mount_point", "v.volume_id", "v.chunk_size", "v.wm_ts", "v.wm_seq"])
);

/** The addresses of committed chunks `first` to `last`. */
export const committedHashes = template<{ node: string; first: number; last: number }>(
  "inode.committedHashes",
)((q, p) =>
  q.selectFrom("content as c").crossJoin("content_version as v")
    .whereRef("v.content_id", "=", "c.node_id").whereRef("v.version", "=", "c.version")
    .where("c.node_id", "=", p.node)
    .where("v.chunk_index", ">=", p.first).where("v.chunk_index", "<=", p.last)
    .select(["v.chunk_index", "v.chunk_hash"]).orderBy("v.chunk_index")
);

/** The address of one chunk of a version. */
export const chunkHashAt = template<{ node: string; version: number; index: number }>(
  "inode.chunkHashAt",
)((q, p) =>
  q.selectFrom("content_version").select("chunk_hash")
    .where("content_id", "=", p.node).where("version", "=", p.version)
    .where("chunk_index", "=", p.index)
);

/** A new node with all that a filesystem says of it; its times are one. */
export const insertInode = template<{
  node: string;
  type: string;
  name: string;
  sec: number;
  nsec: number;
  volume: string;
  mode: number;
  uid: number;
  gid: number;
}>("inode.insertInode")((q, p) =>
  q.insertInto("node").values({
    node_id: p.node,
    type: p.type,
    name: p.name,
    created_at: nanoseconds(p.sec, p.nsec),
    modified_at: nanoseconds(p.sec, p.nsec),
    volume_id: p.volume,
    metadata: null,
    mode: p.mode,
    uid: p.uid,
    gid: p.gid,
    atime: null,
    ctime: null,
  })
);

/** What a device stands for. */
export const insertDevice = template<{
  node: string;
  kind: "char" | "block";
  major: number;
  minor: number;
}>("inode.insertDevice")((q, p) =>
  q.insertInto("aloe_device").values({
    node_id: p.node,
    kind: p.kind,
    major: p.major,
    minor: p.minor,
  })
);

/** Makes a node the device that another is. */
export const copyDevice = template<{ node: string; source: string }>("inode.copyDevice")((q, p) =>
  q.insertInto("aloe_device").columns(["node_id", "kind", "major", "minor"]).expression((eb) =>
    eb.selectFrom("aloe_device").where("node_id", "=", p.source)
      .select([sql<string>`${p.node}`.as("id"), "kind", "major", "minor"])
  )
);

/** Sets owner, group and permission bits, these in the metadata too where that has them. */
export const setInodeOwner = template<
  { node: string; mode: number; uid: number; gid: number }
>("inode.setInodeOwner")((q, p) =>
  q.updateTable("node").set({
    mode: p.mode,
    uid: p.uid,
    gid: p.gid,
    metadata: withMetadataMode("metadata", p.mode),
  }).where("node_id", "=", p.node)
);

/** Sets all times of a node. Seconds and nanoseconds of a time have one sign. */
export const setInodeTimes = template<{
  node: string;
  atimeSec: number;
  atimeNsec: number;
  mtimeSec: number;
  mtimeNsec: number;
  ctimeSec: number;
  ctimeNsec: number;
}>("inode.setInodeTimes")((q, p) =>
  q.updateTable("node").set({
    atime: nanoseconds(p.atimeSec, p.atimeNsec),
    modified_at: nanoseconds(p.mtimeSec, p.mtimeNsec),
    ctime: nanoseconds(p.ctimeSec, p.ctimeNsec),
  }).where("node_id", "=", p.node)
);

/** Makes another placement of one, in its place: of the same node, under a new id. */
export const replaceEdge = template<{ old: string; edge: string; from: string; name: string }>(
  "inode.replaceEdge",
)((q, p) =>
  q.updateTable("edge").set({ edge_id: p.edge, from_id: p.from, name: p.name })
    .where("edge_id", "=", p.old)
);

/** The same in the list of the containers in one. */
export const replaceSubdir = template<
  { old: string; oldFrom: string; edge: string; from: string }
>("inode.replaceSubdir")((q, p) =>
  q.updateTable("aloe_subdir").set({ edge_id: p.edge, parent_id: p.from })
    .where("parent_id", "=", p.oldFrom).where("edge_id", "=", p.old)
);

/** What a commit has to know of its mount; no row when that is not valid. */
export const commitMount = template<MountValues>("inode.commitMount")((q, p) =>
  validMount(q, p).select([
    "m.access",
    "m.mount_point",
    "v.volume_id",
    "v.chunk_size",
    "v.enc_mode",
    "v.wm_ts",
    "v.wm_seq",
  ])
);

/** Deletes a placement. */
export const deleteEdge = template<{ edge: string }>("inode.deleteEdge")((q, p) =>
  q.deleteFrom("edge").where("edge_id", "=", p.edge)
);

/** Which of some nodes something was removed from that can still be brought back. */
export const withTrash = template<{ nodes: string }>("inode.withTrash")((q, p) =>
  q.selectFrom(jsonRows(p.nodes)).select("item.value as node_id").where((eb) =>
    eb.exists(
      eb.selectFrom("edge").select(sql.lit(1).as("one")).whereRef("from_id", "=", "item.value")
        .where("archived", "=", sql.lit(1)),
    )
  )
);

/** Which of some nodes have a placement, or had one that is still known. */
export const withPlacement = template<{ nodes: string }>("inode.withPlacement")((q, p) =>
  q.selectFrom(jsonRows(p.nodes)).select("item.value as node_id").where((eb) =>
    eb.exists(
      eb.selectFrom("edge").select(sql.lit(1).as("one")).whereRef("to_id", "=", "item.value"),
    )
  )
);

/**
 * Those of some nodes that somebody else has given a name, or a child, besides
 * the placements that end: `named`, or not. Both arrays are JSON.
 */
export const reachedElsewhere = template<{ nodes: string; edges: string }>(
  "inode.reachedElsewhere",
)((q, p) => {
  // deno-lint-ignore no-explicit-any -- of a query within the query
  const others = (eb: any, end: "from_id" | "to_id") =>
    eb.exists(
      eb.selectFrom("edge").select(sql.lit(1).as("one"))
        .whereRef(end, "=", "item.value").where("archived", "=", sql.lit(0))
        .where(
          "edge_id",
          "not in",
          eb.selectFrom(jsonRows(p.edges)).select("item.value"),
        ),
    );
  return q.selectFrom(jsonRows(p.nodes))
    .select((eb) => ["item.value as node_id", others(eb, "to_id").as("named")])
    .where((eb) => eb.or([others(eb, "to_id"), others(eb, "from_id")]));
});

/** Deletes the locks on some nodes. */
export const deleteLocksOnAny = template<{ nodes: string }>("inode.deleteLocksOnAny")((q, p) =>
  q.deleteFrom("lock").where(
    "node_id",
    "in",
    (eb) => eb.selectFrom(jsonRows(p.nodes)).select("item.value"),
  )
);

/** Deletes the mounts at some nodes, with their locks. */
export const deleteMountsAtAny = template<{ nodes: string }>("inode.deleteMountsAtAny")((q, p) =>
  q.deleteFrom("mount").where(
    "mount_point",
    "in",
    (eb) => eb.selectFrom(jsonRows(p.nodes)).select("item.value"),
  )
);

/** Notes that a mount uses a node without a placement. */
export const insertUnlinked = template<{ node: string; mount: string }>("inode.insertUnlinked")((
  q,
  p,
) =>
  q.insertInto("aloe_unlinked").values({ node_id: p.node, mount_id: p.mount })
    .onConflict((c) => c.column("node_id").doUpdateSet({ mount_id: p.mount }))
);

/** Takes such a note back. */
export const deleteUnlinked = template<{ node: string }>("inode.deleteUnlinked")((q, p) =>
  q.deleteFrom("aloe_unlinked").where("node_id", "=", p.node)
);

/** Nodes of a volume that a mount used without a placement which is not valid any more. */
export const abandonedNodes = template<{ volume: string; now: bigint; limit: number }>(
  "inode.abandonedNodes",
)((q, p) =>
  q.selectFrom("aloe_unlinked as u").innerJoin("node as n", "n.node_id", "u.node_id")
    .where("n.volume_id", "=", p.volume)
    .where((eb) =>
      eb.not(eb.exists(
        eb.selectFrom("mount as m").select(sql.lit(1).as("one"))
          .whereRef("m.mount_id", "=", "u.mount_id").where(isValidMount("m", p.now)),
      ))
    )
    .select((eb) => [
      "u.node_id",
      eb.exists(
        eb.selectFrom("edge as e").select(sql.lit(1).as("one"))
          .whereRef("e.to_id", "=", "u.node_id"),
      ).as("placed"),
    ])
    .limit(p.limit)
);

/** Nanoseconds of a time whose seconds and nanoseconds are apart. */
function nanoseconds(sec: number, nsec: number): RawBuilder<bigint> {
  return sql<bigint>`${toInteger(sec)} * 1000000000 + ${toInteger(nsec)}`;
}

// deno-lint-ignore no-explicit-any -- used for scopes of several shapes
type Scope = SelectQueryBuilder<any, any, any>;
// deno-lint-ignore no-explicit-any
type ScopeBuilder = ExpressionBuilder<any, any>;

/**
 * All that is said of a node `n`, in the order of {@linkcode InodeColumns}.
 *
 * @param more The columns after these.
 */
export function inodeColumns<Row>(
  query: unknown,
  more: (eb: ScopeBuilder) => unknown[] = () => [],
): Compilable<Row> {
  return (query as Scope)
    .leftJoin("content as c", "c.node_id", "n.node_id")
    .leftJoin(
      "aloe_size as s",
      (join) => join.onRef("s.node_id", "=", "n.node_id").onRef("s.version", "=", "c.version"),
    )
    .leftJoin(
      "aloe_hole as h",
      (join) => join.onRef("h.node_id", "=", "n.node_id").onRef("h.version", "=", "c.version"),
    )
    .leftJoin("aloe_device as d", "d.node_id", "n.node_id")
    .select((eb) => [
      "n.node_id",
      "n.type",
      "d.kind",
      "d.major",
      "d.minor",
      "n.mode",
      metadataMode("n.mode", "n.metadata").as("metadata_mode"),
      "n.uid",
      "n.gid",
      ...split("atime", sql`coalesce(n.atime, n.modified_at, n.created_at)`),
      ...split("mtime", sql`coalesce(n.modified_at, n.created_at)`),
      ...split("ctime", sql`coalesce(n.ctime, n.modified_at, n.created_at)`),
      "c.size",
      "s.size as true_size",
      "c.version",
      "c.retention_keep",
      links(eb).as("links"),
      "h.chunks as holes",
      ...more(eb) as never[],
    ]) as unknown as Compilable<Row>;
}

/**
 * How many links a node `n` has: of a container 2 and one for each container in
 * it, but none when it has no placement and is no volume's root.
 */
function links(eb: ScopeBuilder) {
  return eb.case().when("n.type", "!=", sql.lit("container")).then(
    eb.selectFrom("edge as le").select(sql`count(*)`.as("count"))
      .whereRef("le.to_id", "=", "n.node_id").where("le.archived", "=", sql.lit(0)),
  ).when(eb.or([
    eb.exists(
      eb.selectFrom("edge as le").select(sql.lit(1).as("one"))
        .whereRef("le.to_id", "=", "n.node_id").where("le.archived", "=", sql.lit(0)),
    ),
    eb.exists(
      eb.selectFrom("volume as lv").select(sql.lit(1).as("one"))
        .whereRef("lv.volume_id", "=", "n.volume_id")
        .whereRef("lv.root_node_id", "=", "n.node_id"),
    ),
  ])).then(
    eb.selectFrom("aloe_subdir as sd").select(sql`2 + count(*)`.as("count"))
      .whereRef("sd.parent_id", "=", "n.node_id"),
  ).else(sql.lit(0)).end();
}

/** {@linkcode inodeColumns} of a listing's placements. */
function listedColumns(query: unknown): Compilable<ListedColumns> {
  return inodeColumns<ListedColumns>(query, (eb) => [
    "e.edge_id",
    "e.name",
    eb.exists(
      eb.selectFrom("edge as o").select(sql.lit(1).as("one"))
        .whereRef("o.from_id", "=", "e.from_id").whereRef("o.name", "=", "e.name")
        .whereRef("o.to_id", ">", "e.to_id").where("o.archived", "=", sql.lit(0)),
    ).as("hidden"),
  ]);
}

/** A time in two columns. Both are negative, or 0, before 1970. */
function split(name: string, time: RawBuilder<unknown>) {
  return [
    sql<number>`${time} / 1000000000`.as(`${name}_s`),
    sql<number>`${time} % 1000000000`.as(`${name}_ns`),
  ];
}
