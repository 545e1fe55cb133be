/**
 * Calls of the C library where the runtime has no equivalent: the runtime takes paths as text,
 * which loses bytes that are not UTF-8, and it does not report holes. Where possible, a path is
 * opened here and used through its descriptor.
 */

import { openLibc } from "../src/runtime/libc.ts";

const SYMBOLS = {
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
  readlink: { parameters: ["buffer", "buffer", "usize"], result: "isize" },
  opendir: { parameters: ["buffer"], result: "pointer" },
  readdir: { parameters: ["pointer"], result: "pointer" },
  closedir: { parameters: ["pointer"], result: "i32" },
  mkdir: { parameters: ["buffer", "u32"], result: "i32" },
  symlink: { parameters: ["buffer", "buffer"], result: "i32" },
  link: { parameters: ["buffer", "buffer"], result: "i32" },
  rename: { parameters: ["buffer", "buffer"], result: "i32" },
  unlink: { parameters: ["buffer"], result: "i32" },
  lchown: { parameters: ["buffer", "u32", "u32"], result: "i32" },
  utimensat: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  __errno_location: { parameters: [], result: "pointer" },
} as const;

type Libc = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

let opened: Libc | null = null;
let errno: Int32Array | null = null;

/** Returns whether the calls are available: on Linux, with all permissions. */
export function haveRawFiles(): boolean {
  if (Deno.build.os !== "linux") return false;
  // Query the permissions, because trying would make the runtime prompt at a terminal.
  return (["ffi", "read", "write"] as const).every((name) =>
    Deno.permissions.querySync({ name }).state === "granted"
  );
}

function libc(): Libc {
  opened ??= openLibc(SYMBOLS);
  if (opened === null) throw new Error("the C library is not found");
  return opened;
}

const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;
const O_NOFOLLOW = Deno.build.arch === "aarch64" ? 0o100000 : 0o400000;
const O_WRONLY = 1;
const O_CREAT = 0o100;
const O_EXCL = 0o200;
const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const ENXIO = 6;

/** Names of the errors that are expected or shown to users. */
const ERRORS: Readonly<Record<number, [string, (new (message: string) => Error) | null]>> = {
  1: ["Operation not permitted", Deno.errors.PermissionDenied],
  2: ["No such file or directory", Deno.errors.NotFound],
  13: ["Permission denied", Deno.errors.PermissionDenied],
  17: ["File exists", Deno.errors.AlreadyExists],
  20: ["Not a directory", Deno.errors.NotADirectory],
  21: ["Is a directory", Deno.errors.IsADirectory],
  28: ["ENOSPC", null],
  30: ["Read-only file system", null],
  36: ["ENAMETOOLONG", null],
  39: ["Directory not empty", null],
  40: ["Too many levels of symbolic links", Deno.errors.FilesystemLoop],
};

function lastError(): number {
  errno ??= new Int32Array(
    Deno.UnsafePointerView.getArrayBuffer(libc().__errno_location()!, 4),
  );
  return errno[0];
}

function fault(): Error {
  const code = lastError();
  const [message, kind] = ERRORS[code] ?? [`system error ${code}`, null];
  return kind === null
    ? Object.assign(new Error(message), { code: message })
    : new kind(`${message} (os error ${code})`);
}

function check(result: number | bigint): number {
  if (result < 0) throw fault();
  return Number(result);
}

/** Returns bytes as a C string, with a terminating NUL. */
function cString(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const text = new Uint8Array(bytes.length + 1);
  text.set(bytes);
  return text;
}

/** Runs a task with a path that the runtime can use for a file of any name. */
export function withPath<T>(
  path: Uint8Array,
  follow: boolean,
  task: (path: string) => T,
): T {
  const flags = O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW);
  const descriptor = check(libc().open(cString(path), flags, 0));
  try {
    return task(`/proc/self/fd/${descriptor}`);
  } finally {
    libc().close(descriptor);
  }
}

/** Creates a file and runs a task with a path to it. */
export function withNewFile<T>(path: Uint8Array, mode: number, task: (path: string) => T): T {
  const flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
  const descriptor = check(libc().open(cString(path), flags, mode));
  try {
    return task(`/proc/self/fd/${descriptor}`);
  } finally {
    libc().close(descriptor);
  }
}

/** Returns a link's target. */
export function readLink(path: Uint8Array): Uint8Array {
  const target = new Uint8Array(65_536);
  return target.slice(0, check(libc().readlink(cString(path), target, BigInt(target.length))));
}

/** Offset of the name in a `struct dirent`, in bytes, and of the record's length. */
const DIRENT_NAME = 19;
const DIRENT_LENGTH = 16;

/** Returns the names in a directory, without `.` and `..`. */
export function readDir(path: Uint8Array): Uint8Array[] {
  const directory = libc().opendir(cString(path));
  if (directory === null) throw fault();
  try {
    const names: Uint8Array[] = [];
    for (;;) {
      const entry = libc().readdir(directory);
      if (entry === null) return names;
      const length = new Deno.UnsafePointerView(entry).getUint16(DIRENT_LENGTH);
      const bytes = new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(entry, length));
      const name = bytes.slice(DIRENT_NAME, bytes.indexOf(0, DIRENT_NAME));
      if (name.some((byte) => byte !== 0x2e) || name.length > 2) names.push(name);
    }
  } finally {
    libc().closedir(directory);
  }
}

/** Creates a directory. */
export function mkdir(path: Uint8Array, mode: number): void {
  check(libc().mkdir(cString(path), mode));
}

/** Creates a symbolic link. */
export function symlink(target: Uint8Array, path: Uint8Array): void {
  check(libc().symlink(cString(target), cString(path)));
}

/** Adds a name to a file. */
export function link(old: Uint8Array, path: Uint8Array): void {
  check(libc().link(cString(old), cString(path)));
}

/** Renames a file. */
export function rename(old: Uint8Array, path: Uint8Array): void {
  check(libc().rename(cString(old), cString(path)));
}

/** Removes a file. */
export function unlink(path: Uint8Array): void {
  check(libc().unlink(cString(path)));
}

/** Sets the owner of a file, or of a link itself. */
export function lchown(path: Uint8Array, uid: number, gid: number): void {
  check(libc().lchown(cString(path), uid, gid));
}

/** Sets the times of a file, or of a link itself. */
export function lutime(path: Uint8Array, atime: Date, mtime: Date): void {
  const times = new BigInt64Array(4);
  for (const [i, time] of [atime, mtime].entries()) {
    const ms = time.getTime();
    times[2 * i] = BigInt(Math.floor(ms / 1000));
    times[2 * i + 1] = BigInt(Math.round((ms - Math.floor(ms / 1000) * 1000) * 1e6));
  }
  const bytes = new Uint8Array(times.buffer);
  check(libc().utimensat(AT_FDCWD, cString(path), bytes, AT_SYMLINK_NOFOLLOW));
}

/** A range of a file, in bytes. */
export interface Extent {
  start: number;
  end: number;
}

/**
 * Returns the parts of a file that are not holes, in order.
 *
 * @param path The file; links are followed.
 * @param size The file's size in bytes.
 */
export function* dataExtents(path: Uint8Array, size: number): Generator<Extent> {
  const descriptor = check(libc().open(cString(path), O_CLOEXEC, 0));
  const seek = (at: number, whence: number): number =>
    Number(libc().lseek(descriptor, BigInt(at), whence));
  try {
    for (let at = 0; at < size;) {
      const start = seek(at, SEEK_DATA);
      if (start < 0) {
        // ENXIO: only a hole is left. Any other error: the filesystem does not report holes.
        if (lastError() !== ENXIO) yield { start: at, end: size };
        return;
      }
      const end = seek(start, SEEK_HOLE);
      at = end < 0 ? size : Math.min(end, size);
      if (start < at) yield { start, end: at };
    }
  } finally {
    libc().close(descriptor);
  }
}
