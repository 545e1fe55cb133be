/** The suffixes of the files that SQLite keeps beside a database. */
export const SIDE_FILES: readonly string[] = ["-wal", "-shm", "-journal"];

/** Returns a database's path and those of its side files. */
export function databaseFiles(path: string): string[] {
  return ["", ...SIDE_FILES].map((suffix) => path + suffix);
}
