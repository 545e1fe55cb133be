import { AloeError } from "../src/errors.ts";
import { errorCode } from "./error_code.ts";
import { reopen } from "./mountpoint_guard.ts";
import { canonical, mountedOn, TYPE } from "./mounts.ts";
import { detach } from "./unmount.ts";

/** Words of an fstab line that neither the kernel nor libfuse uses. */
const NOT_FOR_MOUNT =
  /^(defaults|(no)?auto|(no)?users?|(no)?group|(no)?owner|nofail|_r?netdev|silent|loud|(comment|user|u?helper)=.*|[xX]-.*)$/;

/**
 * Words about features that a volume does not have, or that libfuse does not know (see
 * `lateWords`).
 */
const UNSUPPORTED =
  /^(nonempty|(no)?mand|(no)?iversion|(no)?(rel|strict|dir)atime|(no)?lazytime|(no)?symfollow)$/;

/**
 * Detects problems that would make mounting fail, to report a remedy.
 *
 * @returns The mount point without links in its path. A dead mount on it is removed.
 * @throws {AloeError} `unsupported`, `not_found`, `invalid`, `not_empty`, `io_error`.
 */
export async function preflight(
  mountpoint: string,
  options: { allowOther: boolean; nonEmpty: boolean },
): Promise<string> {
  if (Deno.build.os !== "linux") {
    throw new AloeError("unsupported", "mounting needs Linux, with FUSE");
  }
  await checkDevice();
  const path = await checkMountpoint(mountpoint);
  if (Deno.uid() !== 0) await checkUser(path, options.allowOther);
  await reopen(path);
  if (!options.nonEmpty) await checkEmpty(path);
  return path;
}

/** Returns the mount options for libfuse. */
export function mountWords(
  options: { file: string; readOnly: boolean; allowOther: boolean; options: readonly string[] },
): string[] {
  return [
    "default_permissions",
    `fsname=${options.file.replace(/[\\,]/g, "\\$&")}`,
    "subtype=aloelite",
    options.readOnly ? "ro" : "rw",
    ...(options.allowOther ? ["allow_other"] : []),
    ...options.options.filter((word) =>
      word !== "" && !NOT_FOR_MOUNT.test(word) && !UNSUPPORTED.test(word)
    ),
  ];
}

async function checkDevice(): Promise<void> {
  try {
    (await Deno.open("/dev/fuse", { read: true, write: true })).close();
  } catch (error) {
    const code = errorCode(error);
    const missing = code === "ENOENT" || code === "ENODEV" || code === "ENXIO";
    const remedy = missing
      ? "/dev/fuse is missing: create it with `modprobe fuse` as root; pass it to a container"
      : Deno.uid() === 0
      ? `/dev/fuse cannot be opened (${code}): a container needs permission to use it`
      : `/dev/fuse cannot be opened (${code}): \`chmod 666 /dev/fuse\`, as root permits users to mount`;
    throw new AloeError("unsupported", remedy, { cause: error });
  }
}

async function checkMountpoint(mountpoint: string): Promise<string> {
  let path: string;
  try {
    path = await canonical(mountpoint);
    if ((await Deno.stat(path)).isDirectory) {
      await requireAnswer(path);
      return path;
    }
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT") {
      throw new AloeError("not_found", `${mountpoint}: no such directory`, { cause: error });
    }
    if (code !== "ENOTCONN") throw error;
    path = await canonical(mountpoint);
    const { type } = await mountedOn(path) ?? {};
    if (type !== TYPE) {
      throw new AloeError(
        "invalid",
        `${mountpoint}: a dead mount (${type}) is there; unmount it first`,
      );
    }
    // The process of the mount was killed.
    await detach(path, true);
    return await checkMountpoint(mountpoint);
  }
  throw new AloeError("invalid", `${mountpoint}: is not a directory`);
}

/**
 * Checks that an existing aloelite mount answers. After its process is killed, the kernel still
 * caches the attributes of its root for a while, but not its entries.
 *
 * @throws `ENOTCONN` when the mount is dead.
 */
async function requireAnswer(path: string): Promise<void> {
  if ((await mountedOn(path))?.type !== TYPE) return;
  try {
    for await (const _ of Deno.readDir(path)) return;
  } catch (error) {
    if (errorCode(error) === "ENOTCONN") throw error;
  }
}

/**
 * Refuses a directory with entries, which the mount would hide; usually a program wrote them by
 * mistake.
 *
 * @throws {AloeError} `not_empty`.
 */
export async function checkEmpty(path: string): Promise<void> {
  for await (const _ of Deno.readDir(path)) {
    throw new AloeError("not_empty", `${path}: is not empty; the mount would hide its entries`);
  }
}

/** Checks the requirements of fusermount3 for users other than root. */
async function checkUser(path: string, allowOther: boolean): Promise<void> {
  try {
    const quiet = { stdin: "null", stdout: "null", stderr: "null" } as const;
    await new Deno.Command("fusermount3", { args: ["--version"], ...quiet }).output();
  } catch (error) {
    throw new AloeError(
      "unsupported",
      "fusermount3, which mounts for users, is missing; install the package fuse3",
      { cause: error },
    );
  }
  const { uid, mode } = await Deno.stat(path);
  if (uid !== Deno.uid() && (mode! & 0o1002) !== 0o002) {
    throw new AloeError("invalid", `${path}: users can mount only on their own directories`);
  }
  if (!allowOther) return;
  const config = await Deno.readTextFile("/etc/fuse.conf").catch(() => "");
  if (!/^\s*user_allow_other\s*$/m.test(config)) {
    throw new AloeError(
      "unsupported",
      "access for other users needs root, or a line `user_allow_other` in /etc/fuse.conf",
    );
  }
}
