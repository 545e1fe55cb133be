import { openLibc } from "./libc.ts";
import type { Access, DiskSpace, FileStatus, Runtime } from "./runtime.ts";

/** The separator of names in a path, in addition to the slash. */
const SEPARATOR = Deno.build.os === "windows" ? "\\" : "/";

/** The number of bytes written in one call. */
const BLOCK = 2 ** 20;

const O_WRONLY = 1;
const O_CLOEXEC = 0o2000000;
const FALLOC_FL_KEEP_SIZE = 1;

const LIBC = {
  open: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  fallocate: { parameters: ["i32", "i32", "i64", "i64"], result: "i32" },
  truncate: { parameters: ["buffer", "i64"], result: "i32" },
  statfs: { parameters: ["buffer", "buffer"], result: "i32" },
} as const;

/**
 * The buffer size for `struct statfs` of 64-bit Linux in bytes, with a margin, and the indexes of
 * its 64-bit words.
 */
const STATFS = { bytes: 256, bsize: 1, blocks: 2, bavail: 4 } as const;

let library: ReturnType<typeof openLibc<typeof LIBC>> | undefined;

/** Returns the functions of the C library; null when a required permission is not granted. */
function linuxLibrary(): ReturnType<typeof openLibc<typeof LIBC>> {
  if (library === undefined) {
    const allowed = Deno.permissions.querySync({ name: "ffi" }).state === "granted";
    library = allowed ? openLibc(LIBC) : null;
  }
  return library;
}

/** Returns a path as a C string. */
function pathname(path: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${path}\0`);
}

/**
 * Returns the disk space, from the C library where possible: `node:fs` loads a large part of the
 * runtime's compatibility layer, which doubles the CPU time of a short command.
 */
function diskSpace(path: string): DiskSpace {
  const libc = linuxLibrary();
  if (libc !== null) {
    const words = new BigUint64Array(STATFS.bytes / 8);
    if (libc.statfs(pathname(path), words) !== 0) throw new Error(`${path}: statfs fails`);
    const [bsize, blocks, bavail] = [STATFS.bsize, STATFS.blocks, STATFS.bavail]
      .map((word) => Number(words[word]));
    return { available: bsize * bavail, total: bsize * blocks };
  }
  const { bsize, blocks, bavail } = process.getBuiltinModule("node:fs").statfsSync(path);
  return { available: bsize * bavail, total: bsize * blocks };
}

/** The runtime functions of Deno. */
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
  diskSpace,
  makeTempDirSync: (prefix) => {
    const slash = Math.max(prefix.lastIndexOf("/"), prefix.lastIndexOf(SEPARATOR));
    return Deno.makeTempDirSync({
      dir: slash < 0 ? "." : prefix.slice(0, slash + 1),
      prefix: prefix.slice(slash + 1),
    });
  },
  create: async (path, permissions) => {
    const mode = permissions ?? undefined;
    try {
      (await Deno.open(path, { createNew: true, write: true, mode })).close();
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
    const file = libc.open(pathname(path), O_WRONLY | O_CLOEXEC, 0);
    if (file < 0) return false;
    const result = libc.fallocate(file, FALLOC_FL_KEEP_SIZE, BigInt(size), BigInt(bytes));
    libc.close(file);
    return result === 0;
  },
  dropBehindEnd: (path, size) => {
    // Truncate by path: closing a descriptor of the file would release the locks of all other
    // descriptors.
    return linuxLibrary()?.truncate(pathname(path), BigInt(size)) === 0;
  },
  unref: (timer) => Deno.unrefTimer(Number(timer)),
  startWorker: (module, name) => new Worker(module, { type: "module", name }),
};

function permissionFor(access: Access, path: string): Deno.PermissionDescriptor {
  // The type definitions lack this permission.
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
    permissions: info.mode === null ? null : info.mode & 0o777,
    device: info.dev,
    inode: info.ino,
  };
}

function nullIfMissing(error: unknown): null {
  if (error instanceof Deno.errors.NotFound) return null;
  throw error;
}
