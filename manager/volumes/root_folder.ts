import { AloeError } from "../../src/errors.ts";
import type { Settings } from "../settings.ts";

/** What a manager makes in its folder. */
const OURS = /^(?:manager\.(?:db(?:-\w+)?|lock)|filesystems|tmp|mnt|reserve|\.writable-[\da-f-]+)$/;

/** What nobody but its owner may do. */
const OTHERS = 0o077;

/**
 * Keeps other users of this machine out of a manager's folder, also where it was
 * there before with more rights, and of the files in it. A folder with other
 * things in it is somebody's besides: it stays as it is, and only what is the
 * manager's is closed.
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
  // Who is let into mounts has to get through, which shows nothing of what is here.
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
  // What SQLite makes beside it has the rights of the file.
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
 * Takes from a file or folder what others than its owner may do with it.
 *
 * @param bits What is taken.
 * @returns False when that cannot be done.
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
