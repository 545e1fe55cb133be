import {
  abandonedLocks,
  abandonedVolumes,
  anyUnfinished,
  endDeadMounts,
  livingLock,
  mountIds,
} from "../../templates/abandoned.ts";
import { deleteVersionsAbove } from "../../templates/content.ts";
import { orphanVersionsAbove } from "../../templates/content_change.ts";
import { abandonedNodes, deleteUnlinked } from "../../templates/inode.ts";
import { deleteLock } from "../../templates/lock.ts";
import { listVolumes } from "../../templates/volume.ts";
import { now } from "../clock.ts";
import { reclaimAll } from "../content/reclaim.ts";
import { AloeError } from "../errors.ts";
import type { Database, OpenDatabase } from "../storage/database.ts";
import { openDatabase as openFile, type OpenOptions } from "../storage/open.ts";
import { deleteForGood } from "./delete_for_good.ts";
import { dropExpiredUploads } from "./uploads.ts";
import { deleteVolumeRows, MAKING } from "./volumes.ts";

/** Rows looked at by one transaction. */
const LOCKS_AT_ONCE = 64;
const UPLOADS_AT_ONCE = 16;
const NODES_AT_ONCE = 500;

/**
 * Opens a file, creating or upgrading it as needed, and frees what somebody has
 * begun in it who was killed.
 *
 * @param path The file, or `:memory:`. A path is taken as it is: one that begins
 * with `file:` names a file whose name does.
 * @throws {AloeError} `not_found`, `corrupt`, `unsupported`, `read_only`,
 * `busy`, `io_error` or `no_space`.
 */
export async function openDatabase(
  path: string | URL,
  options: OpenOptions = {},
): Promise<OpenDatabase> {
  const db = await openFile(path, options);
  if (db.readOnly) return db;
  try {
    const { used, noted } = (await db.query((tx) => tx.first(anyUnfinished, { making: MAKING })))!;
    if (used) {
      const dead = await db.whileAlone(async (tx) =>
        (await tx.all(mountIds, {})).map((row) => row.mount_id)
      );
      await clearAbandoned(db, dead ?? []);
    } else if (noted) await reclaimAll(db);
  } catch (error) {
    // It is tried again by whoever opens the file next; this one is open all the same.
    if (!(error instanceof AloeError)) {
      await db.close();
      throw error;
    }
  }
  return db;
}

/**
 * Frees what was begun and will not be ended: versions that were being written,
 * uploads whose time is over, files without a name, volumes half made. What a
 * living process writes is under a valid mount and left alone.
 *
 * @param dead Mounts that are valid by their rows, and whose processes are
 * known to be gone.
 * @returns How many locks it released.
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

/** @returns How many locks were looked at. */
async function dropVersions(db: Database, dead: string): Promise<number> {
  return await db.write(async (tx) => {
    const values = { dead, now: now(), limit: LOCKS_AT_ONCE };
    const locks = await tx.all(abandonedLocks, values);
    for (const { lock_id: lock, node_id: node, version } of locks) {
      await tx.run(deleteLock, { lock });
      // Somebody else may be writing a version of the same file.
      if (await tx.first(livingLock, { node, dead, now: values.now })) continue;
      await tx.run(orphanVersionsAbove, { node, version: version! });
      await tx.run(deleteVersionsAbove, { node, version: version! });
    }
    return locks.length;
  }, { durable: false, frees: true });
}

async function dropVolumes(db: Database, dead: string): Promise<void> {
  await db.write(async (tx) => {
    const half = await tx.all(abandonedVolumes, { making: MAKING, dead, now: now() });
    for (const { volume_id: volume } of half) await deleteVolumeRows(tx, volume);
  }, { frees: true });
}

async function dropNameless(db: Database, dead: string): Promise<void> {
  await db.write(async (tx) => {
    await tx.run(endDeadMounts, { dead });
    for (const { volume_id: volume } of await tx.all(listVolumes, {})) {
      const values = { volume, now: now(), limit: NODES_AT_ONCE };
      const nodes = await tx.all(abandonedNodes, values);
      for (const { node_id: node, placed } of nodes) {
        if (placed) await tx.run(deleteUnlinked, { node });
      }
      await deleteForGood(tx, nodes.filter((row) => !row.placed).map((row) => row.node_id));
    }
  }, { durable: false, frees: true });
}
