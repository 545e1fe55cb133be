import { AloeError } from "../src/errors.ts";
import { ERRNO } from "../src/vfs/errno.ts";
import { cString, errno, libc } from "./libfuse.ts";
import { canonical, mountedOn, TYPE } from "./mounts.ts";
import { holdersOf } from "./unmount.ts";

const MS_REMOUNT = 32;
const MS_BIND = 4096;
const MS_RDONLY = 1;

/** The flags of mount(2) by their option words. */
const FLAGS: Readonly<Record<string, number>> = {
  ro: MS_RDONLY,
  nosuid: 2,
  nodev: 4,
  noexec: 8,
  sync: 16,
  dirsync: 128,
  nosymfollow: 256,
  noatime: 1024,
  nodiratime: 2048,
  relatime: 1 << 21,
  strictatime: 1 << 24,
};

/** Option words that clear another word's flag. */
const OPPOSITES: Readonly<Record<string, string>> = {
  rw: "ro",
  suid: "nosuid",
  dev: "nodev",
  exec: "noexec",
  async: "sync",
  symfollow: "nosymfollow",
  atime: "noatime",
  diratime: "nodiratime",
  norelatime: "relatime",
  nostrictatime: "strictatime",
};

/** Options that libfuse does not know; they are set after mounting. */
const LATE = ["nodiratime", "nosymfollow"];

/** Returns the flags of option words; later words win. */
function flagsOf(words: readonly string[]): number {
  let flags = 0;
  for (const word of words) {
    flags |= FLAGS[word] ?? 0;
    flags &= ~(FLAGS[OPPOSITES[word]] ?? 0);
  }
  return flags;
}

/**
 * Returns the words to set after mounting.
 *
 * @throws {AloeError} `unsupported` when a word protects something but needs root.
 */
export function lateWords(words: readonly string[]): string[] {
  const flags = flagsOf(words);
  const late = LATE.filter((word) => (flags & FLAGS[word]) !== 0);
  if (Deno.uid() === 0) return late;
  if (late.includes("nosymfollow")) {
    throw new AloeError("unsupported", "the mount option nosymfollow needs root");
  }
  return [];
}

/** Sets the options that libfuse does not know. */
export async function setLateWords(mountpoint: string, words: readonly string[]): Promise<void> {
  const entry = await mountedOn(mountpoint);
  if (words.length === 0 || entry?.type !== TYPE) return;
  change(mountpoint, flagsOf([...entry.options, ...words]) | MS_BIND);
}

/**
 * Changes the options of a mount: read-only, `nosuid`, and others.
 *
 * @param mountpoint The directory.
 * @param words The changes, as after `-o remount`. Words that are not kernel flags are ignored.
 * @throws {AloeError} `invalid` when no volume is mounted there, or when a volume that was mounted
 *   read-only is to be made writable; `busy` when files are open for writing; `unsupported` for
 *   users other than root.
 */
export async function remount(mountpoint: string, words: readonly string[]): Promise<void> {
  const path = await canonical(mountpoint);
  const entry = await mountedOn(path);
  if (entry === null || entry.type !== TYPE) {
    throw new AloeError("invalid", `${mountpoint}: no volume is mounted there`);
  }
  const flags = flagsOf([...entry.options, ...words]);
  const readOnly = (flags & MS_RDONLY) !== 0;
  if (!readOnly) {
    for (const holder of await holdersOf(entry)) {
      using _ = holder;
      const outcome = holder.outcome.read();
      if (outcome.state === "mounted" && outcome.readOnly) {
        throw new AloeError(
          "invalid",
          `${mountpoint}: it was mounted read-only; unmount it and mount it again to write`,
        );
      }
    }
  }
  change(path, flags);
  if (readOnly) {
    // All earlier writes are in the file when this returns.
    using directory = Deno.openSync(path);
    await directory.sync();
  }
}

function change(path: string, flags: number): void {
  if (libc().mount(null, cString(path), null, BigInt(MS_REMOUNT | flags), null) === 0) return;
  const code = errno();
  if (code === ERRNO.EPERM) {
    throw new AloeError("unsupported", `${path}: only root can change mount options`);
  }
  if (code === ERRNO.EBUSY) {
    throw new AloeError("busy", `${path}: files are open for writing`);
  }
  throw new AloeError("io_error", `${path}: cannot be remounted (errno ${code})`);
}
