/**
 * A file whose pages lead back to themselves: each page of a table's tree names one
 * page below it again and again. Some pages, and a walk through the table never ends.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";

/** How such a tree is made. */
export interface TreeShape {
  /** Levels of the tree: SQLite takes up to twenty. */
  levels: number;
  /** How often a page names the one below. */
  cells: number;
}

/** Many faults. */
const WIDE: TreeShape = { levels: 12, cells: 200 };

/** Few faults, so that who looks for them goes on to the rows. */
export const NARROW: TreeShape = { levels: 18, cells: 4 };

/** Makes a table of a good file one that nobody gets through. Nobody may have it open. */
export function makeEndless(
  path: string,
  table: string,
  { levels, cells }: TreeShape = WIDE,
): void {
  const { size, count, root } = facts(path, table);
  const before = Deno.readFileSync(path);
  const file = new Uint8Array((count + levels) * size);
  file.set(before.subarray(0, count * size));
  const page = (number: number) => file.subarray((number - 1) * size, number * size);
  // The rows that there are, below all of it.
  const last = count + levels;
  page(last).set(page(root));
  for (let level = 0; level < levels; level++) {
    writeInterior(page(level === 0 ? root : count + level), count + level + 1, cells);
  }
  new DataView(file.buffer).setUint32(28, count + levels);
  Deno.writeFileSync(path, file);
}

function facts(path: string, table: string): { size: number; count: number; root: number } {
  using db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode = DELETE");
  const { page_size, page_count, rootpage } = db.prepare(
    "SELECT page_size, page_count, rootpage FROM pragma_page_size, pragma_page_count, sqlite_schema WHERE name = ?",
  ).get(table) as Record<string, number>;
  return { size: page_size, count: page_count, root: rootpage };
}

/** A page of the inside of a table's tree, all cells of which lead to one page. */
function writeInterior(page: Uint8Array, child: number, cells: number): void {
  page.fill(0);
  const view = new DataView(page.buffer, page.byteOffset, page.length);
  page[0] = 5;
  view.setUint16(3, cells);
  view.setUint16(5, page.length - cells * 5);
  view.setUint32(8, child);
  for (let i = 0; i < cells; i++) {
    const at = page.length - (i + 1) * 5;
    view.setUint32(at, child);
    // The greatest row below: each that there is is found in the first one.
    page[at + 4] = 127;
    view.setUint16(12 + 2 * i, at);
  }
}
