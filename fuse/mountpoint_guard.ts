import { cString, libc } from "./libfuse.ts";
import { OpenDenial } from "./open_denial.ts";

const O_DIRECTORY = Deno.build.arch === "aarch64" ? 0o40000 : 0o200000;
const O_CLOEXEC = 0o2000000;

const FS_IOC_GETFLAGS = 0x80086601n;
const FS_IOC_SETFLAGS = 0x40086602n;
const FS_IMMUTABLE = 0x10;

const PERMISSIONS = 0o7777;

/** How long a directory always stays immutable after its mount has ended, in ms. */
const LINGER = 250;

/** How long writers are then watched for, and the interval between checks, in ms. */
const WATCH_TIME = 500;
const CHECK_EVERY = 5;

/**
 * Prevents a program that still writes after an encrypted volume's mount has ended from leaving
 * plaintext in the underlying directory. From the mount on, also after it, the directory has mode
 * 0. Mode 0 does not stop root's programs, so the directory is immutable too. An empty directory of
 * mode 0 can be removed, an immutable one cannot; so the immutable flag is cleared again once no
 * writer is found. When a writer is found, its opens are denied and the directory stays immutable.
 */
export class MountpointGuard {
  readonly #path: string;
  readonly #fd: number;
  readonly #remove: boolean;
  readonly #log: (line: string) => void;
  #mode: number | null = null;
  #immutable = false;
  /** Whether this guard has set the immutable flag. */
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
   * @param remove Whether to remove the directory after the mount has ended.
   * @param log Receives the reason why the directory stays immutable.
   */
  static async open(
    path: string,
    remove: boolean,
    log: (line: string) => void,
  ): Promise<MountpointGuard> {
    return new MountpointGuard(path, await openDirectory(path), remove, log);
  }

  /**
   * Closes the directory. Called when it is mounted, or before by a user who may mount on a
   * directory without write permission. Idempotent.
   */
  set(): void {
    if (this.#fd < 0 || this.#mode !== null) return;
    this.#mode = modeOf(this.#fd);
    // Keep a flag that the administrator has set. The flag of a killed mount is recognized and
    // reused.
    this.#immutable = isLeft(this.#fd);
    if (this.#immutable || libc().fchmod(this.#fd, 0) !== 0) return;
    const flags = flagsOf(this.#fd);
    if (flags === null || (flags & FS_IMMUTABLE) !== 0) return;
    this.#immutable = this.#closed = setFlags(this.#fd, flags | FS_IMMUTABLE);
  }

  /** Restores the directory. Called when nothing was mounted. */
  close(): void {
    if (this.#fd < 0) return;
    if (this.#closed) lift(this.#fd);
    if (this.#mode !== null && this.#mode !== 0) libc().fchmod(this.#fd, this.#mode);
    libc().close(this.#fd);
  }

  /**
   * Releases the directory. Called when the mount has ended or was detached. Idempotent.
   *
   * @returns Resolves when the directory can be removed.
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
    // Remove immediately, so that no program can write in between. It fails when the directory
    // holds an entry or another mount, which must stay.
    if (this.#remove) libc().rmdir(path);
    libc().close(this.#fd);
  }

  /** Clears the immutable flag, unless a program still writes to the directory. */
  async #open(): Promise<void> {
    const place = `/proc/self/fd/${this.#fd}`;
    const denial = OpenDenial.of(place);
    if (denial === null) return lift(this.#fd);
    try {
      const before = namesIn(place);
      lift(this.#fd);
      for (const end = performance.now() + WATCH_TIME; performance.now() < end;) {
        const [pid] = denial.deny();
        if (pid !== undefined) return await this.#shut(denial, before, pid);
        await delay(CHECK_EVERY);
      }
    } finally {
      denial.close();
    }
  }

  /** Sets the immutable flag again and removes empty entries created meanwhile. */
  async #shut(denial: OpenDenial, before: ReadonlySet<string>, pid: number): Promise<void> {
    const place = `/proc/self/fd/${this.#fd}`;
    const flags = flagsOf(this.#fd);
    if (flags === null) return;
    this.#log(
      `${this.#path}: process ${pid} still writes to it; it stays immutable ` +
        "until the next mount on it, or `aloelite unmount`",
    );
    do {
      setFlags(this.#fd, flags & ~FS_IMMUTABLE);
      for (const name of namesIn(place)) {
        if (!before.has(name)) removeEmpty(`${place}/${name}`);
      }
      setFlags(this.#fd, flags | FS_IMMUTABLE);
      // Deny pending opens of the new entries before further opens are allowed.
      await delay(4 * CHECK_EVERY);
    } while (denial.deny().length > 0);
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function namesIn(directory: string): Set<string> {
  return new Set(Deno.readDirSync(directory).map((entry) => entry.name));
}

/** Removes an empty file or an empty directory. */
function removeEmpty(path: string): void {
  try {
    const { isDirectory, isFile, size } = Deno.lstatSync(path);
    if (isDirectory || (isFile && size === 0)) Deno.removeSync(path);
  } catch {
    // The entry is gone or not empty.
  }
}

/**
 * Clears the immutable flag that a killed mount has left on a directory.
 *
 * @param path The directory, with nothing mounted on it.
 * @returns Whether the flag was set.
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
 * Makes a directory that a guard has closed usable for its owner's next mount: libfuse's helper
 * lets a user mount only on a writable directory.
 */
export async function reopen(path: string): Promise<void> {
  const { uid, mode } = await Deno.stat(path);
  if (uid === Deno.uid() && uid !== 0 && (mode! & PERMISSIONS) === 0) await Deno.chmod(path, 0o700);
}

async function openDirectory(path: string): Promise<number> {
  return await libc().openAside(cString(path), O_DIRECTORY | O_CLOEXEC);
}

/** Only a guard sets both mode 0 and the immutable flag. */
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

/** Returns the directory's flags; null when its filesystem has none. */
function flagsOf(fd: number): number | null {
  const flags = new Int32Array(2);
  const result = libc().ioctl(fd, FS_IOC_GETFLAGS, new Uint8Array(flags.buffer));
  return result === 0 ? flags[0] : null;
}

function setFlags(fd: number, flags: number): boolean {
  const bytes = new Uint8Array(Int32Array.of(flags, 0).buffer);
  return libc().ioctl(fd, FS_IOC_SETFLAGS, bytes) === 0;
}
