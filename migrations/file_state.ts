import { AloeError } from "../src/errors.ts";
import type { SchemaFault } from "./check_schema.ts";
import { ERA, NEWEST, OBJECTS } from "./versions.ts";

/** What a file says of itself before anything is done to it. */
export interface FileState {
  /** `PRAGMA user_version`; 0 for a new file. */
  era: number;
  /** Names of all tables, indexes, triggers and views. */
  objects: ReadonlySet<string>;
  /** What no known release writes. */
  faults: readonly SchemaFault[];
  /** Whether two objects have one name, or keep their rows in one place. */
  tangled: boolean;
  /** The newest of our migrations that the file has had. */
  migrated: string | null;
}

/**
 * Refuses what is not ours to open.
 *
 * @throws {AloeError} `unsupported` for another era, `corrupt` for a database
 * that is no aloelite file.
 */
export function checkFile(state: FileState, path: string): void {
  const { era, objects } = state;
  if (era < 0) throw new AloeError("corrupt", `${path}: says era ${era}, which is none`);
  if (era > ERA) {
    throw new AloeError(
      "unsupported",
      `${path}: is of era ${era}, written by a newer aloelite; this one knows up to ${ERA}`,
    );
  }
  const complete = TABLES.every((table) => objects.has(table));
  if (era === 0 ? objects.size > 0 : !complete) {
    throw new AloeError(
      "corrupt",
      `${path}: is a SQLite database, but not an aloelite file`,
    );
  }
  if (era === 2) {
    throw new AloeError(
      "unsupported",
      `${path}: is of era 2, of which no file was ever released`,
    );
  }
  if (era === ERA && !["edge_from_name", "xattr"].every((name) => objects.has(name))) {
    throw new AloeError(
      "corrupt",
      `${path}: says era ${ERA} but has not its tables`,
    );
  }
  refuseUnknown(state, path);
  if (state.tangled) {
    throw new AloeError("corrupt", `${path}: the database is damaged (two objects are one)`);
  }
}

/** What is in the file was not run, and is not: it may do anything. */
function refuseUnknown({ faults, migrated }: FileState, path: string): void {
  if (faults.length === 0) return;
  if (migrated !== null && migrated > NEWEST) {
    throw new AloeError("unsupported", `${path}: a newer aloelite has changed the file`);
  }
  const named = describe(faults);
  if (faults.every((fault) => fault.droppable)) {
    throw new AloeError(
      "unsupported",
      `${path}: has what no known release writes: ${named}. It holds no data; ` +
        "`aloelite repair` takes it out",
    );
  }
  const tables = faults.filter((fault) => !fault.droppable);
  if (tables.some((fault) => fault.changed)) {
    throw new AloeError("corrupt", `${path}: is not as any known release writes it: ${named}`);
  }
  throw new AloeError(
    "unsupported",
    `${path}: has what no known release writes: ${named}. A table may hold data: look at it ` +
      "with sqlite3, and drop it there when nothing needs it",
  );
}

/** The objects by name, the first few of them. */
function describe(faults: readonly SchemaFault[]): string {
  const names = faults.slice(0, MENTIONED).map(({ type, name }) =>
    `${["table", "index", "trigger", "view"].includes(type) ? type : "object"} ${
      JSON.stringify(name.slice(0, LONGEST_NAME))
    }`
  );
  const more = faults.length - names.length;
  return names.join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** How many objects a message names. */
const MENTIONED = 5;

/** How much of a name it shows, characters. */
const LONGEST_NAME = 100;

/** Whether the file lacks anything that {@linkcode migrate} would make. */
export function upToDate(state: FileState): boolean {
  return state.era === ERA && state.migrated === NEWEST &&
    OBJECTS.every((name) => state.objects.has(name));
}

const TABLES = [
  "node",
  "content",
  "content_chunk",
  "content_version",
  "volume",
  "edge",
  "mount",
  "lock",
];
