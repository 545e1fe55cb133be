import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";
import * as era1 from "./0001_era1.ts";
import * as era3 from "./0002_era3.ts";
import * as additions from "./0003_aloe_additions.ts";
import * as posix from "./0004_posix.ts";
import * as uploads from "./0005_uploads.ts";
import * as holes from "./0006_holes.ts";
import * as seals from "./0007_seals.ts";

/** Every migration by name, in order; static imports, so that a compiled binary has them. */
export const migrations: Record<string, Migration> = {
  "0001_era1": era1,
  "0002_era3": era3,
  "0003_aloe_additions": additions,
  "0004_posix": posix,
  "0005_uploads": uploads,
  "0006_holes": holes,
  "0007_seals": seals,
};

/** Makes what is missing of ours, and only that. */
export async function ensureAdditions(db: Kysely<unknown>): Promise<void> {
  await additions.up(db);
  await posix.up(db);
  await uploads.up(db);
  await holes.up(db);
  await seals.up(db);
}
