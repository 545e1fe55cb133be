/**
 * The records of the volume manager, in a separate SQLite file: operations on an open registry,
 * each in one transaction.
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
