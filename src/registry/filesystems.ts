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

/** Life of a filesystem: a restart finishes what is `creating` or `deleting`. */
export type FilesystemState = "creating" | "ready" | "deleting";

/** One file that the manager serves. */
export interface FilesystemRecord {
  /** 32 hexadecimal digits. */
  id: string;
  /** The file's name in the folder of filesystems. */
  fileName: string;
  /** What it is called. */
  name: string;
  /** When it came here, ns. */
  createdAt: bigint;
  /** Where in its life it is. */
  state: FilesystemState;
}

/** Every filesystem, oldest first. */
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
 * Moves a filesystem on in its life.
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
 * Gives a filesystem another name.
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

/** Forgets a filesystem and the mounts of it. Doing so twice is no fault. */
export async function forgetFilesystem(registry: Registry, id: string): Promise<void> {
  await registry.db.write(async (tx) => {
    await tx.run(deleteFilesystemMounts, { id });
    await tx.run(deleteFilesystem, { id });
  }, { frees: true });
}

function found(id: string, rows: number): void {
  if (rows === 0) throw new AloeError("not_found", `${id}: no such filesystem`);
}
