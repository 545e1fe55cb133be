import type { MountHandle } from "../mount_handle.ts";
import type { Database } from "../storage/database.ts";
import {
  applyChanges,
  type ChangeSet,
  type CommitOptions,
  type RemovedEdge,
} from "./commit_changes.ts";
import { eachInPieces } from "./in_pieces.ts";

/** What of a change set tells what is only removed. */
export type Removals = Pick<
  ChangeSet,
  "created" | "edgesRemoved" | "edgesAdded" | "removed" | "unlinked" | "relinked" | "versions"
>;

/** A node that has no name any more, or a name that one of several was. */
interface Removal {
  edges: RemovedEdge[];
  removed: string[];
  unlinked: string[];
}

/** Chunks that one transaction looks at for each removal. */
const CHUNKS_EACH = 4;

/**
 * Commits what of a change set is nothing but removed, by transactions as small
 * as the disk has room for: so that there is room for the rest. What is renamed,
 * or gives its name to something else, is left to the commit of the rest. To
 * commit the same again does no harm.
 *
 * @returns Whether there was anything.
 * @throws {AloeError} As `commitChanges`.
 */
export async function commitRemovals(
  db: Database,
  mount: MountHandle,
  changes: Removals,
  options: CommitOptions,
): Promise<boolean> {
  const removals = removalsOf(changes);
  await eachInPieces(db, removals, async (tx, some) => {
    await applyChanges(tx, mount, {
      created: [],
      content: [],
      xattrs: [],
      edgesRemoved: some.flatMap(({ edges }) => edges),
      edgesAdded: [],
      attributes: [],
      removed: some.flatMap(({ removed }) => removed),
      unlinked: some.flatMap(({ unlinked }) => unlinked),
      relinked: [],
      versions: changes.versions,
    }, { ...options, reclaim: CHUNKS_EACH * some.length });
  });
  return removals.length > 0;
}

/** What is in a directory comes before it. */
function removalsOf(changes: Removals): Removal[] {
  const { created, edgesAdded, edgesRemoved, relinked } = changes;
  const kept = new Set([...created.map(({ id }) => id), ...relinked]);
  const given = new Set<string>();
  for (const { node, parent, name } of edgesAdded) {
    kept.add(node);
    given.add(`${parent}/${name}`);
  }
  for (const { node, parent, name } of edgesRemoved) {
    if (name === undefined || given.has(`${parent}/${name}`)) kept.add(node);
  }
  const byNode = new Map<string, Removal>();
  const of = (node: string): Removal => {
    let removal = byNode.get(node);
    if (removal === undefined) byNode.set(node, removal = { edges: [], removed: [], unlinked: [] });
    return removal;
  };
  for (const edge of edgesRemoved) if (!kept.has(edge.node)) of(edge.node).edges.push(edge);
  for (const node of changes.removed) if (!kept.has(node)) of(node).removed.push(node);
  for (const node of changes.unlinked) if (!kept.has(node)) of(node).unlinked.push(node);

  const depths = new Map<string, number>();
  const depthOf = (node: string): number => {
    const chain: string[] = [];
    let at: string | undefined = node;
    while (at !== undefined && byNode.has(at) && !depths.has(at)) {
      depths.set(at, 0);
      chain.push(at);
      at = byNode.get(at)!.edges[0]?.parent;
    }
    let depth = at === undefined ? 0 : depths.get(at) ?? 0;
    for (const each of chain.reverse()) depths.set(each, ++depth);
    return depths.get(node) ?? 0;
  };
  return [...byNode].sort(([a], [b]) => depthOf(b) - depthOf(a)).map(([, removal]) => removal);
}
