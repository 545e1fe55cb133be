import { Fault } from "./faults.ts";

/** The filesystem type of aloelite mounts. */
const FUSE_TYPE = "fuse.aloelite";

/** The errors of a mount whose program has ended or ends during the call. */
const GONE: readonly unknown[] = ["ENOTCONN", "ECONNABORTED"];

/** Returns the type of the topmost mount at a directory; null when nothing is mounted. */
async function mountTypeAt(directory: string): Promise<string | null> {
  const text = await Deno.readTextFile("/proc/self/mountinfo").catch(() => "");
  // mountinfo writes blanks, tabs, newlines and backslashes as three octal digits.
  const listed = directory.replace(
    /[ \t\n\\]/g,
    (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, "0")}`,
  );
  let type: string | null = null;
  for (const line of text.split("\n")) {
    // 36 35 98:0 /root /point options optional… - type source super-options
    const [before, after] = line.split(" - ");
    if (before.split(" ")[4] === listed && after !== undefined) type = after.split(" ")[0];
  }
  return type;
}

/** Returns whether a mount's program has ended without unmounting. */
function isNotConnected(error: unknown): boolean {
  return error instanceof Error && GONE.includes((error as { code?: unknown }).code);
}

/** Returns the absolute path of a directory whose last name may be a dead mount. */
async function resolveMountpoint(path: string): Promise<string> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    if (!isNotConnected(error)) throw error;
  }
  // Resolve all but the last name, which cannot be a symbolic link in this case.
  const absolute = path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
  const plain = absolute.replace(/(?<=.)\/+$/, "");
  const cut = plain.lastIndexOf("/");
  const above = await Deno.realPath(plain.slice(0, cut) || "/");
  return `${above === "/" ? "" : above}/${plain.slice(cut + 1)}`;
}

/**
 * Returns whether a program serves a mount. It looks up a new name, because the kernel caches the
 * attributes of the mount itself.
 */
async function answers(directory: string): Promise<boolean> {
  try {
    await Deno.lstat(`${directory}/${crypto.randomUUID()}`);
    return true;
  } catch (error) {
    return !isNotConnected(error);
  }
}

/**
 * Checks that a volume can be mounted at a directory. Removes the leftovers of a killed mount.
 *
 * @param path The directory as the user wrote it.
 * @param clean Removes a dead mount.
 * @returns The directory's absolute path.
 */
export async function readyMountpoint(
  path: string,
  clean: (directory: string) => Promise<void>,
): Promise<string> {
  const point = await resolveMountpoint(path);
  // Dead mounts may be stacked.
  while (await mountTypeAt(point) === FUSE_TYPE) {
    if (await answers(point)) {
      throw new Fault(path, "a volume is mounted there; unmount it with `aloelite unmount`");
    }
    await clean(point);
  }
  if (!(await Deno.stat(point)).isDirectory) throw new Fault(path, "not a directory");
  return point;
}

/**
 * Refuses a directory with entries.
 *
 * @param path The directory as the user wrote it.
 * @param point The directory's absolute path.
 */
export async function refuseEntries(path: string, point: string): Promise<void> {
  if (!await hasEntries(point)) return;
  throw new Fault(
    path,
    "not empty; the mount would hide its entries. Choose an empty directory, or add --nonempty",
  );
}

async function hasEntries(directory: string): Promise<boolean> {
  try {
    for await (const _ of Deno.readDir(directory)) return true;
  } catch (error) {
    // The directory of an encrypted mount has mode 0 after the mount; the mount itself checks its
    // entries.
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
  }
  return false;
}
