import { cString, libc } from "./libfuse.ts";
import type { ErrorMessage } from "./messages.ts";

/** The outcome of a mount. */
export type Outcome =
  /** The mount runs, or its process was killed. */
  | { state: "mounted"; readOnly: boolean }
  /** The file is closed; all changes are in it unless there is an error. */
  | { state: "closed"; error: ErrorMessage | null };

const MFD_CLOEXEC = 1;

/** The maximum length of a stored message, in UTF-16 units. */
const LONGEST = 8192;

/** Returns the link text of the descriptor that holds the outcome of a device's mount. */
export function outcomeLink(device: string): string {
  return `/memfd:${nameOf(device)} (deleted)`;
}

function nameOf(device: string): string {
  return `aloelite-mount-${device}`;
}

/**
 * Publishes the outcome of a mount to other processes that unmount it: in memory that is listed
 * among this process's descriptors. The kernel controls access to it, and it disappears with the
 * process.
 */
export class OutcomeKeeper {
  readonly #fd: number;

  /**
   * @param device The mount's device, as in `MountEntry`.
   * @param readOnly Whether the mount never writes.
   */
  constructor(device: string, readOnly: boolean) {
    // Without memfd the outcome is not published, but mounting still works.
    this.#fd = libc().memfd_create(cString(nameOf(device)), MFD_CLOEXEC);
    this.#write({ state: "mounted", readOnly });
  }

  /** Publishes the final outcome and closes the descriptor. */
  close(error: ErrorMessage | null): void {
    const message = error === null ? null : { ...error, message: error.message.slice(0, LONGEST) };
    this.#write({ state: "closed", error: message });
    if (this.#fd >= 0) libc().close(this.#fd);
  }

  #write(outcome: Outcome): void {
    // An earlier outcome is shorter, and readers use only the first line.
    const bytes = new TextEncoder().encode(`${JSON.stringify(outcome)}\n`);
    if (this.#fd >= 0) libc().pwrite(this.#fd, bytes, BigInt(bytes.length), 0n);
  }
}

/** Reads the outcome of another process's mount. */
export class OutcomeReader implements Disposable {
  readonly #file: Deno.FsFile;

  /**
   * @param path The descriptor's path below `/proc`.
   */
  constructor(path: string) {
    this.#file = Deno.openSync(path);
  }

  /** Returns the current outcome. */
  read(): Outcome {
    const bytes = new Uint8Array(8 * LONGEST);
    this.#file.seekSync(0, Deno.SeekMode.Start);
    const length = this.#file.readSync(bytes) ?? 0;
    const [line] = new TextDecoder().decode(bytes.subarray(0, length)).split("\n");
    try {
      return JSON.parse(line);
    } catch {
      // The outcome is only partly written.
      return { state: "mounted", readOnly: false };
    }
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}
