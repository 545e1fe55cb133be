import { basename, dirname, join } from "node:path";
import { errorCode } from "./error_code.ts";

/** A line of the kernel's table of mounts. */
export interface MountEntry {
  /** Where. */
  mountpoint: string;
  /** `fuse.aloelite` for ours. */
  type: string;
  /** The file, as the mount was told. */
  source: string;
  /** The device's numbers, `0:42`. */
  device: string;
  /** Its options, and those of the filesystem: `rw`, `nosuid`, … */
  options: string[];
  /** Whether what is mounted below it is seen in the mount namespaces that it was shared with. */
  shared: boolean;
}

/** What the kernel calls our mounts. */
export const TYPE = "fuse.aloelite";

/** Everything that is mounted here, in the order in which it was. */
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

/** What is mounted on a directory, the uppermost if there are several; null: nothing. */
export async function mountedOn(mountpoint: string): Promise<MountEntry | null> {
  return (await mountTable()).findLast((entry) => entry.mountpoint === mountpoint) ?? null;
}

/**
 * A directory's path without links, as the table of mounts has it. What is
 * mounted on the directory itself is not touched: it may be dead.
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

/** The table writes blanks and backslashes in octal. */
function unescape(text: string): string {
  return decodeURIComponent(
    encodeURIComponent(text).replace(
      /%5C([0-7]{3})/g,
      (_, octal) => `%${parseInt(octal, 8).toString(16).padStart(2, "0")}`,
    ),
  );
}
