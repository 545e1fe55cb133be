import { isValidLock } from "./liveness.ts";
import { template } from "./template.ts";

/** A new lock. */
export const insertLock = template<{
  lock: string;
  mount: string;
  node: string;
  expiresAt: bigint | null;
  createdAt: bigint;
}>("lock.insertLock")((q, p) =>
  q.insertInto("lock").values({
    lock_id: p.lock,
    mount_id: p.mount,
    node_id: p.node,
    expires_at: p.expiresAt,
    created_at: p.createdAt,
  })
);

/** A valid lock of a mount. */
export const getLock = template<{ lock: string; mount: string; now: bigint }>("lock.getLock")(
  (q, p) =>
    q.selectFrom("lock").innerJoin("mount", "mount.mount_id", "lock.mount_id")
      .select([
        "lock.lock_id",
        "lock.mount_id",
        "lock.node_id",
        "lock.expires_at",
      ])
      .where("lock.lock_id", "=", p.lock).where("lock.mount_id", "=", p.mount)
      .where(isValidLock("lock", "mount", p.now)),
  { wide: true },
);

/** The valid locks on a node. */
export const locksOfNode = template<{ node: string; now: bigint }>("lock.locksOfNode")((q, p) =>
  q.selectFrom("lock").innerJoin("mount", "mount.mount_id", "lock.mount_id")
    .select(["lock.lock_id", "lock.mount_id"])
    .where("lock.node_id", "=", p.node)
    .where(isValidLock("lock", "mount", p.now))
);

/** Moves a lock's end. */
export const setLockExpiry = template<
  { lock: string; expiresAt: bigint | null }
>("lock.setLockExpiry")((q, p) =>
  q.updateTable("lock").set({ expires_at: p.expiresAt }).where(
    "lock_id",
    "=",
    p.lock,
  )
);

/** Releases a lock. */
export const deleteLock = template<{ lock: string }>("lock.deleteLock")((q, p) =>
  q.deleteFrom("lock").where("lock_id", "=", p.lock)
);

/** Drops every lock of a mount. */
export const deleteMountLocks = template<{ mount: string }>("lock.deleteMountLocks")((q, p) =>
  q.deleteFrom("lock").where("mount_id", "=", p.mount)
);

/** Drops locks that are no longer valid. */
export const deleteEndedLocks = template<{ now: bigint }>("lock.deleteEndedLocks")((q, p) =>
  q.deleteFrom("lock").where(
    "lock_id",
    "not in",
    (eb) =>
      eb.selectFrom("lock").innerJoin(
        "mount",
        "mount.mount_id",
        "lock.mount_id",
      )
        .select("lock.lock_id").where(isValidLock("lock", "mount", p.now)),
  )
);
