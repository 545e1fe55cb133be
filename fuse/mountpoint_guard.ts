import { cString, libc } from "./libfuse.ts";
import { OpenDenial } from "./open_denial.ts";

const O_DIRECTORY = Deno.build.arch === "aarch64" ? 0o40000 : 0o200000;
const O_CLOEXEC = 0o2000000;

const FS_IOC_GETFLAGS = 0x80086601n;
const FS_IOC_SETFLAGS = 0x40086602n;
const FS_IMMUTABLE = 0x10;

const PERMISSIONS = 0o7777;

/** How long a directory stays immutable in any case when its mount has ended, ms. */
const LINGER = 250;

/** How long it is then looked whether somebody still writes to it, and how often, ms. */
const WATCH = 500;
const LOOK = 5;

/**
 * Keeps a program that still writes when an encrypted volume's mount has ended
 * from leaving plaintext in the directory below. Nobody may use that from the
 * mount on (mode 0), not after it either; root's programs, which that does not
 * stop, find it immutable. An empty directory of mode 0 can be removed, an
 * immutable one could not: so it is made so again only while nobody is found who
 * still writes. Who is found is refused, and the directory stays immutable.
 */
export class MountpointGuard {
  readonly #path: string;
  readonly #fd: number;
  readonly #remove: boolean;
  readonly #log: (line: string) => void;
  #mode: number | null = null;
  #immutable = false;
  /** Whether it was this guard that has made it so. */
  #closed = false;
  #released: Promise<void> | null = null;

  private constructor(path: string, fd: number, remove: boolean, log: (line: string) => void) {
    this.#path = path;
    this.#fd = fd;
    this.#remove = remove;
    this.#log = log;
  }

  /**
   * @param path The directory, before anything is mounted on it.
   * @param remove Whether it is to be removed when the mount has ended.
   * @param log Takes what keeps it closed.
   */
  static async open(
    path: string,
    remove: boolean,
    log: (line: string) => void,
  ): Promise<MountpointGuard> {
    return new MountpointGuard(path, await openDirectory(path), remove, log);
  }

  /**
   * Called when it is mounted, or before by who may mount on what he cannot write to;
   * once more does nothing.
   */
  set(): void {
    if (this.#fd < 0 || this.#mode !== null) return;
    this.#mode = modeOf(this.#fd);
    // A flag that the administrator has set stays. One of ours can be left of a killed mount.
    this.#immutable = isLeft(this.#fd);
    if (this.#immutable || libc().fchmod(this.#fd, 0) !== 0) return;
    const flags = flagsOf(this.#fd);
    if (flags === null || (flags & FS_IMMUTABLE) !== 0) return;
    this.#immutable = this.#closed = setFlags(this.#fd, flags | FS_IMMUTABLE);
  }

  /** Called when nothing was mounted: it is as it was. */
  close(): void {
    if (this.#fd < 0) return;
    if (this.#closed) lift(this.#fd);
    if (this.#mode !== null && this.#mode !== 0) libc().fchmod(this.#fd, this.#mode);
    libc().close(this.#fd);
  }

  /**
   * Called when the mount has ended, or has left the tree; once more does nothing.
   *
   * @returns Settled when the directory can be removed.
   */
  release(): Promise<void> {
    return this.#released ??= this.#release();
  }

  async #release(): Promise<void> {
    if (this.#fd < 0) return;
    const path = cString(this.#path);
    if (this.#immutable) {
      await delay(LINGER);
      if (this.#remove) lift(this.#fd);
      else await this.#open();
    }
    // At once: nobody is to have time to write to it in between. It fails when
    // something is in it, or mounted on it, that is not ours to remove.
    if (this.#remove) libc().rmdir(path);
    libc().close(this.#fd);
  }

  /** Makes it changeable, unless somebody still writes to it. */
  async #open(): Promise<void> {
    const place = `/proc/self/fd/${this.#fd}`;
    const denial = OpenDenial.of(place);
    if (denial === null) return lift(this.#fd);
    try {
      const before = namesIn(place);
      lift(this.#fd);
      for (const end = performance.now() + WATCH; performance.now() < end;) {
        const [pid] = denial.deny();
        if (pid !== undefined) return await this.#shut(denial, before, pid);
        await delay(LOOK);
      }
    } finally {
      denial.close();
    }
  }

  /** Makes it immutable again, with nothing in it that somebody has begun meanwhile. */
  async #shut(denial: OpenDenial, before: ReadonlySet<string>, pid: number): Promise<void> {
    const place = `/proc/self/fd/${this.#fd}`;
    const flags = flagsOf(this.#fd);
    if (flags === null) return;
    this.#log(
      `${this.#path}: process ${pid} goes on writing to it: it stays immutable ` +
        "until it is mounted on again, or `aloelite unmount` is told of it",
    );
    do {
      setFlags(this.#fd, flags & ~FS_IMMUTABLE);
      for (const name of namesIn(place)) {
        if (!before.has(name)) removeEmpty(`${place}/${name}`);
      }
      setFlags(this.#fd, flags | FS_IMMUTABLE);
      // Whoever was about to open what he has made is told no before the others are let in.
      await delay(4 * LOOK);
    } while (denial.deny().length > 0);
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function namesIn(directory: string): Set<string> {
  return new Set(Deno.readDirSync(directory).map((entry) => entry.name));
}

/** Removes a file of no bytes, or an empty directory. */
function removeEmpty(path: string): void {
  try {
    const { isDirectory, isFile, size } = Deno.lstatSync(path);
    if (isDirectory || (isFile && size === 0)) Deno.removeSync(path);
  } catch {
    // It is gone, or something is in it.
  }
}

/**
 * Makes a directory removable that a killed mount has left immutable.
 *
 * @param path The directory, with nothing mounted on it.
 * @returns Whether it was one.
 */
export async function releaseLeft(path: string): Promise<boolean> {
  if (Deno.uid() !== 0) return false;
  const fd = await openDirectory(path);
  if (fd < 0) return false;
  const left = isLeft(fd);
  if (left) lift(fd);
  libc().close(fd);
  return left;
}

/**
 * Makes a directory that a guard has closed usable for a mount by its owner,
 * whom libfuse's helper lets mount only on what he can write to.
 */
export async function reopen(path: string): Promise<void> {
  const { uid, mode } = await Deno.stat(path);
  if (uid === Deno.uid() && uid !== 0 && (mode! & PERMISSIONS) === 0) await Deno.chmod(path, 0o700);
}

async function openDirectory(path: string): Promise<number> {
  return await libc().openAside(cString(path), O_DIRECTORY | O_CLOEXEC);
}

/** Only we make a directory immutable that nobody may use. */
function isLeft(fd: number): boolean {
  return ((flagsOf(fd) ?? 0) & FS_IMMUTABLE) !== 0 && modeOf(fd) === 0;
}

function lift(fd: number): void {
  const flags = flagsOf(fd);
  if (flags !== null) setFlags(fd, flags & ~FS_IMMUTABLE);
}

function modeOf(fd: number): number {
  return Deno.statSync(`/proc/self/fd/${fd}`).mode! & PERMISSIONS;
}

/** The directory's flags; null where its filesystem has none. */
function flagsOf(fd: number): number | null {
  const flags = new Int32Array(2);
  const result = libc().ioctl(fd, FS_IOC_GETFLAGS, new Uint8Array(flags.buffer));
  return result === 0 ? flags[0] : null;
}

function setFlags(fd: number, flags: number): boolean {
  const bytes = new Uint8Array(Int32Array.of(flags, 0).buffer);
  return libc().ioctl(fd, FS_IOC_SETFLAGS, bytes) === 0;
}
