import { treeBelow, treeTop } from "../../templates/edge.ts";
import { AloeError } from "../errors.ts";
import type { Resolved } from "../tree/resolve.ts";
import type { Transaction } from "../storage/transaction.ts";

/** A row of a subtree. */
export type SubtreeRow = NonNullable<typeof treeTop.row>;

/** The number of rows that one statement reads, to bound its time. */
const ROWS_AT_ONCE = 2000;

/**
 * Returns the rows of a node and everything below it, ordered by depth and then by placement. The
 * top has no placement.
 *
 * @throws {AloeError} `corrupt` when it contains a directory twice, or in itself.
 */
export async function readSubtree(
  tx: Transaction,
  { node, label }: Resolved,
): Promise<SubtreeRow[]> {
  const top = await tx.first(treeTop, { node });
  if (top === undefined) return [];
  const rows: SubtreeRow[] = [top];
  const containers = new Set([node]);
  for (let level = [node]; level.length > 0;) {
    const found: SubtreeRow[] = [];
    for (const parent of level) {
      for (let after = "";;) {
        const page = await tx.all(treeBelow, { parent, after, limit: ROWS_AT_ONCE });
        for (const row of page) found.push(row);
        if (page.length < ROWS_AT_ONCE) break;
        after = page.at(-1)!.edge_id!;
      }
    }
    // The rows of a single directory are already ordered.
    if (level.length > 1) found.sort((a, b) => a.edge_id! < b.edge_id! ? -1 : 1);
    level = [];
    for (const row of found) {
      rows.push(row);
      if (row.type !== "container") continue;
      if (containers.has(row.node_id)) {
        throw new AloeError(
          "corrupt",
          `${label}: the directory ${row.node_id} has two places in it, or is in itself`,
        );
      }
      containers.add(row.node_id);
      level.push(row.node_id);
    }
  }
  return rows;
}
