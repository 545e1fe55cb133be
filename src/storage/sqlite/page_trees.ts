import type { checkShape } from "../../../templates/file.ts";
import { AloeError } from "../../errors.ts";
import type { Transaction } from "../transaction.ts";

/** What SQLite says of damaged pages begins with this; what it says of rows does not. */
const OF_PAGES = "*** in database";

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

/**
 * Refuses a file in which some tables' pages do not make a tree.
 *
 * @throws {AloeError} `corrupt`.
 */
export async function refuseDamagedTrees(
  tx: Transaction,
  path: string,
  checks: typeof checkShape,
): Promise<void> {
  const [table] = await damagedTrees(tx, checks);
  if (table === undefined) return;
  throw new AloeError(
    "corrupt",
    `${path}: the database is damaged (the pages of table ${table} are no tree)`,
  );
}
