import { cString, libc } from "./libfuse.ts";

/** How long a program's bytes may be in the kernel's cache alone, ms. */
const EVERY = 2000;

const O_DIRECTORY = Deno.build.arch === "aarch64" ? 0o40000 : 0o200000;
const O_CLOEXEC = 0o2000000;

/** The same number on all machines. */
const SYS_OPEN_TREE = 428n;
const AT_FDCWD = -100;
const OPEN_TREE_CLONE = 1;

const HERE = cString(".");

/** `struct statfs` begins with the type, and is at most this long. */
const STATFS_SIZE = 256;
const FUSE_SUPER_MAGIC = 0x65735546;

/**
 * Has the kernel hand over what programs wrote. With write-back it would keep
 * that for half a minute, and a crash of this process or of the machine would
 * take more than the last moments.
 */
export class PageFlusher {
  readonly #mountpoint: Uint8Array<ArrayBuffer>;
  readonly #timer: ReturnType<typeof setInterval>;
  #running = false;

  /** @param mountpoint Where it is mounted; requests are answered already. */
  constructor(mountpoint: string) {
    this.#mountpoint = cString(mountpoint);
    this.#timer = setInterval(() => this.#flush(), EVERY);
  }

  /** Ends it. A flush that is going on ends with the mount. */
  stop(): void {
    clearInterval(this.#timer);
  }

  async #flush(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    // All on other threads: it is this one that answers what they ask. The
    // descriptor is not kept: the mount would not end while it is open.
    const { fstatfsAside, syncfsAside, closeAside } = libc();
    const fd = await this.#open();
    if (fd >= 0) {
      const facts = new DataView(new ArrayBuffer(STATFS_SIZE));
      const bytes = new Uint8Array(facts.buffer);
      // Something else may have been mounted over it.
      const known = await fstatfsAside(fd, bytes) === 0 &&
        facts.getUint32(0, true) === FUSE_SUPER_MAGIC;
      if (known) await syncfsAside(fd);
      await closeAside(fd);
    }
    this.#running = false;
  }

  /**
   * The mount's top, by a mount of its own that is nowhere in the tree: a
   * descriptor of the one that people see would keep them from unmounting it.
   * A user may not make such a one, and has that instead.
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
    const fd = await openatAside(tree, HERE, flags);
    await closeAside(tree);
    return fd;
  }
}
