import type { Access, FileStatus, Runtime } from "./runtime.ts";

/** Bytes that are written at once. */
const BLOCK = 2 ** 20;

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
