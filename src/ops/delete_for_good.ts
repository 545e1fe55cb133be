import { deleteLocksOnAny, deleteMountsAtAny } from "../../templates/inode.ts";
import { deleteNodes } from "../../templates/node.ts";
import { ManifestStore } from "../content/manifest_store.ts";
import type { Transaction } from "../storage/transaction.ts";
import { PlacementStore } from "../tree/placement_store.ts";

/** What {@linkcode deleteForGood} is told of the nodes. */
export interface DeleteOptions {
  /** Directories that stay and in which the nodes are placed. Default none. */
  parents?: Iterable<string>;
  /**
   * Whether the nodes' chunks are noted for reclaiming. Default true; false
   * where the caller looks at all chunks of the file anyway.
   */
  noteChunks?: boolean;
}

/**
 * Deletes nodes with every row that refers to them.
 *
 * @returns How many there were.
 */
export async function deleteForGood(
  tx: Transaction,
  nodes: readonly string[],
  { parents = [], noteChunks = true }: DeleteOptions = {},
): Promise<number> {
  const placements = new PlacementStore(tx);
  // All placements first: one may run from a node of one part to one of another.
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

/** Nodes that one statement deletes: its values are bounded, and it is not to take long. */
const NODES_AT_ONCE = 500;

/** Lists of ids as JSON arrays, of which each is short enough for a statement. */
export function parts(nodes: readonly string[]): string[] {
  const found: string[] = [];
  for (let at = 0; at < nodes.length; at += NODES_AT_ONCE) {
    found.push(JSON.stringify(nodes.slice(at, at + NODES_AT_ONCE)));
  }
  return found;
}
