import { deleteLock, locksOfNode, setLockExpiry } from "../../templates/lock.ts";
import { now } from "../clock.ts";
import { requireLock, takeLock } from "../content/write_lock.ts";
import { AloeError } from "../errors.ts";
import { expiry } from "../expiry.ts";
import { mountId, type MountRef } from "../mount_handle.ts";
import { requireChangeable, resolve } from "../tree/resolve.ts";
import type { Database } from "../storage/database.ts";
import type { LockInfo } from "../types.ts";

/**
 * Locks a node against changes by other mounts.
 *
 * @param ttl The time to live in ms. Default: as long as the mount is valid.
 * @throws {AloeError} `lock_held` when it is already locked, by any mount; `not_found`,
 *   `read_only`, `invalid`.
 */
export async function lock(
  db: Database,
  mount: MountRef,
  path: string,
  ttl?: number,
): Promise<LockInfo> {
  return await db.write(async (tx) => {
    const node = await resolve(tx, mount, path);
    requireChangeable(node);
    const held = await tx.first(locksOfNode, { node: node.node, now: now() });
    if (held !== undefined) {
      throw new AloeError("lock_held", `${path}: is locked already`);
    }
    const expiresAt = expiry(ttl);
    const id = await takeLock(tx, node, expiresAt);
    return { id, mount: node.mountId, node: node.node, expiresAt };
  });
}

/**
 * Sets a lock's expiry.
 *
 * @param ttl Milliseconds from now. Default: as long as the mount is valid.
 * @throws {AloeError} `lock_invalid` when this mount holds no such valid lock.
 */
export async function renewLock(
  db: Database,
  mount: MountRef,
  id: string,
  ttl?: number,
): Promise<LockInfo> {
  return await db.write(async (tx) => {
    const row = await requireLock(tx, mountId(mount), id);
    const expiresAt = expiry(ttl);
    await tx.run(setLockExpiry, { lock: id, expiresAt });
    return { id, mount: row.mount_id, node: row.node_id, expiresAt };
  });
}

/**
 * Releases a lock.
 *
 * @throws {AloeError} `lock_invalid` when this mount holds no such valid lock.
 */
export async function unlock(
  db: Database,
  mount: MountRef,
  id: string,
): Promise<void> {
  await db.write(async (tx) => {
    await requireLock(tx, mountId(mount), id);
    await tx.run(deleteLock, { lock: id });
  }, { frees: true });
}
