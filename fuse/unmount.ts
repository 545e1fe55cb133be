import { AloeError } from "../src/errors.ts";
import { ERRNO } from "../src/vfs/errno.ts";
import { cString, errno, libc } from "./libfuse.ts";
import { canonical, mountedOn, type MountEntry, TYPE } from "./mounts.ts";

const MNT_DETACH = 2;

/** How often a mount that is in use is tried to be ended, and how long between, ms. */
const ATTEMPTS = 3;
const PAUSE = 100;
/** The same while it is in use by what flushes it, which takes as long as the disk does. */
const FLUSHED_ATTEMPTS = 300;

/** How a mount is ended. */
export interface UnmountOptions {
  /**
   * Takes it out of the tree at once though files of it are open; those who
   * have them go on until they close them. Default false.
   */
  lazy?: boolean;
}

/**
 * Unmounts a directory that a volume is mounted on, by whichever process, also
 * one that was killed. Settled when the file is written and closed, unless
 * `lazy`.
 *
 * @param mountpoint The directory.
 * @throws {AloeError} `invalid` when no volume is mounted there, `busy` while
 * files of it are open, `io_error`.
 */
export async function unmount(mountpoint: string, options: UnmountOptions = {}): Promise<void> {
  const path = await canonical(mountpoint);
  const entry = await mountedOn(path);
  if (entry === null || entry.type !== TYPE) {
    throw new AloeError("invalid", `${mountpoint}: no volume is mounted there`);
  }
  const holders = options.lazy ? [] : await holdersOf(entry);
  await detach(path, options.lazy ?? false);
  await Promise.all(holders.map(hasLetGo));
}

/**
 * Takes a mount out of the tree.
 *
 * @param path As the table of mounts has it.
 * @throws {AloeError} `busy`, `io_error`.
 */
export async function detach(path: string, lazy: boolean): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      if (Deno.uid() === 0) await detachAsRoot(path, lazy);
      else await detachAsUser(path, lazy);
      return;
    } catch (error) {
      if (!(error instanceof AloeError && error.code === "busy")) throw error;
      if (attempt >= ATTEMPTS && (attempt >= FLUSHED_ATTEMPTS || !await isFlushed(path))) {
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }
}

async function detachAsRoot(path: string, lazy: boolean): Promise<void> {
  const flags = lazy ? MNT_DETACH : 0;
  const text = cString(path);
  // On another thread: it waits for what the kernel has to write back.
  if (await libc().umount2Aside(text, flags) === 0) return;
  // The error's number stayed on that thread; a second failure is a quick one.
  if (libc().umount2(text, flags) === 0) return;
  const code = errno();
  if (code === ERRNO.EBUSY) throw new AloeError("busy", `${path}: is in use`);
  // Somebody else was quicker.
  if (code === ERRNO.EINVAL || code === ERRNO.ENOENT) return;
  throw new AloeError("io_error", `${path}: cannot be unmounted (errno ${code})`);
}

async function detachAsUser(path: string, lazy: boolean): Promise<void> {
  const command = new Deno.Command("fusermount3", {
    args: ["-u", ...(lazy ? ["-z"] : []), "--", path],
    env: { LC_ALL: "C" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  });
  const { success, stderr } = await command.output();
  if (success) return;
  const message = new TextDecoder().decode(stderr).trim();
  if (/busy/i.test(message)) throw new AloeError("busy", `${path}: is in use`);
  if (await mountedOn(path) === null) return;
  throw new AloeError("io_error", `${path}: cannot be unmounted: ${message}`);
}

/** A process that has the file of a mount open. */
interface Holder {
  pid: string;
  file: string;
  /** How often it has it open. */
  count: number;
}

/** Who may answer a mount's requests: processes that have both its file and `/dev/fuse` open. */
async function holdersOf({ source }: MountEntry): Promise<Holder[]> {
  const holders: Holder[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === Deno.pid) continue;
    const open = await descriptorsOf(name);
    const count = open.filter((each) => each === source).length;
    if (count > 0 && open.includes("/dev/fuse")) holders.push({ pid: name, file: source, count });
  }
  return holders;
}

/** Whether a process that answers mounts has one's top open: its flusher does, now and then. */
async function isFlushed(path: string): Promise<boolean> {
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const open = await descriptorsOf(name);
    if (open.includes(path) && open.includes("/dev/fuse")) return true;
  }
  return false;
}

/** Waits until a process has closed the file, or one of its mounts of it. */
async function hasLetGo({ pid, file, count }: Holder): Promise<void> {
  for (let wait = 2;; wait = Math.min(100, 2 * wait)) {
    const open = await descriptorsOf(pid);
    if (open.filter((each) => each === file).length < count) return;
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

/** What a process has open; nothing when it has ended or is somebody else's. */
async function descriptorsOf(pid: string): Promise<string[]> {
  const folder = `/proc/${pid}/fd`;
  const targets: string[] = [];
  try {
    for await (const { name } of Deno.readDir(folder)) {
      targets.push(await Deno.readLink(`${folder}/${name}`).catch(() => ""));
    }
  } catch {
    // It ends as we look.
  }
  return targets;
}
