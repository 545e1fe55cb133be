import { deleteEndedLocks } from "../../templates/lock.ts";
import { deleteEndedMounts } from "../../templates/mount.ts";
import { deleteUnplacedNodes } from "../../templates/node.ts";
import { now } from "../clock.ts";
import { ChunkPool } from "../content/chunk_pool.ts";
import { ManifestStore } from "../content/manifest_store.ts";
import type { Database } from "../storage/database.ts";
import { refuseDamage } from "../storage/capabilities.ts";
import type { Transaction } from "../storage/transaction.ts";
import { clearAbandoned } from "./abandoned.ts";
import { inPieces, wholeOrInPieces } from "./in_pieces.ts";
import { deleteUnreferencedInPieces } from "./sweep.ts";
import type { ContentPruneReport, PruneReport } from "../types.ts";

/** Options of a prune. */
export interface PruneOptions {
  /**
   * Only rows of this volume, by its id. Default: the whole file. Ended locks are always deleted.
   */
  volume?: string;
}

/**
 * Deletes rows that cannot be reached or restored: nodes that never had a placement, invalid locks,
 * and ended mounts. The trash is kept; `purgeTrash` empties it.
 *
 * @throws {AloeError} `corrupt` when pages are damaged; `read_only`, `busy`.
 */
export async function prune(
  db: Database,
  options: PruneOptions = {},
): Promise<PruneReport> {
  const volume = options.volume ?? null;
  await refuseDamage(db);
  const released = await clearAbandoned(db);
  const ended = async (tx: Transaction) => {
    const locks = await tx.run(deleteEndedLocks, { now: now() });
    return { locks, mounts: await tx.run(deleteEndedMounts, { volume, now: now() }) };
  };
  const deleteNodes = (tx: Transaction, limit: number) =>
    tx.run(deleteUnplacedNodes, { volume, now: now(), limit });
  const report = await wholeOrInPieces(db, () =>
    db.write(async (tx) => {
      const { locks, mounts } = await ended(tx);
      return { nodes: await deleteNodes(tx, EVERY), locks, mounts };
    }, { frees: true }), async () => {
    const { locks, mounts } = await db.write(ended, { frees: true });
    let nodes = 0;
    await inPieces(db, deleteNodes, (count, limit) => {
      nodes += count;
      return count === limit;
    });
    return { nodes, locks, mounts };
  });
  report.locks += released;
  return report;
}

/** More rows than there are. */
const EVERY = 2 ** 40;

/**
 * Deletes versions beyond retention and aborted versions, then unreferenced chunks. An entry that
 * is being written is skipped.
 *
 * @throws {AloeError} `corrupt` when pages are damaged; `read_only`, `busy`.
 */
export async function pruneContent(
  db: Database,
  options: PruneOptions = {},
): Promise<ContentPruneReport> {
  await refuseDamage(db);
  const volume = options.volume ?? null;
  return await wholeOrInPieces(db, () =>
    db.write(async (tx) => {
      const versions = await new ManifestStore(tx).prune(volume);
      const { chunks } = await new ChunkPool(tx).deleteUnreferenced();
      return { versions, chunks };
    }, { frees: true }), async () => {
    let versions = 0;
    await inPieces(
      db,
      (tx, limit) => new ManifestStore(tx).prune(volume, limit),
      (count, limit) => {
        versions += count;
        return count === limit;
      },
    );
    return { versions, chunks: (await deleteUnreferencedInPieces(db)).chunks };
  });
}
