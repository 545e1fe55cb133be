import { sql } from "./kysely.ts";
import { isValidMount } from "./liveness.ts";
import { template } from "./template.ts";

/** A new mount. */
export const insertMount = template<{
  mount: string;
  volume: string;
  mountPoint: string;
  expiresAt: bigint | null;
  createdAt: bigint;
  nonce: Uint8Array;
  access: string;
  principal: string | null;
}>("mount.insertMount")((q, p) =>
  q.insertInto("mount").values({
    mount_id: p.mount,
    volume_id: p.volume,
    mount_point: p.mountPoint,
    state: sql.lit("active"),
    expires_at: p.expiresAt,
    created_at: p.createdAt,
    N_m: p.nonce,
    access: p.access,
    principal: p.principal,
  })
);

/** One mount, whatever its state. */
export const getMount = template<{ mount: string }>("mount.getMount")(
  (q, p) => q.selectFrom("mount").select(MOUNT).where("mount_id", "=", p.mount),
  { wide: true },
);

/** Mounts, oldest first. */
export const listMounts = template("mount.listMounts")(
  (q) =>
    q.selectFrom("mount").select(MOUNT).orderBy("created_at").orderBy(
      "mount_id",
    ),
  { wide: true },
);

/** Valid writable mounts of a volume. */
export const writableMounts = template<{ volume: string; now: bigint }>("mount.writableMounts")((
  q,
  p,
) =>
  q.selectFrom("mount").select(["mount_id", "mount_point"])
    .where("volume_id", "=", p.volume).where("access", "=", sql.lit("rw"))
    .where(isValidMount("mount", p.now))
);

/** How many valid mounts a volume has. */
export const countMounts = template<{ volume: string; now: bigint }>("mount.countMounts")((q, p) =>
  q.selectFrom("mount").select(({ fn }) => fn.countAll<number>().as("count"))
    .where("volume_id", "=", p.volume).where(isValidMount("mount", p.now))
);

/** Ends a mount. */
export const endMount = template<{ mount: string }>("mount.endMount")((q, p) =>
  q.updateTable("mount").set({ state: sql.lit("unmounted") }).where(
    "mount_id",
    "=",
    p.mount,
  )
);

/** Moves a mount's end. */
export const setMountExpiry = template<
  { mount: string; expiresAt: bigint | null }
>("mount.setMountExpiry")((q, p) =>
  q.updateTable("mount").set({ expires_at: p.expiresAt }).where(
    "mount_id",
    "=",
    p.mount,
  )
);

/** Drops mounts that are no longer valid and hold nothing. */
export const deleteEndedMounts = template<
  { volume: string | null; now: bigint }
>("mount.deleteEndedMounts")((q, p) =>
  q.deleteFrom("mount")
    .where((eb) => eb.not(isValidMount("mount", p.now)))
    .where((eb) => eb.or([eb("volume_id", "=", p.volume), eb(sql`${p.volume}`, "is", null)]))
);

const MOUNT = [
  "mount_id",
  "volume_id",
  "mount_point",
  "state",
  "expires_at",
  "created_at",
  "N_m",
  "access",
  "principal",
] as const;
