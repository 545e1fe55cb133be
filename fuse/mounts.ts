import { basename, dirname, join } from "node:path";
import { errorCode } from "./error_code.ts";

/** One entry of the kernel's mount table. */
export interface MountEntry {
  /** The mount point. */
  mountpoint: string;
  /** The filesystem type: `fuse.aloelite` for our mounts. */
  type: string;
  /** The file, as the mount was given it. */
  source: string;
  /** The device number, `0:42`. */
  device: string;
  /** The options of the mount and of the filesystem: `rw`, `nosuid`, … */
  options: string[];
  /** Whether mounts below it propagate to other mount namespaces. */
  shared: boolean;
}

/** The filesystem type of our mounts. */
export const TYPE = "fuse.aloelite";

/** Returns all mounts, in the order in which they were mounted. */
export async function mountTable(): Promise<MountEntry[]> {
  const table = await Deno.readTextFile("/proc/self/mountinfo");
  const entries: MountEntry[] = [];
  for (const line of table.split("\n")) {
    const words = line.split(" ");
    const separator = words.indexOf("-");
    if (separator < 0) continue;
    entries.push({
      mountpoint: unescape(words[4]),
      type: words[separator + 1],
      source: unescape(words[separator + 2]),
      device: words[2],
      options: `${words[5]},${words[separator + 3]}`.split(","),
      shared: words.slice(6, separator).some((word) => word.startsWith("shared:")),
    });
  }
  return entries;
}

/** Returns the topmost mount on a directory; null for none. */
export async function mountedOn(mountpoint: string): Promise<MountEntry | null> {
  return (await mountTable()).findLast((entry) => entry.mountpoint === mountpoint) ?? null;
}

/**
 * Returns a directory's path without links, as in the mount table. It does not access a mount on
 * the directory itself, which may be dead.
 */
export async function canonical(directory: string): Promise<string> {
  const name = basename(directory);
  if (name === "" || name === "." || name === "..") return await Deno.realPath(directory);
  const path = join(await Deno.realPath(dirname(directory)), name);
  if (await mountedOn(path) !== null) return path;
  try {
    return await Deno.realPath(directory);
  } catch (error) {
    if (errorCode(error) === "ENOTCONN") return path;
    throw error;
  }
}

/** Decodes the octal escapes of the mount table. */
function unescape(text: string): string {
  return decodeURIComponent(
    encodeURIComponent(text).replace(
      /%5C([0-7]{3})/g,
      (_, octal) => `%${parseInt(octal, 8).toString(16).padStart(2, "0")}`,
    ),
  );
}
