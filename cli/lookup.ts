import type { Mount, NodeInfo } from "../mod.ts";
import { isAloeError } from "./faults.ts";

/** Returns the node at a path; null when it does not exist. */
export async function statOrNull(
  mount: Mount,
  path: string,
): Promise<NodeInfo | null> {
  try {
    return await mount.stat(path);
  } catch (error) {
    if (isAloeError(error) && error.code === "not_found") return null;
    throw error;
  }
}
