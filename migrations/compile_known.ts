/**
 * Prints the module that `known_schema.ts` is, by running every migration on new
 * files: `deno task templates`. A test holds the two equal.
 *
 * @module
 */
import {
  type Driver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import { up as era1 } from "./0001_era1.ts";
import { type KnownObject, tokens } from "./check_schema.ts";
import { migrate } from "./migrate.ts";
import { written } from "./written.ts";

/** Every object that we write, by the era of its file, each text once. */
export async function compileKnown(): Promise<Record<"1" | "3", KnownObject[]>> {
  const first = await written([], 0, era1Only);
  const known = new Map<string, KnownObject>();
  for (const [base, era] of [[[], 0], [first, 1]] as [KnownObject[], number][]) {
    for (const object of await written(base, era, migrate)) {
      const [type, name, table, sql] = object;
      const key = JSON.stringify([type, name, table, tokens(sql)]);
      if (!known.has(key)) known.set(key, object);
    }
  }
  return { "1": first, "3": [...known.values()] };
}

async function era1Only(driver: Driver): Promise<void> {
  await era1(
    new Kysely<unknown>({
      dialect: {
        createAdapter: () => new SqliteAdapter(),
        createDriver: () => driver,
        createIntrospector: (kysely) => new SqliteIntrospector(kysely),
        createQueryCompiler: () => new SqliteQueryCompiler(),
      },
    }),
  );
}

/** The text of `known_schema.ts`, before it is formatted. */
export async function knownModule(): Promise<string> {
  return `// Made by \`deno task templates\` from the migrations; not to be edited.
import type { KnownObject } from "./check_schema.ts";

/** What we write into a file, by its era, as SQLite keeps it. */
export const knownSchema: Record<"1" | "3", KnownObject[]> = ${
    JSON.stringify(await compileKnown(), null, 2)
  };`;
}

if (import.meta.main) console.log(await knownModule());
