import { AloeError } from "../src/errors.ts";
import { ERRNO } from "../src/vfs/errno.ts";
import { cString, errno, libc } from "./libfuse.ts";
import { errorOf } from "./messages.ts";
import { releaseLeft } from "./mountpoint_guard.ts";
import { canonical, mountedOn, type MountEntry, TYPE } from "./mounts.ts";
import { outcomeLink, OutcomeReader } from "./outcome.ts";

const MNT_DETACH = 2;

/** The number of attempts to unmount a busy mount, and the pause between them, in ms. */
const ATTEMPTS = 3;
const PAUSE = 100;
/**
 * The number of attempts while only the mount's own flush keeps it busy, which takes as long as the
 * disk does.
 */
const FLUSHED_ATTEMPTS = 300;

/** How to end a mount. */
export interface UnmountOptions {
  /**
   * Detaches the mount immediately even while files are open; programs can use open files until
   * they close them. Default false.
   */
  lazy?: boolean;
}

/**
 * Unmounts a directory that a volume is mounted on, by any process, including one that was killed.
 * Resolves when the file is written and closed, or immediately if `lazy`.
 *
 * @param mountpoint The directory.
 * @throws {AloeError} `invalid` when no volume is mounted there; `busy` while files are open;
 *   `io_error`; and the error of a failed write-back, unless `lazy`.
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
    for (const holder of holders) await untilClosed(holder);
  } finally {
    for (const holder of holders) holder[Symbol.dispose]();
  }
}

/**
 * Removes a mount from the tree.
 *
 * @param path The directory's path as in the mount table.
 * @throws {AloeError} `busy`, `io_error`.
 */
export async function detach(path: string, lazy: boolean): Promise<void> {
  // Check for a flush before each attempt: if the flush ended after a failed attempt, its failure
  // would have no explanation.
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
  // Run on another thread, because it waits for the kernel's write-back.
  if (await libc().umount2Aside(text, flags) === 0) return;
  // errno stayed on that thread, so repeat the call here; a second failure is quick.
  if (libc().umount2(text, flags) === 0) return;
  const code = errno();
  if (code === ERRNO.EBUSY) throw new AloeError("busy", `${path}: is in use`);
  // Another process has unmounted it.
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

/** A process that serves a mount. */
export interface Holder extends Disposable {
  pid: string;
  /** The link text of the descriptor that holds the outcome. */
  link: string;
  outcome: OutcomeReader;
}

/**
 * Returns the processes that serve a mount: one, unless another process has copied its descriptors.
 */
export async function holdersOf({ device }: MountEntry): Promise<Holder[]> {
  const link = outcomeLink(device);
  const holders: Holder[] = [];
  for await (const { name: pid } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const open = await descriptorsOf(pid);
    const path = open.get(link);
    // Other processes that wait for the outcome have it open too, but not /dev/fuse.
    if (path === undefined || !open.has("/dev/fuse")) continue;
    try {
      const outcome = new OutcomeReader(path);
      holders.push({ pid, link, outcome, [Symbol.dispose]: () => outcome[Symbol.dispose]() });
    } catch {
      // The process is ending, or belongs to another user.
    }
  }
  return holders;
}

/** Returns whether a serving process has the mount's root open, as its flusher does at times. */
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
async function untilClosed({ pid, link, outcome }: Holder): Promise<void> {
  for (let wait = 2;; wait = Math.min(100, 2 * wait)) {
    // Check in this order, because the process writes the outcome before it closes the descriptor.
    const gone = !(await descriptorsOf(pid)).has(link);
    const final = outcome.read();
    if (final.state === "closed") {
      if (final.error !== null) throw errorOf(final.error);
      return;
    }
    if (gone) {
      throw new AloeError("io_error", "its process ended before everything was written back");
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

/**
 * Returns the open descriptors of a process with their paths; empty when it has ended or belongs to
 * another user.
 */
async function descriptorsOf(pid: string): Promise<Map<string, string>> {
  const folder = `/proc/${pid}/fd`;
  const targets = new Map<string, string>();
  try {
    for await (const { name } of Deno.readDir(folder)) {
      const path = `${folder}/${name}`;
      targets.set(await Deno.readLink(path).catch(() => ""), path);
    }
  } catch {
    // The process is ending.
  }
  return targets;
}
