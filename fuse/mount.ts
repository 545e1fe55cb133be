import { AloeError } from "../src/errors.ts";
import type { Pin } from "../src/types.ts";
import { EndWatch } from "./end_watch.ts";
import { libc } from "./libfuse.ts";
import {
  type AskMessage,
  type ErrorMessage,
  errorOf,
  type MountStatistics,
  type StartMessage,
  type WorkerMessage,
} from "./messages.ts";
import { mountedOn, type MountEntry, TYPE } from "./mounts.ts";
import { OutcomeKeeper } from "./outcome.ts";
import { MountpointGuard } from "./mountpoint_guard.ts";
import { checkEmpty, mountWords, preflight } from "./preflight.ts";
import { lateWords, setLateWords } from "./remount.ts";
import { detach, type UnmountOptions } from "./unmount.ts";

/** The kernel's read-ahead, in KiB: the maximum size of one request. */
const READ_AHEAD = 1024;

/** Options for mounting a volume. */
export interface MountVolumeOptions {
  /** The aloelite file. */
  file: string;
  /** The volume, by name or id. Default: the only one. */
  volume?: string;
  /** An existing directory. */
  mountpoint: string;
  /** The PIN of an encrypted volume. */
  pin?: Pin;
  /** Refuses every change. Default false. */
  readOnly?: boolean;
  /** Shows the volume as of this time, in ns since 1970, read-only. */
  at?: bigint;
  /**
   * What to keep of overwritten and removed content: nothing (`none`, the default), every version
   * (`all`), or a number of versions of each file.
   */
  history?: "none" | "all" | number;
  /** The size of the read cache, in bytes. Default 64 MiB. */
  cacheBytes?: number;
  /** The maximum size of unwritten changes, in bytes. Default 16 MiB. */
  dirtyBytes?: number;
  /** Lets other users in, subject to permissions. Default false. */
  allowOther?: boolean;
  /** The owner of nodes without one. Default: the user of this process. */
  uid?: number;
  /** The group of nodes without one. Default: that of this process. */
  gid?: number;
  /** Allows a directory that is not empty; its entries are hidden. Default false. */
  nonEmpty?: boolean;
  /** Removes the directory when the mount of an encrypted volume has ended. Default false. */
  removeMountpoint?: boolean;
  /** Further mount options, as after `-o`: `noatime`, `nodev`, … */
  options?: string[];
  /** Receives errors of the mount, one line each. Default: standard error. */
  log?: (line: string) => void;
}

/** A volume that this process has mounted as a directory. */
export interface FuseMount extends AsyncDisposable {
  /** The directory's path, without links. */
  readonly mountpoint: string;
  /**
   * Resolves when the volume is unmounted, by anyone, and the file is written and closed; rejects
   * when something could not be written.
   */
  readonly closed: Promise<void>;
  /**
   * Unmounts. Resolves together with `closed`, or immediately if `lazy`. From the first call on,
   * the mount ends even if its thread hangs; changes that were not written back are then lost
   * (`io_error`).
   *
   * @throws {AloeError} `busy` while files of the mount are open.
   */
  unmount(options?: UnmountOptions): Promise<void>;
  /** Returns the mount's counters and memory use. */
  stats(): Promise<MountStatistics>;
}

/**
 * Mounts a volume as a directory. A separate thread answers the kernel; it ends with the mount.
 *
 * @returns The mount, once the directory can be used.
 * @throws {AloeError} `unsupported` when libfuse3, `/dev/fuse` or a permission is missing;
 *   `invalid` when the mount point is not a directory; `not_empty`; and the errors of
 *   `AloeLite.open` and `AloeLite.mount`.
 */
export async function mountVolume(options: MountVolumeOptions): Promise<FuseMount> {
  const { allowOther = false, at } = options;
  const nonEmpty = options.nonEmpty === true || options.options?.includes("nonempty") === true;
  const mountpoint = await preflight(options.mountpoint, { allowOther, nonEmpty });
  const file = await fullPath(options.file);
  const readOnly = options.readOnly === true || at !== undefined;
  const lateOptions = lateWords(options.options ?? []);
  const log = options.log ?? ((line) => console.error(line));
  // Only an encrypted volume needs a guard; the content of a plain volume's file is not secret.
  const guard = options.pin === undefined
    ? null
    : await MountpointGuard.open(mountpoint, options.removeMountpoint ?? false, log);
  if (guard !== null && Deno.uid() === 0) {
    // Set it now, so that nothing is written to the directory before the mount. Another user than
    // root could not mount on it then.
    guard.set();
    try {
      if (!nonEmpty) await checkEmpty(mountpoint);
    } catch (error) {
      guard.close();
      throw error;
    }
  }
  const mount = new WorkerMount(mountpoint, log, {
    type: "start",
    file,
    mountpoint,
    readOnly,
    uid: options.uid ?? Deno.uid() ?? 0,
    gid: options.gid ?? Deno.gid() ?? 0,
    options: mountWords({ file, readOnly, allowOther, options: options.options ?? [] }),
    ...(options.volume === undefined ? {} : { volume: options.volume }),
    ...(options.pin === undefined ? {} : { pin: bytesOf(options.pin) }),
    ...(at === undefined ? {} : { at }),
    ...(options.history === undefined ? {} : { history: options.history }),
    ...(options.cacheBytes === undefined ? {} : { cacheBytes: options.cacheBytes }),
    ...(options.dirtyBytes === undefined ? {} : { dirtyBytes: options.dirtyBytes }),
  });
  await mount.ready.catch((error) => {
    guard?.close();
    throw error;
  });
  if (guard !== null) mount.keepGuard(guard);
  try {
    await setLateWords(mountpoint, lateOptions);
  } catch (error) {
    await mount.unmount({ lazy: true });
    throw error;
  }
  const entry = await mountedOn(mountpoint);
  mount.keepOutcome(entry, readOnly);
  await readAhead(entry);
  return mount;
}

/** The main thread's side of a mount. */
class WorkerMount implements FuseMount {
  readonly mountpoint: string;
  readonly closed: Promise<void>;
  /** Resolves when the mount answers; rejects when it never will. */
  readonly ready: Promise<void>;
  readonly #ready = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  readonly #worker: Worker;
  readonly #log: (line: string) => void;
  readonly #asked = new Map<number, PromiseWithResolvers<MountStatistics>>();
  #asks = 0;
  /** The mount's descriptor of `/dev/fuse`. */
  #fd: number | null = null;
  #isReady = false;
  #outcome: OutcomeKeeper | null = null;
  #guard: MountpointGuard | null = null;
  #thread = "";
  #watch: EndWatch | null = null;

  constructor(mountpoint: string, log: (line: string) => void, start: StartMessage) {
    this.mountpoint = mountpoint;
    this.#log = log;
    this.ready = this.#ready.promise;
    this.closed = this.#closed.promise;
    // `unmount` and the log report the errors of unused promises.
    this.ready.catch(() => {});
    this.closed.catch(() => {});
    this.#worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }) => this.#take(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#abandon(event.message);
    };
    // Transfer the PIN; a copy would stay in the memory of serialized messages.
    const given = start.pin === undefined ? [] : [start.pin.buffer];
    this.#worker.postMessage(start, given);
  }

  /** Publishes how the mount ends to other processes that unmount it. */
  keepOutcome(entry: MountEntry | null, readOnly: boolean): void {
    if (entry?.type !== TYPE || this.#fd === null) return;
    this.#outcome = new OutcomeKeeper(entry.device, readOnly);
  }

  /** Blocks writes to the underlying directory until the mount has ended. */
  keepGuard(guard: MountpointGuard): void {
    guard.set();
    if (this.#fd === null) void guard.release();
    else this.#guard = guard;
  }

  async unmount(options: UnmountOptions = {}): Promise<void> {
    const { lazy = false } = options;
    this.#watchEnd();
    const existing = await mountedOn(this.mountpoint);
    if (existing?.type === TYPE && this.#fd !== null) {
      await detach(this.mountpoint, lazy);
      // The remaining users do not need the underlying directory, and may stay for a long time.
      if (lazy) await this.#guard?.release();
    }
    if (!lazy) await this.closed;
  }

  stats(): Promise<MountStatistics> {
    if (this.#fd === null) {
      return Promise.reject(new AloeError("invalid", `${this.mountpoint}: is unmounted`));
    }
    const asked = Promise.withResolvers<MountStatistics>();
    const id = ++this.#asks;
    this.#asked.set(id, asked);
    this.#ask({ type: "stats", id });
    return asked.promise;
  }

  #ask(message: AskMessage): void {
    this.#worker.postMessage(message);
  }

  /** Starts the watch, which ends the mount even if its thread hangs. */
  #watchEnd(): void {
    if (this.#fd === null) return;
    this.#watch ??= new EndWatch(
      this.#thread,
      () => this.#ask({ type: "ping" }),
      () => this.#abandon("it does not answer; what was not written back is lost"),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unmount();
  }

  #take(message: WorkerMessage): void {
    switch (message.type) {
      case "mounted":
        this.#fd = message.fd;
        this.#thread = message.thread;
        break;
      case "ready":
        this.#isReady = true;
        this.#ready.resolve();
        break;
      case "log":
        this.#log(message.line);
        break;
      case "stats":
        this.#asked.get(message.id)?.resolve(message.statistics);
        this.#asked.delete(message.id);
        break;
      case "pong":
        this.#watch?.onAnswer();
        break;
      case "closed":
        this.#end(message.error);
    }
  }

  /** Ends the mount after its thread has died; unwritten changes are lost. */
  #abandon(message: string): void {
    const fd = this.#fd;
    this.#fd = null;
    this.#worker.terminate();
    const end = () =>
      this.#end({
        code: "io_error",
        message: `${this.mountpoint}: the mount failed: ${message}`,
      });
    if (fd === null) return end();
    // Without the descriptor, every request fails instead of waiting.
    libc().close(fd);
    detach(this.mountpoint, true).catch((fault) => this.#log(String(fault))).finally(end);
  }

  #end(message: ErrorMessage | null): void {
    this.#fd = null;
    this.#watch?.stop();
    if (this.#guard === null) return this.#finish(message);
    this.#guard.release().finally(() => this.#finish(message));
    this.#guard = null;
  }

  #finish(message: ErrorMessage | null): void {
    this.#outcome?.close(message);
    this.#outcome = null;
    const error = message === null ? null : errorOf(message);
    const reason = error ?? new AloeError("invalid", `${this.mountpoint}: is unmounted`);
    for (const asked of this.#asked.values()) asked.reject(reason);
    this.#asked.clear();
    if (!this.#isReady) this.#ready.reject(reason);
    if (error === null) this.#closed.resolve();
    else this.#closed.reject(error);
  }
}

/** Returns a PIN's bytes in a buffer that can be transferred. */
function bytesOf(pin: Pin): Uint8Array<ArrayBuffer> {
  if (typeof pin !== "string") return Uint8Array.from(pin);
  if (!pin.isWellFormed()) throw new AloeError("invalid", "the PIN is not well-formed text");
  return new TextEncoder().encode(pin);
}

async function fullPath(file: string): Promise<string> {
  try {
    return await Deno.realPath(file);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new AloeError("not_found", `${file}: no such file`, { cause: error });
  }
}

/** Sets a larger read-ahead for sequential readers. Only root may do this. */
async function readAhead(entry: MountEntry | null): Promise<void> {
  if (entry === null || Deno.uid() !== 0) return;
  const setting = `/sys/class/bdi/${entry.device}/read_ahead_kb`;
  await Deno.writeTextFile(setting, `${READ_AHEAD}`, { create: false }).catch(() => {});
}
