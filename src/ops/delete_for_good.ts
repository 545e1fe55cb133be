import { deleteLocksOnAny, deleteMountsAtAny } from "../../templates/inode.ts";
import { deleteNodes } from "../../templates/node.ts";
import { ManifestStore } from "../content/manifest_store.ts";
import type { Transaction } from "../storage/transaction.ts";
import { PlacementStore } from "../tree/placement_store.ts";

/** Options of {@linkcode deleteForGood}. */
export interface DeleteOptions {
  /** Remaining directories in which the nodes are placed. Default: none. */
  parents?: Iterable<string>;
  /**
   * Whether to record the nodes' chunks for reclaiming. Default true; false when the caller checks
   * all chunks of the file anyway.
   */
  noteChunks?: boolean;
}

/**
 * Deletes nodes with all rows that refer to them.
 *
 * @returns The number of deleted nodes.
 */
export async function deleteForGood(
  tx: Transaction,
  nodes: readonly string[],
  { parents = [], noteChunks = true }: DeleteOptions = {},
): Promise<number> {
  const placements = new PlacementStore(tx);
  // Delete all placements first, because one may connect nodes of different batches.
  for (const part of parts(nodes)) await placements.deleteOf(part, parents);
  let deleted = 0;
  for (const part of parts(nodes)) {
    await tx.run(deleteLocksOnAny, { nodes: part });
    await tx.run(deleteMountsAtAny, { nodes: part });
    if (noteChunks) await new ManifestStore(tx).release(part);
    deleted += await tx.run(deleteNodes, { nodes: part });
  }
  return deleted;
}

/** The number of nodes that one statement deletes, to bound its values and time. */
const NODES_AT_ONCE = 500;

/** Splits ids into JSON arrays that are short enough for a statement. */
export function parts(nodes: readonly string[]): string[] {
  const found: string[] = [];
  for (let at = 0; at < nodes.length; at += NODES_AT_ONCE) {
    found.push(JSON.stringify(nodes.slice(at, at + NODES_AT_ONCE)));
  }
  return found;
}
