import type { Mount, NodeInfo } from "../mod.ts";
import { Fault } from "./faults.ts";
import { statOrNull } from "./lookup.ts";
import { linkTarget } from "./node_facts.ts";
import { parentPath, segments } from "./paths.ts";

/** Links that lead to links: more than these go in a circle. */
const MOST = 40;

/** Where a link leads: `.` and `..` mean in a target what they mean to a shell. */
function lead(from: string, target: string): string {
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
 * @param path A path, not necessarily of a link.
 * @returns What it leads to, and where that is.
 * @throws {Fault} When it leads nowhere.
 */
export async function follow(
  mount: Mount,
  path: string,
): Promise<{ path: string; node: NodeInfo }> {
  let at = path;
  let node = await mount.stat(path);
  for (let i = 0; i < MOST; i++) {
    const target = await linkTarget(mount, node);
    if (target === null) return { path: at, node };
    at = lead(at, target);
    const next = await statOrNull(mount, at);
    if (next === null) {
      throw new Fault(path, `a link to ${target}, which is not in the volume`);
    }
    node = next;
  }
  throw new Fault(path, "a link that leads in a circle");
}
