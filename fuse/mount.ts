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

/** What the kernel reads ahead, KiB: as much as one request may bring. */
const READ_AHEAD = 1024;

/** What is mounted, and how. */
export interface MountVolumeOptions {
  /** The aloelite file. */
  file: string;
  /** Its volume, by name or id; without either, the only one. */
  volume?: string;
  /** An existing directory. */
  mountpoint: string;
  /** The PIN of an encrypted volume. */
  pin?: Pin;
  /** Refuses every change. Default false. */
  readOnly?: boolean;
  /** Shows the volume as it was at this time, ns since 1970, for reading only. */
  at?: bigint;
  /**
   * What is kept of what is overwritten and removed: nothing (`none`, the
   * default), every version (`all`), or so many versions of each file.
   */
  history?: "none" | "all" | number;
  /** Memory for content that was read, bytes. Default 64 MiB. */
  cacheBytes?: number;
  /** Content that may wait to be written back, bytes. Default 16 MiB. */
  dirtyBytes?: number;
  /** Lets other users in, whom permissions then decide about. Default false. */
  allowOther?: boolean;
  /** Whom nodes without an owner belong to. Default the user of this process. */
  uid?: number;
  /** Their group. Default that of this process. */
  gid?: number;
  /** Mounts over a directory that is not empty, and hides what is in it. Default false. */
  nonEmpty?: boolean;
  /** Removes the directory when the mount of an encrypted volume has ended. Default false. */
  removeMountpoint?: boolean;
  /** Further mount options, words as after `-o`: `noatime`, `nodev`, … */
  options?: string[];
  /** Takes what went wrong while it is mounted, a line each. Default standard error. */
  log?: (line: string) => void;
}

/** A volume that is mounted as a directory, by this process. */
export interface FuseMount extends AsyncDisposable {
  /** Where, without links in its path. */
  readonly mountpoint: string;
  /**
   * Settled when it was unmounted, by whomever, and the file is written and
   * closed; rejected when something could not be written.
   */
  readonly closed: Promise<void>;
  /**
   * Unmounts; settled as `closed` is, or at once if `lazy`. From the first time on
   * the mount ends even if its thread hangs: what was not written back is lost then
   * (`io_error`).
   *
   * @throws {AloeError} `busy` while files of it are open.
   */
  unmount(options?: UnmountOptions): Promise<void>;
  /** What it has done, and has in memory. */
  stats(): Promise<MountStatistics>;
}

/**
 * Mounts a volume as a directory. A thread of its own answers the kernel; it
 * ends with the mount.
 *
 * @returns Once the directory can be used.
 * @throws {AloeError} `unsupported` where libfuse3, `/dev/fuse` or a permission
 * is missing; `invalid` for what is no directory, `not_empty`; and as `AloeLite.open` and
 * `AloeLite.mount`.
 */
export async function mountVolume(options: MountVolumeOptions): Promise<FuseMount> {
  const { allowOther = false, at } = options;
  const nonEmpty = options.nonEmpty === true || options.options?.includes("nonempty") === true;
  const mountpoint = await preflight(options.mountpoint, { allowOther, nonEmpty });
  const file = await fullPath(options.file);
  const readOnly = options.readOnly === true || at !== undefined;
  const late = lateWords(options.options ?? []);
  const log = options.log ?? ((line) => console.error(line));
  // What is in a plain volume's file is no secret.
  const guard = options.pin === undefined
    ? null
    : await MountpointGuard.open(mountpoint, options.removeMountpoint ?? false, log);
  if (guard !== null && Deno.uid() === 0) {
    // So that nobody writes to it while it comes to be mounted; a user could not mount on it.
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
    await setLateWords(mountpoint, late);
  } catch (error) {
    await mount.unmount({ lazy: true });
    throw error;
  }
  const entry = await mountedOn(mountpoint);
  mount.keepOutcome(entry, readOnly);
  await readAhead(entry);
  return mount;
}

/** The main thread's end of a mount. */
class WorkerMount implements FuseMount {
  readonly mountpoint: string;
  readonly closed: Promise<void>;
  /** Settled when the mount answers; rejected when it never will. */
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
    // Whoever asks for neither is told by `unmount` and the log.
    this.ready.catch(() => {});
    this.closed.catch(() => {});
    this.#worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }) => this.#take(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#abandon(event.message);
    };
    // A copy of the PIN would stay in the memory that messages are written to.
    const given = start.pin === undefined ? [] : [start.pin.buffer];
    this.#worker.postMessage(start, given);
  }

  /** Lets other processes that unmount it know how it ended. */
  keepOutcome(entry: MountEntry | null, readOnly: boolean): void {
    if (entry?.type !== TYPE || this.#fd === null) return;
    this.#outcome = new OutcomeKeeper(entry.device, readOnly);
  }

  /** Keeps what is below from being written to until the mount has ended. */
  keepGuard(guard: MountpointGuard): void {
    guard.set();
    if (this.#fd === null) void guard.release();
    else this.#guard = guard;
  }

  async unmount(options: UnmountOptions = {}): Promise<void> {
    const { lazy = false } = options;
    this.#watchEnd();
    const there = await mountedOn(this.mountpoint);
    if (there?.type === TYPE && this.#fd !== null) {
      await detach(this.mountpoint, lazy);
      // Whoever goes on in it does not need what is below, and that may be long.
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

  /** From here on the mount ends, whatever its thread does. */
  #watchEnd(): void {
    if (this.#fd === null) return;
    this.#watch ??= new EndWatch(
      this.#thread,
      () => this.#ask({ type: "are you there" }),
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
      case "here":
        this.#watch?.heard();
        break;
      case "closed":
        this.#end(message.error);
    }
  }

  /** The thread is gone, and what it had not written too; the mount must not stay behind. */
  #abandon(message: string): void {
    const fd = this.#fd;
    this.#fd = null;
    this.#worker.terminate();
    const end = () =>
      this.#end({
        code: "io_error",
        message: `${this.mountpoint}: the mount broke down: ${message}`,
      });
    if (fd === null) return end();
    // Without its descriptor every request ends with an error instead of waiting.
    libc().close(fd);
    detach(this.mountpoint, true).catch((fault) => this.#log(String(fault))).finally(end);
  }

  #end(message: ErrorMessage | null): void {
    this.#fd = null;
    this.#watch?.stop();
    if (this.#guard === null) return this.#settle(message);
    this.#guard.release().finally(() => this.#settle(message));
    this.#guard = null;
  }

  #settle(message: ErrorMessage | null): void {
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

/** A PIN's own bytes, in memory that can be given away. */
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

/** Larger pieces for those who read in order. Only root may ask for it. */
async function readAhead(entry: MountEntry | null): Promise<void> {
  if (entry === null || Deno.uid() !== 0) return;
  const setting = `/sys/class/bdi/${entry.device}/read_ahead_kb`;
  await Deno.writeTextFile(setting, `${READ_AHEAD}`, { create: false }).catch(() => {});
}
