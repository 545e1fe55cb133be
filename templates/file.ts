import type { Kysely } from "kysely";
import { sql } from "./kysely.ts";
import { raw, type Statement, template } from "./template.ts";

/** The newest migration on record. */
export const newestMigration = template("file.newestMigration")((q) =>
  (q as unknown as Kysely<{ aloe_migration: { name: string } }>)
    .selectFrom("aloe_migration").select(({ fn }) => fn.max("name").as("name"))
);

/** Some volumes of the file, the oldest first, each with its watermark. */
export const storedVolumes = template("file.storedVolumes")((q) =>
  q.selectFrom("volume").select(["volume_id", "wm_ts", "wm_seq"])
    .orderBy("volume_id").limit(sql.lit(100))
);

/** A statement that is no query. */
type Command = Statement<Record<never, never>, unknown>;

/** Begins a part of a transaction that can be undone alone. */
export const beginPart: Command = raw("SAVEPOINT part");

/** Keeps it. */
export const keepPart: Command = raw("RELEASE part");

/** Undoes it; it has to be kept afterwards. */
export const undoPart: Command = raw("ROLLBACK TO part");
