import { Fault } from "./faults.ts";

/** The type of our mounts. */
const FUSE_TYPE = "fuse.aloelite";

/** What a mount says whose program is gone, or goes as it is asked. */
const GONE: readonly unknown[] = ["ENOTCONN", "ECONNABORTED"];

/** The type of the topmost mount at a directory; null where none is. */
async function mountTypeAt(directory: string): Promise<string | null> {
  const text = await Deno.readTextFile("/proc/self/mountinfo").catch(() => "");
  // Blanks, tabs, newlines and backslashes are written as three octal digits there.
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

/** Whether a mount's program has gone without unmounting. */
function isNotConnected(error: unknown): boolean {
  return error instanceof Error && GONE.includes((error as { code?: unknown }).code);
}

/** The absolute path of a directory whose last name may be a mount that does not answer. */
async function resolveMountpoint(path: string): Promise<string> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    if (!isNotConnected(error)) throw error;
  }
  // Resolved without a look at the last name, which must be no symbolic link then.
  const absolute = path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
  const plain = absolute.replace(/(?<=.)\/+$/, "");
  const cut = plain.lastIndexOf("/");
  const above = await Deno.realPath(plain.slice(0, cut) || "/");
  return `${above === "/" ? "" : above}/${plain.slice(cut + 1)}`;
}

/**
 * Whether somebody answers for a mount. Its own attributes do not tell: the
 * kernel keeps those. A name that was never asked for has to be asked for.
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
 * Makes sure that a volume can be mounted at a directory. What a killed mount
 * has left behind there is taken away.
 *
 * @param path As it was written.
 * @param clean Takes a mount away that does not answer.
 * @returns The directory's absolute path.
 */
export async function readyMountpoint(
  path: string,
  clean: (directory: string) => Promise<void>,
): Promise<string> {
  const point = await resolveMountpoint(path);
  // Several, if each was mounted over the last one.
  while (await mountTypeAt(point) === FUSE_TYPE) {
    if (await answers(point)) {
      throw new Fault(path, "a volume is mounted there; `aloelite unmount` ends that");
    }
    await clean(point);
  }
  if (!(await Deno.stat(point)).isDirectory) throw new Fault(path, "not a directory");
  return point;
}

/**
 * Refuses a directory with something in it.
 *
 * @param path As it was written.
 * @param point Its absolute path.
 */
export async function refuseEntries(path: string, point: string): Promise<void> {
  if (!await hasEntries(point)) return;
  throw new Fault(
    path,
    "not empty, and what is in it would be hidden; choose an empty directory, or give --nonempty",
  );
}

async function hasEntries(directory: string): Promise<boolean> {
  try {
    for await (const _ of Deno.readDir(directory)) return true;
  } catch (error) {
    // One that was closed when the last mount ended: it is looked into when it is mounted on.
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
  }
  return false;
}
