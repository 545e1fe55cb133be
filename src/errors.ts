/**
 * The closed set of error codes. The first nineteen are those of the file format's reference
 * implementation; the others name faults of the storage engine and of the caller that the format
 * does not define.
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
 * An error that the library reports itself.
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
  /** The error code, for programs: stable, from the closed set. */
  readonly code: AloeErrorCode;
  /** The class's name, as printed with the error. */
  override readonly name = "AloeError";

  /**
   * Creates an error.
   *
   * @param code The error code.
   * @param message A description for users that names the path or id concerned.
   * @param options The underlying error, if any.
   */
  constructor(code: AloeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Thrown when a file in use has received SQL of unknown origin. The file is not used until that SQL
 * is removed; the code is that of opening such a file.
 *
 * @ignore
 */
export class ForeignSchemaError extends AloeError {}
