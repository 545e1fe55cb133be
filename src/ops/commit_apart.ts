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

/** A part of a node that a commit could not store. */
export type NodePart =
  /** The node itself. */
  | "existence"
  /** The names: the stored names stay, and new ones are missing. */
  | "names"
  | "content"
  /** An extended attribute. */
  | "xattr"
  /** Owner, permission bits and times. */
  | "attributes";

/** A part that a commit could not store and has left out. */
export interface SetAside {
  /** The node's id. */
  node: string;
  /** The failed part. */
  part: NodePart;
  /** The extended attribute's name. */
  xattr?: string;
  /** The error. */
  error: unknown;
}

/** The result of {@linkcode commitApart}. */
export interface ApartResult {
  /** The stored content of each node whose content was committed. */
  contents: Map<string, ChangedContent>;
  /** The parts that were not stored. */
  aside: SetAside[];
}

/** Errors of the file, the disk, the mount or the whole commit, which no single part causes. */
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

/** Returns whether a failed commit may succeed without the part that has failed. */
export function isOfOnePart(error: unknown): boolean {
  if (!(error instanceof AloeError)) return true;
  if (error instanceof ForeignSchemaError) return false;
  // A volume may have no free address for a short chunk while the disk has space.
  if (error.code === "no_space") return error.cause === undefined;
  return !WHOLE.includes(error.code);
}

/**
 * Commits like `commitChanges`, but leaves out parts that cannot be stored. For use after a commit
 * of everything has failed. Each part is rolled back alone, which costs two more statements.
 *
 * A new node whose name cannot be stored is in the trash until a retry.
 *
 * @throws {NamesTaken} When other processes have taken the new names.
 * @throws {AloeError} When the whole commit fails: see `isOfOnePart`.
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
    /**
     * @returns Whether the part was stored.
     */
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
          // A link without a target is invalid, so store both together.
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
        const requested = group.edgesAdded.find((each) => each.node === node);
        if (requested === undefined) continue;
        const parent = missing.has(requested.parent) ? mountPoint : requested.parent;
        const edge = mint(options.watermark);
        // If this fails too, the node has no name until a prune deletes it.
        await tx.part(() => keepInTrash(tx, names.volume, { ...requested, parent, edge }))
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
    // A failed reclaim loses nothing; a later commit retries it.
    if (options.reclaim > 0) await attempt([], "content", () => reclaimSome(tx, options.reclaim));
    return { contents, aside };
  }, { durable: options.durable, patience: options.patience, frees: true, once: true });
}

/** Changes of names that are stored together or not at all. */
interface NameGroup extends NameChanges {
  /** The nodes that the names belong to. */
  nodes: string[];
}

/**
 * Splits name changes into groups that can be stored independently. A group contains all changes of
 * one node, all changes of one name, and a removed directory with the entries removed from it.
 */
function nameGroups(changes: NameChanges): NameGroup[] {
  const above = new Map<string, string>();
  const top = (key: string): string => {
    let at = key;
    for (let next = above.get(at); next !== undefined; next = above.get(at)) at = next;
    // Compress the path, so that long chains are walked once.
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

/** Gives a node an ended placement, which puts it into the trash. */
async function keepInTrash(tx: Transaction, volume: string, requested: NewEdge): Promise<void> {
  const placements = new PlacementStore(tx);
  await placements.place(volume, requested.node, requested);
  await placements.end(requested);
}

/**
 * @throws {AloeError} `not_found` for a name in a directory that was not stored.
 */
function requireParents(group: NameGroup, missing: ReadonlySet<string>): void {
  for (const { parent, node, name } of group.edgesAdded) {
    if (missing.has(parent)) {
      throw new AloeError("not_found", `${name}: its directory could not be stored`);
    }
    if (missing.has(node)) throw new AloeError("not_found", `${name}: could not be stored`);
  }
}

/**
 * Refuses to reuse a name whose removal has failed.
 *
 * @param left Nodes whose names are unchanged.
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
    throw new AloeError(
      "already_exists",
      `${name}: the previous node of the name could not be removed`,
    );
  }
}
