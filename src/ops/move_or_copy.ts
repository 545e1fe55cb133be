import { childByName } from "../../templates/resolve.ts";
import { AloeError } from "../errors.ts";
import type { MountRef } from "../mount_handle.ts";
import { checkNewName, joinPath, splitPath } from "../paths.ts";
import { requireContainer, resolve, resolveTarget } from "../tree/resolve.ts";
import type { Database } from "../storage/database.ts";
import { copy } from "./copy.ts";
import { freeName, type OnConflict, type Outcome } from "./conflict.ts";
import { move, removeRecursive } from "./placement.ts";

/** Whether to move or to copy nodes. */
export type MoveOrCopy = "move" | "copy";

/** Options of {@linkcode moveOrCopy}. */
export interface MoveOrCopyOptions {
  /** Whether to move or to copy. */
  operation: MoveOrCopy;
  /** The paths of the sources. */
  from: readonly string[];
  /** The destination directory. */
  to: string;
  /** The new name; only for a single source. Default: the source's own name. */
  name?: string;
  /** How to handle name conflicts. Default `fail`. */
  onConflict?: OnConflict;
  /**
   * Nodes that earlier steps of the same job have placed; they are not replaced by later sources of
   * their name. Nodes placed by this call are added.
   */
  placed?: Set<string>;
}

/** A node that was moved, copied or skipped. */
export interface Placed {
  /** The source path. */
  from: string;
  /** The path of the node or its copy; for a skipped source, the existing path. */
  to: string;
  /** The id of the node or its copy. */
  node: string;
  /** The result. */
  outcome: Outcome;
  /** The ids of replaced nodes, which are in the trash. */
  replaced: string[];
}

/**
 * Moves or copies several nodes into a directory in one transaction. Replaced nodes go to the
 * trash. A node that is moved to its own path stays unchanged. A node never replaces itself, one of
 * its ancestors, or another source.
 *
 * @throws {AloeError} `already_exists` when a name exists, or when two sources have it;
 *   `not_found`, `not_a_container`, `would_cycle`, `lock_held`, `read_only`, `invalid`.
 */
export async function moveOrCopy(
  db: Database,
  mount: MountRef,
  options: MoveOrCopyOptions,
): Promise<Placed[]> {
  const { operation, from, name, onConflict = "fail" } = options;
  const placed = new Set(options.placed);
  if (name !== undefined) {
    checkNewName(name);
    if (from.length !== 1) throw new AloeError("invalid", "a name can be given to one node only");
  }
  const to = splitPath(options.to);
  const moved = await db.batch(async (batch) => {
    await batch.read(async (tx) => requireContainer(await resolve(tx, mount, joinPath(to))));
    const moved: Placed[] = [];
    const waiting = new Set<string>();
    if (onConflict === "replace") {
      for (const path of from) {
        waiting.add((await batch.read((tx) => resolveTarget(tx, mount, { path }))).node);
      }
    }
    for (const path of from) {
      const names = splitPath(path);
      const own = names[names.length - 1];
      if (own === undefined) throw new AloeError("invalid", "the top cannot be moved or copied");
      const wanted = name ?? own;
      const source = (await batch.read((tx) => resolveTarget(tx, mount, { path }))).node;
      waiting.delete(source);
      const parent = (await batch.read((tx) => resolve(tx, mount, joinPath(to)))).node;
      let target = wanted;
      let outcome: Outcome = "created";
      const replaced: string[] = [];
      const taken = await childOf(batch, parent, target);
      if (
        taken === source && operation === "move" && joinPath([...to, target]) === joinPath(names)
      ) {
        const path = joinPath(names);
        moved.push({ from: path, to: path, node: source, outcome, replaced });
        placed.add(source);
        continue;
      }
      if (taken !== null) {
        if (onConflict === "rename" || (taken === source && onConflict === "replace")) {
          target = await batch.read((tx) => freeName(tx, parent, wanted));
          outcome = "renamed";
        } else if (onConflict === "skip") {
          const at = joinPath([...to, target]);
          moved.push({
            from: joinPath(names),
            to: at,
            node: source,
            outcome: "skipped",
            replaced,
          });
          continue;
        } else if (onConflict === "fail") {
          throw new AloeError("already_exists", `${joinPath([...to, target])}: exists`);
        } else {
          // Hidden nodes of the name would become visible, so replace them too.
          for (
            let there: string | null = taken;
            there !== null;
            there = await childOf(batch, parent, target)
          ) {
            if (placed.has(there) || waiting.has(there)) {
              throw new AloeError(
                "already_exists",
                `${joinPath([...to, target])}: two of the sources have this name`,
              );
            }
            await replace(batch, mount, joinPath([...to, target]), joinPath(names));
            replaced.push(there);
            outcome = "replaced";
          }
        }
      }
      const goalPath = joinPath([...to, target]);
      let node = source;
      if (operation === "move") await move(batch, mount, joinPath(names), goalPath);
      else node = await copy(batch, mount, joinPath(names), goalPath);
      moved.push({ from: joinPath(names), to: goalPath, node, outcome, replaced });
      placed.add(node);
    }
    return moved;
  });
  for (const { node, outcome } of moved) {
    if (outcome !== "skipped") options.placed?.add(node);
  }
  return moved;
}

/** Replaces the existing node. */
async function replace(
  db: Database,
  mount: MountRef,
  path: string,
  source: string,
): Promise<void> {
  if (source.startsWith(`${path}/`)) {
    throw new AloeError("would_cycle", `${path}: ${source} is in it`);
  }
  await removeRecursive(db, mount, path);
}

async function childOf(db: Database, parent: string, name: string): Promise<string | null> {
  return (await db.read((tx) => tx.first(childByName, { parent, name })))?.node_id ?? null;
}
