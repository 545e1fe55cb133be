import { AloeError } from "../errors.ts";

/** SQLite's primary result codes that have a meaning of their own here. */
const SQLITE_ERROR = 1;
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;
/** The extended code of a WAL file whose folder cannot be written. */
const SQLITE_READONLY_DIRECTORY = 1544;

/**
 * Gives an error of `node:sqlite` its place in the closed set.
 *
 * @param error What was thrown.
 * @param path The database file, for the message.
 * @returns An `AloeError`, or the error itself when it is not SQLite's.
 */
export function translateSqliteError(error: unknown, path: string): unknown {
  const errcode = (error as { errcode?: unknown } | null)?.errcode;
  if (typeof errcode !== "number") {
    if ((error as { code?: unknown } | null)?.code === "ERR_OUT_OF_RANGE") {
      return new AloeError("corrupt", `${path}: a number in the file is out of range`, {
        cause: error,
      });
    }
    // The constructor's errors have a text and no code.
    if ((error as { code?: unknown } | null)?.code !== "ERR_SQLITE_ERROR") return error;
    return new AloeError("io_error", `${path}: cannot be opened (${(error as Error).message})`, {
      cause: error,
    });
  }
  const cause = { cause: error };
  const detail = (error as Error).message;
  switch (errcode & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return new AloeError(
        "busy",
        `${path}: in use by another process; try again`,
        cause,
      );
    case SQLITE_READONLY:
      return new AloeError(
        "read_only",
        `${path}: the file or its folder cannot be written`,
        cause,
      );
    case SQLITE_FULL:
      return new AloeError(
        "no_space",
        `${path}: no space left on the device`,
        cause,
      );
    case SQLITE_CORRUPT:
      return new AloeError(
        "corrupt",
        `${path}: the database is damaged (${detail})`,
        cause,
      );
    case SQLITE_NOTADB:
      return new AloeError("corrupt", `${path}: not an aloelite file`, cause);
    case SQLITE_CANTOPEN:
      return new AloeError("io_error", `${path}: cannot be opened`, cause);
    case SQLITE_IOERR:
      return new AloeError(
        "io_error",
        `${path}: read or write failed (${detail})`,
        cause,
      );
    case SQLITE_ERROR:
      if (!detail.startsWith("malformed JSON")) return error;
      return new AloeError("corrupt", `${path}: metadata in the file is damaged`, cause);
    default:
      return error;
  }
}

/** Whether SQLite gave up because it could not make a file beside the database. */
export function isUnwritableFolder(error: unknown): boolean {
  const errcode = (error as { errcode?: unknown } | null)?.errcode;
  return errcode === SQLITE_CANTOPEN || errcode === SQLITE_READONLY_DIRECTORY;
}
