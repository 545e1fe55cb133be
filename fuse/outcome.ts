import { cString, libc } from "./libfuse.ts";
import type { ErrorMessage } from "./messages.ts";

/** What has become of a mount. */
export type Outcome =
  /** It goes on; or its process has ended in the middle. */
  | { state: "mounted"; readOnly: boolean }
  /** The file is closed, with everything in it unless there is an error. */
  | { state: "closed"; error: ErrorMessage | null };

const MFD_CLOEXEC = 1;

/** The longest message that is kept, characters. */
const LONGEST = 8192;

/** As which descriptor of its process the outcome of a device's mount is found. */
export function outcomeLink(device: string): string {
  return `/memfd:${nameOf(device)} (deleted)`;
}

function nameOf(device: string): string {
  return `aloelite-mount-${device}`;
}

/**
 * Keeps the outcome of a mount where whoever unmounts it from another process
 * finds it: in memory that has a name among this process's descriptors. Who
 * may look there is the kernel's to decide, and nothing of it stays behind.
 */
export class OutcomeKeeper {
  readonly #fd: number;

  /**
   * @param device The mount's, as `MountEntry` has it.
   * @param readOnly Whether it will never write.
   */
  constructor(device: string, readOnly: boolean) {
    // Where the kernel has no such memory nobody is told, which is no reason not to mount.
    this.#fd = libc().memfd_create(cString(nameOf(device)), MFD_CLOEXEC);
    this.#write({ state: "mounted", readOnly });
  }

  /** Tells how it ended, and lets go. */
  close(error: ErrorMessage | null): void {
    const message = error === null ? null : { ...error, message: error.message.slice(0, LONGEST) };
    this.#write({ state: "closed", error: message });
    if (this.#fd >= 0) libc().close(this.#fd);
  }

  #write(outcome: Outcome): void {
    // What was written before is shorter; the first line counts.
    const bytes = new TextEncoder().encode(`${JSON.stringify(outcome)}\n`);
    if (this.#fd >= 0) libc().pwrite(this.#fd, bytes, BigInt(bytes.length), 0n);
  }
}

/** The outcome of somebody's mount. */
export class OutcomeReader implements Disposable {
  readonly #file: Deno.FsFile;

  /** @param path Of the descriptor, below `/proc`. */
  constructor(path: string) {
    this.#file = Deno.openSync(path);
  }

  /** What it is by now. */
  read(): Outcome {
    const bytes = new Uint8Array(8 * LONGEST);
    this.#file.seekSync(0, Deno.SeekMode.Start);
    const length = this.#file.readSync(bytes) ?? 0;
    const [line] = new TextDecoder().decode(bytes.subarray(0, length)).split("\n");
    try {
      return JSON.parse(line);
    } catch {
      // Half of it is written.
      return { state: "mounted", readOnly: false };
    }
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}
