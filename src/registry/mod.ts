/**
 * The records of the volume manager, in a SQLite file of their own: operations
 * over an open registry, each one transaction.
 *
 * @module
 */
export { openRegistry, type Registry } from "./open.ts";
export {
  addFilesystem,
  type FilesystemRecord,
  type FilesystemState,
  forgetFilesystem,
  listFilesystems,
  renameFilesystem,
  setFilesystemState,
} from "./filesystems.ts";
export { forgetMount, listMounts, type MountRecord, recordMount } from "./mounts.ts";
export { getSetting, putSetting } from "./settings.ts";
