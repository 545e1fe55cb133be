import { Fault, isAloeError } from "./faults.ts";

/** Whether a directory could not be unmounted because somebody uses it. */
export function isBusy(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return isAloeError(error) ? error.code === "busy" : (error as { code?: string }).code === "EBUSY";
}

/** Whether this user may use `/dev/fuse`, as libfuse does before it asks its helper. */
function mayOpenDevice(): boolean {
  try {
    Deno.openSync("/dev/fuse", { read: true, write: true }).close();
    return true;
  } catch {
    return false;
  }
}

/** A failure to mount, with what there is to do about it. */
export function explainMount(error: unknown): unknown {
  if (!isAloeError(error) || !error.message.includes("by libfuse3")) return error;
  const remedy = mayOpenDevice()
    ? "in a container that takes CAP_SYS_ADMIN"
    : "/dev/fuse may not be opened; `chmod 666 /dev/fuse`, as root, lets every user";
  return new Fault(null, `${error.message}: ${remedy}`, { cause: error });
}

/**
 * A failure to unmount, with what there is to do about it.
 *
 * @param directory Where, as it was written.
 */
export function explainUnmount(directory: string, error: unknown): unknown {
  if (!isBusy(error)) return error;
  return new Fault(
    directory,
    "in use: some program has a file of it open or is in it (`fuser -vm` tells which); " +
      "--lazy takes it out of the tree at once",
    { cause: error },
  );
}
