import { deleteEdgesOf } from "../../templates/edge.ts";
import { orphanNodes } from "../../templates/content_change.ts";
import { deleteLocksOnAny, deleteMountsAtAny } from "../../templates/inode.ts";
import { deleteNodes } from "../../templates/node.ts";
import type { Transaction } from "../storage/transaction.ts";

/** Deletes nodes with every row that refers to them. Their chunks are noted for reclaiming. */
export async function deleteForGood(tx: Transaction, nodes: readonly string[]): Promise<void> {
  for (const part of parts(nodes)) await tx.run(deleteEdgesOf, { nodes: part });
  for (const part of parts(nodes)) {
    await tx.run(deleteLocksOnAny, { nodes: part });
    await tx.run(deleteMountsAtAny, { nodes: part });
    await tx.run(orphanNodes, { nodes: part });
    await tx.run(deleteNodes, { nodes: part });
  }
}

/** Ids in one JSON array: a statement's values are bounded. */
const NODES_AT_ONCE = 5000;

/** Lists of ids as JSON arrays, of which each is short enough for a statement. */
export function parts(nodes: readonly string[]): string[] {
  const found: string[] = [];
  for (let at = 0; at < nodes.length; at += NODES_AT_ONCE) {
    found.push(JSON.stringify(nodes.slice(at, at + NODES_AT_ONCE)));
  }
  return found;
}
