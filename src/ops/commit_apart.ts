import { childByName } from "../../templates/resolve.ts";
import { changeContent, type ChangedContent } from "../content/change_content.ts";
import { AloeError, type AloeErrorCode, ForeignSchemaError } from "../errors.ts";
import { mint } from "../ids.ts";
import type { MountHandle } from "../mount_handle.ts";
import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";
import { Watermarks } from "../watermark.ts";
import { PlacementStore } from "../tree/placement_store.ts";
import {
  begin,
  changeAttributes,
  type ChangeSet,
  changeXattr,
  type CommitOptions,
  createContent,
  createNode,
  meetWatermark,
  type NewEdge,
} from "./commit_changes.ts";
import { changeNames, type NameChanges } from "./commit_names.ts";
import { refuseCycles } from "./names_of_others.ts";
import { reclaimSome } from "../content/reclaim.ts";

/** What of a node a commit could not store. */
export type NodePart =
  /** That there is it. */
  | "existence"
  /** Its names: those that it had stay, and those that it was to have are not there. */
  | "names"
  | "content"
  /** An extended attribute. */
  | "xattr"
  /** Its owner, permission bits and times. */
  | "attributes";

/** Something that a commit could not store, and the commit is complete without. */
export interface SetAside {
  /** Whose it is. */
  node: string;
  /** What of it. */
  part: NodePart;
  /** The extended attribute's name. */
  xattr?: string;
  /** Why not. */
  error: unknown;
}

/** What {@linkcode commitApart} has done. */
export interface ApartResult {
  /** What each node whose content was stored has now. */
  contents: Map<string, ChangedContent>;
  /** What was not stored. */
  aside: SetAside[];
}

/** Faults that no part of a commit is to blame for: of the file, the disk, the mount, the whole. */
const WHOLE: readonly AloeErrorCode[] = [
  "busy",
  "io_error",
  "read_only",
  "mount_invalid",
  "mount_point_archived",
  "mount_conflict",
  "encryption_required",
  "bad_key",
];

/** Whether a commit that failed with an error may succeed without the part that it met. */
export function isOfOnePart(error: unknown): boolean {
  if (!(error instanceof AloeError)) return true;
  if (error instanceof ForeignSchemaError) return false;
  // A volume may lack addresses for a short chunk while the disk has space.
  if (error.code === "no_space") return error.cause === undefined;
  return !WHOLE.includes(error.code);
}

/**
 * Commits as `commitChanges` does, but what cannot be stored is left out, and
 * all else is stored: for when a commit of everything has failed. Each part is
 * undone alone, which costs two statements more.
 *
 * A new node that gets no name is in the trash until it does.
 *
 * @throws {NamesTaken} When others have given names that begin here.
 * @throws {AloeError} When the whole cannot be committed: `isOfOnePart` tells.
 */
export async function commitApart(
  db: Database,
  mount: MountHandle,
  changes: ChangeSet,
  options: CommitOptions,
): Promise<ApartResult> {
  return await db.write(async (tx) => {
    const { names, content: contentScope, mountPoint } = await begin(tx, mount, changes, options);
    const contents = new Map<string, ChangedContent>();
    const aside: SetAside[] = [];
    /** @returns Whether it was stored. */
    const attempt = async (
      nodes: readonly string[],
      part: NodePart,
      task: () => Promise<unknown>,
      xattr?: string,
    ): Promise<boolean> => {
      try {
        await tx.part(task);
        return true;
      } catch (error) {
        if (!isOfOnePart(error)) throw error;
        for (const node of nodes) aside.push({ node, part, xattr, error });
        return false;
      }
    };

    const missing = new Set<string>();
    const made = new Set<string>();
    const byNode = new Map(changes.content.map((change) => [change.node, change]));
    const done = new Set<string>();
    for (const node of changes.created) {
      const target = node.type === "symlink" ? byNode.get(node.id) : undefined;
      const stored = await attempt([node.id], "existence", async () => {
        await createNode(tx, names.volume, node);
        if (target !== undefined) {
          // A link without a target is none.
          const content = await changeContent(tx, contentScope, target, options.history, true);
          contents.set(node.id, content);
          done.add(node.id);
        } else if (node.type !== "container") await createContent(tx, node.id);
      });
      (stored ? made : missing).add(node.id);
      if (!stored) contents.delete(node.id);
    }
    const left = new Set<string>();
    for (const group of nameGroups(changes)) {
      const nodes = group.nodes.filter((node) => !missing.has(node));
      const stored = await attempt(nodes, "names", async () => {
        requireParents(group, missing);
        await requireFree(tx, group, left);
        await changeNames(tx, names, group);
        if (names.others !== null) await refuseCycles(tx, group.edgesAdded);
      });
      if (stored) continue;
      for (const node of nodes) {
        left.add(node);
        if (!made.has(node)) continue;
        const wish = group.edgesAdded.find((each) => each.node === node);
        if (wish === undefined) continue;
        const parent = missing.has(wish.parent) ? mountPoint : wish.parent;
        const edge = mint(options.watermark);
        // Should this fail too, it is a node without a name until a prune.
        await tx.part(() => keepInTrash(tx, names.volume, { ...wish, parent, edge }))
          .catch(() => {});
      }
    }
    for (const change of changes.content) {
      const { node } = change;
      if (missing.has(node) || done.has(node)) continue;
      await attempt([node], "content", async () => {
        contents.set(node, await changeContent(tx, contentScope, change, options.history, false));
      });
    }
    for (const change of changes.xattrs) {
      const { node, name } = change;
      if (missing.has(node)) continue;
      await attempt([node], "xattr", () => changeXattr(tx, change), name);
    }
    for (const row of changes.attributes) {
      if (missing.has(row.node)) continue;
      await attempt([row.node], "attributes", () => changeAttributes(tx, row));
    }
    meetWatermark(tx.extension(Watermarks).get(names.volume), options.watermark);
    // What it deletes is of no use to anybody: it is tried again by itself.
    if (options.reclaim > 0) await attempt([], "content", () => reclaimSome(tx, options.reclaim));
    return { contents, aside };
  }, { durable: options.durable, patience: options.patience, frees: true, once: true });
}

/** Names that change together or not at all. */
interface NameGroup extends NameChanges {
  /** The nodes that they are of. */
  nodes: string[];
}

/**
 * Parts the changes of names so that each part can be stored without the
 * others: what one node loses and gets, what one name is taken from and given
 * to, and a directory that goes with what is taken out of it, are together.
 */
function nameGroups(changes: NameChanges): NameGroup[] {
  const above = new Map<string, string>();
  const top = (key: string): string => {
    let at = key;
    for (let next = above.get(at); next !== undefined; next = above.get(at)) at = next;
    // Shortened, so that long chains are walked once.
    for (let step = key; step !== at;) {
      const next = above.get(step)!;
      above.set(step, at);
      step = next;
    }
    return at;
  };
  const join = (a: string, b: string): void => {
    const [one, other] = [top(a), top(b)];
    if (one !== other) above.set(one, other);
  };
  const nameless = new Set([...changes.removed, ...changes.unlinked]);
  for (const { node, parent, name } of changes.edgesRemoved) {
    if (name !== undefined) join(node, `${parent}/${name}`);
    if (nameless.has(parent)) join(node, parent);
  }
  for (const { node, parent, name } of changes.edgesAdded) join(node, `${parent}/${name}`);

  const groups = new Map<string, NameGroup>();
  const seen = new Set<string>();
  const groupOf = (node: string): NameGroup => {
    const key = top(node);
    let group = groups.get(key);
    if (group === undefined) {
      group = {
        nodes: [],
        edgesRemoved: [],
        edgesAdded: [],
        removed: [],
        unlinked: [],
        relinked: [],
      };
      groups.set(key, group);
    }
    if (!seen.has(node)) {
      seen.add(node);
      group.nodes.push(node);
    }
    return group;
  };
  for (const edge of changes.edgesRemoved) groupOf(edge.node).edgesRemoved.push(edge);
  for (const edge of changes.edgesAdded) groupOf(edge.node).edgesAdded.push(edge);
  for (const node of changes.removed) groupOf(node).removed.push(node);
  for (const node of changes.unlinked) groupOf(node).unlinked.push(node);
  for (const node of changes.relinked) groupOf(node).relinked.push(node);
  return [...groups.values()];
}

/** Gives a node a placement that has ended. */
async function keepInTrash(tx: Transaction, volume: string, wish: NewEdge): Promise<void> {
  const placements = new PlacementStore(tx);
  await placements.place(volume, wish.node, wish);
  await placements.end(wish);
}

/** @throws {AloeError} `not_found` for a name in a directory that is not stored itself. */
function requireParents(group: NameGroup, missing: ReadonlySet<string>): void {
  for (const { parent, node, name } of group.edgesAdded) {
    if (missing.has(parent)) {
      throw new AloeError("not_found", `${name}: the directory that it is in could not be stored`);
    }
    if (missing.has(node)) throw new AloeError("not_found", `${name}: could not be stored`);
  }
}

/**
 * A name that could not be taken from what has it cannot be given to another node.
 *
 * @param left Nodes whose names stay as they were.
 * @throws {AloeError} `already_exists`.
 */
async function requireFree(
  tx: Transaction,
  group: NameGroup,
  left: ReadonlySet<string>,
): Promise<void> {
  if (left.size === 0) return;
  for (const { parent, name } of group.edgesAdded) {
    const there = await tx.first(childByName, { parent, name });
    if (there === undefined || !left.has(there.node_id)) continue;
    throw new AloeError("already_exists", `${name}: what had the name could not be removed`);
  }
}
