import { sql } from "./kysely.ts";
import { template } from "./template.ts";

// How many chunks of a file are known to be holes.

/** How many manifest rows `first` to `last` of a version refer to one chunk. */
export const countReferences = template<
  { node: string; version: number; first: number; last: number; hash: string }
>("holes.countReferences")((q, p) =>
  q.selectFrom("content_version").select(sql<number>`count(*)`.as("count"))
    .where("content_id", "=", p.node).where("version", "=", p.version)
    .where("chunk_index", ">=", p.first).where("chunk_index", "<=", p.last)
    .where("chunk_hash", "=", p.hash)
);

/** Notes how many chunks of a version are holes. */
export const setHoles = template<{ node: string; version: number; chunks: number }>(
  "holes.setHoles",
)((q, p) =>
  q.insertInto("aloe_hole").values({ node_id: p.node, version: p.version, chunks: p.chunks })
    .onConflict((c) =>
      c.column("node_id").doUpdateSet((eb) => ({
        version: eb.ref("excluded.version"),
        chunks: eb.ref("excluded.chunks"),
      }))
    )
);

/** No chunk of a node is known to be a hole. */
export const deleteHoles = template<{ node: string }>("holes.deleteHoles")((q, p) =>
  q.deleteFrom("aloe_hole").where("node_id", "=", p.node)
);

/** A copy has the holes of what it is a copy of. */
export const copyHoles = template<{ node: string; source: string }>("holes.copyHoles")((q, p) =>
  q.insertInto("aloe_hole").columns(["node_id", "version", "chunks"]).expression((eb) =>
    eb.selectFrom("aloe_hole").where("node_id", "=", p.source)
      .select([sql<string>`${p.node}`.as("id"), "version", "chunks"])
  )
);
