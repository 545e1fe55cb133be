import { AloeError } from "../src/errors.ts";
import { openLibc, openLibrary } from "../src/runtime/libc.ts";
import type { Time } from "../src/vfs/filesystem.ts";

/** Newest first: 3.17 has a new number, with the same functions as far as they are used here. */
const LIBFUSE_NAMES = ["libfuse3.so.4", "libfuse3.so.3", "libfuse3.so"];

const FUSE_SYMBOLS = {
  fuse_session_new: { parameters: ["buffer", "buffer", "usize", "pointer"], result: "pointer" },
  fuse_session_mount: { parameters: ["pointer", "buffer"], result: "i32" },
  fuse_session_fd: { parameters: ["pointer"], result: "i32" },
  fuse_session_unmount: { parameters: ["pointer"], result: "void" },
  fuse_session_destroy: { parameters: ["pointer"], result: "void" },
} as const;

const LIBC_SYMBOLS = {
  read: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  writev: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  writevAside: {
    name: "writev",
    parameters: ["i32", "buffer", "i32"],
    result: "i32",
    nonblocking: true,
  },
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32" },
  pollAside: {
    name: "poll",
    parameters: ["buffer", "u64", "i32"],
    result: "i32",
    nonblocking: true,
  },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  fchmod: { parameters: ["i32", "u32"], result: "i32" },
  rmdir: { parameters: ["buffer"], result: "i32" },
  ioctl: { parameters: ["i32", "usize", "buffer"], result: "i32" },
  openAside: {
    name: "open",
    parameters: ["buffer", "i32"],
    result: "i32",
    nonblocking: true,
  },
  openatAside: {
    name: "openat",
    parameters: ["i32", "buffer", "i32"],
    result: "i32",
    nonblocking: true,
  },
  /** `open_tree` has a function of its own in newer libraries only. */
  openTreeAside: {
    name: "syscall",
    parameters: ["isize", "i32", "buffer", "u32"],
    result: "i32",
    nonblocking: true,
  },
  fstatfsAside: {
    name: "fstatfs",
    parameters: ["i32", "buffer"],
    result: "i32",
    nonblocking: true,
  },
  closeAside: { name: "close", parameters: ["i32"], result: "i32", nonblocking: true },
  syncfsAside: { name: "syncfs", parameters: ["i32"], result: "i32", nonblocking: true },
  fanotify_init: { parameters: ["u32", "u32"], result: "i32" },
  fanotify_mark: {
    parameters: ["i32", "u32", "u64", "i32", "buffer"],
    result: "i32",
  },
  memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
  pwrite: { parameters: ["i32", "buffer", "usize", "i64"], result: "i32" },
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  mount: { parameters: ["buffer", "buffer", "buffer", "u64", "buffer"], result: "i32" },
  umount2: { parameters: ["buffer", "i32"], result: "i32" },
  umount2Aside: {
    name: "umount2",
    parameters: ["buffer", "i32"],
    result: "i32",
    nonblocking: true,
  },
  __errno_location: { parameters: [], result: "pointer" },
} as const;

/** The functions of libfuse3 that are used, by their names there. */
export type Libfuse = Deno.DynamicLibrary<typeof FUSE_SYMBOLS>["symbols"];

/**
 * The functions of the C library that are used, by their names there; those
 * in `…Aside` run on another thread. `bigint` goes for what C has as `size_t`.
 */
export type Libc = Deno.DynamicLibrary<typeof LIBC_SYMBOLS>["symbols"];

let opened: Libc | null = null;
let errnoView: Int32Array | null = null;

/** The C library, opened when it is first needed and left open. */
export function libc(): Libc {
  opened ??= openLibc(LIBC_SYMBOLS) ?? missing("the C library");
  return opened;
}

/**
 * Libfuse3, opened anew.
 *
 * @throws {AloeError} `unsupported` where it is not installed.
 */
export function libfuse(): Libfuse {
  return openLibrary(LIBFUSE_NAMES, FUSE_SYMBOLS) ?? missing("libfuse3");
}

/** Why this thread's last call of the C library failed, as `errno.h` numbers it. */
export function errno(): number {
  if (errnoView === null) {
    // Each thread has its own, and a module is loaded once in each.
    const location = libc().__errno_location();
    errnoView = new Int32Array(Deno.UnsafePointerView.getArrayBuffer(location!, 4));
  }
  return errnoView[0];
}

/** Text as C has it: with a NUL behind. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

/** An address as C keeps it in memory. */
export function address(buffer: Uint8Array<ArrayBuffer>): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer));
}

const CLOCK_REALTIME_COARSE = 5;
const timespec = new Int32Array(4);
const timespecBytes = new Uint8Array(timespec.buffer);

/**
 * The time to the kernel's tick (1 to 10 ms): the clock that the kernel takes
 * the times of cached writes from. Another one would make times go backwards.
 */
export function coarseTime(): Time {
  libc().clock_gettime(CLOCK_REALTIME_COARSE, timespecBytes);
  return { sec: timespec[1] * 2 ** 32 + (timespec[0] >>> 0), nsec: timespec[2] };
}

function missing(what: string): never {
  throw new AloeError(
    "unsupported",
    what === "libfuse3"
      ? "libfuse3 is not installed: it comes with the package fuse3 of most distributions"
      : `${what} is not found: mounting needs Linux with glibc or musl`,
  );
}
