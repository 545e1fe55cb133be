import { AloeError } from "../../src/errors.ts";
import { isTangled, keysOf, type SchemaRow, unknownRows } from "../check_schema.ts";
import { written } from "../written.ts";
import { migrateRegistry } from "./migrate.ts";

/** How many objects a message names. */
const MENTIONED = 5;

let known: Promise<ReadonlySet<string>> | null = null;

/**
 * Compares the schema of the manager's records with what the migrations write.
 * Nothing of its SQL is compiled or run.
 *
 * @param rows All rows of `sqlite_schema`.
 * @param path The file, for the message.
 * @throws {AloeError} `unsupported` for what is unknown, `corrupt` for damage.
 */
export async function checkRegistrySchema(
  rows: readonly SchemaRow[],
  path: string,
): Promise<void> {
  known ??= written([], 0, migrateRegistry).then(keysOf);
  const unknown = unknownRows(rows, await known);
  if (unknown.length > 0) {
    const names = unknown.slice(0, MENTIONED)
      .map(({ type, name }) => `${type} ${JSON.stringify(String(name).slice(0, 100))}`);
    throw new AloeError(
      "unsupported",
      `${path}: has what this release does not write: ${names.join(", ")}. A newer one may have ` +
        "made it; else take it out with sqlite3",
    );
  }
  if (isTangled(rows)) {
    throw new AloeError("corrupt", `${path}: the database is damaged (two objects are one)`);
  }
}
