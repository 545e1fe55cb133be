import { sql } from "./kysely.ts";
import { template } from "./template.ts";

/** Every volume, oldest first. */
export const listVolumes = template("volume.listVolumes")(
  (q) => q.selectFrom("volume").select(VOLUME).orderBy("created_at").orderBy("volume_id"),
  { wide: true },
);

/** Volumes of an id or a name; the newest of a name first. */
export const findVolumes = template<{ key: string }>("volume.findVolumes")(
  (q, p) =>
    q.selectFrom("volume").select(VOLUME)
      .where((eb) => eb.or([eb("volume_id", "=", p.key), eb("name", "=", p.key)]))
      .orderBy("created_at", "desc").orderBy("volume_id", "desc"),
  { wide: true },
);

/** What unlocking a volume needs. */
export const volumeKey = template<{ volume: string }>("volume.volumeKey")((q, p) =>
  q.selectFrom("volume")
    .select([
      "volume_id",
      "root_node_id",
      "enc_mode",
      "wrapped_key",
      "wrap_nonce",
    ])
    .where("volume_id", "=", p.volume)
);

/** A new volume, its root still to come. */
export const insertVolume = template<{
  volume: string;
  name: string | null;
  createdAt: bigint;
  chunkSize: number;
  ts: number;
  seq: number;
  mode: string;
}>("volume.insertVolume")((q, p) =>
  q.insertInto("volume").values({
    volume_id: p.volume,
    root_node_id: null,
    name: p.name,
    created_at: p.createdAt,
    api_version: 2,
    chunk_size: p.chunkSize,
    wm_ts: p.ts,
    wm_seq: p.seq,
    enc_mode: p.mode,
    wrapped_key: null,
    wrap_nonce: null,
  })
);

/** Gives a volume its root. */
export const setVolumeRoot = template<{ volume: string; root: string }>("volume.setVolumeRoot")((
  q,
  p,
) =>
  q.updateTable("volume").set({ root_node_id: p.root }).where(
    "volume_id",
    "=",
    p.volume,
  )
);

/** Stores a volume's wrapped key. */
export const setVolumeKey = template<{
  volume: string;
  wrapped: Uint8Array;
  nonce: Uint8Array;
}>("volume.setVolumeKey")((q, p) =>
  q.updateTable("volume").set({ wrapped_key: p.wrapped, wrap_nonce: p.nonce })
    .where("volume_id", "=", p.volume)
);

/** Names a volume. */
export const setVolumeName = template<
  { volume: string; name: string | null }
>("volume.setVolumeName")((q, p) =>
  q.updateTable("volume").set({ name: p.name }).where(
    "volume_id",
    "=",
    p.volume,
  )
);

/** Stores how far ids have been minted. */
export const storeWatermark = template<
  { volume: string; ts: number; seq: number }
>("volume.storeWatermark")((q, p) =>
  q.updateTable("volume").set({ wm_ts: p.ts, wm_seq: p.seq }).where(
    "volume_id",
    "=",
    p.volume,
  )
);

/** The greatest id of a volume's nodes below a text. */
export const greatestNodeId = template<{ volume: string; below: string }>(
  "volume.greatestNodeId",
)((q, p) =>
  q.selectFrom("node").select("node_id").where("node_id", "<", p.below)
    .where("volume_id", "=", p.volume).orderBy("node_id", "desc").limit(sql.lit(1))
);

/** The same of its placements. */
export const greatestEdgeId = template<{ volume: string; below: string }>(
  "volume.greatestEdgeId",
)((q, p) =>
  q.selectFrom("edge").select("edge_id").where("edge_id", "<", p.below)
    .where("volume_id", "=", p.volume).orderBy("edge_id", "desc").limit(sql.lit(1))
);

// A whole volume, for its removal: children before parents of every foreign key.

/** Its locks. */
export const deleteVolumeLocks = template<{ volume: string }>("volume.deleteVolumeLocks")((q, p) =>
  q.deleteFrom("lock").where(
    "mount_id",
    "in",
    (eb) =>
      eb.selectFrom("mount").select("mount_id").where(
        "volume_id",
        "=",
        p.volume,
      ),
  )
);

/** Its mounts. */
export const deleteVolumeMounts = template<{ volume: string }>("volume.deleteVolumeMounts")((
  q,
  p,
) => q.deleteFrom("mount").where("volume_id", "=", p.volume));

/** Its placements. */
export const deleteVolumeEdges = template<{ volume: string }>("volume.deleteVolumeEdges")((q, p) =>
  q.deleteFrom("edge").where("volume_id", "=", p.volume)
);

/** Some of them. */
export const deleteSomeVolumeEdges = template<{ volume: string; limit: number }>(
  "volume.deleteSomeVolumeEdges",
)((q, p) =>
  q.deleteFrom("edge").where(
    "edge_id",
    "in",
    (eb) =>
      eb.selectFrom("edge as e").select("e.edge_id").where("e.volume_id", "=", p.volume)
        .limit(p.limit),
  )
);

/** Its hold on its root. */
export const clearVolumeRoot = template<{ volume: string }>("volume.clearVolumeRoot")((q, p) =>
  q.updateTable("volume").set({ root_node_id: null }).where(
    "volume_id",
    "=",
    p.volume,
  )
);

/** Some of its nodes, its root not among them. */
export const nodesOfVolume = template<{ volume: string; limit: number }>("volume.nodesOfVolume")((
  q,
  p,
) =>
  q.selectFrom("node as n").select("n.node_id").where("n.volume_id", "=", p.volume)
    .where((eb) =>
      eb.not(eb.exists(
        eb.selectFrom("volume as v").select(sql.lit(1).as("one"))
          .whereRef("v.root_node_id", "=", "n.node_id"),
      ))
    ).limit(p.limit)
);

/** Its nodes, with their content. */
export const deleteVolumeNodes = template<{ volume: string }>("volume.deleteVolumeNodes")((q, p) =>
  q.deleteFrom("node").where("volume_id", "=", p.volume)
);

/** The volume itself. */
export const deleteVolume = template<{ volume: string }>("volume.deleteVolume")((q, p) =>
  q.deleteFrom("volume").where("volume_id", "=", p.volume)
);

const VOLUME = [
  "volume_id",
  "root_node_id",
  "name",
  "created_at",
  "chunk_size",
  "enc_mode",
] as const;
