/**
 * The closed set of error codes. The first nineteen are those of the file
 * format's reference implementation; the rest name faults of the storage
 * engine and of the caller that the format itself has no word for.
 */
export type AloeErrorCode =
  | "not_found"
  | "not_a_container"
  | "not_an_entry"
  | "nameless"
  | "would_cycle"
  | "volume_mismatch"
  | "not_empty"
  | "mount_invalid"
  | "mount_point_archived"
  | "lock_held"
  | "lock_invalid"
  | "corrupt"
  | "unsupported"
  | "container_exists"
  | "bad_key"
  | "encryption_required"
  | "already_exists"
  | "mount_conflict"
  | "read_only"
  | "busy"
  | "no_space"
  | "io_error"
  | "invalid";

/**
 * Every failure that the library reports itself.
 *
 * @example
 * ```ts
 * import { AloeError } from "@aloelite/aloelite";
 *
 * const error = new AloeError("not_found", "no such path: /a");
 * console.assert(error.code === "not_found");
 * ```
 */
export class AloeError extends Error {
  /** What went wrong, from the closed set: stable, to be matched by programs. */
  readonly code: AloeErrorCode;
  /** The class's name, so that a printed error says what it is. */
  override readonly name = "AloeError";

  /**
   * Makes an error.
   *
   * @param code What went wrong.
   * @param message The same for a person, naming the path or id concerned.
   * @param options The underlying error, if there is one.
   */
  constructor(code: AloeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * A file got SQL of somebody else's while it was in use. Nothing is done with
 * it until that is gone; the code is the one that opening it is refused with.
 *
 * @ignore
 */
export class ForeignSchemaError extends AloeError {}
