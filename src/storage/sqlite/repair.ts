import { checkFile } from "../../../migrations/file_state.ts";
import { missingDerived } from "../../../migrations/missing_derived.ts";
import { rebuildIndex } from "../../../templates/sqlite_file.ts";
import { raw } from "../../../templates/template.ts";
import { AloeError } from "../../errors.ts";
import { damageError } from "../capabilities.ts";
import { requireCompanions } from "./companions.ts";
import { findDamage } from "./damage.ts";
import { OpenDatabase } from "../database.ts";
import type { RepairedObject } from "../open.ts";
import { isFile } from "./location.ts";
import { readState } from "./read_state.ts";
import { SqliteDialect } from "./sqlite_dialect.ts";

/**
 * Takes out of a file what no known release writes and what holds no data:
 * triggers, views and indexes. Those of the format are made again, those too that
 * do not agree with their tables. Nothing of the file's own SQL is run.
 *
 * @param path The file.
 * @returns What was taken out, and what was rebuilt.
 * @throws {AloeError} `not_found`; `corrupt` or `unsupported` for what cannot be
 * helped in this way, and nothing is changed then.
 */
export async function repairFile(path: string): Promise<RepairedObject[]> {
  if (!await isFile(path)) throw new AloeError("not_found", `${path}: no such file`);
  requireCompanions(path);
  const dialect = new SqliteDialect({ path });
  const db = new OpenDatabase(dialect, { path, readOnly: false, busyTimeout: 10_000 });
  try {
    await db.connect();
    const removed = await db.write(async (tx) => {
      const state = await readState(tx);
      const removed = state.faults.filter((fault) => fault.droppable);
      checkFile({ ...state, faults: state.faults.filter((fault) => !fault.droppable) }, path);
      for (const { type, name } of removed) {
        // With a view its triggers go.
        await tx.run(raw(`DROP ${type} IF EXISTS main."${name.replaceAll('"', '""')}"`), {});
      }
      const left = await readState(tx);
      if (removed.length > 0) {
        for (const sql of missingDerived(left.era, left.objects)) await tx.run(raw(sql), {});
      }
      checkFile(await readState(tx), path);
      return removed.map(({ type, name }) => ({ type, name, done: "removed" as const }));
    });
    return [...removed, ...await rebuildIndexes(db)];
  } finally {
    await db.close();
  }
}

/** @throws {AloeError} `corrupt` when pages are damaged: what is left of a table is not all of it. */
async function rebuildIndexes(db: OpenDatabase): Promise<RepairedObject[]> {
  const damage = await findDamage(db);
  const pages = damage.find(({ kind }) => kind === "pages");
  if (pages !== undefined) throw damageError(db.path, pages);
  const indexes = damage.filter(({ kind }) => kind === "index").map(({ id }) => id);
  if (indexes.length === 0) return [];
  await db.write(async (tx) => {
    for (const index of indexes) await tx.run(rebuildIndex(index), {});
  });
  return indexes.map((name) => ({ type: "index", name, done: "rebuilt" }));
}
