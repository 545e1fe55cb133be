import { sql } from "./kysely.ts";
import { toInteger } from "./expressions.ts";
import { template } from "./template.ts";

// Entries whose content is still being uploaded.

/** Notes that an entry is being uploaded. */
export const insertUpload = template<{
  node: string;
  length: number | null;
  note: string;
  createdAt: bigint;
  expiresAt: bigint;
}>("upload.insertUpload")((q, p) =>
  q.insertInto("aloe_upload").values({
    node_id: p.node,
    length: p.length,
    note: p.note,
    created_at: p.createdAt,
    expires_at: p.expiresAt,
  })
);

/** The uploads of a volume, or one of them; those of the past are there until they are dropped. */
export const uploadsOf = template<{ volume: string; node: string | null }>("upload.uploadsOf")(
  (q, p) =>
    q.selectFrom("aloe_upload as u").innerJoin("node as n", "n.node_id", "u.node_id")
      .innerJoin("content as c", "c.node_id", "u.node_id")
      .where("n.volume_id", "=", p.volume)
      .where((eb) => eb.or([eb("u.node_id", "=", p.node as never), eb(sql`${p.node}`, "is", null)]))
      .select(["u.node_id", "u.length", "u.note", "u.created_at", "u.expires_at", "c.size"])
      .orderBy("u.node_id"),
  { wide: true },
);

/** Moves the time after which nobody is expected to go on. */
export const touchUpload = template<{ node: string; expiresAt: bigint }>("upload.touchUpload")((
  q,
  p,
) => q.updateTable("aloe_upload").set({ expires_at: p.expiresAt }).where("node_id", "=", p.node));

/** Says how long an upload will be in the end. */
export const setUploadLength = template<{ node: string; length: number }>(
  "upload.setUploadLength",
)((q, p) =>
  q.updateTable("aloe_upload").set({ length: toInteger(p.length) as never })
    .where("node_id", "=", p.node)
);

/** It is one no more. */
export const deleteUpload = template<{ node: string }>("upload.deleteUpload")(
  (q, p) => q.deleteFrom("aloe_upload").where("node_id", "=", p.node),
  { touches: ({ node }) => ({ node, isNew: true }) },
);

/** Uploads that have been given up. */
export const expiredUploads = template<{ now: bigint; limit: number }>("upload.expiredUploads")((
  q,
  p,
) => q.selectFrom("aloe_upload").select("node_id").where("expires_at", "<=", p.now).limit(p.limit));

/**
 * Manifest rows of one entry's version become those of a version of another:
 * `first` to `last`.
 */
export const moveManifest = template<{
  from: string;
  version: number;
  to: string;
  newVersion: number;
  first: number;
  last: number;
}>("upload.moveManifest")(
  (q, p) =>
    q.updateTable("content_version").set({ content_id: p.to, version: p.newVersion })
      .where("content_id", "=", p.from).where("version", "=", p.version)
      .where("chunk_index", ">=", p.first).where("chunk_index", "<=", p.last),
  { touches: ({ to, newVersion }) => ({ node: to, version: newVersion }) },
);

/** Gives an entry the times and the name that it has from now on. */
export const renewNode = template<{ node: string; name: string; at: bigint }>("upload.renewNode")(
  (q, p) =>
    q.updateTable("node").set({ name: p.name, created_at: p.at }).where("node_id", "=", p.node),
);
