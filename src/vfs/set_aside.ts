import type { NodePart, SetAside } from "../internal.ts";
import type { Inode } from "./inode.ts";
import type { VolumeState } from "./volume_state.ts";

/** Inodes whose failure was logged. */
const reported = new WeakSet<Inode>();

/**
 * Keeps failed parts for a later commit, and logs each inode once.
 *
 * @param planned Inodes whose content was part of the commit.
 */
export function noteAside(
  state: VolumeState,
  failed: FailedParts,
  planned: ReadonlySet<Inode>,
  now: number,
): void {
  for (const [inode, { path }] of [...state.aside]) {
    if (failed.of(inode) !== undefined) continue;
    const isLogged = state.logged.has(inode);
    // Logged content is safe, and not every commit tries to fold it.
    if (isLogged && !planned.has(inode)) continue;
    state.aside.delete(inode);
    if (isLogged) continue;
    reported.delete(inode);
    state.options.log(`${path}: written back on a retry`);
  }
  for (const [node, { parts, error }] of failed.entries()) {
    const inode = state.inodes.get(node);
    if (inode === undefined) continue;
    const path = lastPathOf(state, inode);
    if (!reported.has(inode)) {
      reported.add(inode);
      state.options.log(`${path}: not written back (all other changes are): ${messageOf(error)}`);
    }
    state.aside.set(inode, { path, parts, error, retryAt: now + ASIDE_MS });
  }
  for (const inode of state.aside.keys()) {
    state.dirty.add(inode);
    state.due = Math.min(state.due, now + ASIDE_MS);
  }
}

/** The interval after which failed parts are retried when there is no other commit, in ms. */
const ASIDE_MS = 10_000;

/** Returns the paths of an inode, or its last one that the file still has. */
function lastPathOf(state: VolumeState, inode: Inode): string {
  const names = [...inode.names];
  if (names.length > 1) {
    return names.map(({ parent, name }) => pathOfName(parent, name)).join(", ");
  }
  if (names.length === 1) return pathOf(inode);
  for (const dentry of [...state.trashedNames, ...state.removedNames]) {
    if (dentry.inode === inode) return pathOfName(dentry.parent, dentry.name);
  }
  return pathOf(inode);
}

/** Returns the path of an inode for messages; the node's id when it has no name. */
export function pathOf(inode: Inode): string {
  const names: string[] = [];
  // A damaged file may have a directory that contains itself.
  const passed = new Set<Inode>();
  for (let at = inode; !passed.has(at);) {
    passed.add(at);
    const [dentry] = at.names;
    if (dentry === undefined) break;
    names.push(dentry.name);
    at = dentry.parent;
  }
  names.reverse();
  // Node id 1 is the root directory.
  return names.length === 0 && inode.nodeId !== 1 ? `node ${inode.id}` : `/${names.join("/")}`;
}

/** Returns the path of a name for messages. */
export function pathOfName(parent: Inode, name: string): string {
  return `${parent.nodeId === 1 ? "" : pathOf(parent)}/${name}`;
}

/** Returns the message of an error. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The parts of inodes that a commit could not store. */
export class FailedParts {
  readonly #nodes = new Map<
    string,
    { parts: Set<NodePart>; xattrs: Set<string>; error: unknown }
  >();

  /** The number of inodes. */
  get size(): number {
    return this.#nodes.size;
  }

  add({ node, part, xattr, error }: SetAside): void {
    let failed = this.#nodes.get(node);
    if (failed === undefined) {
      failed = { parts: new Set(), xattrs: new Set(), error };
      this.#nodes.set(node, failed);
    }
    failed.parts.add(part);
    if (xattr !== undefined) failed.xattrs.add(xattr);
  }

  of(inode: Inode): { parts: ReadonlySet<NodePart> } | undefined {
    return this.#nodes.get(inode.id);
  }

  /** A node that could not be created has no other parts either. */
  has(inode: Inode, part: NodePart): boolean {
    const parts = this.#nodes.get(inode.id)?.parts;
    return parts !== undefined && (parts.has(part) || parts.has("existence"));
  }

  hasXattr(inode: Inode, name: string): boolean {
    return this.#nodes.get(inode.id)!.xattrs.has(name);
  }

  entries(): Iterable<[string, { parts: Set<NodePart>; error: unknown }]> {
    return this.#nodes;
  }
}
