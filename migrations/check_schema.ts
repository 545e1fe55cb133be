import { knownSchema } from "./known_schema.ts";

/** A row of `sqlite_schema`. */
export interface SchemaRow {
  type: string;
  name: string;
  tbl_name: string;
  rootpage: number;
  /** Null for the index of a primary key or a unique column. */
  sql: string | null;
}

/** An object that some release writes: type, name, table, and its SQL. */
export type KnownObject = [type: string, name: string, table: string, sql: string];

/** An object of a file that no known release writes so. */
export interface SchemaFault {
  type: string;
  name: string;
  /** Whether it holds no data, so that it can be dropped. */
  droppable: boolean;
  /** Whether an object of that type and name is known, with another text. */
  changed: boolean;
}

/**
 * Compares the whole schema of a file with what the known releases write.
 * Nothing of the file's SQL is compiled or run.
 *
 * @param rows All rows of `sqlite_schema`.
 * @param era The file's era.
 * @returns What is unknown; nothing when all is known.
 */
export async function checkSchema(
  rows: readonly SchemaRow[],
  era: number,
): Promise<SchemaFault[]> {
  if (rows.length === 0) return [];
  const suspects = unknownRows(rows, ours(era));
  if (suspects.length === 0) return [];
  // Only files that the Python package has opened come here, and damaged ones.
  const { digests, names, tables, digest } = await everything(era);
  return suspects
    .filter(({ type, name, tbl_name, sql }) =>
      !digests.has(digest([type, name, tbl_name, String(sql)]))
    )
    .map(({ type, name }) => ({
      type: String(type),
      name: String(name),
      droppable: ["trigger", "view", "index"].includes(type) && !tables.has(name),
      changed: tables.has(name) || names.has(JSON.stringify([type, name])),
    }));
}

/** The rows of a schema that are neither known nor made by SQLite itself. */
export function unknownRows(
  rows: readonly SchemaRow[],
  known: ReadonlySet<string>,
): SchemaRow[] {
  return rows.filter((row) => !isImplied(row) && !known.has(keyOf(row)));
}

/** Objects as {@linkcode unknownRows} takes them. */
export function keysOf(objects: readonly KnownObject[]): Set<string> {
  return new Set(
    objects.map(([type, name, tbl_name, sql]) => keyOf({ type, name, tbl_name, sql })),
  );
}

/**
 * Whether two objects have one name, or keep their rows in one place: SQLite
 * does not make that, and would take the one for the other.
 */
export function isTangled(rows: readonly SchemaRow[]): boolean {
  const names = new Set(rows.map((row) => String(row.name).toLowerCase()));
  if (names.size < rows.length) return true;
  const stored = rows.filter((row) => row.type === "table" || row.type === "index");
  const roots = new Set(stored.map((row) => row.rootpage));
  return roots.size < stored.length ||
    rows.some((row) => stored.includes(row) ? !(row.rootpage > 1) : row.rootpage > 0);
}

const TOKEN =
  /--[^\n]*|\/\*[^]*?(?:\*\/|$)|[ \t\n\f\r]+|('(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|[\w$\u0080-\uffff]+|<>|<=|>=|==|!=|\|\||<<|>>|->>?|[^])/g;

/** SQL as its tokens, one space between two, without comments. */
export function tokens(sql: string): string {
  const found: string[] = [];
  for (const [, token] of sql.matchAll(TOKEN)) if (token !== undefined) found.push(token);
  return found.join(" ");
}

/** What `ANALYZE` makes; it tells the planner how many rows there are. */
const STATISTICS = new Map([
  ["sqlite_stat1", "CREATE TABLE sqlite_stat1(tbl,idx,stat)"],
  ["sqlite_stat4", "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)"],
]);

/** What SQLite makes by itself. */
function isImplied({ type, name, tbl_name, sql }: SchemaRow): boolean {
  if (type === "index" && sql === null) {
    return String(name).startsWith(`sqlite_autoindex_${tbl_name}_`);
  }
  return type === "table" && name === tbl_name && sql !== null && STATISTICS.get(name) === sql;
}

/** The SQL has the name and the table in it too, so that its parts are told apart. */
function keyOf({ type, name, tbl_name, sql }: Omit<SchemaRow, "rootpage">): string {
  return `${type} ${name} ${tbl_name} ${sql}`;
}

const exact = new Map<string, ReadonlySet<string>>();

/** What we write ourselves, as it is written. */
function ours(era: number): ReadonlySet<string> {
  const of = era === 1 ? "1" : "3";
  let known = exact.get(of);
  if (known === undefined) {
    known = keysOf(knownSchema[of]);
    exact.set(of, known);
  }
  return known;
}

interface Everything {
  /** Each object, as its digest. */
  digests: ReadonlySet<string>;
  /** Types and names. */
  names: ReadonlySet<string>;
  /** Names of tables, for which nothing else may stand. */
  tables: ReadonlySet<string>;
  /** The digest of an object. */
  digest(object: KnownObject): string;
}

async function everything(era: number): Promise<Everything> {
  const { reference } = await import("./reference_schema.ts");
  const { objectDigest } = await import("./object_digest.ts");
  const of = era === 1 ? "1" : "3";
  const digest = ([type, name, table, sql]: KnownObject) =>
    objectDigest(JSON.stringify([type, name, table, tokens(sql)]));
  const own = knownSchema[of];
  const theirs = reference[of];
  const all = [...theirs, ...own];
  return {
    digests: new Set([...theirs.map(([, , , each]) => each), ...own.map(digest)]),
    names: new Set(all.map(([type, name]) => JSON.stringify([type, name]))),
    tables: new Set(all.filter(([type]) => type === "table").map(([, name]) => name)),
    digest,
  };
}
