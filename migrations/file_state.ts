import { AloeError } from "../src/errors.ts";
import { ERA, NEWEST, OBJECTS } from "./versions.ts";

/** What a file says of itself before anything is done to it. */
export interface FileState {
  /** `PRAGMA user_version`; 0 for a new file. */
  era: number;
  /** Names of all tables, indexes, triggers and views. */
  objects: ReadonlySet<string>;
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
  if (era === ERA && !objects.has("edge_from_name")) {
    throw new AloeError(
      "corrupt",
      `${path}: says era ${ERA} but has not its tables`,
    );
  }
}

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
