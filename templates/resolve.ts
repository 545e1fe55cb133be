import type {
  ExpressionBuilder,
  ExpressionWrapper,
  Kysely,
  SelectQueryBuilder,
  SqlBool,
} from "kysely";
import { sql } from "./kysely.ts";
import { isUnexpired, isValidLock, isValidMount } from "./liveness.ts";
import { deviceText, fromJsonb, jsonRows } from "./expressions.ts";
import type { Schema } from "./schema.ts";
import { type Template, template } from "./template.ts";

/** Values of every query that goes through a mount. */
export interface MountValues {
  /** The mount's id. */
  mount: string;
  /** The wall clock, ns: an expired mount resolves nothing. */
  now: bigint;
}

/** Depths up to which a path is one nest of index lookups; deeper ones walk a JSON array. */
export const NESTED_DEPTH = 8;

/** Values of a nested resolution: its names are `n0`, `n1`, … outermost first. */
export type PathValues = MountValues & Record<string, string | bigint>;

/** Values of a deep resolution. */
export interface DeepPathValues extends MountValues {
  /** The names as a JSON array of text. */
  names: string;
}

/** Values of a resolution by id. */
export interface IdValues extends MountValues {
  node: string;
}

/**
 * The mount, its volume and the node that a path names, in one row; no row
 * when the mount is invalid or the path names nothing.
 */
export const resolveByPath: (
  depth: number,
) => Template<PathValues, ResolvedRow> = perDepth(
  "resolve.resolveByPath",
  (q, p, depth) =>
    withNode(validMount(q, p), nested(p, depth)).select(RESOLVED).select(
      locked(p),
    ),
);

/** The same for a path of any depth. */
export const resolveDeep = template<DeepPathValues>("resolve.resolveDeep")((q, p) =>
  withNode(deepMount(q, p), deepNode()).select(RESOLVED).select(locked(p))
);

/** The same for a node of the mount's volume. */
export const resolveById = template<IdValues>("resolve.resolveById")((q, p) =>
  withNode(validMount(q, p), sql<string>`${p.node}`).select(RESOLVED).select(
    locked(p),
  )
);

/**
 * What reading a small entry whole takes, in one row: its content is its first
 * chunk. Without the bytes where there are more.
 */
export const readByPath: (depth: number) => Template<PathValues, SmallContentRow> = perDepth(
  "resolve.readByPath",
  (q, p, depth) =>
    withNode(validMount(q, p), nested(p, depth))
      .leftJoin("content_version as cv", (join) =>
        join.onRef("cv.content_id", "=", "c.node_id").onRef("cv.version", "=", "c.version")
          .on("cv.chunk_index", "=", sql.lit(0)).onRef("c.size", "<=", "v.chunk_size"))
      .leftJoin("content_chunk as k", "k.chunk_hash", "cv.chunk_hash")
      .select([
        "v.volume_id",
        "v.chunk_size",
        "v.enc_mode",
        "n.node_id",
        "n.type",
        "c.size",
        "k.data",
        "k.length",
        "k.N_c",
        "k.enc_tag",
      ]),
);

/** A row of {@linkcode readByPath}. */
export interface SmallContentRow {
  volume_id: string;
  chunk_size: number;
  enc_mode: string;
  node_id: string;
  type: string;
  size: number | null;
  data: Uint8Array | null;
  length: number | null;
  N_c: Uint8Array | null;
  enc_tag: Uint8Array | null;
}

/** What {@linkcode resolveByPath} gives, with all that `stat` says. */
export const statByPath: (depth: number) => Template<PathValues, StatRow> = perDepth(
  "resolve.statByPath",
  (q, p, depth) => statColumns(withNode(validMount(q, p), nested(p, depth))),
  { wide: true },
);

/** The same for a path of any depth. */
export const statDeep = template<DeepPathValues>("resolve.statDeep")(
  (q, p) => statColumns(withNode(deepMount(q, p), deepNode())),
  { wide: true },
);

/** The same for a node of the mount's volume. */
export const statById = template<IdValues>("resolve.statById")(
  (q, p) => statColumns(withNode(validMount(q, p), sql<string>`${p.node}`)),
  { wide: true },
);

/** Why a mount resolves nothing: its row, whatever its state. */
export const mountState = template<MountValues>("resolve.mountState")((q, p) =>
  q.selectFrom("mount as m")
    .innerJoin("volume as v", "v.volume_id", "m.volume_id")
    .where("m.mount_id", "=", p.mount)
    .select(["m.state", "m.mount_point", "v.root_node_id", "v.volume_id"])
    .select((eb) => [
      isUnexpired("m", p.now).as("alive"),
      placed(eb).as("placed"),
    ])
);

/** A child by name: the visible one. */
export const childByName = template<{ parent: string; name: string }>("resolve.childByName")((
  q,
  p,
) =>
  q.selectFrom("node as n")
    .where("n.node_id", "=", (eb) => visibleChild(eb, sql`${p.parent}`, p.name))
    .select(["n.node_id", "n.type"])
);

/** A row of {@linkcode resolveByPath}. */
export interface ResolvedRow {
  mount_id: string;
  mount_point: string;
  access: string;
  volume_id: string;
  root_node_id: string | null;
  chunk_size: number;
  wm_ts: number;
  wm_seq: number;
  enc_mode: string;
  node_id: string;
  type: string;
  name: string;
  node_volume: string | null;
  version: number | null;
  size: number | null;
  locked: number | boolean;
}

/** A row of {@linkcode statByPath}: every integer is a `bigint`. */
export interface StatRow {
  node_id: string;
  type: string;
  name: string;
  node_volume: string | null;
  mount_volume: string;
  created_at: bigint;
  modified_at: bigint | null;
  atime: bigint | null;
  ctime: bigint | null;
  mode: bigint | null;
  uid: bigint | null;
  gid: bigint | null;
  size: bigint | null;
  version: bigint | null;
  retention_keep: bigint | null;
  nlink: bigint;
  device: string | null;
  metadata: string | null;
}

const RESOLVED = [
  "m.mount_id",
  "m.mount_point",
  "m.access",
  "v.volume_id",
  "v.root_node_id",
  "v.chunk_size",
  "v.wm_ts",
  "v.wm_seq",
  "v.enc_mode",
  "n.node_id",
  "n.type",
  "n.name",
  "n.volume_id as node_volume",
  "c.version",
  "c.size",
] as const;

interface MountScope extends Schema {
  m: Schema["mount"];
  v: Schema["volume"];
}

type MountQuery = SelectQueryBuilder<
  MountScope,
  "m" | "v",
  Record<never, never>
>;
type MountBuilder = ExpressionBuilder<MountScope, "m" | "v">;

/** Mounts that accept operations: neither ended nor expired, their mount point still placed. */
export function validMount(q: Kysely<Schema>, p: MountValues): MountQuery {
  const query = q.selectFrom("mount as m")
    .innerJoin("volume as v", "v.volume_id", "m.volume_id")
    .where("m.mount_id", "=", p.mount)
    .where(isValidMount("m", p.now))
    .where((eb) => placed(eb));
  return query as unknown as MountQuery;
}

function placed(
  eb: MountBuilder,
): ExpressionWrapper<MountScope, "m" | "v", SqlBool> {
  return eb.or([
    eb("m.mount_point", "=", eb.ref("v.root_node_id")),
    eb.exists(
      eb.selectFrom("edge as pe").select(sql.lit(1).as("one"))
        .whereRef("pe.to_id", "=", "m.mount_point").where(
          "pe.archived",
          "=",
          sql.lit(0),
        ),
    ),
  ]);
}

function withNode(query: MountQuery, nodeId: unknown) {
  return query
    .innerJoin(
      "node as n",
      (join) => join.on("n.node_id", "=", nodeId as never),
    )
    .leftJoin("content as c", "c.node_id", "n.node_id");
}

/** The greatest node id among the active children of a name: no other sibling is visible. */
function visibleChild(
  // deno-lint-ignore no-explicit-any -- used within scopes of several shapes
  eb: ExpressionBuilder<any, any>,
  parent: unknown,
  name: string,
) {
  return eb.selectFrom("edge")
    .select(({ fn }) => fn.max("edge.to_id").as("child"))
    .where("edge.from_id", "=", parent as never)
    .where("edge.name", "=", name)
    // A literal, so that the planner can tell the partial index applies.
    .where("edge.archived", "=", sql.lit(0));
}

function nested(p: PathValues, depth: number) {
  // deno-lint-ignore no-explicit-any
  return (eb: ExpressionBuilder<any, any>) => {
    let node: unknown = eb.ref("m.mount_point");
    for (let i = 0; i < depth; i++) {
      node = visibleChild(eb, node, p[`n${i}`] as string);
    }
    return node;
  };
}

function deepMount(q: Kysely<Schema>, p: DeepPathValues): MountQuery {
  return validMount(
    // deno-lint-ignore no-explicit-any -- the recursive table is known to this file alone
    q.withRecursive("walk", (db: any) => walk(db, p)) as never,
    p,
  );
}

// deno-lint-ignore no-explicit-any
function walk(db: any, p: DeepPathValues) {
  return db.selectFrom("mount")
    .where("mount.mount_id", "=", p.mount)
    .select(["mount.mount_point as node_id", sql.lit(0).as("depth")])
    .unionAll(
      db.selectFrom("walk")
        .innerJoin(jsonRows(p.names), "item.key", "walk.depth")
        .where("walk.node_id", "is not", null)
        // deno-lint-ignore no-explicit-any
        .select((eb: any) => [
          visibleChild(eb, eb.ref("walk.node_id"), eb.ref("item.value")).as(
            "node_id",
          ),
          sql`walk.depth + 1`.as("depth"),
        ]),
    );
}

/** The last step of the walk, and null where it ended early. */
function deepNode() {
  return sql<string>`(SELECT node_id FROM walk ORDER BY depth DESC LIMIT 1)`;
}

/** Every step of a path, to tell why it resolves to nothing. */
export const walkPath = template<DeepPathValues>("resolve.walkPath")((q, p) =>
  // deno-lint-ignore no-explicit-any
  (q.withRecursive("walk", (db: any) => walk(db, p)) as any)
    .selectFrom("walk").leftJoin("node as n", "n.node_id", "walk.node_id")
    .select(["walk.depth", "n.node_id", "n.type"])
    .orderBy("walk.depth") as SelectQueryBuilder<
      Schema,
      "node",
      { depth: number; node_id: string | null; type: string | null }
    >
);

/** Whether another valid mount holds a lock on the node. */
function locked(p: MountValues) {
  // deno-lint-ignore no-explicit-any
  return (eb: ExpressionBuilder<any, any>) =>
    eb.exists(
      eb.selectFrom("lock as l")
        .innerJoin("mount as lm", "lm.mount_id", "l.mount_id")
        .select(sql.lit(1).as("one"))
        .whereRef("l.node_id", "=", "n.node_id")
        .whereRef("l.mount_id", "!=", "m.mount_id")
        .where(isValidLock("l", "lm", p.now)),
    ).as("locked");
}

function statColumns(query: ReturnType<typeof withNode>) {
  return query
    .select([
      "n.node_id",
      "n.type",
      "n.name",
      "n.volume_id as node_volume",
      "v.volume_id as mount_volume",
      "n.created_at",
      "n.modified_at",
      "n.atime",
      "n.ctime",
      "n.mode",
      "n.uid",
      "n.gid",
      "c.size",
      "c.version",
      "c.retention_keep",
      deviceText("n.node_id").as("device"),
      fromJsonb("n.metadata").as("metadata"),
    ])
    .select((eb) =>
      eb.selectFrom("edge as le").select(sql<number>`count(*)`.as("count"))
        .whereRef("le.to_id", "=", "n.node_id").where(
          "le.archived",
          "=",
          sql.lit(0),
        )
        .as("nlink")
    );
}

/** One template a depth, made when a path of that depth first comes by. */
function perDepth<Row>(
  name: string,
  build: (q: Kysely<Schema>, p: PathValues, depth: number) => unknown,
  options?: { wide?: boolean },
): (depth: number) => Template<PathValues, Row> {
  const made: Template<PathValues, Row>[] = [];
  return (depth) =>
    made[depth] ??= template<PathValues>(`${name}.${depth}`)(
      (q, p) => build(q, p, depth) as never,
      options,
    ) as unknown as Template<PathValues, Row>;
}
