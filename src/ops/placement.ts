import {
  ancestors,
  hasChild,
  listChildren,
  lockedBelow,
  placements,
  placementsAt,
} from "../../templates/edge.ts";
import { setNodeName } from "../../templates/node.ts";
import { childByName } from "../../templates/resolve.ts";
import { now } from "../clock.ts";
import { AloeError } from "../errors.ts";
import type { MountRef } from "../mount_handle.ts";
import { checkNewName, splitPath } from "../paths.ts";
import {
  type Place,
  requireChangeable,
  type Resolved,
  resolveId,
  resolvePlace,
  resolveTarget,
  type Target,
} from "../tree/resolve.ts";
import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";
import { PlacementStore } from "../tree/placement_store.ts";
import { placeNode } from "./create.ts";
import { eachInPieces, isFull, wholeOrInPieces } from "./in_pieces.ts";

/** A node and the placement that an operation changes. */
interface Placed {
  node: Resolved;
  edge: string;
  parent: string;
  name: string;
}

/**
 * Renames a node within its directory.
 *
 * @param name The new name, not a path.
 * @throws {AloeError} `not_found` (the mount point has no name), `nameless`, `invalid`,
 *   `lock_held`, `read_only`.
 */
export function rename(
  db: Database,
  mount: MountRef,
  path: string,
  name: string,
): Promise<void> {
  return renameTarget(db, mount, { path }, name);
}

/** Like {@linkcode rename}, by node id; changes the newest placement. */
export function renameById(
  db: Database,
  mount: MountRef,
  node: string,
  name: string,
): Promise<void> {
  return renameTarget(db, mount, { node }, name);
}

async function renameTarget(
  db: Database,
  mount: MountRef,
  target: Target,
  name: string,
): Promise<void> {
  checkNewName(name);
  await db.write(async (tx) => {
    const placed = await resolvePlaced(tx, mount, target);
    requireChangeable(placed.node);
    await new PlacementStore(tx).rename(placed, name);
    await nameNode(tx, placed.node, name);
  });
}

/** Sets a node's own name to that of its only placement. */
async function nameNode(
  tx: Transaction,
  node: Resolved,
  name: string,
): Promise<void> {
  if (node.name === name) return;
  const places = await tx.all(placements, { node: node.node });
  if (places.length === 1) await tx.run(setNodeName, { node: node.node, name });
}

/**
 * Moves a node, and renames it if the destination has another name.
 *
 * @param to The full new path. An older node of that name becomes hidden if its id is smaller.
 * @throws {AloeError} `not_found`, `not_a_container`, `would_cycle`, `lock_held`, `read_only`.
 */
export function move(
  db: Database,
  mount: MountRef,
  from: string,
  to: string,
): Promise<void> {
  return moveTarget(db, mount, { path: from }, to);
}

/** Like {@linkcode move}, by node id. */
export function moveById(
  db: Database,
  mount: MountRef,
  node: string,
  to: string,
): Promise<void> {
  return moveTarget(db, mount, { node }, to);
}

async function moveTarget(
  db: Database,
  mount: MountRef,
  target: Target,
  to: string,
): Promise<void> {
  await db.write(async (tx) => {
    const placed = await resolvePlaced(tx, mount, target);
    const place = await resolvePlace(tx, mount, to);
    requireChangeable(placed.node);
    await refuseCycle(tx, placed.node, place);
    await new PlacementStore(tx).end(placed);
    await placeNode(tx, place, placed.node.node);
    await nameNode(tx, placed.node, place.name);
  });
}

/**
 * @throws {AloeError} `would_cycle` when the destination is the node or below it.
 */
async function refuseCycle(
  tx: Transaction,
  node: Resolved,
  place: Place,
): Promise<void> {
  if (node.type !== "container") return;
  const above = await tx.all(ancestors, { node: place.parent.node });
  if (above.some((step) => step.node_id === node.node)) {
    throw new AloeError(
      "would_cycle",
      `${node.label}: cannot be placed within itself`,
    );
  }
}

/**
 * Moves a file, a link or an empty directory to the trash.
 *
 * @throws {AloeError} `not_found`, `not_empty`, `lock_held`, `read_only`.
 */
export function remove(
  db: Database,
  mount: MountRef,
  path: string,
): Promise<void> {
  return removeTarget(db, mount, { path }, false);
}

/** Like {@linkcode remove}, by node id; changes the newest placement. */
export function removeById(
  db: Database,
  mount: MountRef,
  node: string,
): Promise<void> {
  return removeTarget(db, mount, { node }, false);
}

/**
 * Moves a node and everything below it to the trash. For the mount point, only its contents.
 *
 * @throws {AloeError} `not_found`, `lock_held` (anywhere below), `read_only`.
 */
export function removeRecursive(
  db: Database,
  mount: MountRef,
  path: string,
): Promise<void> {
  return removeTarget(db, mount, { path }, true);
}

/** Like {@linkcode removeRecursive}, by node id. */
export function removeRecursiveById(
  db: Database,
  mount: MountRef,
  node: string,
): Promise<void> {
  return removeTarget(db, mount, { node }, true);
}

async function removeTarget(
  db: Database,
  mount: MountRef,
  target: Target,
  recursive: boolean,
): Promise<void> {
  const whole = () => db.write((tx) => removeAtOnce(tx, mount, target, recursive), { frees: true });
  if (!recursive) await whole();
  else await wholeOrInPieces(db, whole, () => removeInPieces(db, mount, target));
}

async function removeAtOnce(
  tx: Transaction,
  mount: MountRef,
  target: Target,
  recursive: boolean,
): Promise<void> {
  const node = await resolveTarget(tx, mount, target);
  requireChangeable(node);
  const atTop = isTop(node);
  if (
    node.type === "container" &&
    await tx.first(hasChild, { parent: node.node })
  ) {
    if (!recursive) {
      throw new AloeError(
        "not_empty",
        `${node.label}: the directory is not empty`,
      );
    }
    await archiveBelow(
      tx,
      node,
      atTop ? null : await placementOf(tx, mount, node, target),
    );
  } else if (!atTop) {
    await new PlacementStore(tx).end(await placementOf(tx, mount, node, target));
  } else if (!recursive) {
    throw new AloeError("not_empty", `${node.label}: the mount point cannot be removed`);
  }
}

/** Returns whether a node is a root, which stays when its contents are removed. */
function isTop({ node, mountPoint, root }: Resolved): boolean {
  return node === mountPoint || node === root;
}

/**
 * Removes a tree on a disk that has no room for one transaction: its top goes
 * first, and with it the whole is gone for everybody; what is below follows, at
 * the same time of removal, so that it is one item of the trash.
 */
async function removeInPieces(db: Database, mount: MountRef, target: Target): Promise<void> {
  const at = now();
  const { node, edges } = await db.write(async (tx) => {
    const node = await resolveTarget(tx, mount, target);
    requireChangeable(node);
    await requireUnlockedBelow(tx, node);
    const edges = await placementsBelow(tx, node.node);
    if (!isTop(node)) {
      await new PlacementStore(tx).end(await placementOf(tx, mount, node, target), at);
    }
    return { node, edges };
  }, { frees: true });
  try {
    await eachInPieces(db, edges, async (tx, some) => {
      for (const edge of some) await new PlacementStore(tx).end(edge, at);
    });
  } catch (error) {
    // What hangs below a directory in the trash is gone, too.
    if (isTop(node) || !isFull(error)) throw error;
  }
}

/** All active placements below a directory, from the top down. */
async function placementsBelow(
  tx: Transaction,
  top: string,
): Promise<{ edge: string; parent: string }[]> {
  const found: { edge: string; parent: string }[] = [];
  const containers = new Set([top]);
  for (const parent of containers) {
    for (const { edge_id: edge, to_id, type } of await tx.all(listChildren, { parent })) {
      found.push({ edge, parent });
      if (type === "container") containers.add(to_id);
    }
  }
  return found;
}

/**
 * Ends the placements of a subtree.
 *
 * @param above The placement of its top; undefined if the top stays.
 * @throws {AloeError} `lock_held`.
 */
export async function archiveBelow(
  tx: Transaction,
  node: Resolved,
  above: { edge: string; parent: string } | null,
): Promise<void> {
  await requireUnlockedBelow(tx, node);
  await new PlacementStore(tx).endBelow(node.node, above);
}

async function requireUnlockedBelow(tx: Transaction, node: Resolved): Promise<void> {
  const held = await tx.first(lockedBelow, {
    node: node.node,
    mount: node.mountId,
    now: now(),
  });
  if (held !== undefined) {
    throw new AloeError(
      "lock_held",
      `${node.label}: another mount is writing ${held.node_id} in it`,
    );
  }
}

/**
 * Moves the node at a place to the trash, including hidden nodes of the same name.
 *
 * @returns The ids of the removed nodes.
 * @throws {AloeError} `lock_held` (anywhere below), `read_only`.
 */
export async function vacate(tx: Transaction, mount: MountRef, place: Place): Promise<string[]> {
  const gone: string[] = [];
  const { name, parent: { node: parent } } = place;
  while (true) {
    const there = await tx.first(childByName, { parent, name });
    if (there === undefined) return gone;
    const node = await resolveId(tx, mount, there.node_id);
    requireChangeable(node);
    const [{ edge_id: edge }] = await tx.all(placementsAt, { node: node.node, parent, name });
    if (node.type === "container") await archiveBelow(tx, node, { edge, parent });
    else await new PlacementStore(tx).end({ edge, parent });
    gone.push(node.node);
  }
}

/** Returns a target with its placement. @throws {AloeError} `not_found` when it has none. */
export async function resolvePlaced(
  tx: Transaction,
  mount: MountRef,
  target: Target,
): Promise<Placed> {
  const node = await resolveTarget(tx, mount, target);
  return { node, ...await placementOf(tx, mount, node, target) };
}

async function placementOf(
  tx: Transaction,
  mount: MountRef,
  node: Resolved,
  target: Target,
): Promise<{ edge: string; parent: string; name: string }> {
  const rows = "path" in target
    ? await placementByPath(tx, mount, node, target.path)
    : (await tx.all(placements, { node: node.node })).reverse();
  if (rows.length === 0 || node.node === node.mountPoint) {
    throw new AloeError(
      "not_found",
      `${node.label}: has no placement to change`,
    );
  }
  return { edge: rows[0].edge_id, parent: rows[0].from_id, name: rows[0].name };
}

async function placementByPath(
  tx: Transaction,
  mount: MountRef,
  node: Resolved,
  path: string,
) {
  if (splitPath(path).length === 0) return [];
  const { parent, name } = await resolvePlace(tx, mount, path);
  return await tx.all(placementsAt, {
    node: node.node,
    parent: parent.node,
    name,
  });
}
