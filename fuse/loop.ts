import { setImmediate } from "node:timers";
import { AloeError } from "../src/errors.ts";
import { ERRNO } from "../src/vfs/errno.ts";
import type { Awaitable, Filesystem } from "../src/vfs/filesystem.ts";
import { blocksOf, Exchange, REPLY } from "./exchange.ts";
import { faultOf } from "./faults.ts";
import { AFTER_FLUSH, AFTER_SYNC, HANDLERS, NO_REPLY } from "./handlers.ts";
import { initialize } from "./init.ts";
import { address, errno, libc } from "./libfuse.ts";
import type { Notifier } from "./notify.ts";
import { IN_HEADER, OPCODE, WRITE_IN } from "./protocol.ts";

const POLLIN = 1;
const POLLERR = 8;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;

/** Results of reading a request. */
const NONE = 0;
const ENDED = -1;

/**
 * How long to poll for the next request before blocking, in ms. A sleeping CPU takes longer to wake
 * up than most requests take, in a virtual machine about 30 µs. The thread does not yield
 * meanwhile: on a busy machine it would wait for a time slice of another process.
 */
const SPIN = 0.05;
/** After this many empty spins, block in poll. */
const SPINS = 8;
/** When requests are at most this far apart, spin again, in ms. */
const SPIN_AGAIN = 0.1;
/** The maximum time between two turns of the event loop, in ms. */
const TURN_EVERY = 4;
/** The maximum blocking wait shortly after a request, in ms. */
const BLOCKING_WAIT = 2;
/** The idle time after which a longer wait is used, in ms. */
const BUSY_FOR = 5;
/** The maximum blocking wait after that, in ms. */
const PATIENT_WAIT = 10;
/** The idle time after which the event loop gets the thread and a request has to wake it, in ms. */
const IDLE_AFTER = 1000;
/** The maximum wait while the event loop has the thread, in ms. */
const LONGEST_WAIT = 200;
/** The number of requests between two reads of the clock. */
const CLOCK_EVERY = 32;
/** The maximum number of sync requests in one commit. */
const MAX_SYNCS = 64;
/**
 * The fields stored for each sync request: the two halves of its unique number, and its inode; 0
 * for all inodes.
 */
const SYNC_FIELDS = 3;
/** How long a commit waits for more sync requests, in ms. */
const SYNC_WAIT = 2;
/** The delay after a failed `tick`, in ms. */
const RETRY_TICK = 1000;

/** Options of a request loop. */
export interface LoopOptions {
  /** Awaited before an operation that may write to the file. */
  beforeCommit?: () => Awaitable<void>;
  /**
   * False disables the kernel's caches of names and attributes, to measure requests. Default true.
   */
  cached?: boolean;
}

/** The length of a WRITE request before its content, in bytes. */
const WRITE_HEADERS = IN_HEADER.SIZE + WRITE_IN.SIZE;

/** Counters of a request loop. */
export interface LoopStatistics {
  /** The number of requests by opcode. */
  requests: Float64Array;
  /** The bytes that the kernel has read. */
  bytesRead: number;
  /** The bytes that the kernel has written. */
  bytesWritten: number;
}

/**
 * Answers the requests of one mount, one at a time, until it is unmounted.
 *
 * While requests keep coming, the thread itself waits for them, because a switch to another thread
 * costs more than most requests. The event loop gets a turn every few milliseconds, and the whole
 * thread when no requests come.
 */
export class RequestLoop {
  /** Counters since the start. */
  readonly statistics: LoopStatistics = {
    requests: new Float64Array(64),
    bytesRead: 0,
    bytesWritten: 0,
  };
  /** Resolves after the handshake with the kernel; rejects when it fails. */
  readonly initialized: Promise<void>;
  readonly #agreed = Promise.withResolvers<void>();
  readonly #fd: number;
  readonly #fs: Filesystem;
  readonly #notifier: Notifier;
  readonly #log: (line: string) => void;
  readonly #beforeCommit: () => Awaitable<void>;
  readonly #x: Exchange;
  readonly #libc = libc();
  readonly #requestSize: bigint;
  /** The address and the length of the reply. */
  readonly #iovec: BigUint64Array<ArrayBuffer>;
  readonly #iovecBytes: Uint8Array<ArrayBuffer>;
  readonly #iovecWords: Uint32Array<ArrayBuffer>;
  readonly #pollfd: Int32Array<ArrayBuffer>;
  readonly #pollfdBytes: Uint8Array<ArrayBuffer>;
  /** The `pollfd` for the wait on another thread. */
  readonly #asideBytes: Uint8Array<ArrayBuffer>;
  #aside: Promise<unknown> | null = null;
  /** The number of empty spins left before the thread blocks. */
  #spins = SPINS;

  /** Sync requests waiting for a commit, with {@linkcode SYNC_FIELDS} numbers each. */
  #syncs: number[] = [];
  #syncsSince = 0;
  /** The number of requests whose file the kernel is flushing. */
  #flushing = 0;
  /** Requests whose file the kernel has flushed. */
  #flushed: Uint8Array<ArrayBuffer>[] = [];
  #onFlushed: (() => void) | null = null;
  #ended = false;

  /**
   * @param fd The mount's descriptor of `/dev/fuse`.
   * @param fs The filesystem that answers.
   * @param log Receives errors, one line each.
   */
  constructor(
    fd: number,
    fs: Filesystem,
    notifier: Notifier,
    log: (line: string) => void,
    options: LoopOptions = {},
  ) {
    this.#fd = fd;
    this.#fs = fs;
    this.#notifier = notifier;
    this.#log = log;
    this.#x = new Exchange(options.cached ?? true);
    this.#beforeCommit = options.beforeCommit ?? (() => {});
    this.#requestSize = BigInt(this.#x.request.length);
    this.#iovec = new BigUint64Array([address(this.#x.reply), 0n]);
    this.#iovecBytes = new Uint8Array(this.#iovec.buffer);
    this.#iovecWords = new Uint32Array(this.#iovec.buffer);
    this.#pollfd = new Int32Array([fd, POLLIN]);
    this.#pollfdBytes = new Uint8Array(this.#pollfd.buffer);
    this.#asideBytes = new Uint8Array(this.#pollfd.slice().buffer);
    this.initialized = this.#agreed.promise;
  }

  /**
   * Runs until the filesystem is unmounted.
   *
   * @throws {AloeError} `unsupported` when the handshake with the kernel fails.
   */
  async run(): Promise<void> {
    this.#libc.fcntl(this.#fd, F_SETFL, O_NONBLOCK);
    let now = performance.now();
    let lastTurn = now;
    let lastRequest = now - IDLE_AFTER;
    let tickAt = now;
    while (!this.#ended) {
      let served = 0;
      while (served < CLOCK_EVERY) {
        const length = this.#next();
        if (length === NONE) break;
        if (length === ENDED) {
          this.#ended = true;
          break;
        }
        this.#x.length = length;
        const pending = this.#serve();
        if (pending !== null) await pending;
        served++;
      }
      now = performance.now();
      if (served > 0) {
        if (this.#spins === 0 && now - lastRequest < SPIN_AGAIN * served) this.#spins = 1;
        lastRequest = now;
      }

      while (this.#flushed.length > 0) await this.#serveFlushed(this.#flushed.shift()!);
      if (
        this.#syncs.length > 0 &&
        (served < CLOCK_EVERY || this.#syncs.length >= SYNC_FIELDS * MAX_SYNCS ||
          now - this.#syncsSince > SYNC_WAIT)
      ) {
        await this.#sync();
        continue;
      }
      if (now >= tickAt) tickAt = await this.#tick();
      if (now - lastTurn >= TURN_EVERY || this.#notifier.busy) {
        await new Promise<void>((resolve) => setImmediate(resolve));
        lastTurn = performance.now();
      }
      if (served === CLOCK_EVERY) continue;

      const idle = now - lastRequest;
      const untilTick = tickAt - now;
      if (untilTick <= 0) continue;
      if (idle < IDLE_AFTER && !this.#notifier.busy) {
        const wait = idle < BUSY_FOR ? BLOCKING_WAIT : PATIENT_WAIT;
        this.#poll(Math.min(wait, Math.ceil(untilTick)));
      } else {
        await this.#waitAside(Math.min(untilTick, LONGEST_WAIT));
        lastTurn = performance.now();
      }
    }
    await this.#notifier.stop();
    await this.#aside;
    this.#agreed.resolve();
    await this.initialized;
  }

  /** Reads the next request and returns its length; spins for a short time. */
  #next(): number {
    const length = this.#receive();
    // Do not delay a waiting commit by spinning.
    if (length !== NONE || this.#spins === 0 || this.#syncs.length > 0) return length;
    const until = performance.now() + SPIN;
    do {
      const length = this.#receive();
      if (length !== NONE) {
        this.#spins = SPINS;
        return length;
      }
    } while (performance.now() < until);
    this.#spins--;
    return NONE;
  }

  /** Reads the next request and returns its length, without waiting. */
  #receive(): number {
    const length = this.#libc.read(this.#fd, this.#x.request, this.#requestSize);
    if (length > 0) return length;
    const code = errno();
    if (code === ERRNO.EAGAIN || code === ERRNO.EINTR || code === ERRNO.ENOENT) return NONE;
    // POLLERR is set only when the mount has ended, whatever the error.
    return (this.#poll(0) & POLLERR) !== 0 ? ENDED : NONE;
  }

  #poll(ms: number): number {
    this.#pollfd[1] = POLLIN;
    return this.#libc.poll(this.#pollfdBytes, 1n, ms) > 0 ? this.#pollfd[1] >>> 16 : 0;
  }

  /** Waits for the next request, or a flushed file, while the event loop runs. */
  async #waitAside(ms: number): Promise<void> {
    this.#aside ??= this.#libc.pollAside(this.#asideBytes, 1n, Math.ceil(ms))
      .finally(() => this.#aside = null);
    if (this.#flushing === 0) {
      await this.#aside;
      return;
    }
    const flushed = new Promise<void>((resolve) => this.#onFlushed = resolve);
    await Promise.race([this.#aside, flushed]);
  }

  /**
   * Answers the request in the buffer. @returns A promise to await; null when the request is done.
   */
  #serve(): Promise<void> | null {
    const x = this.#x;
    const { opcode } = x;
    if (opcode < 64) this.statistics.requests[opcode]++;
    if (opcode === OPCODE.INIT) {
      this.#initialize();
      return null;
    }
    x.changed = 0;
    const handler = HANDLERS[opcode];
    if (handler === undefined) {
      this.#reply(0, ERRNO.ENOSYS);
      return null;
    }
    try {
      const result = handler(x, this.#fs);
      if (typeof result === "number") {
        this.#finish(opcode, result);
        return null;
      }
      return result.then(
        (length) => this.#finish(opcode, length),
        (error) => this.#fail(opcode, error),
      );
    } catch (error) {
      this.#fail(opcode, error);
      return null;
    }
  }

  #finish(opcode: number, length: number): void {
    if (length >= 0) {
      if (opcode === OPCODE.READ) this.statistics.bytesRead += length;
      else if (opcode === OPCODE.WRITE) {
        this.statistics.bytesWritten += this.#x.length - WRITE_HEADERS;
      }
      this.#reply(length, 0);
      if (opcode === OPCODE.DESTROY) this.#ended = true;
    } else if (length === AFTER_SYNC) {
      if (this.#syncs.length === 0) this.#syncsSince = performance.now();
      // A sync of the filesystem concerns every inode.
      const nodeId = opcode === OPCODE.SYNCFS ? 0 : this.#x.nodeId;
      this.#syncs.push(this.#x.uniqueLow, this.#x.uniqueHigh, nodeId);
    } else if (length === AFTER_FLUSH) {
      this.#flush();
    } else if (length !== NO_REPLY) {
      this.#reply(0, -length);
    }
  }

  #fail(opcode: number, error: unknown): void {
    const { errno, message } = faultOf(error);
    if (message !== null) this.#log(`${nameOf(opcode)}: ${message}`);
    if (opcode !== OPCODE.FORGET && opcode !== OPCODE.BATCH_FORGET) this.#reply(0, errno);
  }

  #reply(length: number, error: number): void {
    if (this.#x.changed !== 0) this.#notifier.attributes(this.#x.changed);
    this.#answer(length, error, this.#x.uniqueLow, this.#x.uniqueHigh);
  }

  #answer(length: number, error: number, uniqueLow: number, uniqueHigh: number): void {
    const size = REPLY + length;
    this.#x.head(size, error, uniqueLow, uniqueHigh);
    this.#iovecWords[2] = size;
    if (this.#libc.writev(this.#fd, this.#iovecBytes, 1) >= 0) return;
    const code = errno();
    // The request was interrupted, or the mount has ended.
    if (code === ERRNO.ENOENT || code === ERRNO.ENODEV) return;
    this.#log(`${nameOf(this.#x.opcode)}: the kernel refused the reply (errno ${code})`);
    if (error === 0) this.#answer(0, ERRNO.EIO, uniqueLow, uniqueHigh);
  }

  #initialize(): void {
    const { length, problem } = initialize(this.#x);
    this.#reply(length, problem === null ? 0 : ERRNO.EIO);
    if (problem === null) {
      this.#agreed.resolve();
    } else {
      this.#ended = true;
      this.#agreed.reject(new AloeError("unsupported", problem));
    }
  }

  /** Answers all waiting sync requests after one commit. */
  async #sync(): Promise<void> {
    const waiting = this.#syncs;
    this.#syncs = [];
    let code = 0;
    try {
      await this.#beforeCommit();
      await this.#fs.sync();
    } catch (error) {
      const { errno, message } = faultOf(error);
      this.#log(`FSYNC: ${message ?? error}`);
      code = errno;
    }
    for (let i = 0; i < waiting.length; i += SYNC_FIELDS) {
      const [uniqueLow, uniqueHigh, nodeId] = waiting.slice(i, i + SYNC_FIELDS);
      if (nodeId !== 0) this.#tellBlocks(nodeId);
      this.#answer(0, code || (this.#isUnsynced(nodeId) ? ERRNO.EIO : 0), uniqueLow, uniqueHigh);
    }
  }

  /**
   * Notifies the kernel of a file's blocks: it requests them when the file is closed, not when it
   * is synced.
   */
  #tellBlocks(nodeId: number): void {
    try {
      const inode = this.#fs.inode(nodeId);
      if (inode.reportedBlocks !== blocksOf(inode)) this.#notifier.attributes(nodeId);
    } catch {
      // The kernel has forgotten the inode.
    }
  }

  #isUnsynced(nodeId: number): boolean {
    try {
      return this.#fs.isUnsynced(nodeId);
    } catch {
      // The kernel has forgotten the inode.
      return false;
    }
  }

  /** Queues the request in the buffer until the kernel has flushed its file. */
  #flush(): void {
    const request = this.#x.request.slice(0, this.#x.length);
    this.#flushing++;
    this.#notifier.flush(this.#fs.inode(this.#x.nodeId)).then(() => {
      this.#flushing--;
      this.#flushed.push(request);
      this.#onFlushed?.();
    });
  }

  async #serveFlushed(request: Uint8Array): Promise<void> {
    const x = this.#x;
    x.request.set(request);
    x.length = request.length;
    x.flushed = true;
    this.statistics.requests[x.opcode]--;
    await this.#serve();
    x.flushed = false;
  }

  /** Writes back changes that are due. @returns The delay until the next call, in ms. */
  async #tick(): Promise<number> {
    let delay = RETRY_TICK;
    try {
      await this.#beforeCommit();
      delay = await this.#fs.tick();
    } catch (error) {
      this.#log(`writing back: ${faultOf(error).message ?? error}`);
    }
    return performance.now() + Math.min(delay, LONGEST_WAIT);
  }
}

function nameOf(opcode: number): string {
  const found = Object.entries(OPCODE).find(([, each]) => each === opcode);
  return found?.[0] ?? `opcode ${opcode}`;
}
