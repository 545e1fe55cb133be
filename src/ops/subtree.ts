import { subtree, tangledBelow } from "../../templates/edge.ts";
import { AloeError } from "../errors.ts";
import type { Resolved } from "../tree/resolve.ts";
import type { Transaction } from "../storage/transaction.ts";

/** A row of a subtree. */
export type SubtreeRow = NonNullable<typeof subtree.row>;

/**
 * The rows of a node and all that is below it, top-down.
 *
 * @throws {AloeError} `corrupt` when a directory is in it twice, or in itself.
 */
export async function readSubtree(
  tx: Transaction,
  { node, label }: Resolved,
): Promise<SubtreeRow[]> {
  const tangled = await tx.first(tangledBelow, { node });
  if (tangled !== undefined) {
    throw new AloeError(
      "corrupt",
      `${label}: the directory ${tangled.node_id} has two places in it, or is in itself`,
    );
  }
  return await tx.all(subtree, { node });
}
