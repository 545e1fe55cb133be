/**
 * Compiles every template for SQLite ahead of time and prints the module that
 * `sqlite_compiled.ts` is: `deno task templates`. A test holds the two equal.
 *
 * @module
 */
import { loadKysely } from "./kysely.ts";
import "./abandoned.ts";
import "./content.ts";
import "./content_change.ts";
import "./edge.ts";
import "./file.ts";
import "./holes.ts";
import "./inode.ts";
import "./inode_at.ts";
import "./listing.ts";
import "./lock.ts";
import "./maintenance.ts";
import "./mount.ts";
import "./names.ts";
import "./node.ts";
import "./redo.ts";
import "./registry.ts";
import "./seal.ts";
import "./sqlite_file.ts";
import { NESTED_DEPTH, readByPath, resolveByPath, statByPath } from "./resolve.ts";
import { sqliteExpressions } from "./sqlite_expressions.ts";
import { type CompiledTemplate, templates } from "./template.ts";
import "./trash.ts";
import "./upload.ts";
import "./volume.ts";

/** Every template's text for SQLite, by name. */
export async function compileAll(): Promise<Record<string, CompiledTemplate>> {
  const { SqliteQueryCompiler } = await loadKysely();
  const compiler = new SqliteQueryCompiler();
  for (let depth = 0; depth <= NESTED_DEPTH; depth++) {
    resolveByPath(depth);
    statByPath(depth);
    readByPath(depth);
  }
  const names = [...templates.keys()].sort();
  return Object.fromEntries(
    names.map((name) => [name, templates.get(name)!.compileWith(compiler, sqliteExpressions)]),
  );
}

if (import.meta.main) {
  console.log(`// Made by \`deno task templates\` from the builders beside it; not to be edited.
import type { CompiledTemplate } from "./template.ts";

/** Every template's text for SQLite, by name. */
export const compiled: Record<string, CompiledTemplate> = ${
    JSON.stringify(await compileAll(), null, 2)
  };`);
}
