import { AloeError } from "../errors.ts";
import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";

/** The maximum number of rows or items of one piece. */
const AT_ONCE = 512;

/** The number of pieces of one size before a larger size is tried. */
const TRIES = 16;

/**
 * Frees space in one transaction or, when the disk has no room for one that large, in many small
 * ones. Within a batch, always in one.
 *
 * @param whole Does the work in one transaction.
 * @param divided Does the work in many transactions; each leaves the file in a state from which a
 *   later run can continue.
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
 * Runs transactions that free space until the work is complete, each as large as the disk has room
 * for.
 *
 * @param piece Runs one transaction; its `limit` is the maximum number of rows or items.
 * @param settled Receives the result of a committed piece; returns false when the work is complete.
 * @returns When `settled` has returned false.
 * @throws {AloeError} `no_space` when there is no room for even one row or item.
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
    // The freed space may suffice for larger pieces.
    if (++since % TRIES === 0) limit = Math.min(AT_ONCE, limit * 2);
  }
}

/** Like {@linkcode inPieces}, for a list of items in order. */
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

/** Returns whether an error means that the disk is full. */
export function isFull(error: unknown): boolean {
  return error instanceof AloeError && error.code === "no_space";
}
