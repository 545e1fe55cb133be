import { AloeError } from "../src/errors.ts";
import { errorCode } from "./error_code.ts";
import { reopen } from "./mountpoint_guard.ts";
import { canonical, mountedOn, TYPE } from "./mounts.ts";
import { detach } from "./unmount.ts";

/** Words of an fstab line that are for others than the kernel and libfuse. */
const FOR_OTHERS =
  /^(defaults|(no)?auto|(no)?users?|(no)?group|(no)?owner|nofail|_r?netdev|silent|loud|(comment|user|u?helper)=.*|[xX]-.*)$/;

/** Words about what a volume does not have, or that libfuse does not know (see `lateWords`). */
const NOTHING_HERE =
  /^(nonempty|(no)?mand|(no)?iversion|(no)?(rel|strict|dir)atime|(no)?lazytime|(no)?symfollow)$/;

/**
 * Finds what would make mounting fail, to say what helps.
 *
 * @returns The mountpoint without links in its path; a dead mount that was on
 * it is gone.
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

/** The words for libfuse. */
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
      word !== "" && !FOR_OTHERS.test(word) && !NOTHING_HERE.test(word)
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
      ? "there is no /dev/fuse: `modprobe fuse`, as root, makes it; a container has to be given it"
      : Deno.uid() === 0
      ? `/dev/fuse cannot be opened (${code}): a container has to be allowed to use it`
      : `/dev/fuse cannot be opened (${code}): \`chmod 666 /dev/fuse\`, as root, lets users mount`;
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
        `${mountpoint}: a mount is there that nobody answers (${type}); unmount it first`,
      );
    }
    // Its process was killed.
    await detach(path, true);
    return await checkMountpoint(mountpoint);
  }
  throw new AloeError("invalid", `${mountpoint}: is not a directory`);
}

/**
 * Asks a mount of ours that is there already. The kernel knows the attributes of
 * its directory for a while after its process was killed, but not what is in it.
 *
 * @throws `ENOTCONN` when nobody answers.
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
 * What is in the directory would be hidden: most often a program wrote to it by mistake.
 *
 * @throws {AloeError} `not_empty`.
 */
export async function checkEmpty(path: string): Promise<void> {
  for await (const _ of Deno.readDir(path)) {
    throw new AloeError("not_empty", `${path}: is not empty, and what is in it would be hidden`);
  }
}

/** What fusermount3 asks of a user. */
async function checkUser(path: string, allowOther: boolean): Promise<void> {
  try {
    const quiet = { stdin: "null", stdout: "null", stderr: "null" } as const;
    await new Deno.Command("fusermount3", { args: ["--version"], ...quiet }).output();
  } catch (error) {
    throw new AloeError(
      "unsupported",
      "fusermount3 is missing, which mounts for users: it comes with the package fuse3",
      { cause: error },
    );
  }
  const { uid, mode } = await Deno.stat(path);
  if (uid !== Deno.uid() && (mode! & 0o1002) !== 0o002) {
    throw new AloeError("invalid", `${path}: a user mounts on a directory of his own only`);
  }
  if (!allowOther) return;
  const config = await Deno.readTextFile("/etc/fuse.conf").catch(() => "");
  if (!/^\s*user_allow_other\s*$/m.test(config)) {
    throw new AloeError(
      "unsupported",
      "letting other users in takes root, or a line `user_allow_other` in /etc/fuse.conf",
    );
  }
}
