import { copyDevice } from "../../templates/inode.ts";
import { copyNode, copyXattrs } from "../../templates/node.ts";
import { ManifestStore } from "../content/manifest_store.ts";
import type { MountRef } from "../mount_handle.ts";
import { checkNewName } from "../paths.ts";
import {
  mintIn,
  type Place,
  requireSealed,
  requireWritable,
  type Resolved,
  resolvePlace,
  resolveTarget,
  type Target,
} from "../tree/resolve.ts";
import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";
import { PlacementStore } from "../tree/placement_store.ts";
import { yieldToEventLoop } from "../yield_to_event_loop.ts";
import { readSubtree } from "./subtree.ts";
import { equalNamesById, type TreeRow } from "../tree/tree_order.ts";

/**
 * Copies a node and everything below it, with new ids and equal times, metadata and attributes.
 * Entries refer to the same chunks. Hard links within the tree stay linked to each other. History
 * is not copied.
 *
 * @param to The full path of the copy.
 * @returns The copy's node id.
 * @throws {AloeError} `not_found`, `not_a_container`, `read_only`; `corrupt` for a tree that
 *   contains a directory twice, or in itself.
 */
export function copy(
  db: Database,
  mount: MountRef,
  from: string,
  to: string,
): Promise<string> {
  return copyTarget(db, mount, { path: from }, to);
}

/** Like {@linkcode copy}, by node id. */
export function copyById(
  db: Database,
  mount: MountRef,
  node: string,
  to: string,
): Promise<string> {
  return copyTarget(db, mount, { node }, to);
}

async function copyTarget(
  db: Database,
  mount: MountRef,
  target: Target,
  to: string,
): Promise<string> {
  return await db.write(async (tx) => {
    const source = await resolveTarget(tx, mount, target);
    const place = await resolvePlace(tx, mount, to);
    requireWritable(place.parent);
    return await copyTree(tx, source, place);
  });
}

/** Copies a tree within its volume. @returns The id of the new top. */
async function copyTree(
  tx: Transaction,
  source: Resolved,
  place: Place,
): Promise<string> {
  const { volume } = place.parent;
  // Read the tree before the first write, so that a copy into its own subtree copies only the old
  // entries.
  const rows = await readSubtree(tx, source);
  const copies = mintCopies(tx, place.parent, rows);
  const made = new Set<string>();
  const placements = new PlacementStore(tx);
  for (const row of rows) {
    await yieldToEventLoop();
    const node = copies.get(row.node_id)!;
    const name = row.parent_id === null ? place.name : row.edge_name!;
    checkNewName(name);
    if (!made.has(node)) {
      made.add(node);
      if (row.type !== "container") {
        await requireSealed(tx, { mount: source.mount, node: row.node_id });
      }
      await tx.run(copyNode, { node, source: row.node_id, name, volume });
      await tx.run(copyXattrs, { node, source: row.node_id });
      if (row.type !== "container") await new ManifestStore(tx).copy(row.node_id, node);
      if (row.device !== null) await tx.run(copyDevice, { node, source: row.node_id });
    }
    await placements.place(volume, node, {
      edge: mintIn(tx, place.parent),
      parent: row.parent_id === null ? place.parent.node : copies.get(row.parent_id)!,
      name,
    });
  }
  return copies.get(source.node)!;
}

/**
 * Mints new ids for the nodes of a tree in the order of the walk, so that of siblings with one name
 * the same one stays visible. A second placement of a node gets no new id, so that hard links are
 * kept.
 *
 * @param target A node of the volume that receives the copies.
 */
export function mintCopies(
  tx: Transaction,
  target: Resolved,
  rows: readonly TreeRow[],
): Map<string, string> {
  const copies = new Map<string, string>();
  for (const { node_id } of equalNamesById(rows)) {
    if (!copies.has(node_id)) copies.set(node_id, mintIn(tx, target));
  }
  return copies;
}
