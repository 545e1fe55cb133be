import type { Database } from "../storage/database.ts";

/**
 * Runs many operations as one transaction: all of them happen, or none.
 *
 * An operation that fails before it has written leaves the batch usable, if
 * the task catches its error; one that fails half-way makes the whole batch
 * fail. While it runs, operations on the file outside it wait, so it should
 * not wait for anything slow itself.
 *
 * @param task Gets the database that its operations are to be given.
 * @returns What the task returns.
 * @throws What the task throws, with nothing done.
 */
export function batch<T>(
  db: Database,
  task: (tx: Database) => Promise<T>,
): Promise<T> {
  return db.batch(task);
}
