import { checkSchema, isTangled } from "../../../migrations/check_schema.ts";
import type { FileState } from "../../../migrations/file_state.ts";
import { newestMigration } from "../../../templates/file.ts";
import { fileEra, fileSchema } from "../../../templates/sqlite_file.ts";
import type { Transaction } from "../transaction.ts";

/** Reads what the file says of itself. Nothing of the file's own SQL is run for it. */
export async function readState(tx: Transaction): Promise<FileState> {
  const era = (await tx.first(fileEra, {}))!.user_version;
  const rows = await tx.all(fileSchema, {});
  const objects = new Set(rows.map((row) => row.name));
  const faults = await checkSchema(rows, era);
  const tangled = isTangled(rows);
  const trusted = !tangled && !faults.some((fault) => fault.name === "aloe_migration");
  const migrated = trusted && objects.has("aloe_migration")
    ? (await tx.first(newestMigration, {}))?.name ?? null
    : null;
  return { era, objects, migrated, faults, tangled };
}
