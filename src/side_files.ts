/** What the names of the files end with that SQLite keeps beside a database. */
export const SIDE_FILES: readonly string[] = ["-wal", "-shm", "-journal"];

/** A database's path and those of the files that SQLite may keep beside it. */
export function databaseFiles(path: string): string[] {
  return ["", ...SIDE_FILES].map((suffix) => path + suffix);
}
