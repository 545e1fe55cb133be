import { AloeError, type AloeErrorCode } from "../../errors.ts";

/** SQLite's primary result codes that have a meaning of their own here. */
const SQLITE_ERROR = 1;
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_CONSTRAINT = 19;
const SQLITE_NOTADB = 26;
/** The extended code of a WAL file whose folder cannot be written. */
const SQLITE_READONLY_DIRECTORY = 1544;

/** What errors without a code say, those of opening and of a backup. */
const TEXTS: [RegExp, number][] = [
  [/disk is full/, SQLITE_FULL],
  [/locked/, SQLITE_BUSY],
  [/readonly/, SQLITE_READONLY],
  [/not a database/, SQLITE_NOTADB],
  [/malformed/, SQLITE_CORRUPT],
  [/disk I\/O/, SQLITE_IOERR],
  [/unable to open/, SQLITE_CANTOPEN],
];

/**
 * Gives an error of `node:sqlite` its place in the closed set.
 *
 * @param error What was thrown.
 * @param path The database file, for the message.
 * @returns An `AloeError`, or the error itself when it is not SQLite's.
 */
export function translateSqliteError(error: unknown, path: string): unknown {
  const result = resultCode(error);
  if (result === null) return error;
  const detail = (error as Error).message;
  const as = (code: AloeErrorCode, what: string) =>
    new AloeError(code, `${path}: ${what}`, { cause: error });
  switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return as("busy", "in use by another process; try again");
    case SQLITE_READONLY:
      return as("read_only", "the file or its folder cannot be written");
    case SQLITE_FULL:
      return as("no_space", "no space left on the device");
    case SQLITE_CORRUPT:
      return as("corrupt", `the database is damaged (${detail})`);
    case SQLITE_NOTADB:
      return as("corrupt", "not an aloelite file");
    case SQLITE_CANTOPEN:
      return as("io_error", `cannot be opened (${detail})`);
    case SQLITE_IOERR:
      return as("io_error", `read or write failed (${detail})`);
    case SQLITE_CONSTRAINT:
      // Operations check before they write, so it is the file that is at odds with itself.
      return as("corrupt", `its rows contradict each other (${detail})`);
    case SQLITE_ERROR:
      return detail.startsWith("malformed JSON")
        ? as("corrupt", "metadata in the file is damaged")
        : error;
    default:
      return error;
  }
}

/**
 * What an opening failed with: whatever SQLite cannot do with a file then, the file is at
 * fault.
 *
 * @returns An `AloeError`, or the error itself when it is not SQLite's.
 */
export function translateOpeningError(error: unknown, path: string): unknown {
  const known = translateSqliteError(error, path);
  if (known !== error || error instanceof AloeError || resultCode(error) === null) return known;
  const { message } = error as Error;
  return new AloeError("corrupt", `${path}: the database is damaged (${message})`, {
    cause: error,
  });
}

/** Whether an integer was read that a JavaScript number cannot hold. */
export function isOutOfRange(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === "ERR_OUT_OF_RANGE";
}

/** SQLite's result code of an error, null when it is not SQLite's. */
function resultCode(error: unknown): number | null {
  if (isOutOfRange(error)) return SQLITE_CORRUPT;
  const { errcode, code, message } = (error ?? {}) as {
    errcode?: unknown;
    code?: unknown;
    message?: string;
  };
  if (typeof errcode === "number") return errcode;
  if (code !== "ERR_SQLITE_ERROR") return null;
  const known = TEXTS.find(([text]) => text.test(message ?? ""));
  return known === undefined ? SQLITE_CANTOPEN : known[1];
}

/** Whether SQLite gave up because it could not make a file beside the database. */
export function cannotMakeFiles(error: unknown): boolean {
  const result = resultCode(error);
  if (result === null) return false;
  return result === SQLITE_READONLY_DIRECTORY ||
    [SQLITE_CANTOPEN, SQLITE_IOERR].includes(result & 0xff);
}
