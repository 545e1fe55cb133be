/**
 * Mounts for tests: in separate processes, and always removed at the end of the test.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { AloeLite } from "../../mod.ts";
import type { DaemonCommand, DaemonLine, DaemonOptions } from "./daemon.ts";

/** The PIN of the encrypted volumes that are made here. */
export const PIN = "2468";

const DAEMON = fileURLToPath(new URL("daemon.ts", import.meta.url));

/** Returns whether this process is root, which may change uid, create devices and mount a tmpfs. */
export function isRoot(): boolean {
  return Deno.build.os === "linux" && Deno.uid() === 0;
}

let reason: string | null | undefined;

/**
 * Returns why mounting is impossible here; null when it is possible. `ALOELITE_FUSE=off` disables
 * mounts.
 */
export function canMount(): string | null {
  return reason ??= whyNot() ?? null;
}

function whyNot(): string | undefined {
  if (Deno.env.get("ALOELITE_FUSE") === "off") return "ALOELITE_FUSE=off";
  if (Deno.build.os !== "linux") return "Linux only";
  try {
    Deno.openSync("/dev/fuse", { read: true, write: true }).close();
  } catch (error) {
    return `/dev/fuse: ${error instanceof Error ? error.name : error}`;
  }
  try {
    Deno.dlopen("libfuse3.so.3", {}).close();
  } catch {
    try {
      Deno.dlopen("libfuse3.so.4", {}).close();
    } catch {
      return "no libfuse3";
    }
  }
  if (!isRoot() && !succeeds("fusermount3", "--version")) return "no fusermount3";
  return undefined;
}

/** Returns whether a program ends with 0. */
export function succeeds(program: string, ...args: string[]): boolean {
  try {
    const quiet = { stdin: "null", stdout: "null", stderr: "null" } as const;
    return new Deno.Command(program, { args, ...quiet }).outputSync().success;
  } catch {
    return false;
  }
}

/**
 * Declares a test that needs a mount; skipped, with the reason in its name, when mounting is
 * impossible.
 */
export function mountTest(
  name: string,
  body: (t: Deno.TestContext) => Promise<void>,
  needs: { root?: boolean; program?: string } = {},
): void {
  const missing = canMount() ??
    (needs.root && !isRoot() ? "needs root" : null) ??
    (needs.program && !hasProgram(needs.program) ? `no ${needs.program}` : null);
  Deno.test({
    name: missing === null ? name : `${name} (ignored: ${missing})`,
    ignore: missing !== null,
    // The test itself waits until the daemon has ended and its pipes are closed.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: body,
  });
}

/** Returns whether a program is in the PATH. */
export function hasProgram(program: string): boolean {
  return succeeds("sh", "-c", `command -v ${program}`);
}

/** Resolves after some milliseconds. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until a condition holds. @param ms The time limit. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  ms: number,
  what: string,
): Promise<void> {
  const end = Date.now() + ms;
  while (!await holds()) {
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await sleep(20);
  }
}

/** Returns the result of a promise; throws on a timeout. */
export async function within<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took over ${ms} ms: ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Returns whether something is mounted on a directory, alive or dead. */
export function isMounted(dir: string): boolean {
  const escaped = dir.replaceAll("\\", "\\134").replaceAll(" ", "\\040");
  return Deno.readTextFileSync("/proc/self/mountinfo").split("\n")
    .some((line) => line.split(" ")[4] === escaped);
}

/** Unmounts everything on a directory lazily. */
export function detach(dir: string): void {
  for (let tries = 0; tries < 5 && isMounted(dir); tries++) {
    if (isRoot()) succeeds("umount", "-l", dir);
    else succeeds("fusermount3", "-u", "-z", dir);
  }
}

/** A test's own directory; mounts below it are removed before it is deleted. */
export class Scratch implements AsyncDisposable {
  /** Its path. */
  readonly path: string;

  /**
   * @param under The parent directory; default: that for temporary files.
   */
  constructor(under?: string) {
    this.path = Deno.realPathSync(Deno.makeTempDirSync({ dir: under, prefix: "aloelite-fuse-" }));
    // Processes of other users take part in some tests.
    Deno.chmodSync(this.path, 0o755);
  }

  /** Returns the path of a name in it. */
  join(...names: string[]): string {
    return [this.path, ...names].join("/");
  }

  /** Creates a directory in it. */
  dir(name: string): string {
    Deno.mkdirSync(this.join(name), { recursive: true });
    return this.join(name);
  }

  /** Mounts a tmpfs in it; needs root. @param size For example `64m`. */
  tmpfs(name: string, size: string): string {
    const dir = this.dir(name);
    // Like our mounts: no devices, no set-user-id.
    const options = `size=${size},mode=755,nodev,nosuid,noatime`;
    if (!succeeds("mount", "-t", "tmpfs", "-o", options, "tmpfs", dir)) {
      throw new Error("no tmpfs could be mounted");
    }
    return dir;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const inside = Deno.readTextFileSync("/proc/self/mountinfo").split("\n")
      .map((line) => line.split(" ")[4]?.replaceAll("\\040", " ") ?? "")
      .filter((at) => at.startsWith(`${this.path}/`));
    for (const at of inside.reverse()) detach(at);
    await new Deno.Command("rm", { args: ["-rf", "--one-file-system", this.path] }).output();
  }
}

/** The properties of a test volume. */
export interface VolumeKind {
  /** Default `none`. */
  encryption?: "none" | "convergent" | "random";
  /** The chunk size in bytes. Default 65,536. */
  chunkSize?: number;
}

/** Creates a file with one volume, `main`. */
export async function makeVolume(file: string, kind: VolumeKind = {}): Promise<void> {
  const { encryption = "none", chunkSize = 65_536 } = kind;
  await using fs = await AloeLite.open(file, { pageSize: 16_384 });
  await fs.createVolume({
    name: "main",
    chunkSize,
    ...(encryption === "none" ? {} : { encryption, pin: PIN }),
  });
}

/** Asserts that `health`, and deep `verify` of every volume, find no problem. */
export async function assertSound(file: string, pin?: string): Promise<void> {
  await using fs = await AloeLite.open(file);
  const faults: unknown[] = await fs.health();
  for (const volume of await fs.volumes()) {
    await using mount = await fs.mount(
      volume.id,
      volume.encryption === "none" ? {} : { pin: pin ?? PIN },
    );
    faults.push(...(await mount.verify({ deep: true })).problems);
  }
  if (faults.length > 0) throw new Error(`the file is not sound: ${JSON.stringify(faults)}`);
}

/** Options of a test's mount. */
export interface TestMountOptions extends Omit<DaemonOptions, "file" | "mountpoint"> {
  /** The file. Default: one with a new volume in a new directory. */
  file?: string;
  /** The mount point. Default: a new directory. */
  mountpoint?: string;
  /** The volume to create when no file is given. */
  kind?: VolumeKind;
}

/** A running mount in a separate process. */
export class Daemon implements AsyncDisposable {
  /** The mount point. */
  readonly dir: string;
  /** The SQLite file. */
  readonly file: string;
  /** Lines of its log, oldest first. */
  readonly log: string[] = [];
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #mounted = Promise.withResolvers<void>();
  readonly #scratch: Scratch | null;
  #ids = 0;
  #closed: string | null | undefined;
  #ended = false;

  /** Use `spawnDaemon` instead. */
  constructor(options: DaemonOptions, scratch: Scratch | null) {
    this.dir = options.mountpoint;
    this.file = options.file;
    this.#scratch = scratch;
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "--allow-all", DAEMON],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#input = this.#process.stdin.getWriter();
    this.#mounted.promise.catch(() => {});
    this.#write(options);
    this.#listen();
  }

  /** The process. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Resolves when the mount is ready. */
  get mounted(): Promise<void> {
    return this.#mounted.promise;
  }

  #write(value: unknown): void {
    this.#input.write(new TextEncoder().encode(JSON.stringify(value) + "\n")).catch(() => {});
  }

  async #listen(): Promise<void> {
    let rest = "";
    for await (const part of this.#process.stdout.pipeThrough(new TextDecoderStream())) {
      const whole = (rest + part).split("\n");
      rest = whole.pop()!;
      for (const line of whole) this.#heard(JSON.parse(line) as DaemonLine);
    }
    await this.#process.status;
    this.#ended = true;
    const gone = new Error("the mount's process has ended");
    this.#mounted.reject(gone);
    for (const { reject } of this.#waiting.values()) reject(gone);
  }

  #heard(line: DaemonLine): void {
    if (line.log !== undefined) this.log.push(line.log);
    if (line.mounted) this.#mounted.resolve();
    if (line.failed !== undefined) this.#mounted.reject(new Error(line.failed));
    if (line.closed !== undefined) this.#closed = line.closed;
    if (line.id !== undefined) {
      const waiting = this.#waiting.get(line.id);
      this.#waiting.delete(line.id);
      if (line.error === undefined) waiting?.resolve(line.ok);
      else waiting?.reject(new Error(line.error));
    }
  }

  async #ask(command: Omit<DaemonCommand, "id">): Promise<unknown> {
    if (this.#ended) throw new Error("the mount's process has ended");
    const answer = Promise.withResolvers<unknown>();
    answer.promise.catch(() => {});
    const id = ++this.#ids;
    this.#waiting.set(id, answer);
    this.#write({ id, ...command });
    return await within(answer.promise, 60_000, command.do);
  }

  /** Returns the mount's counters. */
  async stats(): Promise<Record<string, unknown>> {
    return await this.#ask({ do: "stats" }) as Record<string, unknown>;
  }

  /** Returns the resident memory of its process, in bytes. */
  rss(): number {
    const line = Deno.readTextFileSync(`/proc/${this.pid}/status`).match(/VmRSS:\s+(\d+) kB/);
    return Number(line?.[1] ?? 0) * 1024;
  }

  /** Unmounts as `umount` does, and waits until the file is closed. */
  async unmount(): Promise<void> {
    // Not lazily, because a lazy unmount continues in the background.
    if (!this.#ended) {
      await this.#ask({ do: "unmount" }).catch((error) => {
        if (!this.#ended) throw error;
      });
      await within(this.#process.status, 60_000, "the end of the mount's process");
      while (!this.#ended) await sleep(2);
    }
    await this.#input.close().catch(() => {});
    if (this.#closed !== null) throw new Error(`the mount did not close: ${this.#closed}`);
  }

  /** Waits until it has ended after another process has unmounted it. */
  async ended(ms = 20_000): Promise<void> {
    await within(this.#process.status, ms, "the end of the mount's process");
    while (!this.#ended) await sleep(2);
    if (this.#closed !== null) throw new Error(`the mount did not close: ${this.#closed}`);
  }

  /** Sends it a signal. */
  signal(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  /** Kills it, which leaves a stale mount. */
  async kill9(): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has already ended.
    }
    await this.#process.status;
    while (!this.#ended) await sleep(2);
    await this.#input.close().catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) {
      detach(this.dir);
      await within(this.#process.status, 60_000, "").catch(() => {});
      await this.kill9();
    }
    detach(this.dir);
    await this.#scratch?.[Symbol.asyncDispose]();
  }
}

/** Mounts in a separate process; resolves once the mount is ready. Dispose the result. */
export async function spawnDaemon(options: TestMountOptions = {}): Promise<Daemon> {
  const { kind = {}, ...rest } = options;
  const scratch = options.file === undefined || options.mountpoint === undefined
    ? new Scratch()
    : null;
  try {
    const file = options.file ?? scratch!.join("volume.aloe");
    if (options.file === undefined) await makeVolume(file, kind);
    const encrypted = kind.encryption !== undefined && kind.encryption !== "none";
    const daemon = new Daemon({
      ...(encrypted ? { pin: PIN } : {}),
      ...(isRoot() ? { allowOther: true } : {}),
      ...rest,
      file,
      mountpoint: options.mountpoint ?? scratch!.dir("mnt"),
    }, scratch);
    try {
      await within(daemon.mounted, 120_000, "mounting");
      return daemon;
    } catch (error) {
      await daemon[Symbol.asyncDispose]();
      throw error;
    }
  } catch (error) {
    await scratch?.[Symbol.asyncDispose]();
    throw error;
  }
}

/** The argument of a body of `withMount`. */
export interface MountInfo {
  /** The mount point. */
  dir: string;
  /** The SQLite file. */
  file: string;
  daemon: Daemon;
}

/**
 * Mounts a new volume (or that of a file), runs a body on it, unmounts, and checks that the file is
 * sound.
 */
export async function withMount<T>(
  options: TestMountOptions,
  body: (dir: string, info: MountInfo) => Promise<T>,
): Promise<T> {
  await using daemon = await spawnDaemon(options);
  const result = await body(daemon.dir, { dir: daemon.dir, file: daemon.file, daemon });
  await daemon.unmount();
  await assertSound(daemon.file, options.pin);
  return result;
}
