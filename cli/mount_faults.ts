import { Fault, isAloeError } from "./faults.ts";

/** Returns whether an unmount failed because the directory is in use. */
export function isBusy(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return isAloeError(error) ? error.code === "busy" : (error as { code?: string }).code === "EBUSY";
}

/**
 * Returns whether this user may open `/dev/fuse`; libfuse checks this before it calls its helper.
 */
function mayOpenDevice(): boolean {
  try {
    Deno.openSync("/dev/fuse", { read: true, write: true }).close();
    return true;
  } catch {
    return false;
  }
}

/** Adds a remedy to a mount failure. */
export function explainMount(error: unknown): unknown {
  if (!isAloeError(error) || !error.message.includes("by libfuse3")) return error;
  const remedy = mayOpenDevice()
    ? "in a container, mounting needs CAP_SYS_ADMIN"
    : "this user may not open /dev/fuse; `chmod 666 /dev/fuse` as root permits every user";
  return new Fault(null, `${error.message}: ${remedy}`, { cause: error });
}

/**
 * Adds a remedy to an unmount failure.
 *
 * @param directory The directory as the user wrote it.
 */
export function explainUnmount(directory: string, error: unknown): unknown {
  if (!isBusy(error)) return error;
  return new Fault(
    directory,
    "in use: a program has an open file or its working directory in it (see `fuser -vm`); " +
      "--lazy detaches it immediately",
    { cause: error },
  );
}
