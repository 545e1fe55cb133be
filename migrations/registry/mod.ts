import type { Migration } from "kysely/migration";
import * as records from "./0001_records.ts";

/** The migrations of the manager's records, by name, in order. */
export const registryMigrations: Record<string, Migration> = {
  "0001_records": records,
};
