import { listChildren, placements } from "../../templates/edge.ts";
import { locksOfNode } from "../../templates/lock.ts";
import { childByName } from "../../templates/resolve.ts";
import {
  listRemoved,
  mountsAt,
  removedFrom,
  removedNode,
  removedTogether,
} from "../../templates/trash.ts";
import { now } from "../clock.ts";
import { ChunkPool } from "../content/chunk_pool.ts";
import { ManifestStore } from "../content/manifest_store.ts";
import { AloeError } from "../errors.ts";
import type { MountRef } from "../mount_handle.ts";
import { joinPath } from "../paths.ts";
import { type Place, requireWritable, resolve, resolveId, resolvePlace } from "../tree/resolve.ts";
import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";
import { PlacementStore } from "../tree/placement_store.ts";
import type { NodeType, PurgeReport, TrashItem } from "../types.ts";
import { freeName, type OnConflict, type Outcome } from "./conflict.ts";
import { placeNode } from "./create.ts";
import { deleteForGood, parts } from "./delete_for_good.ts";
import { eachInPieces, inPieces, wholeOrInPieces } from "./in_pieces.ts";
import { pathBelow } from "./list.ts";
import { reclaimSome } from "../content/reclaim.ts";
import { vacate } from "./placement.ts";
import { deleteUnreferencedInPieces } from "./sweep.ts";

/** A removed node with its last placement. */
interface Removed {
  edge: string;
  from: string;
  node: string;
  name: string;
  removedAt: bigint | null;
  type: NodeType;
  size: number;
}

/** The removed nodes of a volume, as trees. */
interface Trash {
  /** All removed nodes by id. */
  nodes: Map<string, Removed>;
  /** The removed children of a container, by its id. */
  children: Map<string, Removed[]>;
}

/**
 * Returns the removed nodes of the mount's volume that can be restored, newest first. A node
 * removed together with its directory is counted in the directory.
 *
 * @throws {AloeError} `mount_invalid`.
 */
export async function listTrash(
  db: Database,
  mount: MountRef,
): Promise<TrashItem[]> {
  return await db.read(async (tx) => {
    const top = await resolve(tx, mount, "/");
    const trash = await readTrash(tx, top.volume);
    const items: TrashItem[] = [];
    for (const removed of trash.nodes.values()) {
      if (removedWithParent(trash, removed)) continue;
      const gone = removedTree(trash, removed);
      items.push({
        id: removed.node,
        type: removed.type,
        path: await formerPath(tx, trash, removed, top.root),
        removedAt: removed.removedAt,
        size: gone.reduce((sum, each) => sum + each.size, 0),
        nodes: gone.length,
      });
    }
    return items.sort((a, b) => Number((b.removedAt ?? 0n) - (a.removedAt ?? 0n)));
  });
}

/** Options of {@linkcode restoreItem}. */
export interface RestoreOptions {
  /** The new path. Default: the original path. */
  to?: string;
  /** How to handle a name conflict. Default `fail`. */
  onConflict?: OnConflict;
  /** Nodes that earlier steps of the same job have placed; they are not replaced. */
  placed?: ReadonlySet<string>;
}

/** The result of restoring a node. */
export interface Restored {
  /** Its path from the mount point, or from the root when it is not below the mount point. */
  path: string;
  /** The result. */
  outcome: Outcome;
  /** The ids of replaced nodes, which are in the trash. */
  replaced: string[];
}

/**
 * Restores a removed node with everything removed together with it.
 *
 * @param id The node's id, as in {@linkcode listTrash}.
 * @param options `to` is the new path. Default: the original path.
 * @returns Its path from the mount point, or from the root when it is not below the mount point.
 * @throws {AloeError} `not_found` when it is not in the trash or its directory was removed too;
 *   `already_exists` when the name exists; `read_only`.
 */
export async function restoreTrash(
  db: Database,
  mount: MountRef,
  id: string,
  options: { to?: string } = {},
): Promise<string> {
  return (await restoreItem(db, mount, id, options)).path;
}

/** Like {@linkcode restoreTrash}, with a choice of how to handle a name conflict. */
export async function restoreItem(
  db: Database,
  mount: MountRef,
  id: string,
  options: RestoreOptions = {},
): Promise<Restored> {
  return await db.write(async (tx) => {
    const node = await resolveId(tx, mount, id);
    requireWritable(node);
    const removed = await removedOne(tx, id, node.volume);
    const wanted = options.to === undefined
      ? await formerPlace(tx, mount, removed, node.volume)
      : await resolvePlace(tx, mount, options.to);
    const { place, outcome, replaced } = await resolveConflict(tx, mount, wanted, options);
    if (outcome !== "skipped") {
      if (options.to === undefined && outcome !== "renamed") {
        await new PlacementStore(tx).restore({ edge: removed.edge, parent: removed.from });
      } else await placeNode(tx, place, id);
      await restoreBelow(tx, id, removed.removedAt);
    }
    const at = outcome === "skipped" ? place.parent.node : id;
    const path = await pathBelow(tx, at, node.mountPoint) ?? await pathBelow(tx, at, node.root);
    if (outcome === "renamed") return { path: path ?? id, outcome, replaced };
    if (outcome !== "skipped") return { path: options.to ?? path ?? id, outcome, replaced };
    return { path: `${path === "/" ? "" : path}/${place.name}`, outcome, replaced };
  });
}

/** Resolves a name conflict and returns the place for the node. */
async function resolveConflict(
  tx: Transaction,
  mount: MountRef,
  place: Place,
  { to, onConflict = "fail", placed }: RestoreOptions,
): Promise<{ place: Place; outcome: Outcome; replaced: string[] }> {
  const { parent, name } = place;
  const label = to ?? name;
  const taken = await tx.first(childByName, { parent: parent.node, name });
  if (taken === undefined) return { place, outcome: "created", replaced: [] };
  switch (onConflict) {
    case "fail":
      throw new AloeError("already_exists", `${label}: exists`);
    case "skip":
      return { place, outcome: "skipped", replaced: [] };
    case "rename": {
      const free = { parent, name: await freeName(tx, parent.node, name) };
      return { place: free, outcome: "renamed", replaced: [] };
    }
    case "replace":
      if (placed?.has(taken.node_id)) {
        throw new AloeError("already_exists", `${label}: two of the items have this name`);
      }
      return { place, outcome: "replaced", replaced: await vacate(tx, mount, place) };
  }
}

/**
 * Restores all placements below a container that were removed together with it, including hard
 * links of nodes that are still placed elsewhere.
 */
async function restoreBelow(tx: Transaction, top: string, at: bigint | null): Promise<void> {
  const containers = [top];
  for (const parent of containers) {
    const removed = await pages((after) =>
      tx.all(removedTogether, { parent, at, after, limit: ROWS_AT_ONCE })
    );
    if (removed.length === 0) continue;
    // A mount may have added an entry of the same name to the removed directory; that entry keeps
    // the name.
    const taken = new Set((await tx.all(listChildren, { parent })).map((row) => row.name));
    for (const row of removed) {
      if (taken.has(row.name)) continue;
      // A directory that was restored to another path stays there.
      if (row.type === "container" && row.placed) continue;
      await new PlacementStore(tx).restore({ edge: row.edge_id, parent });
      if (row.type === "container") containers.push(row.to_id);
    }
  }
}

/**
 * @throws {AloeError} `not_found` when its directory is in the trash too.
 */
async function formerPlace(
  tx: Transaction,
  mount: MountRef,
  removed: Removed,
  volume: string,
): Promise<Place> {
  if (await tx.first(removedNode, { node: removed.from, volume })) {
    throw new AloeError(
      "not_found",
      `${removed.name}: its directory ${removed.from} was removed too; restore that first, or choose another path`,
    );
  }
  return { parent: await resolveId(tx, mount, removed.from), name: removed.name };
}

/** Options of {@linkcode purgeTrash}. */
export interface PurgeOptions {
  /** Only this node and everything below it. */
  id?: string;
  /** Only nodes removed before this time, in ns. */
  olderThan?: bigint;
}

/**
 * Deletes removed nodes permanently, with their content and history. Their chunks are freed when
 * nothing else refers to them; a vacuum shrinks the file.
 *
 * Locked nodes and mount points of valid mounts are kept.
 *
 * @throws {AloeError} `not_found` when `id` is not in the trash; `lock_held` or `mount_conflict`
 *   when it must be kept; `read_only`; `invalid` for an option that is present but undefined,
 *   because ignoring it would delete everything.
 */
export async function purgeTrash(
  db: Database,
  mount: MountRef,
  options: PurgeOptions = {},
): Promise<PurgeReport> {
  for (const name of ["id", "olderThan"] as const) {
    if (Object.hasOwn(options, name) && options[name] === undefined) {
      throw new AloeError("invalid", `${name}: is undefined; omit it to delete everything`);
    }
  }
  return await wholeOrInPieces(
    db,
    () => purgeAtOnce(db, mount, options),
    () => purgeInPieces(db, mount, options),
  );
}

async function purgeAtOnce(
  db: Database,
  mount: MountRef,
  options: PurgeOptions,
): Promise<PurgeReport> {
  return await db.write(async (tx) => {
    const top = await resolve(tx, mount, "/");
    requireWritable(top);
    const { id } = options;
    if (id !== undefined) {
      await removedOne(tx, id, top.volume);
      const tree = await everythingBelow(tx, id);
      const held = await firstHeld(tx, tree);
      if (held !== null) throw held;
      return await deleteTheseAlone(tx, [...tree]);
    }
    const doomed = [...(await freeTrees(tx, top.volume, options)).keys()];
    const nodes = await deleteForGood(tx, doomed, { noteChunks: false });
    return { nodes, ...await new ChunkPool(tx).deleteUnreferenced() };
  }, { frees: true });
}

/**
 * The same on a disk that has no room for one transaction. What is deeper goes
 * first: when it is ended, the rest is still in the trash.
 */
async function purgeInPieces(
  db: Database,
  mount: MountRef,
  options: PurgeOptions,
): Promise<PurgeReport> {
  const { volume, tops } = await db.read(async (tx) => {
    const { volume } = await resolve(tx, mount, "/");
    return { volume, tops: await freeTrees(tx, volume, options) };
  });
  const report = { nodes: 0, chunks: 0, bytes: 0 };
  const add = (freed: PurgeReport) => {
    report.nodes += freed.nodes;
    report.chunks += freed.chunks;
    report.bytes += freed.bytes;
  };
  await eachInPieces(db, [...tops].reverse(), async (tx, some) => {
    requireWritable(await resolve(tx, mount, "/"));
    // Another process may have restored the node, or locked or mounted it.
    const doomed: string[] = [];
    const gone = new Map<string, boolean>();
    for (const [node, top] of some) {
      let inTrash = gone.get(top);
      if (inTrash === undefined) {
        inTrash = await tx.first(removedNode, { node: top, volume }) !== undefined;
        gone.set(top, inTrash);
      }
      if (inTrash) doomed.push(node);
    }
    const held = await firstHeld(tx, new Set(doomed));
    if (held !== null) throw held;
    const { chunks, bytes } = await new ManifestStore(tx).ownedBy(JSON.stringify(doomed));
    const nodes = await deleteForGood(tx, doomed);
    await reclaimSome(tx, CHUNKS_A_PIECE);
    return { nodes, chunks, bytes };
  }, add);
  await inPieces(db, reclaimSome, (seen, limit) => seen === limit);
  if (options.id === undefined) add({ nodes: 0, ...await deleteUnreferencedInPieces(db) });
  return report;
}

/** Every node that is to go, parents before children, each with the one that was removed. */
async function freeTrees(
  tx: Transaction,
  volume: string,
  options: PurgeOptions,
): Promise<Map<string, string>> {
  const tops = new Map<string, string>();
  const { id } = options;
  const trash = id === undefined
    ? chosen(await readTrash(tx, volume), options)
    : [await removedOne(tx, id, volume)];
  for (const { node: top } of trash) {
    if (tops.has(top)) continue;
    const tree = await everythingBelow(tx, top);
    const held = await firstHeld(tx, tree);
    if (held !== null && id !== undefined) throw held;
    if (held !== null) continue;
    for (const node of tree) if (!tops.has(node)) tops.set(node, top);
  }
  return tops;
}

function chosen(trash: Trash, options: PurgeOptions): Removed[] {
  return [...trash.nodes.values()].filter((removed) =>
    !removedWithParent(trash, removed) &&
    (options.olderThan === undefined ||
      (removed.removedAt ?? 0n) < options.olderThan)
  );
}

/** Deletes nodes and the chunks that only they use, without checking other chunks. */
async function deleteTheseAlone(tx: Transaction, nodes: string[]): Promise<PurgeReport> {
  const report = { nodes: nodes.length, chunks: 0, bytes: 0 };
  // Delete all placements first, because one may connect nodes of different batches.
  const placements = new PlacementStore(tx);
  for (const part of parts(nodes)) await placements.deleteOf(part, []);
  for (let at = 0; at < nodes.length; at += NODES_AT_ONCE) {
    const some = nodes.slice(at, at + NODES_AT_ONCE);
    const freed = await new ManifestStore(tx).ownedBy(JSON.stringify(some));
    report.chunks += freed.chunks;
    report.bytes += freed.bytes;
    await deleteForGood(tx, some);
  }
  for (let seen = CHUNKS_AT_ONCE; seen === CHUNKS_AT_ONCE;) {
    seen = await reclaimSome(tx, CHUNKS_AT_ONCE);
  }
  return report;
}

/**
 * The number of nodes that one statement deletes, and of chunks that it checks, to bound its time.
 */
const NODES_AT_ONCE = 500;
const CHUNKS_AT_ONCE = 1000;

/** The number of rows that one statement reads. */
const ROWS_AT_ONCE = 1000;

/** Collects all rows of a paged query. */
async function pages<Row extends { edge_id: string }>(
  page: (after: string) => Promise<Row[]>,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (let after = "";;) {
    const some = await page(after);
    for (const row of some) rows.push(row);
    if (some.length < ROWS_AT_ONCE) return rows;
    after = some.at(-1)!.edge_id;
  }
}

/** Chunks that a small transaction looks at beside the nodes that it deletes. */
const CHUNKS_A_PIECE = 256;

/** Why a tree cannot be deleted, null when it can. */
async function firstHeld(
  tx: Transaction,
  nodes: Set<string>,
): Promise<AloeError | null> {
  for (const node of nodes) {
    if (await tx.first(locksOfNode, { node, now: now() })) {
      return new AloeError("lock_held", `${node}: is being written`);
    }
    if (await tx.first(mountsAt, { node, now: now() })) {
      return new AloeError("mount_conflict", `${node}: is mounted`);
    }
  }
  return null;
}

/**
 * @throws {AloeError} `not_found` when the node is not in the trash.
 */
async function removedOne(tx: Transaction, node: string, volume: string): Promise<Removed> {
  const row = await tx.first(removedNode, { node, volume });
  if (row === undefined) throw new AloeError("not_found", `${node}: is not in the trash`);
  return removedOf(row);
}

function removedOf(row: NonNullable<typeof removedNode.row>): Removed {
  return {
    edge: row.edge_id,
    from: row.from_id,
    node: row.to_id,
    name: row.name,
    // A damaged row has no valid time.
    removedAt: typeof row.removed_at === "bigint" ? row.removed_at : null,
    type: row.type as NodeType,
    size: Number(row.size ?? 0) || 0,
  };
}

async function readTrash(tx: Transaction, volume: string): Promise<Trash> {
  const nodes = new Map<string, Removed>();
  const children = new Map<string, Removed[]>();
  const rows = (after: string) => tx.all(listRemoved, { volume, after, limit: ROWS_AT_ONCE });
  for (const row of await pages(rows)) {
    const removed = removedOf(row);
    nodes.set(removed.node, removed);
    const siblings = children.get(removed.from);
    if (siblings === undefined) children.set(removed.from, [removed]);
    else siblings.push(removed);
  }
  return { nodes, children };
}

/** Returns whether a node was removed by the removal of its directory. */
function removedWithParent(trash: Trash, removed: Removed): boolean {
  const parent = trash.nodes.get(removed.from);
  return parent !== undefined && parent.removedAt === removed.removedAt;
}

/** Returns a removed node and everything removed together with it, parents before children. */
function removedTree(trash: Trash, top: Removed): Removed[] {
  const gone = [top];
  for (const removed of gone) {
    for (const child of trash.children.get(removed.node) ?? []) {
      if (child.removedAt === removed.removedAt) gone.push(child);
    }
  }
  return gone;
}

/** Returns a removed node, and everything ever removed from below it or still placed there. */
async function everythingBelow(tx: Transaction, top: string): Promise<Set<string>> {
  const found = new Set([top]);
  for (const parent of found) {
    const removed = (after: string) => tx.all(removedFrom, { parent, after, limit: ROWS_AT_ONCE });
    for (const { to_id } of await pages(removed)) found.add(to_id);
    // Older tools could remove a directory and leave its children placed in it. A child with
    // several placements is checked from each; at the last one, all of them are known.
    for (const { to_id: node } of await tx.all(listChildren, { parent })) {
      if (found.has(node)) continue;
      const places = await tx.all(placements, { node });
      if (places.every((place) => found.has(place.from_id))) found.add(node);
    }
  }
  return found;
}

async function formerPath(
  tx: Transaction,
  trash: Trash,
  removed: Removed,
  root: string,
): Promise<string> {
  const names = [removed.name];
  let parent = removed.from;
  const seen = new Set<string>();
  for (let above = trash.nodes.get(parent); above && !seen.has(above.node);) {
    seen.add(above.node);
    names.unshift(above.name);
    parent = above.from;
    above = trash.nodes.get(parent);
  }
  const base = await pathBelow(tx, parent, root);
  return (base === null || base === "/" ? "" : base) + joinPath(names);
}
