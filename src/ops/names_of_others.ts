import { placements } from "../../templates/edge.ts";
import { activePlacements, placedElsewhere, placementsOfNames } from "../../templates/names.ts";
import { ManifestStore } from "../content/manifest_store.ts";
import { AloeError } from "../errors.ts";
import { capability } from "../storage/capabilities.ts";
import type { Transaction } from "../storage/transaction.ts";
import type { ChangeSet, NewEdge } from "./commit_changes.ts";
import { parts } from "./delete_for_good.ts";

/** A new name that another process has created meanwhile. */
export interface TakenName {
  /** The container's id. */
  parent: string;
  /** The name. */
  name: string;
  /** The other process's placement. */
  edge: string;
  /** The placed node's id. */
  node: string;
  /** Whether the node is a directory. */
  container: boolean;
}

/** Thrown when names of a change set conflict with names of other processes. */
export class NamesTaken extends AloeError {
  /** Names that other processes have created; of one name, the visible placement first. */
  readonly taken: readonly TakenName[];
  /** Moved directories that other processes have moved elsewhere. */
  readonly moved: readonly string[];
  /**
   * Directories that would contain themselves, because other processes have moved their targets.
   */
  readonly within: readonly string[];

  /** Creates the error. */
  constructor(names: { taken?: TakenName[]; moved?: string[]; within?: string[] }) {
    super("mount_conflict", "another process has created the same names");
    this.taken = names.taken ?? [];
    this.moved = names.moved ?? [];
    this.within = names.within ?? [];
  }
}

/** Changes of other processes since a filesystem's last check, as far as a commit needs them. */
export interface OthersChanges {
  /** Placements that the commit ends, but that have already ended. */
  ended: ReadonlySet<string>;
  /** Nodes that the commit deletes, but whose content other processes have written. */
  written: ReadonlySet<string>;
}

/** The state of the file in which a filesystem's new names were known to be free. */
export interface SeenNames {
  /** A number that changes when another connection commits. */
  version: number;
}

/**
 * Checks the names of a change set if another connection has committed since they were last known
 * to be free. Without such a commit, it only reads one number.
 *
 * @returns The changes of other processes; null for none.
 * @throws {NamesTaken} When some names are not free.
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

/** The number of names looked up by one statement, to bound its values. */
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
 * Finds directories that contain themselves, because this mount has moved one directory and another
 * process another one. Call it after the names were changed.
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
      // A file may have several names, but is no ancestor.
      at = (await tx.first(placements, { node: at }))?.from_id;
    }
    if (at !== undefined) within.push(node);
  }
  if (within.length > 0) throw new NamesTaken({ within });
}
