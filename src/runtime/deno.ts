import type { Access, FileStatus, Runtime } from "./runtime.ts";

/** Bytes that are written at once. */
const BLOCK = 2 ** 20;

const O_WRONLY = 1;
const O_CLOEXEC = 0o2000000;
const FALLOC_FL_KEEP_SIZE = 1;

const LIBC = {
  open: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  fallocate: { parameters: ["i32", "i32", "i64", "i64"], result: "i32" },
  truncate: { parameters: ["buffer", "i64"], result: "i32" },
} as const;

let library: Deno.DynamicLibrary<typeof LIBC>["symbols"] | null | undefined;

/** The system's functions; null where they are not to be had without asking somebody. */
function linuxLibrary(): Deno.DynamicLibrary<typeof LIBC>["symbols"] | null {
  if (library !== undefined) return library;
  library = null;
  if (Deno.build.os !== "linux") return null;
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") return null;
  for (const name of ["libc.so.6", `libc.musl-${Deno.build.arch}.so.1`]) {
    try {
      return library = Deno.dlopen(name, LIBC).symbols;
    } catch {
      // The other one, or another system's.
    }
  }
  return null;
}

/** Deno's own functions. */
export const deno: Runtime = {
  windows: Deno.build.os === "windows",
  currentDirectory: () => Deno.cwd(),
  isAllowed: (access, ...paths) =>
    paths.every((path) =>
      Deno.permissions.querySync(permissionFor(access, path)).state === "granted"
    ),
  stat: async (path) => {
    try {
      return statusOf(await Deno.stat(path));
    } catch (error) {
      return nullIfMissing(error);
    }
  },
  statSync: (path) => {
    try {
      return statusOf(Deno.statSync(path));
    } catch (error) {
      return nullIfMissing(error);
    }
  },
  lstatSync: (path) => {
    try {
      return statusOf(Deno.lstatSync(path));
    } catch (error) {
      return nullIfMissing(error);
    }
  },
  readLinkSync: (path) => Deno.readLinkSync(path),
  create: async (path) => {
    try {
      (await Deno.open(path, { createNew: true, write: true })).close();
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) return false;
      throw error;
    }
  },
  remove: (path) => Deno.remove(path),
  removeSync: (path) => Deno.removeSync(path),
  truncateSync: (path, length) => Deno.truncateSync(path, length),
  extendSync: (path, from, to) => {
    const file = Deno.openSync(path, { write: true });
    try {
      file.seekSync(from, Deno.SeekMode.Start);
      const zeros = new Uint8Array(Math.min(to - from, BLOCK));
      for (let at = from; at < to;) at += file.writeSync(zeros.subarray(0, to - at));
    } catch (error) {
      file.truncateSync(from);
      throw error;
    } finally {
      file.close();
    }
  },
  holdBehindEnd: (path, size, bytes) => {
    const libc = linuxLibrary();
    if (libc === null) return false;
    const name = new TextEncoder().encode(`${path}\0`);
    const file = libc.open(name, O_WRONLY | O_CLOEXEC, 0);
    if (file < 0) return false;
    const result = libc.fallocate(file, FALLOC_FL_KEEP_SIZE, BigInt(size), BigInt(bytes));
    libc.close(file);
    return result === 0;
  },
  dropBehindEnd: (path, size) => {
    // By the path: a descriptor of the file that is closed would end the locks of all others.
    const name = new TextEncoder().encode(`${path}\0`);
    return linuxLibrary()?.truncate(name, BigInt(size)) === 0;
  },
  unref: (timer) => Deno.unrefTimer(Number(timer)),
  startWorker: (module, name) => new Worker(module, { type: "module", name }),
};

function permissionFor(access: Access, path: string): Deno.PermissionDescriptor {
  // The types of permissions do not name this kind.
  return access === "statfs" ? { name: "sys", kind: "statfs" as never } : { name: access, path };
}

function statusOf(info: Deno.FileInfo): FileStatus {
  return {
    size: info.size,
    modified: info.mtime?.getTime() ?? null,
    kind: info.isFile
      ? "file"
      : info.isDirectory
      ? "directory"
      : info.isSymlink
      ? "symlink"
      : "other",
    device: info.dev,
    inode: info.ino,
  };
}

function nullIfMissing(error: unknown): null {
  if (error instanceof Deno.errors.NotFound) return null;
  throw error;
}
