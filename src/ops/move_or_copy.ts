import { childByName } from "../../templates/resolve.ts";
import { AloeError } from "../errors.ts";
import type { MountRef } from "../mount_handle.ts";
import { checkNewName, joinPath, splitPath } from "../paths.ts";
import { requireContainer, resolve, resolveTarget } from "../tree/resolve.ts";
import type { Database } from "../storage/database.ts";
import { copy } from "./copy.ts";
import { freeName, type OnConflict, type Outcome } from "./conflict.ts";
import { move, removeRecursive } from "./placement.ts";

/** Whether nodes are moved or copied. */
export type MoveOrCopy = "move" | "copy";

/** How nodes are moved or copied. */
export interface MoveOrCopyOptions {
  /** Whether they are moved or copied. */
  operation: MoveOrCopy;
  /** The paths of what is moved or copied. */
  from: readonly string[];
  /** The directory that it goes to. */
  to: string;
  /** The name that it gets there; its own when left out. For one node alone. */
  name?: string;
  /** What is done where a name is taken. Default `fail`. */
  onConflict?: OnConflict;
  /**
   * Nodes that were put in place before as parts of the same work, and are not
   * replaced by others of their name. Those that are put in place now are added.
   */
  placed?: Set<string>;
}

/** One node that was moved or copied, or left out. */
export interface Placed {
  /** The path that it had. */
  from: string;
  /** The path that it has, or its copy; of one that was left out, the one that is taken. */
  to: string;
  /** Its id, or the copy's. */
  node: string;
  /** What became of it. */
  outcome: Outcome;
  /** The ids of what went to the trash for it. */
  replaced: string[];
}

/**
 * Moves or copies several nodes into a directory: all of them or none. What is
 * replaced goes to the trash. A node that is moved to where it is stays, and
 * nothing is put in place of itself, of what it is in, or of another of them.
 *
 * @throws {AloeError} `already_exists` where a name is taken, or wanted by two; `not_found`,
 * `not_a_container`, `would_cycle`, `lock_held`, `read_only`, `invalid`.
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
      let goal = wanted;
      let outcome: Outcome = "created";
      const replaced: string[] = [];
      const taken = await childOf(batch, parent, goal);
      if (taken === source && operation === "move" && joinPath([...to, goal]) === joinPath(names)) {
        const path = joinPath(names);
        moved.push({ from: path, to: path, node: source, outcome, replaced });
        placed.add(source);
        continue;
      }
      if (taken !== null) {
        if (onConflict === "rename" || (taken === source && onConflict === "replace")) {
          goal = await batch.read((tx) => freeName(tx, parent, wanted));
          outcome = "renamed";
        } else if (onConflict === "skip") {
          const at = joinPath([...to, goal]);
          moved.push({
            from: joinPath(names),
            to: at,
            node: source,
            outcome: "skipped",
            replaced,
          });
          continue;
        } else if (onConflict === "fail") {
          throw new AloeError("already_exists", `${joinPath([...to, goal])}: exists`);
        } else {
          // One that was hidden by the visible one takes its place.
          for (
            let there: string | null = taken;
            there !== null;
            there = await childOf(batch, parent, goal)
          ) {
            if (placed.has(there) || waiting.has(there)) {
              throw new AloeError(
                "already_exists",
                `${joinPath([...to, goal])}: two of the sources have this name`,
              );
            }
            await replace(batch, mount, joinPath([...to, goal]), joinPath(names));
            replaced.push(there);
            outcome = "replaced";
          }
        }
      }
      const goalPath = joinPath([...to, goal]);
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

/** Removes what is in the way. */
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
