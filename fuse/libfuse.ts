import { AloeError } from "../src/errors.ts";
import { openLibc, openLibrary } from "../src/runtime/libc.ts";
import type { Time } from "../src/vfs/filesystem.ts";

/** Newest first. 3.17 has a new soname; the functions used here are the same. */
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
  /** `open_tree` by its number, because only newer libraries have a function for it. */
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

/** The functions of libfuse3 in use, by their C names. */
export type Libfuse = Deno.DynamicLibrary<typeof FUSE_SYMBOLS>["symbols"];

/**
 * The functions of the C library in use, by their C names. Those in `…Aside` run on another thread.
 * A `size_t` is a `bigint`.
 */
export type Libc = Deno.DynamicLibrary<typeof LIBC_SYMBOLS>["symbols"];

let opened: Libc | null = null;
let errnoView: Int32Array | null = null;

/** Returns the C library, which is opened on first use and stays open. */
export function libc(): Libc {
  opened ??= openLibc(LIBC_SYMBOLS) ?? missing("the C library");
  return opened;
}

/**
 * Opens libfuse3.
 *
 * @throws {AloeError} `unsupported` when it is not installed.
 */
export function libfuse(): Libfuse {
  return openLibrary(LIBFUSE_NAMES, FUSE_SYMBOLS) ?? missing("libfuse3");
}

/** Returns the errno of this thread's last call of the C library. */
export function errno(): number {
  if (errnoView === null) {
    // errno is per thread, and each thread loads this module once.
    const location = libc().__errno_location();
    errnoView = new Int32Array(Deno.UnsafePointerView.getArrayBuffer(location!, 4));
  }
  return errnoView[0];
}

/** Returns text as a C string, with a terminating NUL. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

/** Returns the address of a buffer. */
export function address(buffer: Uint8Array<ArrayBuffer>): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer));
}

const CLOCK_REALTIME_COARSE = 5;
const timespec = new Int32Array(4);
const timespecBytes = new Uint8Array(timespec.buffer);

/**
 * Returns the time at the kernel's tick resolution (1 to 10 ms). The kernel takes the times of
 * cached writes from this clock; another clock would make times go backwards.
 */
export function coarseTime(): Time {
  libc().clock_gettime(CLOCK_REALTIME_COARSE, timespecBytes);
  return { sec: timespec[1] * 2 ** 32 + (timespec[0] >>> 0), nsec: timespec[2] };
}

function missing(what: string): never {
  throw new AloeError(
    "unsupported",
    what === "libfuse3"
      ? "libfuse3 is not installed; most distributions have it in the package fuse3"
      : `${what} was not found; mounting needs Linux with glibc or musl`,
  );
}
