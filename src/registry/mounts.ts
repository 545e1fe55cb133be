import {
  deleteManagedMount,
  listManagedMounts,
  putManagedMount,
} from "../../templates/registry.ts";
import type { Registry } from "./open.ts";

/** A mount that the manager keeps, or is to make again. */
export interface MountRecord {
  /** The volume. */
  volume: string;
  /** The filesystem that has it. */
  filesystem: string;
  /** How it is mounted. */
  mode: "fuse" | "direct";
  /** Where; null for a direct mount. */
  mountpoint: string | null;
  /** Whether it comes back after a restart. */
  persist: boolean;
  /** The name of the variable with the PIN. */
  pinEnv: string | null;
  /** The path of the file with the PIN. */
  pinFile: string | null;
  /** The process that serves it; null when there is none. */
  pid: number | null;
  /** When it was asked for, ns. */
  startedAt: bigint;
}

/** Every recorded mount, oldest first. */
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

/** Records a volume's mount, in place of an earlier one. */
export async function recordMount(registry: Registry, record: MountRecord): Promise<void> {
  const values = { ...record, persist: record.persist ? 1 : 0 };
  await registry.db.write((tx) => tx.run(putManagedMount, values));
}

/** Forgets a volume's mount. Doing so twice is no fault. */
export async function forgetMount(registry: Registry, volume: string): Promise<void> {
  await registry.db.write((tx) => tx.run(deleteManagedMount, { volume }), { frees: true });
}
