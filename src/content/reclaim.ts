import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";
import { ManifestStore } from "./manifest_store.ts";

/**
 * Looks at chunks that may have lost their last reference, and deletes those
 * that have. Not durable: after a power cut it is done again.
 *
 * @param limit How many are looked at, at most.
 * @param patience How long another process is waited for, ms.
 * @returns How many were; fewer than the limit when no more are left.
 * @throws {AloeError} `read_only`, `busy`.
 */
export async function reclaimChunks(
  db: Database,
  limit: number,
  patience?: number,
): Promise<number> {
  return await db.write((tx) => reclaimSome(tx, limit), { durable: false, patience, frees: true });
}

/** Chunks that one transaction looks at, to bound its time. */
const CHUNKS_AT_ONCE = 256;

/**
 * Looks at all of them, some at a time.
 *
 * @throws {AloeError} `read_only`, `busy`.
 */
export async function reclaimAll(db: Database): Promise<void> {
  while (await reclaimChunks(db, CHUNKS_AT_ONCE) === CHUNKS_AT_ONCE);
}

/** The same within a transaction. */
export function reclaimSome(tx: Transaction, limit: number): Promise<number> {
  return new ManifestStore(tx).reclaim(limit);
}
