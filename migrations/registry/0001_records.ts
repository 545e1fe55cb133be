import { type Kysely, sql } from "kysely";

/**
 * What the manager has to know that no aloelite file says: which files are its
 * filesystems, and which volumes are to be mounted.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.createTable("filesystem")
    .addColumn("fs_id", "text", (column) => column.primaryKey())
    .addColumn("file_name", "text", (column) => column.notNull().unique())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("created_at", "integer", (column) => column.notNull())
    .addColumn("state", "text", (column) => column.notNull())
    .modifyEnd(STRICT)
    .execute();
  await db.schema.createTable("mount")
    .addColumn("volume_id", "text", (column) => column.primaryKey())
    .addColumn("fs_id", "text", (column) => column.notNull())
    .addColumn("mode", "text", (column) => column.notNull())
    .addColumn("mountpoint", "text")
    .addColumn("persist", "integer", (column) => column.notNull())
    .addColumn("pin_env", "text")
    .addColumn("pin_file", "text")
    .addColumn("pid", "integer")
    .addColumn("started_at", "integer", (column) => column.notNull())
    .modifyEnd(STRICT)
    .execute();
  await db.schema.createTable("setting")
    .addColumn("name", "text", (column) => column.primaryKey())
    .addColumn("value", "text", (column) => column.notNull())
    .modifyEnd(STRICT)
    .execute();
}

const STRICT = sql`STRICT, WITHOUT ROWID`;
