import { cString, libc } from "./libfuse.ts";

const FAN_CLOEXEC = 0x1;
const FAN_NONBLOCK = 0x2;
const FAN_CLASS_CONTENT = 0x4;
const FAN_MARK_ADD = 0x1;
const FAN_OPEN_PERM = 0x10000n;
const FAN_EVENT_ON_CHILD = 0x08000000n;
const FAN_DENY = 2;
const AT_FDCWD = -100;
const O_RDONLY = 0;

/**
 * The size of `struct fanotify_event_metadata`, and the offsets of its descriptor and process, in
 * bytes.
 */
const EVENT = 24;
const EVENT_FD = 16;
const EVENT_PID = 20;

/**
 * Denies and reports opens of a directory's entries, also by root's programs. A file created by
 * such an open exists afterwards, empty. This needs root and a kernel with fanotify permission
 * events.
 */
export class OpenDenial {
  readonly #group: number;
  readonly #events = new Uint8Array(64 * EVENT);

  private constructor(group: number) {
    this.#group = group;
  }

  /**
   * @param directory The directory's path.
   * @returns Null when permission events are not available.
   */
  static of(directory: string): OpenDenial | null {
    const flags = FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK;
    const group = libc().fanotify_init(flags, O_RDONLY);
    if (group < 0) return null;
    const denial = new OpenDenial(group);
    const mask = FAN_OPEN_PERM | FAN_EVENT_ON_CHILD;
    const path = cString(directory);
    if (libc().fanotify_mark(group, FAN_MARK_ADD, mask, AT_FDCWD, path) === 0) return denial;
    denial.close();
    return null;
  }

  /** Denies the pending opens; call it frequently. @returns The process ids of the callers. */
  deny(): number[] {
    const pids: number[] = [];
    for (;;) {
      const length = libc().read(this.#group, this.#events, BigInt(this.#events.length));
      if (length <= 0) return pids;
      const view = new DataView(this.#events.buffer, 0, length);
      for (let at = 0; at + EVENT <= length; at += view.getUint32(at, true)) {
        const file = view.getInt32(at + EVENT_FD, true);
        pids.push(view.getInt32(at + EVENT_PID, true));
        this.#answer(file);
        libc().close(file);
      }
    }
  }

  /** Stops denying; pending and later opens are allowed. */
  close(): void {
    libc().close(this.#group);
  }

  #answer(file: number): void {
    const bytes = new Uint8Array(Int32Array.of(file, FAN_DENY).buffer);
    const vector = new BigUint64Array([
      Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes)),
      BigInt(bytes.length),
    ]);
    libc().writev(this.#group, new Uint8Array(vector.buffer), 1);
  }
}
