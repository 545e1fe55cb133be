import { jsonRows } from "./expressions.ts";
import { sql } from "./kysely.ts";
import { isMounted, isValidLock } from "./liveness.ts";
import { template } from "./template.ts";

// What somebody began and did not end.

/** Whether somebody writes, has a file open that has no name, or makes a volume; and whether chunks are noted. */
export const anyUnfinished = template<{ making: string }>("abandoned.anyUnfinished")((q, p) =>
  q.selectNoFrom((eb) => [
    eb.or([
      eb.exists(eb.selectFrom("lock").select(sql.lit(1).as("one"))),
      eb.exists(eb.selectFrom("aloe_unlinked").select(sql.lit(1).as("one"))),
      eb.exists(
        eb.selectFrom("mount").select(sql.lit(1).as("one")).where("principal", "=", p.making)
          .where(isMounted("mount")),
      ),
    ]).as("used"),
    eb.exists(eb.selectFrom("aloe_orphan").select(sql.lit(1).as("one"))).as("noted"),
  ])
);

/**
 * Locks under which a version was begun and which no living process holds.
 * `dead` is a JSON array of mounts whose processes are gone: a lock of theirs
 * may be held on purpose, but not for a version.
 */
export const abandonedLocks = template<{ dead: string; now: bigint; limit: number }>(
  "abandoned.abandonedLocks",
)((q, p) =>
  q.selectFrom((eb) =>
    eb.selectFrom("lock as l").leftJoin("mount as m", "m.mount_id", "l.mount_id")
      .leftJoin("content as c", "c.node_id", "l.node_id")
      .select((s) => [
        "l.lock_id",
        "l.node_id",
        "c.version",
        s.exists(
          s.selectFrom("content_version as v").select(sql.lit(1).as("one"))
            .whereRef("v.content_id", "=", "l.node_id").whereRef("v.version", ">", "c.version"),
        ).as("begun"),
        s.and([
          s("m.mount_id", "is not", null),
          isValidLock("l", "m", p.now),
        ]).as("valid"),
        s("l.mount_id", "in", (i) => i.selectFrom(jsonRows(p.dead)).select("item.value"))
          .as("dead"),
      ])
      .as("k")
  )
    .select(["k.lock_id", "k.node_id", "k.version"])
    .where((eb) =>
      eb.and([eb.ref("k.begun"), eb.or([eb.not(eb.ref("k.valid")), eb.ref("k.dead")])])
    )
    .limit(p.limit)
);

/** Valid locks on a node of mounts that are not among the dead. */
export const livingLock = template<{ node: string; dead: string; now: bigint }>(
  "abandoned.livingLock",
)((q, p) =>
  q.selectFrom("lock as l").innerJoin("mount as m", "m.mount_id", "l.mount_id")
    .select("l.lock_id").where("l.node_id", "=", p.node)
    .where(isValidLock("l", "m", p.now))
    .where("l.mount_id", "not in", (eb) => eb.selectFrom(jsonRows(p.dead)).select("item.value"))
    .limit(sql.lit(1))
);

/** Ends the dead mounts that had files without a name open. */
export const endDeadMounts = template<{ dead: string }>("abandoned.endDeadMounts")((q, p) =>
  q.updateTable("mount").set({ state: sql.lit("unmounted") })
    .where("mount_id", "in", (eb) => eb.selectFrom(jsonRows(p.dead)).select("item.value"))
    .where((eb) =>
      eb.exists(
        eb.selectFrom("aloe_unlinked as u").select(sql.lit(1).as("one"))
          .whereRef("u.mount_id", "=", "mount.mount_id"),
      )
    )
);

/** Volumes that somebody began to make who is gone. */
export const abandonedVolumes = template<{ making: string; dead: string; now: bigint }>(
  "abandoned.abandonedVolumes",
)((q, p) =>
  q.selectFrom("mount as m").innerJoin("volume as v", "v.volume_id", "m.volume_id")
    .where("m.principal", "=", p.making).where(isMounted("m"))
    .where((eb) =>
      eb.or([
        eb("m.expires_at", "<=", p.now),
        eb("m.mount_id", "in", (i) => i.selectFrom(jsonRows(p.dead)).select("item.value")),
      ])
    )
    .select("v.volume_id").distinct()
);

/** The ids of all mounts that have not ended. */
export const mountIds = template("abandoned.mountIds")((q) =>
  q.selectFrom("mount").select("mount_id").where(isMounted("mount"))
);
