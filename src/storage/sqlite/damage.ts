import {
  checkLists,
  fileSchema,
  indexSurplus,
  integrityOf,
  PARTIAL_INDEXES,
  quickCheck,
  quickCheckOf,
} from "../../../templates/sqlite_file.ts";
import { AloeError } from "../../errors.ts";
import { yieldToEventLoop } from "../../yield_to_event_loop.ts";
import { type Damage, damageError } from "../capabilities.ts";
import type { Database } from "../database.ts";
import type { Transaction } from "../transaction.ts";

/** What SQLite says of damaged pages begins with this; what it says of rows does not. */
const OF_PAGES = "*** in database";

/**
 * Looks through the whole file: its pages, then each table with its indexes. Where pages
 * are no trees nothing beyond them is looked at.
 */
export async function findDamage(db: Database): Promise<Damage[]> {
  const rows = await db.query((tx) => tx.all(fileSchema, {}));
  const tables = rows.filter(({ type, name }) => type === "table" && !name.startsWith("sqlite_"))
    .map(({ name }) => name);
  const found: Damage[] = [];
  const add = (kind: Damage["kind"], id: string) => {
    if (!found.some((each) => each.kind === kind && each.id === id)) found.push({ kind, id });
  };
  const lines = await linesOf(db, quickCheck);
  if (isOfPages(lines)) {
    for (const table of [...tables, "sqlite_schema"]) {
      if (isOfPages(await linesOf(db, quickCheckOf(table)))) add("pages", table);
    }
    if (found.length > 0) return found;
    // Each is a tree. They may share pages, or those that are free.
    add("free_pages", faultsOf(lines[0])[0] ?? lines[0]);
  }
  for (const table of tables) {
    for (const line of await linesOf(db, integrityOf(table))) {
      const index = / index (\S+)$/.exec(line)?.[1];
      const cell = / value in (\S+)$/.exec(line)?.[1];
      if (isOfPages([line])) add("pages", table);
      else if (index !== undefined) add("index", index);
      else if (cell !== undefined) add("cell", cell);
      else if (line !== "ok") add("rows", table);
    }
  }
  // SQLite does not look for what such an index has more than its table.
  for (const partial of PARTIAL_INDEXES) {
    if (!rows.some(({ type, name }) => type === "index" && name === partial.name)) continue;
    const surplus = await db.query((tx) => tx.first(indexSurplus(partial), {})).catch(asNone);
    if (surplus?.rows !== 0) add("index", partial.name);
  }
  return found;
}

/** The first damage of the file's pages, a line each. */
export async function pageDamage(tx: Transaction): Promise<string[]> {
  return (await tx.all(quickCheck, {})).flatMap(({ fault }) => faultsOf(fault));
}

/**
 * Refuses a file in which the tables that everybody reads from end to end may have none.
 *
 * @throws {AloeError} `corrupt`.
 */
export async function refuseDamagedLists(tx: Transaction, path: string): Promise<void> {
  const found = (await tx.all(checkLists, {})).find(({ fault }) => isOfPages([fault]));
  if (found !== undefined) throw damageError(path, { kind: "pages", id: found.name });
}

/**
 * What a check says; a file that it stumbles over is one with damaged pages. Each has a
 * transaction of its own: one in which a statement has met damage cannot be committed.
 */
async function linesOf(db: Database, check: typeof quickCheck): Promise<string[]> {
  // A statement each: who waits for them is to see that they go on.
  await yieldToEventLoop();
  return (await db.query((tx) => tx.all(check, {})).catch(asNone))?.map(({ fault }) => fault) ??
    [OF_PAGES];
}

/** @returns Nothing for what failed with what is in the file. */
function asNone(error: unknown): null {
  if (error instanceof AloeError && error.code === "corrupt") return null;
  throw error;
}

function isOfPages([first]: readonly string[]): boolean {
  return first?.startsWith(OF_PAGES) ?? false;
}

/** The faults of one row of a check. */
function faultsOf(fault: string): string[] {
  return fault.split("\n").filter((line) => line !== "ok" && !line.startsWith(OF_PAGES));
}
