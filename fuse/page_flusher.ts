import { cString, libc } from "./libfuse.ts";

/** How long written data may stay only in the kernel's cache, in ms. */
const EVERY = 2000;

const O_DIRECTORY = Deno.build.arch === "aarch64" ? 0o40000 : 0o200000;
const O_CLOEXEC = 0o2000000;

/** The system call's number, equal on all architectures. */
const SYS_OPEN_TREE = 428n;
const AT_FDCWD = -100;
const OPEN_TREE_CLONE = 1;

const CURRENT = cString(".");

/** The maximum size of `struct statfs`, which begins with the type. */
const STATFS_SIZE = 256;
const FUSE_SUPER_MAGIC = 0x65735546;

/**
 * Makes the kernel flush cached writes. With write-back it would keep them for half a minute, and a
 * crash of this process or the machine would lose all of them.
 */
export class PageFlusher {
  readonly #mountpoint: Uint8Array<ArrayBuffer>;
  readonly #timer: ReturnType<typeof setInterval>;
  #running = false;

  /**
   * @param mountpoint The mount point of a mount that already answers requests.
   */
  constructor(mountpoint: string) {
    this.#mountpoint = cString(mountpoint);
    this.#timer = setInterval(() => this.#flush(), EVERY);
  }

  /** Stops the timer. A running flush ends with the mount. */
  stop(): void {
    clearInterval(this.#timer);
  }

  async #flush(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    // All calls run on other threads, because this one answers the requests that they cause. The
    // descriptor is closed again, because an open one would keep the mount busy.
    const { fstatfsAside, syncfsAside, closeAside } = libc();
    const fd = await this.#open();
    if (fd >= 0) {
      const facts = new DataView(new ArrayBuffer(STATFS_SIZE));
      const bytes = new Uint8Array(facts.buffer);
      // Another filesystem may have been mounted over it.
      const known = await fstatfsAside(fd, bytes) === 0 &&
        facts.getUint32(0, true) === FUSE_SUPER_MAGIC;
      if (known) await syncfsAside(fd);
      await closeAside(fd);
    }
    this.#running = false;
  }

  /**
   * Opens the mount's root through a detached clone of the mount, because a descriptor of the
   * visible mount would keep it busy. A user without the privilege to clone mounts gets a
   * descriptor of the visible mount.
   */
  async #open(): Promise<number> {
    const { openAside, openatAside, openTreeAside, closeAside } = libc();
    const flags = O_DIRECTORY | O_CLOEXEC;
    const tree = await openTreeAside(
      SYS_OPEN_TREE,
      AT_FDCWD,
      this.#mountpoint,
      OPEN_TREE_CLONE | O_CLOEXEC,
    );
    if (tree < 0) return await openAside(this.#mountpoint, flags);
    const fd = await openatAside(tree, CURRENT, flags);
    await closeAside(tree);
    return fd;
  }
}
