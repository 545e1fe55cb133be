import { reachedElsewhere, withPlacement, withTrash } from "../../templates/inode.ts";
import { setNodeName } from "../../templates/node.ts";
import { now } from "../clock.ts";
import type { History } from "../content/change_content.ts";
import type { Transaction } from "../storage/transaction.ts";
import { PlacementStore } from "../tree/placement_store.ts";
import type { ChangeSet, NewEdge, RemovedEdge } from "./commit_changes.ts";
import { deleteForGood, parts } from "./delete_for_good.ts";
import type { OthersChanges } from "./names_of_others.ts";

/** The changes of names in a change set, including the nodes that gain or lose all names. */
export type NameChanges = Pick<
  ChangeSet,
  "edgesRemoved" | "edgesAdded" | "removed" | "unlinked" | "relinked"
>;

/** The common state of all name changes of a commit. */
export interface NameScope {
  /** The volume's id. */
  volume: string;
  /** The committing mount's id. */
  mount: string;
  /** What to keep of removed nodes. */
  history: History;
  /** Changes of names by other processes since the last check; null for none. */
  others: OthersChanges | null;
}

/**
 * Ends and creates placements, deletes nodes without any, and records nodes that are in use without
 * one.
 */
export async function changeNames(
  tx: Transaction,
  scope: NameScope,
  changes: NameChanges,
): Promise<void> {
  const removed = await changeEdges(tx, scope, changes);
  const placements = new PlacementStore(tx);
  if (removed.length > 0) {
    await deleteForGood(tx, removed, {
      parents: new Set(changes.edgesRemoved.map(({ parent }) => parent)),
    });
  }
  const unlinked = scope.history === "none"
    ? changes.unlinked
    : await unplaced(tx, changes.unlinked);
  for (const node of unlinked) await placements.keepUnplaced(node, scope.mount);
  for (const node of changes.relinked) await placements.forgetUnplaced(node);
}

/**
 * @returns The nodes to delete.
 */
async function changeEdges(
  tx: Transaction,
  { volume, history, others }: NameScope,
  changes: NameChanges,
): Promise<string[]> {
  const moved = history === "none" ? moves(changes, others) : new Map<NewEdge, RemovedEdge>();
  const ended = new Set(moved.values());
  const removed = await removeEdges(tx, changes, ended, history, others);
  const placements = new PlacementStore(tx);
  for (const added of changes.edgesAdded) {
    const { node, name } = added;
    const old = moved.get(added);
    if (old === undefined) await placements.place(volume, node, added);
    else await placements.replace(old, added);
    if (added.rename) await tx.run(setNodeName, { node, name });
    if (added.trash) await placements.end(added);
  }
  return removed;
}

/**
 * Returns new placements that replace an ended one of their node. Updating a row costs a third of
 * deleting one and inserting another.
 */
function moves(
  { edgesRemoved, edgesAdded }: NameChanges,
  others: OthersChanges | null,
): Map<NewEdge, RemovedEdge> {
  const found = new Map<NewEdge, RemovedEdge>();
  if (edgesRemoved.length === 0 || edgesAdded.length === 0) return found;
  const ended = new Map(edgesRemoved.map((edge) => [edge.node, edge]));
  for (const added of edgesAdded) {
    const old = ended.get(added.node);
    if (old === undefined || old.trash || added.trash || others?.ended.has(old.edge)) continue;
    found.set(added, old);
    ended.delete(added.node);
  }
  return found;
}

/**
 * Ends placements. Without a history, placements of nodes to delete are left to {@linkcode
 * deleteForGood}. A directory that something was removed from goes to the trash itself, so that the
 * removed entry can be restored.
 *
 * @param moved Placements whose row becomes another placement of their node.
 * @returns The nodes to delete.
 */
async function removeEdges(
  tx: Transaction,
  { edgesRemoved, removed, unlinked }: NameChanges,
  moved: ReadonlySet<RemovedEdge>,
  history: History,
  others: OthersChanges | null,
): Promise<string[]> {
  const placements = new PlacementStore(tx);
  if (history !== "none") {
    // Use one time, so that a tree removed at once is one item in the trash.
    const at = now();
    for (const each of edgesRemoved) await placements.end(each, at);
    return await unplaced(tx, removed);
  }
  const toDelete = new Set(removed);
  const nameless = new Set([...removed, ...unlinked]);
  const filled = new Set<string>();
  for (const { node_id, named } of await elsewhere(tx, [...nameless], edgesRemoved)) {
    // The node survives under a name that another process has given it, or with the entries that it
    // has added.
    toDelete.delete(node_id);
    if (!named) filled.add(node_id);
  }
  // Content that another process has written meanwhile must stay restorable.
  for (const node of removed) if (toDelete.has(node) && others?.written.has(node)) filled.add(node);
  const kept = await trashKeepers(tx, edgesRemoved, nameless, filled);
  const at = kept.size > 0 ? now() : 0n;
  for (const each of edgesRemoved) {
    if (moved.has(each)) continue;
    const { node } = each;
    if (each.trash) await placements.end(each);
    else if (kept.has(node)) await placements.end(each, at);
    else if (!toDelete.has(node)) await placements.delete(each);
  }
  return removed.filter((node) => toDelete.has(node) && !kept.has(node));
}

/** Returns the nodes to delete that another process has named or filled meanwhile. */
async function elsewhere(
  tx: Transaction,
  removed: readonly string[],
  edgesRemoved: readonly RemovedEdge[],
): Promise<{ node_id: string; named: unknown }[]> {
  const edges = JSON.stringify(edgesRemoved.map(({ edge }) => edge));
  const found: { node_id: string; named: unknown }[] = [];
  for (const nodes of parts(removed)) {
    for (const { node_id, named } of await tx.all(reachedElsewhere, { nodes, edges })) {
      found.push({ node_id, named });
    }
  }
  return found;
}

/**
 * Returns the nodes to delete that contain something in the trash, directly or in such a directory.
 *
 * @param filled Nodes with other content.
 */
async function trashKeepers(
  tx: Transaction,
  edgesRemoved: readonly RemovedEdge[],
  toDelete: ReadonlySet<string>,
  filled: ReadonlySet<string>,
): Promise<Set<string>> {
  const kept = new Set<string>(filled);
  for (const nodes of parts([...toDelete])) {
    for (const row of await tx.all(withTrash, { nodes })) kept.add(row.node_id);
  }
  if (kept.size === 0) return kept;
  const above = new Map(edgesRemoved.map(({ node, parent }) => [node, parent]));
  for (const node of kept) {
    const parent = above.get(node);
    if (parent !== undefined && toDelete.has(parent)) kept.add(parent);
  }
  return kept;
}

/** Returns the nodes that have no placement, not even an ended one. */
async function unplaced(tx: Transaction, nodes: readonly string[]): Promise<string[]> {
  const placed = new Set<string>();
  for (const part of parts(nodes)) {
    for (const row of await tx.all(withPlacement, { nodes: part })) placed.add(row.node_id);
  }
  return nodes.filter((node) => !placed.has(node));
}
