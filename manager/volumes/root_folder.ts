import { AloeError } from "../../src/errors.ts";
import type { Settings } from "../settings.ts";

/** The names that a manager creates in its folder. */
const OURS = /^(?:manager\.(?:db(?:-\w+)?|lock)|filesystems|tmp|mnt|reserve|\.writable-[\da-f-]+)$/;

/** The permission bits of group and others. */
const OTHERS = 0o077;

/**
 * Takes access to a manager's folder and its files from other users of this machine,
 * also where it existed with wider permissions. A folder that contains other files is
 * shared: its own permissions stay, and only the manager's files are closed.
 *
 * @throws {AloeError} `invalid` when it belongs to another user, is open to
 * others, and that cannot be changed.
 */
export async function closeToOthers(
  { root, fuse }: Pick<Settings, "root" | "fuse">,
  log: (line: string) => void,
): Promise<void> {
  if (Deno.build.os === "windows") return;
  const info = await Deno.stat(root);
  const mode = info.mode ?? 0;
  // Other users of mounts need to pass through the folder, without listing it.
  const others = fuse.allowOther ? OTHERS & ~0o011 : OTHERS;
  const foreign = (await Array.fromAsync(Deno.readDir(root))).find(({ name }) => !OURS.test(name));
  if ((mode & others) !== 0) {
    if (foreign !== undefined) {
      log(
        `${root} can be entered by other users, and stays so: it has more in it, ${foreign.name}`,
      );
    } else if (!await tighten(root, others) && info.uid !== Deno.uid()) {
      throw new AloeError(
        "invalid",
        `${root}: belongs to another user and is open to others; give it to this one, mode 0700`,
      );
    }
  }
  if (info.uid !== null && info.uid !== Deno.uid()) {
    log(`${root} belongs to another user (${info.uid}), who can read and change all of it`);
  }
  for (const name of ["filesystems", "tmp"]) {
    await Deno.mkdir(`${root}/${name}`, { recursive: true, mode: 0o700 });
    await tighten(`${root}/${name}`);
  }
  // SQLite creates side files with the permissions of the database.
  using _file = await Deno.open(`${root}/manager.db`, { create: true, append: true, mode: 0o600 });
  for (
    const name of ["manager.db", "manager.db-wal", "manager.db-shm", "manager.lock", "reserve"]
  ) {
    await tighten(`${root}/${name}`);
  }
  for await (const { name, isFile } of Deno.readDir(`${root}/filesystems`)) {
    if (isFile) await tighten(`${root}/filesystems/${name}`);
  }
}

/**
 * Removes permissions of group and others from a file or folder.
 *
 * @param bits The permissions to remove.
 * @returns False when they cannot be removed.
 */
export async function tighten(path: string, bits = OTHERS): Promise<boolean> {
  try {
    const mode = (await Deno.stat(path)).mode ?? 0;
    if ((mode & bits) !== 0) await Deno.chmod(path, mode & 0o7777 & ~bits);
    return true;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}
