import type { NodePart, SetAside } from "../ops/commit_apart.ts";
import type { Inode } from "./inode.ts";
import type { VolumeState } from "./volume_state.ts";

/** What the log has been told of. */
const told = new WeakSet<Inode>();

/**
 * Keeps what failed for a later commit, and tells of it once.
 *
 * @param planned Inodes whose content the commit was about.
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
    // What is in the log is safe, and its fold is not tried by every commit.
    if (isLogged && !planned.has(inode)) continue;
    state.aside.delete(inode);
    if (isLogged) continue;
    told.delete(inode);
    state.options.log(`${path}: written back after all`);
  }
  for (const [node, { parts, error }] of failed.entries()) {
    const inode = state.inodes.get(node);
    if (inode === undefined) continue;
    const path = lastPathOf(state, inode);
    if (!told.has(inode)) {
      told.add(inode);
      state.options.log(`${path}: not written back, unlike all else: ${messageOf(error)}`);
    }
    state.aside.set(inode, { path, parts, error, retryAt: now + ASIDE_MS });
  }
  for (const inode of state.aside.keys()) {
    state.dirty.add(inode);
    state.due = Math.min(state.due, now + ASIDE_MS);
  }
}

/** When what could not be committed is tried again, should nothing else be committed, ms. */
const ASIDE_MS = 10_000;

/** The paths of an inode, or the one that it had last and that the file still has. */
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

/** The path of an inode, as far as it has one, for messages. */
export function pathOf(inode: Inode): string {
  const names: string[] = [];
  // A directory may be in itself: SQL can make such a file.
  const passed = new Set<Inode>();
  for (let at = inode; !passed.has(at);) {
    passed.add(at);
    const [dentry] = at.names;
    if (dentry === undefined) break;
    names.push(dentry.name);
    at = dentry.parent;
  }
  names.reverse();
  // The top is the first that the kernel has.
  return names.length === 0 && inode.nodeId !== 1 ? `node ${inode.id}` : `/${names.join("/")}`;
}

/** The path of a name, for messages. */
export function pathOfName(parent: Inode, name: string): string {
  return `${parent.nodeId === 1 ? "" : pathOf(parent)}/${name}`;
}

/** What an error says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What of which inodes a commit could not store. */
export class FailedParts {
  readonly #nodes = new Map<
    string,
    { parts: Set<NodePart>; xattrs: Set<string>; error: unknown }
  >();

  /** How many inodes there are. */
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

  /** What does not exist has no names either, and nothing else. */
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
