import { AloeError } from "../errors.ts";
import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";

/** Rows or items that one piece may take. */
const AT_ONCE = 512;

/** Pieces of one size before a larger one is tried. */
const TRIES = 16;

/**
 * Frees room by one transaction; on a disk that has no room for so large a
 * one, by many small ones. Within a batch it is one in any case.
 *
 * @param whole By one transaction.
 * @param divided By many: each leaves the file in a state that a later run goes on from.
 */
export async function wholeOrInPieces<T>(
  db: Database,
  whole: () => Promise<T>,
  divided: () => Promise<T>,
): Promise<T> {
  try {
    return await whole();
  } catch (error) {
    if (!isFull(error) || db.isBatch) throw error;
    return await divided();
  }
}

/**
 * Runs transactions that free room until nothing is left to be done, each with
 * as much as the disk has room for.
 *
 * @param piece One transaction. It is told how many rows or items it may take at most.
 * @param settled Told what a piece has returned, once it is in the file.
 * @returns Once `settled` has returned false: nothing is left.
 * @throws {AloeError} `no_space` when there is no room for a single one either.
 */
export async function inPieces<R>(
  db: Database,
  piece: (tx: Transaction, limit: number) => Promise<R>,
  settled: (result: R, limit: number) => boolean,
): Promise<void> {
  let limit = AT_ONCE;
  let since = 0;
  for (;;) {
    let result: R;
    try {
      result = await db.write((tx) => piece(tx, limit), { frees: true });
    } catch (error) {
      if (!isFull(error) || limit === 1) throw error;
      limit = Math.ceil(limit / 4);
      since = 0;
      continue;
    }
    if (!settled(result, limit)) return;
    // What is free by now may do for more.
    if (++since % TRIES === 0) limit = Math.min(AT_ONCE, limit * 2);
  }
}

/** The same with each of some items, in their order. */
export async function eachInPieces<I, R>(
  db: Database,
  items: readonly I[],
  piece: (tx: Transaction, some: readonly I[]) => Promise<R>,
  settled: (result: R) => void = () => {},
): Promise<void> {
  let at = 0;
  if (items.length === 0) return;
  await inPieces(
    db,
    async (tx, limit) => {
      const some = items.slice(at, at + limit);
      return { count: some.length, result: await piece(tx, some) };
    },
    ({ count, result }) => {
      at += count;
      settled(result);
      return at < items.length;
    },
  );
}

/** Whether an error says that the disk is full. */
export function isFull(error: unknown): boolean {
  return error instanceof AloeError && error.code === "no_space";
}
