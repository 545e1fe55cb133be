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

/** What a prune keeps to. */
export interface PruneOptions {
  /** Only this volume's rows, by its id; the whole file's when left out. Ended locks go anyway. */
  volume?: string;
}

/**
 * Deletes what nobody can reach or bring back: nodes that never had a
 * placement, locks that are no longer valid, mounts that have ended. The trash
 * stays: `purgeTrash` empties it.
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
 * Deletes the versions that retention has given up and those whose writing
 * was aborted, then the chunks that nothing refers to any more. An entry that
 * is being written is left alone.
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
