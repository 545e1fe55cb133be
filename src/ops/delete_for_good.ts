import { deleteEdgesOf } from "../../templates/edge.ts";
import { deleteLocksOnAny, deleteMountsAtAny } from "../../templates/inode.ts";
import { deleteNodes } from "../../templates/node.ts";
import { ManifestStore } from "../content/manifest_store.ts";
import type { Transaction } from "../storage/transaction.ts";

/** Deletes nodes with every row that refers to them. Their chunks are noted for reclaiming. */
export async function deleteForGood(tx: Transaction, nodes: readonly string[]): Promise<void> {
  for (const part of parts(nodes)) await tx.run(deleteEdgesOf, { nodes: part });
  for (const part of parts(nodes)) {
    await tx.run(deleteLocksOnAny, { nodes: part });
    await tx.run(deleteMountsAtAny, { nodes: part });
    await new ManifestStore(tx).release(part);
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
