import { AloeError } from "../src/errors.ts";
import { ERRNO } from "../src/vfs/errno.ts";
import { cString, errno, libc } from "./libfuse.ts";
import { errorOf } from "./messages.ts";
import { releaseLeft } from "./mountpoint_guard.ts";
import { canonical, mountedOn, type MountEntry, TYPE } from "./mounts.ts";
import { outcomeLink, OutcomeReader } from "./outcome.ts";

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
 * files of it are open, `io_error`; and what it was that could not be written
 * back, unless `lazy`.
 */
export async function unmount(mountpoint: string, options: UnmountOptions = {}): Promise<void> {
  const path = await canonical(mountpoint);
  const entry = await mountedOn(path);
  if (entry === null || entry.type !== TYPE) {
    if (entry === null && await releaseLeft(path)) return;
    throw new AloeError("invalid", `${mountpoint}: no volume is mounted there`);
  }
  const holders = await holdersOf(entry);
  try {
    await detach(path, options.lazy ?? false);
    if (holders.length === 0 && await mountedOn(path) === null) await releaseLeft(path);
    if (options.lazy) return;
    for (const holder of holders) await hasLetGo(holder);
  } finally {
    for (const holder of holders) holder[Symbol.dispose]();
  }
}

/**
 * Takes a mount out of the tree.
 *
 * @param path As the table of mounts has it.
 * @throws {AloeError} `busy`, `io_error`.
 */
export async function detach(path: string, lazy: boolean): Promise<void> {
  // Looked up before each attempt: a flusher that lets go after a failed one would
  // leave the failure without its reason.
  for (let attempt = 1, flushed = true;; attempt++) {
    if (attempt >= ATTEMPTS) flushed = attempt < FLUSHED_ATTEMPTS && await isFlushed(path);
    try {
      if (Deno.uid() === 0) await detachAsRoot(path, lazy);
      else await detachAsUser(path, lazy);
      return;
    } catch (error) {
      if (!(error instanceof AloeError && error.code === "busy") || !flushed) throw error;
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

/** A process that answers a mount. */
export interface Holder extends Disposable {
  pid: string;
  /** As which descriptor it keeps the outcome. */
  link: string;
  outcome: OutcomeReader;
}

/** Who answers a mount: one process, unless somebody else copied its descriptors. */
export async function holdersOf({ device }: MountEntry): Promise<Holder[]> {
  const link = outcomeLink(device);
  const holders: Holder[] = [];
  for await (const { name: pid } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const open = await descriptorsOf(pid);
    const path = open.get(link);
    // Whoever else waits for the outcome has it open too.
    if (path === undefined || !open.has("/dev/fuse")) continue;
    try {
      const outcome = new OutcomeReader(path);
      holders.push({ pid, link, outcome, [Symbol.dispose]: () => outcome[Symbol.dispose]() });
    } catch {
      // It ends as we look, or is somebody else's.
    }
  }
  return holders;
}

/** Whether a process that answers mounts has one's top open: its flusher does, now and then. */
async function isFlushed(path: string): Promise<boolean> {
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const open = await descriptorsOf(name);
    if (open.has(path) && open.has("/dev/fuse")) return true;
  }
  return false;
}

/**
 * Waits until a process has closed the file of a mount.
 *
 * @throws {AloeError} When it could not write everything.
 */
async function hasLetGo({ pid, link, outcome }: Holder): Promise<void> {
  for (let wait = 2;; wait = Math.min(100, 2 * wait)) {
    // In this order: it tells before it lets go.
    const gone = !(await descriptorsOf(pid)).has(link);
    const told = outcome.read();
    if (told.state === "closed") {
      if (told.error !== null) throw errorOf(told.error);
      return;
    }
    if (gone) {
      throw new AloeError("io_error", "its process ended before everything was written back");
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

/** What a process has open, each with its path; nothing when it has ended or is somebody else's. */
async function descriptorsOf(pid: string): Promise<Map<string, string>> {
  const folder = `/proc/${pid}/fd`;
  const targets = new Map<string, string>();
  try {
    for await (const { name } of Deno.readDir(folder)) {
      const path = `${folder}/${name}`;
      targets.set(await Deno.readLink(path).catch(() => ""), path);
    }
  } catch {
    // It ends as we look.
  }
  return targets;
}
