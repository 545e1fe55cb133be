import type { StorageBackend } from "../backends.ts";
import { openFile } from "./open.ts";
import { openRecords } from "./records.ts";
import { repairFile } from "./repair.ts";

/** Files of SQLite's. */
export const sqliteBackend: StorageBackend = {
  open: openFile,
  openRecords,
  repair: repairFile,
};
