import {
  deleteManagedMount,
  listManagedMounts,
  putManagedMount,
} from "../../templates/registry.ts";
import type { Registry } from "./open.ts";

/** A mount that the manager serves, or restores after a restart. */
export interface MountRecord {
  /** The volume's id. */
  volume: string;
  /** The id of the volume's filesystem. */
  filesystem: string;
  /** The kind of mount. */
  mode: "fuse" | "direct";
  /** The directory; null for a direct mount. */
  mountpoint: string | null;
  /** Whether the mount is restored after a restart. */
  persist: boolean;
  /** The name of the environment variable with the PIN. */
  pinEnv: string | null;
  /** The path of the file with the PIN. */
  pinFile: string | null;
  /** The id of the process that serves it; null for none. */
  pid: number | null;
  /** When the mount was requested, in ns. */
  startedAt: bigint;
}

/** Returns all recorded mounts, oldest first. */
export async function listMounts(registry: Registry): Promise<MountRecord[]> {
  const rows = await registry.db.query((tx) => tx.all(listManagedMounts, {}));
  return rows.map((row) => ({
    volume: row.volume_id,
    filesystem: row.fs_id,
    mode: row.mode as MountRecord["mode"],
    mountpoint: row.mountpoint,
    persist: Number(row.persist) === 1,
    pinEnv: row.pin_env,
    pinFile: row.pin_file,
    pid: row.pid === null ? null : Number(row.pid),
    startedAt: row.started_at,
  }));
}

/** Records a volume's mount; replaces an earlier one. */
export async function recordMount(registry: Registry, record: MountRecord): Promise<void> {
  const values = { ...record, persist: record.persist ? 1 : 0 };
  await registry.db.write((tx) => tx.run(putManagedMount, values));
}

/** Deletes the record of a volume's mount. Idempotent. */
export async function forgetMount(registry: Registry, volume: string): Promise<void> {
  await registry.db.write((tx) => tx.run(deleteManagedMount, { volume }), { frees: true });
}
