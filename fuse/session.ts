import { AloeError } from "../src/errors.ts";
import { address, cString, libc, type Libfuse, libfuse } from "./libfuse.ts";

const F_SETFD = 2;
const FD_CLOEXEC = 1;
/** Layout of `struct fuse_args`: argc, argv, whether argv was allocated by libfuse. */
const ARGS = { size: 24, argc: 0, argv: 8 } as const;
/** An empty table of operations, because libfuse never handles requests here. */
const NO_OPERATIONS = new Uint8Array(64);

/** A mount created by libfuse. */
export class Session {
  /** The descriptor of `/dev/fuse` that requests are read from. */
  readonly fd: number;
  readonly #fuse: Libfuse;
  readonly #session: Deno.PointerValue;

  /**
   * Mounts.
   *
   * @param mountpoint An existing directory.
   * @param options Mount options, as after `-o`.
   * @throws {AloeError} `unsupported` without libfuse3; `io_error` when it fails, after it has
   *   written the reason to standard error.
   */
  constructor(mountpoint: string, options: readonly string[]) {
    this.#fuse = libfuse();
    const words = ["aloelite", "-o", options.join(",")].map(cString);
    const argv = new BigUint64Array([...words.map(address), 0n]);
    const argvBytes = new Uint8Array(argv.buffer);
    const args = new Uint8Array(ARGS.size);
    const view = new DataView(args.buffer);
    view.setInt32(ARGS.argc, words.length, true);
    view.setBigUint64(ARGS.argv, address(argvBytes), true);
    this.#session = this.#fuse.fuse_session_new(
      args,
      NO_OPERATIONS,
      BigInt(NO_OPERATIONS.length),
      null,
    );
    if (this.#session === null) {
      throw new AloeError("invalid", `libfuse3 refuses the options ${options.join(",")}`);
    }
    if (this.#fuse.fuse_session_mount(this.#session, cString(mountpoint)) !== 0) {
      this.#fuse.fuse_session_destroy(this.#session);
      throw new AloeError("io_error", `${mountpoint}: cannot be mounted by libfuse3`);
    }
    this.fd = this.#fuse.fuse_session_fd(this.#session);
    libc().fcntl(this.fd, F_SETFD, FD_CLOEXEC);
  }

  /** Unmounts, if that has not been done, and closes the descriptor. */
  close(): void {
    this.#fuse.fuse_session_unmount(this.#session);
    this.#fuse.fuse_session_destroy(this.#session);
  }
}
