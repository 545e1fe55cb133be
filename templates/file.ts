import { type Kysely, type RawBuilder, sql } from "kysely";
import { Template, template } from "./template.ts";

/** The era, and every object with our newest migration among them. */
export const fileObjects = template()((q) =>
  (q as unknown as Kysely<{ sqlite_schema: { name: string } }>)
    .selectFrom("sqlite_schema").select("name")
);

/** The era that the file is of. */
export const fileEra = template()((q) =>
  q.selectNoFrom([
    sql<number>`(SELECT user_version FROM pragma_user_version)`.as("era"),
  ])
);

/** The newest migration on record. */
export const newestMigration = template()((q) =>
  (q as unknown as Kysely<{ aloe_migration: { name: string } }>)
    .selectFrom("aloe_migration").select(({ fn }) => fn.max("name").as("name"))
);

/** Rebuilds the file without its free pages. */
export const vacuum: Template<Record<never, never>, unknown> = raw(sql`VACUUM`);

/** Where the temporary copy of a vacuum is kept: in memory it could be too large. */
export const vacuumOnDisk: Template<Record<never, never>, unknown> = raw(
  sql`PRAGMA temp_store = FILE`,
);

/** Where small temporary tables are kept otherwise. */
export const temporariesInMemory: Template<Record<never, never>, unknown> = raw(
  sql`PRAGMA temp_store = MEMORY`,
);

/** Moves the WAL into the file and empties it. */
export const checkpoint: Template<Record<never, never>, unknown> = raw(
  sql`PRAGMA wal_checkpoint(TRUNCATE)`,
);

/** A statement that no builder can say. */
export function raw(
  statement: RawBuilder<unknown>,
): Template<Record<never, never>, unknown> {
  return new Template((q) => ({ compile: () => statement.compile(q) }) as never);
}
