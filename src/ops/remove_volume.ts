import { countMounts, insertMount } from "../../templates/mount.ts";
import {
  clearVolumeRoot,
  deleteVolume,
  deleteVolumeLocks,
  deleteVolumeMounts,
  deleteVolumeNodes,
  nodesOfVolume,
  setVolumeName,
} from "../../templates/volume.ts";
import { now } from "../clock.ts";
import { ChunkPool } from "../content/chunk_pool.ts";
import { ManifestStore } from "../content/manifest_store.ts";
import { reclaimSome } from "../content/reclaim.ts";
import { MOUNT_NONCE_LENGTH } from "../crypto/key_ladder.ts";
import { AloeError } from "../errors.ts";
import { expiry } from "../expiry.ts";
import { uuid7 } from "../ids.ts";
import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";
import { PlacementStore } from "../tree/placement_store.ts";
import type { PurgeReport } from "../types.ts";
import { deleteForGood } from "./delete_for_good.ts";
import { inPieces, wholeOrInPieces } from "./in_pieces.ts";
import { deleteUnreferencedInPieces } from "./sweep.ts";
import { findVolume } from "./volumes.ts";

/**
 * The principal of the mount of a volume that is being created or deleted. The volume is deleted
 * unless that mount is ended.
 */
export const MAKING = "aloelite:making";

/** How long the incomplete volume of a killed process is kept, in ms. */
export const MARK_TTL = 60_000;

/**
 * Deletes a volume with its content, history and trash.
 *
 * @returns The freed rows and bytes.
 * @throws {AloeError} `not_found`; `mount_conflict` while it has a valid mount; `invalid` when
 *   several volumes have the name.
 */
export async function removeVolume(
  db: Database,
  nameOrId: string,
): Promise<PurgeReport> {
  const found = async (tx: Transaction) => {
    const { id, name, root } = await findVolume(tx, nameOrId, true);
    const { count } = (await tx.first(countMounts, { volume: id, now: now() }))!;
    if (count > 0) {
      throw new AloeError(
        "mount_conflict",
        `volume ${name ?? id} is mounted ${count} times`,
      );
    }
    return { id, root };
  };
  return await wholeOrInPieces(db, () =>
    db.write(async (tx) => {
      return {
        nodes: await deleteVolumeRows(tx, (await found(tx)).id),
        ...await new ChunkPool(tx).deleteUnreferenced(),
      };
    }, { frees: true }), async () => {
    // From here on the volume is unusable, and the next process that opens the file continues the
    // deletion.
    const id = await db.write(async (tx) => {
      const { id, root } = await found(tx);
      await markIncomplete(tx, { id, root }, uuid7());
      await tx.run(setVolumeName, { volume: id, name: null });
      return id;
    }, { frees: true });
    const freed = await deleteVolumeInPieces(db, id);
    const { chunks, bytes } = await deleteUnreferencedInPieces(db);
    return {
      nodes: freed.nodes,
      chunks: freed.chunks + chunks,
      bytes: freed.bytes + bytes,
    };
  });
}

/**
 * Marks a volume as incomplete: a process that opens the file after the mark has expired deletes
 * the volume.
 *
 * @param mark The id of the mount that is the mark.
 */
export async function markIncomplete(
  tx: Transaction,
  { id, root }: { id: string; root: string },
  mark: string,
): Promise<void> {
  await tx.run(insertMount, {
    mount: mark,
    volume: id,
    mountPoint: root,
    expiresAt: expiry(MARK_TTL),
    createdAt: now(),
    nonce: new Uint8Array(MOUNT_NONCE_LENGTH),
    access: "ro",
    principal: MAKING,
  });
}

/**
 * Deletes a volume, starting with its placements and nodes in small transactions.
 *
 * @returns The deleted rows; chunks only if no other volume uses them.
 */
export async function deleteVolumeInPieces(db: Database, volume: string): Promise<PurgeReport> {
  // A directory may have more placements than one transaction has room for.
  await inPieces(
    db,
    (tx, limit) => new PlacementStore(tx).deleteSomeOfVolume(volume, limit),
    (count, limit) => count === limit,
  );
  const report = { nodes: 0, chunks: 0, bytes: 0 };
  await inPieces(db, async (tx, limit) => {
    const some = (await tx.all(nodesOfVolume, { volume, limit })).map((row) => row.node_id);
    const freed = await new ManifestStore(tx).ownedBy(JSON.stringify(some));
    await deleteForGood(tx, some);
    await reclaimSome(tx, limit);
    return { nodes: some.length, ...freed };
  }, ({ nodes, chunks, bytes }, limit) => {
    report.nodes += nodes;
    report.chunks += chunks;
    report.bytes += bytes;
    return nodes === limit;
  });
  report.nodes += await db.write((tx) => deleteVolumeRows(tx, volume), { frees: true });
  return report;
}

/**
 * Deletes every row of a volume; its chunks are recorded for reclaiming.
 *
 * @returns The number of deleted nodes.
 */
export async function deleteVolumeRows(tx: Transaction, volume: string): Promise<number> {
  await new ManifestStore(tx).releaseVolume(volume);
  await tx.run(deleteVolumeLocks, { volume });
  await tx.run(deleteVolumeMounts, { volume });
  await new PlacementStore(tx).deleteVolume(volume);
  await tx.run(clearVolumeRoot, { volume });
  const nodes = await tx.run(deleteVolumeNodes, { volume });
  await tx.run(deleteVolume, { volume });
  return nodes;
}
