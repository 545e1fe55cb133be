/**
 * Creates a file whose pages form a cycle: each page of a table's tree refers
 * to one page below it many times. A few pages suffice to make a walk of the
 * table endless.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";

/** The shape of such a tree. */
export interface TreeShape {
  /** Levels of the tree; SQLite accepts up to twenty. */
  levels: number;
  /** How often a page refers to the page below. */
  cells: number;
}

/** A tree with many errors. */
const WIDE: TreeShape = { levels: 12, cells: 200 };

/** A tree with few errors, so that a check goes on to the rows. */
export const NARROW: TreeShape = { levels: 18, cells: 4 };

/** Makes a table, or an index, of a valid file endless. The file must not be open. */
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
  // The existing rows, below all new pages.
  const last = count + levels;
  page(last).set(page(root));
  const key = page(root)[0] === LEAF_OF_INDEX ? greatestKey(page(root)) : null;
  for (let level = 0; level < levels; level++) {
    const to = page(level === 0 ? root : count + level);
    if (key === null) writeInterior(to, count + level + 1, cells);
    else writeIndexInterior(to, count + level + 1, cells, key);
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

/** An interior page of a table's tree; all its cells refer to one page. */
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
    // The greatest row id below: every existing row is found in the first cell.
    page[at + 4] = 127;
    view.setUint16(12 + 2 * i, at);
  }
}

const LEAF_OF_INDEX = 10;
const INTERIOR_OF_INDEX = 2;

/** The last row of an index of one page, as a cell has it. */
function greatestKey(page: Uint8Array): Uint8Array {
  const view = new DataView(page.buffer, page.byteOffset, page.length);
  const cells = view.getUint16(3);
  const at = view.getUint16(8 + 2 * (cells - 1));
  // Rows of this length say it in one byte.
  return page.slice(at, at + 1 + page[at]);
}

/** A page of the inside of an index, all cells of which lead to one page. */
function writeIndexInterior(
  page: Uint8Array,
  child: number,
  cells: number,
  key: Uint8Array,
): void {
  page.fill(0);
  const view = new DataView(page.buffer, page.byteOffset, page.length);
  const size = 4 + key.length;
  page[0] = INTERIOR_OF_INDEX;
  view.setUint16(3, cells);
  view.setUint16(5, page.length - cells * size);
  view.setUint32(8, child);
  for (let i = 0; i < cells; i++) {
    const at = page.length - (i + 1) * size;
    view.setUint32(at, child);
    page.set(key, at + 4);
    view.setUint16(12 + 2 * i, at);
  }
}
