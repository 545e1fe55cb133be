/**
 * Damages a good file in ways that a seed settles: rows of `sqlite_schema`, indexes that
 * their tables went on without, and bytes of pages, of the schema's above all.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import type { Random } from "./random.ts";

/** Damages a copy of a good file that nobody has open. @returns What it did. */
export function damageFile(path: string, random: Random): string {
  const [, damage] = pick(DAMAGES, random);
  return damage(path, random);
}

type Damage = (path: string, random: Random) => string;

/** How often each is tried, of all. */
const DAMAGES: [weight: number, damage: Damage][] = [
  [4, changeSql],
  [3, changeColumns],
  [4, changeRootPage],
  [3, changeRows],
  [3, addObject],
  [4, leaveIndexBehind],
  [4, damageSchemaPages],
  [5, damageTreeHeader],
  [3, damageTreeBytes],
  [2, damageFileHeader],
  [2, damageFreeList],
];

function pick(some: [number, Damage][], random: Random): [number, Damage] {
  let left = random.below(some.reduce((sum, [weight]) => sum + weight, 0));
  return some.find(([weight]) => (left -= weight) < 0)!;
}

// --- rows of the schema ----------------------------------------------------------

interface Row {
  rowid: number;
  type: string;
  name: string;
  tbl_name: string;
  rootpage: number;
  sql: string | null;
}

/** What stands in SQL that does more than it should. */
const TOKENS = [
  "NOT NULL",
  "UNIQUE",
  "PRIMARY KEY",
  "CHECK (1 = 0)",
  "CHECK ((SELECT count(*) FROM sqlite_schema) > 0)",
  "CHECK (length(hex(zeroblob(100000000))) > 0)",
  "CHECK (name GLOB '*a*a*a*a*a*b')",
  "DEFAULT (randomblob(9))",
  "DEFAULT 'x'",
  "COLLATE NOCASE",
  "COLLATE none",
  "AS (zeroblob(900000000)) STORED",
  "GENERATED ALWAYS AS (1) VIRTUAL",
  "REFERENCES mount (mount_id) ON DELETE CASCADE",
  "ON CONFLICT REPLACE",
  "ON CONFLICT IGNORE",
  "WITHOUT ROWID",
  "STRICT",
  "WHERE 1",
  "WHERE archived = 1",
  "DESC",
  "hex(name)",
  "archived",
  "evil BLOB",
  "TEMP",
  "load_extension('x')",
  "(WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n)",
  "-- ",
  "/*",
  "'",
  '"',
  "(",
  ")",
  ",",
  ";",
  "\u0000",
  "node",
  "sqlite_schema",
  "pragma_user_version",
];

/** Statements that add what no file has. `$` is a name that is not taken. */
const OBJECTS = [
  "CREATE TABLE $ (x)",
  "CREATE TABLE $ (x INTEGER PRIMARY KEY) WITHOUT ROWID",
  "CREATE TABLE $ (x, y AS (x || x) STORED, z AS (zeroblob(99999999)) VIRTUAL)",
  "CREATE TABLE $ (x DEFAULT (abs(random())), CHECK (x IS NOT NULL))",
  "CREATE TABLE $ (n TEXT REFERENCES node (node_id) ON DELETE RESTRICT)",
  "CREATE TABLE $ (n TEXT REFERENCES node (node_id) ON UPDATE CASCADE ON DELETE CASCADE)",
  "CREATE VIRTUAL TABLE $ USING fts5(x)",
  "CREATE VIRTUAL TABLE $ USING rtree(id, a, b)",
  "CREATE VIRTUAL TABLE $ USING dbstat",
  "CREATE VIEW $ AS SELECT * FROM sqlite_schema",
  "CREATE VIEW $ AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n",
  "CREATE VIEW $ AS SELECT * FROM $",
  "CREATE INDEX $ ON node (lower(name))",
  "CREATE INDEX $ ON node (name COLLATE NOCASE)",
  "CREATE INDEX $ ON edge (to_id) WHERE edge_id GLOB '*a*a*a*b'",
  "CREATE UNIQUE INDEX $ ON node (type, name, node_id)",
  "CREATE TRIGGER $ AFTER INSERT ON edge BEGIN DELETE FROM content; END",
  "CREATE TRIGGER $ AFTER UPDATE ON mount BEGIN UPDATE content SET size = 0; END",
  "CREATE TRIGGER $ BEFORE INSERT ON content BEGIN SELECT RAISE(IGNORE); END",
  "CREATE TRIGGER $ AFTER DELETE ON lock BEGIN SELECT count(*) FROM (WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n); END",
];

/** Names that stand for something, or look as if they did. */
const NAMES = [
  "evil",
  "node",
  "edge",
  "mount",
  "aloe_evil",
  "aloe_redo",
  "active_edge",
  "sqlite_evil",
  "sqlite_stat1",
  "sqlite_autoindex_node_9",
  "sqlite_sequence",
  "pragma_user_version",
  "pragma_quick_check",
  "json_each",
  "",
  "NODE",
  "no\u0000de",
  "../../x",
  'x"; DROP TABLE node; --',
];

/** Opens a file so that its schema can be written as a table. */
function opened(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  (db as unknown as { enableDefensive(on: boolean): void }).enableDefensive(false);
  db.prepare("PRAGMA writable_schema = ON").run();
  return db;
}

function rowsOf(db: DatabaseSync): Row[] {
  return db.prepare("SELECT rowid, type, name, tbl_name, rootpage, sql FROM sqlite_schema")
    .all() as unknown as Row[];
}

/** Who has it open must notice. */
function bumpSchema(db: DatabaseSync): void {
  const { schema_version } = db.prepare("PRAGMA schema_version").get() as Record<string, number>;
  db.prepare(`PRAGMA schema_version = ${schema_version + 1}`).run();
}

/** Sets one column of one row of the schema. */
function setCell(
  path: string,
  random: Random,
  column: keyof Row,
  rows: (row: Row) => boolean,
  value: (row: Row, db: DatabaseSync) => string | number | bigint | null,
): string {
  const db = opened(path);
  try {
    const row = random.of(rowsOf(db).filter(rows));
    const to = value(row, db);
    db.prepare(`UPDATE sqlite_schema SET ${column} = ? WHERE rowid = ?`).run(to, row.rowid);
    bumpSchema(db);
    return `${column} of ${row.type} ${row.name} = ${JSON.stringify(to, (_, v) => `${v}`)}`;
  } finally {
    db.close();
  }
}

const PART = /\s+|\w+|[^\w\s]/g;

function changeSql(path: string, random: Random): string {
  return setCell(path, random, "sql", (row) => row.sql !== null, ({ sql }, db) => {
    const parts = sql!.match(PART)!;
    const at = random.below(parts.length);
    switch (random.below(7)) {
      case 0:
        parts.splice(at, 1);
        break;
      case 1:
        parts.splice(at, 0, ` ${random.of(TOKENS)} `);
        break;
      case 2:
        parts[at] = random.of(TOKENS);
        break;
      case 3: {
        const other = random.below(parts.length);
        [parts[at], parts[other]] = [parts[other], parts[at]];
        break;
      }
      case 4:
        parts.splice(at, 0, parts[at]);
        break;
      case 5:
        parts.splice(at);
        break;
      default:
        return random.of(rowsOf(db)).sql;
    }
    return parts.join("");
  });
}

function changeColumns(path: string, random: Random): string {
  const column = random.of(["type", "name", "tbl_name"] as const);
  return setCell(path, random, column, () => true, (_, db) => {
    if (column === "type" && random.below(3) > 0) {
      return random.of(["table", "index", "view", "trigger", "x", ""]);
    }
    if (random.below(9) === 0) return random.of([null, 7, -1n]);
    return random.below(2) === 0 ? random.of(NAMES) : random.of(rowsOf(db))[column];
  });
}

function changeRootPage(path: string, random: Random): string {
  if (random.below(3) === 0) {
    const db = opened(path);
    try {
      const [one, two] = [0, 0].map(() => random.of(rowsOf(db).filter((row) => row.rootpage > 0)));
      const set = db.prepare("UPDATE sqlite_schema SET rootpage = ? WHERE rowid = ?");
      set.run(two.rootpage, one.rowid);
      set.run(one.rootpage, two.rowid);
      bumpSchema(db);
      return `root pages of ${one.name} and ${two.name} swapped`;
    } finally {
      db.close();
    }
  }
  return setCell(path, random, "rootpage", () => true, (_, db) => {
    const pages = (db.prepare("PRAGMA page_count").get() as Record<string, number>).page_count;
    return random.of([
      0,
      1,
      -1,
      null,
      1.5,
      "x",
      pages,
      pages + 1,
      2 ** 31 - 1,
      2n ** 32n + 5n,
      2n ** 62n,
      random.below(pages) + 1,
      random.below(pages) + 1,
      random.below(pages) + 1,
      random.of(rowsOf(db)).rootpage,
    ]);
  });
}

function changeRows(path: string, random: Random): string {
  const db = opened(path);
  try {
    const rows = rowsOf(db);
    const row = random.of(rows);
    const insert = db.prepare(
      "INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) VALUES (?, ?, ?, ?, ?)",
    );
    let what: string;
    switch (random.below(4)) {
      case 0:
        db.prepare("DELETE FROM sqlite_schema WHERE rowid = ?").run(row.rowid);
        what = `row of ${row.type} ${row.name} deleted`;
        break;
      case 1:
        insert.run(row.type, row.name, row.tbl_name, row.rootpage, row.sql);
        what = `row of ${row.type} ${row.name} doubled`;
        break;
      case 2: {
        const name = random.of(NAMES);
        insert.run(
          row.type,
          name,
          row.tbl_name === row.name ? name : row.tbl_name,
          random.of([0, row.rootpage, 2]),
          row.sql?.replaceAll(row.name, name) ?? null,
        );
        what = `row of ${row.type} ${row.name} copied as ${JSON.stringify(name)}`;
        break;
      }
      default:
        insert.run(
          "table",
          "evil",
          "evil",
          0,
          random.of([
            "CREATE VIRTUAL TABLE evil USING generate_series(1)",
            "CREATE VIRTUAL TABLE evil USING fts5(x)",
            "CREATE VIRTUAL TABLE evil USING sqlite_dbpage",
            "CREATE VIRTUAL TABLE evil USING none(x)",
            "CREATE TABLE evil AS SELECT 1",
          ]),
        );
        what = "row of a table without pages added";
    }
    bumpSchema(db);
    return what;
  } finally {
    db.close();
  }
}

function addObject(path: string, random: Random): string {
  const sql = random.of(OBJECTS).replaceAll("$", random.below(3) > 0 ? "evil" : "aloe_evil");
  const db = opened(path);
  try {
    db.prepare(sql).run();
    return sql;
  } finally {
    db.close();
  }
}

/** Changes a table while one of its indexes is not there. */
export function changeWithoutIndex(
  path: string,
  name: string,
  change: (index: Row) => string,
): string {
  const db = opened(path);
  const index = rowsOf(db).find((row) => row.type === "index" && row.name === name)!;
  db.prepare("DELETE FROM sqlite_schema WHERE rowid = ?").run(index.rowid);
  bumpSchema(db);
  db.close();
  const without = opened(path);
  const sql = change(index);
  try {
    without.prepare(sql).run();
  } catch {
    // A unique index is in the way.
  }
  without.prepare(
    "INSERT INTO sqlite_schema (rowid, type, name, tbl_name, rootpage, sql) VALUES (?, ?, ?, ?, ?, ?)",
  ).run(index.rowid, index.type, index.name, index.tbl_name, index.rootpage, index.sql);
  bumpSchema(without);
  without.close();
  return `without ${name}: ${sql.replace(/\s+/g, " ")}`;
}

function leaveIndexBehind(path: string, random: Random): string {
  const db = opened(path);
  const { name } = random.of(rowsOf(db).filter((row) => row.type === "index" && row.sql !== null));
  db.close();
  return changeWithoutIndex(path, name, ({ tbl_name, sql }) => {
    const column = random.of(
      [...sql!.matchAll(/(\w+)(?= *[,)])/g)].map(([, name]) => name)
        .filter((name) => name !== "archived"),
    );
    // One of the rows that are in it.
    const which = /WHERE .*$/s.exec(sql!)?.[0] ?? "";
    const row = `WHERE rowid IN (SELECT rowid FROM "${tbl_name}" ${which}
      ORDER BY rowid % ${random.below(9) + 2} LIMIT 1)`;
    return random.of([
      `DELETE FROM "${tbl_name}" ${row}`,
      `UPDATE "${tbl_name}" SET "${column}" = (SELECT max("${column}") FROM "${tbl_name}") ${row}`,
      `UPDATE "${tbl_name}" SET "${column}" = "${column}" || 'x' ${row}`,
    ]);
  });
}

// --- bytes -----------------------------------------------------------------------

/** The pages of a file that nobody has open. */
export class Pages {
  readonly bytes: Uint8Array;
  readonly size: number;
  readonly count: number;
  readonly #view: DataView;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    this.bytes = Deno.readFileSync(path);
    this.#view = new DataView(this.bytes.buffer);
    const size = this.#view.getUint16(16);
    this.size = size === 1 ? 65_536 : size;
    this.count = this.bytes.length / this.size;
  }

  /** Where a page begins. */
  at(page: number): number {
    return (page - 1) * this.size;
  }

  /** Where its tree's header begins. */
  header(page: number): number {
    return this.at(page) + (page === 1 ? 100 : 0);
  }

  /** Pages that are of a tree, by their first byte. */
  trees(kinds: readonly number[]): number[] {
    return Array.from({ length: this.count }, (_, i) => i + 1)
      .filter((page) => kinds.includes(this.bytes[this.header(page)]));
  }

  /** Pages of the table of objects. */
  schema(): number[] {
    const first = this.header(1);
    if (this.bytes[first] !== INTERIOR_TABLE) return [1];
    const cells = this.#view.getUint16(first + 3);
    const children = [this.u32(first + 8)];
    for (let i = 0; i < cells; i++) {
      children.push(this.u32(this.#view.getUint16(first + 12 + 2 * i)));
    }
    return [1, ...children];
  }

  u32(at: number): number {
    return this.#view.getUint32(at);
  }

  setU32(at: number, value: number): void {
    this.#view.setUint32(at, value);
  }

  setU16(at: number, value: number): void {
    this.#view.setUint16(at, value);
  }

  u16(at: number): number {
    return this.#view.getUint16(at);
  }

  save(): void {
    Deno.writeFileSync(this.#path, this.bytes);
  }
}

const INTERIOR_TABLE = 5;
const INTERIOR = [2, INTERIOR_TABLE];
const TREES = [...INTERIOR, 10, 13];

/** Sets a byte to another one. */
function spoil(bytes: Uint8Array, at: number, random: Random): void {
  bytes[at] = random.of([
    bytes[at] ^ (1 << random.below(8)),
    bytes[at] + 1,
    bytes[at] - 1,
    0,
    255,
    random.below(256),
  ]);
}

function damageSchemaPages(path: string, random: Random): string {
  const pages = new Pages(path);
  const page = random.of(pages.schema());
  const from = random.below(2) === 0 ? pages.header(page) : pages.at(page);
  const span = random.of([12, 100, pages.size]);
  const said: number[] = [];
  for (let i = random.below(3); i >= 0; i--) {
    const at = Math.min(from + random.below(span), pages.at(page) + pages.size - 1);
    spoil(pages.bytes, at, random);
    said.push(at);
  }
  pages.save();
  return `bytes of the schema's page ${page} at ${said}`;
}

function damageTreeHeader(path: string, random: Random): string {
  const pages = new Pages(path);
  const page = random.of(pages.trees(random.below(2) === 0 ? INTERIOR : TREES));
  const header = pages.header(page);
  const interior = INTERIOR.includes(pages.bytes[header]);
  const first = header + (interior ? 12 : 8);
  const cells = pages.u16(header + 3);
  const cell = first + 2 * random.below(Math.max(1, cells));
  const other = first + 2 * random.below(Math.max(1, cells));
  const anyPage = random.of([
    0,
    1,
    page,
    random.below(pages.count) + 1,
    pages.count + 1,
    2 ** 32 - 1,
  ]);
  let what: string;
  switch (random.below(interior ? 7 : 5)) {
    case 0:
      pages.bytes[header] = random.of([0, 2, 5, 10, 13, 255]);
      what = `kind of page ${page} = ${pages.bytes[header]}`;
      break;
    case 1:
      pages.setU16(header + 3, random.of([0, cells - 1, cells + 1, 65_535]) & 0xffff);
      what = `cells of page ${page} = ${pages.u16(header + 3)}, were ${cells}`;
      break;
    case 2: {
      const [a, b] = [pages.u16(cell), pages.u16(other)];
      pages.setU16(cell, b);
      if (random.below(3) > 0) pages.setU16(other, a);
      what = `cells of page ${page} out of order: ${cell}, ${other}`;
      break;
    }
    case 3:
      spoil(pages.bytes, header + random.below(8), random);
      what = `a byte of the header of page ${page}`;
      break;
    case 4: {
      const source = 2 + random.below(pages.count - 1);
      if (page === 1) spoil(pages.bytes, header, random);
      else pages.bytes.copyWithin(pages.at(page), pages.at(source), pages.at(source + 1));
      what = `page ${page} is a copy of ${source}`;
      break;
    }
    case 5:
      pages.setU32(header + 8, anyPage);
      what = `the last child of page ${page} = ${anyPage}`;
      break;
    default:
      pages.setU32(pages.at(page) + pages.u16(cell), anyPage);
      what = `a child of page ${page} = ${anyPage}`;
  }
  pages.save();
  return what;
}

function damageTreeBytes(path: string, random: Random): string {
  const pages = new Pages(path);
  const page = random.of(pages.trees(TREES));
  const said: number[] = [];
  for (let i = random.below(3); i >= 0; i--) {
    const at = pages.at(page) + random.below(pages.size);
    spoil(pages.bytes, at, random);
    said.push(at);
  }
  pages.save();
  return `bytes of page ${page} at ${said}`;
}

function damageFileHeader(path: string, random: Random): string {
  const pages = new Pages(path);
  const at = random.below(100);
  spoil(pages.bytes, at, random);
  const to = pages.bytes[at];
  pages.save();
  return `byte ${at} of the file = ${to}`;
}

function damageFreeList(path: string, random: Random): string {
  const pages = new Pages(path);
  const value = random.of([0, 1, 2, random.below(pages.count) + 1, pages.count + 1, 2 ** 31]);
  const trunk = pages.u32(32);
  let at = random.of([32, 36]);
  if (trunk > 0 && trunk <= pages.count && random.below(2) === 0) {
    at = pages.at(trunk) + 4 * random.below(2 + pages.u32(pages.at(trunk) + 4));
  }
  pages.setU32(at, value);
  pages.save();
  return `list of free pages: ${value} at ${at}`;
}
