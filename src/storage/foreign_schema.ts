import { AloeError, ForeignSchemaError } from "../errors.ts";

/** What a file is refused with that had no fault of this kind when it was opened. */
export function foreign(error: unknown): unknown {
  if (!(error instanceof AloeError) || !["corrupt", "unsupported"].includes(error.code)) {
    return error;
  }
  return new ForeignSchemaError(
    error.code,
    `${error.message}. It came while the file was in use: nothing is done with the file ` +
      "until it is gone",
    { cause: error },
  );
}
