import { checkFile } from "../../../migrations/file_state.ts";
import { missingDerived } from "../../../migrations/missing_derived.ts";
import { raw } from "../../../templates/template.ts";
import { AloeError } from "../../errors.ts";
import { requireCompanions } from "./companions.ts";
import { OpenDatabase } from "../database.ts";
import type { RemovedObject } from "../open.ts";
import { isFile } from "./location.ts";
import { readState } from "./read_state.ts";
import { SqliteDialect } from "./sqlite_dialect.ts";

/**
 * Takes out of a file what no known release writes and what holds no data:
 * triggers, views and indexes. Those of the format are made again. Nothing of
 * the file's own SQL is run.
 *
 * @param path The file.
 * @returns What was taken out.
 * @throws {AloeError} `not_found`; `corrupt` or `unsupported` for what cannot be
 * helped in this way, and nothing is changed then.
 */
export async function repairFile(path: string): Promise<RemovedObject[]> {
  if (!await isFile(path)) throw new AloeError("not_found", `${path}: no such file`);
  requireCompanions(path);
  const dialect = new SqliteDialect({ path });
  const db = new OpenDatabase(dialect, { path, readOnly: false, busyTimeout: 10_000 });
  try {
    await db.connect();
    return await db.write(async (tx) => {
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
      return removed.map(({ type, name }) => ({ type, name }));
    });
  } finally {
    await db.close();
  }
}
