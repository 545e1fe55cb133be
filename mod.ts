/**
 * A filesystem that is one SQLite file: directories, files, metadata, every
 * version, encrypted if you like.
 *
 * @example
 * ```ts
 * import { AloeLite } from "@aloelite/aloelite";
 *
 * await using fs = await AloeLite.open(":memory:");
 * await fs.createVolume({ name: "main" });
 * await using mount = await fs.mount("main");
 *
 * await mount.mkdir("/docs");
 * await mount.path("/docs").join("a.txt").writeText("hello");
 * console.assert(await mount.path("/docs/a.txt").readText() === "hello");
 * ```
 *
 * @module
 */
export { AloeLite, type AttachOptions, Batch, type OpenMountOptions } from "./src/aloelite.ts";
export { Mount } from "./src/mount.ts";
export { VolumePath, type WalkEntry } from "./src/volume_path.ts";
export { globMatcher } from "./src/glob.ts";
export { type Destination, safeName } from "./src/safe_name.ts";
export * from "./src/errors.ts";
export * from "./src/types.ts";
export {
  type BackupOptions,
  type BackupProgress,
  type BoundVersion,
  type CreateVolumeOptions,
  type Database,
  type Durability,
  type ListPage,
  type MkdirOptions,
  MountHandle,
  type MountOptions,
  type MountRef,
  type OpenDatabase,
  type OpenOptions,
  type PruneOptions,
  type PurgeOptions,
  type PutOptions,
  ReadDescriptor,
  type TransferOptions,
  type TransferProgress,
  type VerifyOptions,
  type VersionOption,
  type Whence,
  WriteDescriptor,
  type WriteOptions,
} from "./src/ops.ts";
