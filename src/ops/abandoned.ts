import {
  abandonedLocks,
  abandonedVolumes,
  endDeadMounts,
  livingLock,
} from "../../templates/abandoned.ts";
import { abandonedNodes } from "../../templates/inode.ts";
import { deleteLock } from "../../templates/lock.ts";
import { listVolumes } from "../../templates/volume.ts";
import { now } from "../clock.ts";
import { ManifestStore } from "../content/manifest_store.ts";
import { reclaimAll } from "../content/reclaim.ts";
import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";
import { PlacementStore } from "../tree/placement_store.ts";
import { deleteForGood } from "./delete_for_good.ts";
import { wholeOrInPieces } from "./in_pieces.ts";
import { deleteVolumeInPieces, deleteVolumeRows, MAKING } from "./remove_volume.ts";
import { dropExpiredUploads } from "./uploads.ts";

/** The maximum number of rows that one transaction checks. */
const LOCKS_AT_ONCE = 64;
const UPLOADS_AT_ONCE = 16;
const NODES_AT_ONCE = 500;

/**
 * Frees unfinished work of ended processes: unfinished versions, expired uploads, files without a
 * name, and incomplete volumes. A living process writes under a valid mount and is not affected.
 *
 * @param dead Mounts that their rows show as valid, but whose processes are known to have ended.
 * @returns The number of released locks.
 * @throws {AloeError} `read_only`, `busy`.
 */
export async function clearAbandoned(
  db: Database,
  dead: readonly string[] = [],
): Promise<number> {
  const ids = JSON.stringify(dead);
  let locks = 0;
  for (;;) {
    const dropped = await dropVersions(db, ids);
    locks += dropped;
    if (dropped < LOCKS_AT_ONCE) break;
  }
  await dropVolumes(db, ids);
  await dropNameless(db, ids);
  while (await dropExpiredUploads(db, UPLOADS_AT_ONCE) === UPLOADS_AT_ONCE);
  await reclaimAll(db);
  return locks;
}

/**
 * @returns The number of locks checked.
 */
async function dropVersions(db: Database, dead: string): Promise<number> {
  return await db.write(async (tx) => {
    const values = { dead, now: now(), limit: LOCKS_AT_ONCE };
    const locks = await tx.all(abandonedLocks, values);
    for (const { lock_id: lock, node_id: node, version } of locks) {
      await tx.run(deleteLock, { lock });
      // Another process may be writing a version of the file.
      if (await tx.first(livingLock, { node, dead, now: values.now })) continue;
      await new ManifestStore(tx).dropAbove(node, version!);
    }
    return locks.length;
  }, { durable: false, frees: true });
}

async function dropVolumes(db: Database, dead: string): Promise<void> {
  const half = async (tx: Transaction) =>
    (await tx.all(abandonedVolumes, { making: MAKING, dead, now: now() }))
      .map((row) => row.volume_id);
  await wholeOrInPieces(db, () =>
    db.write(async (tx) => {
      for (const volume of await half(tx)) await deleteVolumeRows(tx, volume);
    }, { frees: true }), async () => {
    for (const volume of await db.read(half)) await deleteVolumeInPieces(db, volume);
  });
}

async function dropNameless(db: Database, dead: string): Promise<void> {
  await db.write(async (tx) => {
    await tx.run(endDeadMounts, { dead });
    for (const { volume_id: volume } of await tx.all(listVolumes, {})) {
      const values = { volume, now: now(), limit: NODES_AT_ONCE };
      const nodes = await tx.all(abandonedNodes, values);
      for (const { node_id: node, placed } of nodes) {
        if (placed) await new PlacementStore(tx).forgetUnplaced(node);
      }
      await deleteForGood(tx, nodes.filter((row) => !row.placed).map((row) => row.node_id));
    }
  }, { durable: false, frees: true });
}
