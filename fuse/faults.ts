import { AloeError, type AloeErrorCode, ForeignSchemaError } from "../src/errors.ts";
import { ERRNO, ErrnoError, type ErrnoName } from "../src/vfs/errno.ts";

/** The errno of each engine error that has one; all other codes are faults. */
const ERRNO_OF: { [code in AloeErrorCode]?: ErrnoName } = {
  not_found: "ENOENT",
  not_a_container: "ENOTDIR",
  not_an_entry: "EISDIR",
  would_cycle: "EINVAL",
  not_empty: "ENOTEMPTY",
  lock_held: "EBUSY",
  unsupported: "EOPNOTSUPP",
  container_exists: "EEXIST",
  already_exists: "EEXIST",
  read_only: "EROFS",
  no_space: "ENOSPC",
  invalid: "EINVAL",
};

/** The result of a failed request. */
export interface Fault {
  /** The positive error number. */
  errno: number;
  /** The message to log; null for a normal refusal, which is not logged. */
  message: string | null;
}

/** Returns the result of a thrown value. */
export function faultOf(error: unknown): Fault {
  if (error instanceof ErrnoError) return { errno: error.errno, message: null };
  if (error instanceof AloeError) {
    // This error does not describe the requested entry, so it has no errno of its own.
    const name = error instanceof ForeignSchemaError ? undefined : ERRNO_OF[error.code];
    if (name !== undefined) return { errno: ERRNO[name], message: null };
    return { errno: ERRNO.EIO, message: `${error.code}: ${error.message}` };
  }
  const message = error instanceof Error ? error.stack ?? error.message : String(error);
  return { errno: ERRNO.EIO, message };
}
