/**
 * Mounts a volume as a directory that any program can use, on Linux with libfuse3. Needs the
 * permissions `--allow-ffi`, `--allow-read`, `--allow-write`, `--allow-run` (for `fusermount3`,
 * when another user than root mounts) and `--allow-sys`.
 *
 * @example Mount a volume, write to it as to any directory, unmount it
 * ```ts ignore
 * import { mountVolume } from "@aloelite/aloelite/fuse";
 *
 * await using mount = await mountVolume({ file: "notebook.fs", mountpoint: "/mnt/notebook" });
 * await Deno.writeTextFile("/mnt/notebook/note.txt", "from any program");
 * ```
 *
 * @module
 */
export { type FuseMount, mountVolume, type MountVolumeOptions } from "./mount.ts";
export { MOUNTED } from "./defaults.ts";
export type { MountStatistics } from "./messages.ts";
export { type MountEntry, mountTable, TYPE as MOUNT_TYPE } from "./mounts.ts";
export { remount } from "./remount.ts";
export { unmount, type UnmountOptions } from "./unmount.ts";
export { AloeError, type AloeErrorCode } from "../src/errors.ts";
export type { Pin } from "../src/types.ts";
