import { openLibc } from "../../src/runtime/libc.ts";

const O_RDONLY = 0;
const O_CLOEXEC = 0o2000000;

const SYMBOLS = {
  open: { parameters: ["buffer", "i32"], result: "i32" },
  pread: { parameters: ["i32", "buffer", "usize", "i64"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
} as const;

type Libc = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

let loaded: Libc | null | undefined;

/** The C library; null where it is unavailable. */
function libc(): Libc | null {
  if (loaded !== undefined) return loaded;
  try {
    return loaded = openLibc(SYMBOLS);
  } catch {
    return loaded = null;
  }
}

/**
 * Opens a file for reading beside SQLite. By POSIX, closing it drops every lock of this
 * process on the file, so that it has to stay open until all connections are closed.
 *
 * @returns A descriptor for all threads; null where it is unavailable.
 */
export function openRaw(path: string): number | null {
  const descriptor = libc()?.open(
    new TextEncoder().encode(`${path}\0`),
    O_RDONLY | O_CLOEXEC,
  );
  return descriptor === undefined || descriptor < 0 ? null : descriptor;
}

/** Closes a descriptor of {@linkcode openRaw}. */
export function closeRaw(descriptor: number): void {
  libc()?.close(descriptor);
}

/**
 * Reads from an offset of a file.
 *
 * @returns How many bytes; fewer than asked for only at the end of the file.
 */
export function readRaw(
  descriptor: number,
  into: Uint8Array<ArrayBuffer>,
  offset: number,
): number {
  let done = 0;
  while (done < into.length) {
    const part = into.subarray(done);
    const read = Number(
      libc()!.pread(descriptor, part, BigInt(part.length), BigInt(offset + done)),
    );
    if (read < 0) throw new Error("the file could not be read");
    if (read === 0) break;
    done += read;
  }
  return done;
}
