import type { checkShape } from "../../../templates/sqlite_file.ts";
import type { Transaction } from "../transaction.ts";

/** What SQLite says of damaged pages begins with this; what it says of rows does not. */
export const OF_PAGES = "*** in database";

/**
 * Looks for tables whose pages do not make a tree: where they lead back to
 * themselves, a walk through a few of them never ends.
 *
 * @param checks The query that checks them.
 * @returns Their names; none when all is well.
 */
export async function damagedTrees(
  tx: Transaction,
  checks: typeof checkShape,
): Promise<string[]> {
  return (await tx.all(checks, {}))
    .filter((row) => row.quick_check.startsWith(OF_PAGES)).map((row) => row.name);
}
