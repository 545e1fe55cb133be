import { cString, libc } from "./libfuse.ts";

const O_DIRECTORY = Deno.build.arch === "aarch64" ? 0o40000 : 0o200000;
const O_CLOEXEC = 0o2000000;

const FS_IOC_GETFLAGS = 0x80086601n;
const FS_IOC_SETFLAGS = 0x40086602n;
const FS_IMMUTABLE = 0x10;

const PERMISSIONS = 0o7777;

/** How long a directory stays immutable when its mount has ended, ms. */
const LINGER = 500;

/**
 * Keeps a program that still writes when an encrypted volume's mount has ended
 * from leaving plaintext in the directory below. Nobody may use that from the
 * mount on (mode 0), not after it either; root's programs, which that does not
 * stop, find it immutable until the mount has ended. An empty directory of mode
 * 0 can be removed, an immutable one could not.
 */
export class MountpointGuard {
  readonly #path: string;
  readonly #fd: number;
  readonly #remove: boolean;
  #immutable = false;
  #released: Promise<void> | null = null;

  private constructor(path: string, fd: number, remove: boolean) {
    this.#path = path;
    this.#fd = fd;
    this.#remove = remove;
  }

  /**
   * @param path The directory, before anything is mounted on it.
   * @param remove Whether it is to be removed when the mount has ended.
   */
  static async open(path: string, remove: boolean): Promise<MountpointGuard> {
    return new MountpointGuard(path, await openDirectory(path), remove);
  }

  /** Called when it is mounted: the directory below is out of everybody's sight. */
  set(): void {
    if (this.#fd < 0) return;
    // A flag that the administrator has set stays. One of ours can be left of a killed mount.
    this.#immutable = isLeft(this.#fd);
    if (this.#immutable || libc().fchmod(this.#fd, 0) !== 0) return;
    const flags = flagsOf(this.#fd);
    if (flags === null || (flags & FS_IMMUTABLE) !== 0) return;
    this.#immutable = setFlags(this.#fd, flags | FS_IMMUTABLE);
  }

  /** Called when nothing was mounted. */
  close(): void {
    if (this.#fd >= 0) libc().close(this.#fd);
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
      await new Promise((resolve) => setTimeout(resolve, LINGER));
      lift(this.#fd);
    }
    // At once: nobody is to have time to write to it in between. It fails when
    // something is in it, or mounted on it, that is not ours to remove.
    if (this.#remove) libc().rmdir(path);
    this.close();
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
