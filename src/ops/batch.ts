import type { Database } from "../storage/database.ts";

/**
 * Runs several operations in one transaction: all of them take effect, or none.
 *
 * After an operation that fails before it has written, the task may catch the error and continue;
 * an operation that fails later makes the whole batch fail. Other operations on the file wait for
 * the batch, so the task should not wait for anything slow.
 *
 * @param task Receives the database for its operations.
 * @returns The task's result.
 * @throws The task's error, after a rollback.
 */
export function batch<T>(
  db: Database,
  task: (tx: Database) => Promise<T>,
): Promise<T> {
  return db.batch(task);
}
