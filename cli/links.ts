import type { Mount, NodeInfo } from "../mod.ts";
import { Fault } from "./faults.ts";
import { statOrNull } from "./lookup.ts";
import { linkTarget } from "./node_facts.ts";
import { parentPath, segments } from "./paths.ts";

/** The maximum number of links to follow; more are treated as a loop. */
const MAX_LINKS = 40;

/** Resolves a link's target; `.` and `..` mean what they mean in a shell. */
function resolveTarget(from: string, target: string): string {
  const names = target.startsWith("/") ? [] : segments(parentPath(from));
  for (const name of segments(target)) {
    if (name === "..") names.pop();
    else if (name !== ".") names.push(name);
  }
  return `/${names.join("/")}`;
}

/**
 * Follows a path that is a symbolic link, within the volume.
 *
 * @param path A path, of a link or of any other entry.
 * @returns The target's node and path.
 * @throws {Fault} When the target does not exist.
 */
export async function follow(
  mount: Mount,
  path: string,
): Promise<{ path: string; node: NodeInfo }> {
  let at = path;
  let node = await mount.stat(path);
  for (let i = 0; i < MAX_LINKS; i++) {
    const target = await linkTarget(mount, node);
    if (target === null) return { path: at, node };
    at = resolveTarget(at, target);
    const next = await statOrNull(mount, at);
    if (next === null) {
      throw new Fault(path, `a link to ${target}, which does not exist in the volume`);
    }
    node = next;
  }
  throw new Fault(path, "a loop of symbolic links");
}
