import { AloeError, type AloeErrorCode, ForeignSchemaError } from "../src/errors.ts";
import { ERRNO, ErrnoError, type ErrnoName } from "../src/vfs/errno.ts";

/** Codes of the engine that have a system call's error of their own; all others are faults. */
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

/** What a request that failed is answered with. */
export interface Fault {
  /** Positive error number. */
  errno: number;
  /** What to log; null for a refusal, which is no news. */
  message: string | null;
}

/** What a thrown value means for a system call. */
export function faultOf(error: unknown): Fault {
  if (error instanceof ErrnoError) return { errno: error.errno, message: null };
  if (error instanceof AloeError) {
    // It is no answer to what was asked.
    const name = error instanceof ForeignSchemaError ? undefined : ERRNO_OF[error.code];
    if (name !== undefined) return { errno: ERRNO[name], message: null };
    return { errno: ERRNO.EIO, message: `${error.code}: ${error.message}` };
  }
  const message = error instanceof Error ? error.stack ?? error.message : String(error);
  return { errno: ERRNO.EIO, message };
}
