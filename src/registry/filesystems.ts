import {
  deleteFilesystem,
  deleteFilesystemMounts,
  insertFilesystem,
  listFilesystems as listTemplate,
  setFilesystemName,
  setFilesystemState as stateTemplate,
} from "../../templates/registry.ts";
import { AloeError } from "../errors.ts";
import type { Registry } from "./open.ts";

/** The life-cycle state of a filesystem. A restart completes `creating` and `deleting`. */
export type FilesystemState = "creating" | "ready" | "deleting";

/** A file that the manager serves. */
export interface FilesystemRecord {
  /** 32 hexadecimal digits. */
  id: string;
  /** The file's name in the manager's folder. */
  fileName: string;
  /** The filesystem's name. */
  name: string;
  /** When it was created or imported, in ns. */
  createdAt: bigint;
  /** The life-cycle state. */
  state: FilesystemState;
}

/** Returns all filesystems, oldest first. */
export async function listFilesystems(registry: Registry): Promise<FilesystemRecord[]> {
  const rows = await registry.db.query((tx) => tx.all(listTemplate, {}));
  return rows.map((row) => ({
    id: row.fs_id,
    fileName: row.file_name,
    name: row.name,
    createdAt: row.created_at,
    state: row.state as FilesystemState,
  }));
}

/** Records a new filesystem. */
export async function addFilesystem(registry: Registry, record: FilesystemRecord): Promise<void> {
  await registry.db.write((tx) => tx.run(insertFilesystem, { ...record }));
}

/**
 * Sets a filesystem's state.
 *
 * @throws {AloeError} `not_found`.
 */
export async function setFilesystemState(
  registry: Registry,
  id: string,
  state: FilesystemState,
): Promise<void> {
  found(id, await registry.db.write((tx) => tx.run(stateTemplate, { id, state }), { frees: true }));
}

/**
 * Renames a filesystem.
 *
 * @throws {AloeError} `not_found`.
 */
export async function renameFilesystem(
  registry: Registry,
  id: string,
  name: string,
): Promise<void> {
  found(id, await registry.db.write((tx) => tx.run(setFilesystemName, { id, name })));
}

/** Deletes the records of a filesystem and its mounts. Idempotent. */
export async function forgetFilesystem(registry: Registry, id: string): Promise<void> {
  await registry.db.write(async (tx) => {
    await tx.run(deleteFilesystemMounts, { id });
    await tx.run(deleteFilesystem, { id });
  }, { frees: true });
}

function found(id: string, rows: number): void {
  if (rows === 0) throw new AloeError("not_found", `${id}: no such filesystem`);
}
