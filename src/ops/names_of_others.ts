import { placements } from "../../templates/edge.ts";
import { activePlacements, placedElsewhere, placementsOfNames } from "../../templates/names.ts";
import { ManifestStore } from "../content/manifest_store.ts";
import { AloeError } from "../errors.ts";
import { capability } from "../storage/capabilities.ts";
import type { Transaction } from "../storage/transaction.ts";
import type { ChangeSet, NewEdge } from "./commit_changes.ts";
import { parts } from "./delete_for_good.ts";

/** A name that a filesystem gives and that another process has given meanwhile. */
export interface TakenName {
  /** The container. */
  parent: string;
  /** The name. */
  name: string;
  /** The other's placement. */
  edge: string;
  /** What it places. */
  node: string;
  /** Whether that is a directory. */
  container: boolean;
}

/** Names of a change set that cannot be as they are: others were there first. */
export class NamesTaken extends AloeError {
  /** Names that others have given; of one name, the visible placement first. */
  readonly taken: readonly TakenName[];
  /** Directories that are moved and that others have moved elsewhere. */
  readonly moved: readonly string[];
  /** Directories that would be within themselves, as others have moved what they go into. */
  readonly within: readonly string[];

  /** Makes the error. */
  constructor(names: { taken?: TakenName[]; moved?: string[]; within?: string[] }) {
    super("mount_conflict", "another process has given the same names");
    this.taken = names.taken ?? [];
    this.moved = names.moved ?? [];
    this.within = names.within ?? [];
  }
}

/** What others have done since a filesystem looked, as far as a commit has to know it. */
export interface OthersChanges {
  /** Placements that the commit ends and that have ended already. */
  ended: ReadonlySet<string>;
  /** Nodes that the commit deletes and whose content others have written. */
  written: ReadonlySet<string>;
}

/** The state of the file in which the names that a filesystem gives are known to be free. */
export interface SeenNames {
  /** A number that is another one when another connection has committed. */
  version: number;
}

/**
 * Looks at the names of a change set if another connection has committed since
 * they were last known to be free. That costs one look at a number as long as
 * there is none.
 *
 * @returns What others have done; null when nothing.
 * @throws {NamesTaken} When some are not free.
 */
export async function lookAtNames(
  tx: Transaction,
  changes: ChangeSet,
  seen: SeenNames,
): Promise<OthersChanges | null> {
  const version = await capability(tx, "changeCounter")(tx);
  if (version === seen.version) return null;
  const removed = new Set(changes.edgesRemoved.map(({ edge }) => edge));
  const taken = await takenNames(tx, changes.edgesAdded, removed);
  const moved = await movedByOthers(tx, changes.edgesAdded, removed);
  if (taken.length + moved.length > 0) throw new NamesTaken({ taken, moved });
  const ended = new Set(removed);
  for (const edges of parts([...removed])) {
    for (const { edge_id } of await tx.all(activePlacements, { edges })) ended.delete(edge_id);
  }
  const written = new Set<string>();
  for (const nodes of parts(changes.removed)) {
    for (const { node_id, version } of await new ManifestStore(tx).committed(nodes)) {
      const known = changes.versions?.get(node_id);
      if (known !== undefined && known !== version) written.add(node_id);
    }
  }
  return { ended, written };
}

/** Names looked up by one statement, to bound its values. */
const NAMES_AT_ONCE = 1000;

async function takenNames(
  tx: Transaction,
  edgesAdded: readonly NewEdge[],
  removed: ReadonlySet<string>,
): Promise<TakenName[]> {
  const taken: TakenName[] = [];
  const wanted = edgesAdded.filter(({ trash }) => !trash);
  for (let from = 0; from < wanted.length; from += NAMES_AT_ONCE) {
    const some = wanted.slice(from, from + NAMES_AT_ONCE);
    const names = JSON.stringify(some.map(({ parent, name }) => [parent, name]));
    for (const row of await tx.all(placementsOfNames, { names })) {
      if (removed.has(row.edge_id)) continue;
      const { parent, name } = some[row.at];
      const container = row.type === "container";
      taken.push({ parent, name, edge: row.edge_id, node: row.to_id, container });
    }
  }
  return taken;
}

async function movedByOthers(
  tx: Transaction,
  edgesAdded: readonly NewEdge[],
  removed: ReadonlySet<string>,
): Promise<string[]> {
  const moved: string[] = [];
  const edges = JSON.stringify([...removed]);
  for (const nodes of parts(edgesAdded.filter((each) => each.rename).map(({ node }) => node))) {
    for (const { node_id } of await tx.all(placedElsewhere, { nodes, edges })) moved.push(node_id);
  }
  return moved;
}

/**
 * Finds directories that are within themselves now, as one was moved here and
 * another one by another process. To be asked when the names have changed.
 *
 * @throws {NamesTaken}
 */
export async function refuseCycles(tx: Transaction, edgesAdded: readonly NewEdge[]): Promise<void> {
  const within: string[] = [];
  for (const { node, rename } of edgesAdded) {
    if (!rename) continue;
    const above = new Set<string>();
    let at: string | undefined = node;
    while (at !== undefined && !above.has(at)) {
      above.add(at);
      // A file may have several names: none of them is above anything.
      at = (await tx.first(placements, { node: at }))?.from_id;
    }
    if (at !== undefined) within.push(node);
  }
  if (within.length > 0) throw new NamesTaken({ within });
}
