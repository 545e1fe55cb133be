import { lstat } from "node:fs/promises";
import { MOUNT_TYPE, mountTable, unmount } from "../../fuse/mod.ts";
import { childEnvironment, ownProgram } from "../own_program.ts";
import type { FuseSettings } from "../settings.ts";

/** What a process mounts, and where. */
export interface MountProcessOptions {
  file: string;
  volume: string;
  mountpoint: string;
  /** The PIN of an encrypted volume. It is passed through a pipe only. */
  pin: Uint8Array | null;
  fuse: FuseSettings;
  /** Whether the directory may have entries, which the mount hides. */
  nonEmpty: boolean;
  /** Takes a line of its output. */
  log: (line: string) => void;
}

/** How long a mount may take to end by SIGTERM, ms. */
const GRACE = 2500;

/** How long it may take to be detached after that, ms. */
const LAZILY = 2000;

/** A mount in a process of its own. */
export class MountProcess {
  readonly pid: number;
  readonly mountpoint: string;
  /** Settled with the exit code of the process. */
  readonly exited: Promise<number>;
  readonly #child: Deno.ChildProcess;
  readonly #log: (line: string) => void;
  readonly #encrypted: boolean;
  #ended = false;
  #said = "";

  private constructor(child: Deno.ChildProcess, options: MountProcessOptions) {
    this.#child = child;
    this.#log = options.log;
    this.#encrypted = options.pin !== null;
    this.pid = child.pid;
    this.mountpoint = options.mountpoint;
    this.exited = child.status.then(({ code, signal }) => {
      this.#ended = true;
      return signal === null ? code : 128;
    });
    this.#listen(child.stderr);
  }

  /** Starts one. It is not ready yet. */
  static start(options: MountProcessOptions): MountProcess {
    const { file, volume, mountpoint, pin, fuse, nonEmpty } = options;
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...ownProgram(),
        ...["--file", file, "--volume", volume, "mount"],
        ...(pin === null ? [] : ["--pin-fd", "0"]),
        ...(fuse.allowOther ? ["--allow-other"] : []),
        ...(nonEmpty ? ["--nonempty"] : []),
        ...(fuse.cacheBytes === undefined ? [] : ["--cache", `${fuse.cacheBytes}`]),
        ...(fuse.dirtyBytes === undefined ? [] : ["--dirty", `${fuse.dirtyBytes}`]),
        // By the process itself: in between, a program could write into the bare directory.
        ...["--options", "x-aloelite.rmdir"],
        ...["--", mountpoint],
      ],
      env: childEnvironment(),
      clearEnv: true,
      // A terminal's interrupt is for the manager, which ends its mounts itself.
      detached: true,
      stdin: pin === null ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    if (pin !== null) void givePin(child.stdin, pin);
    return new MountProcess(child, options);
  }

  /**
   * Waits until the mount answers.
   *
   * @returns Null, or why it does not; then it has to be stopped.
   */
  async ready(ms: number): Promise<string | null> {
    const signal = AbortSignal.timeout(ms);
    const late = new Promise<string>((resolve) => {
      signal.addEventListener("abort", () => resolve(`it did not answer within ${ms} ms`));
    });
    const early = this.exited.then(async (code) => {
      // Its last line says why.
      await new Promise((resolve) => setTimeout(resolve, 50));
      return this.#said || `its process ended with ${code}`;
    });
    return await Promise.race([late, early, this.#answers()]);
  }

  async #answers(): Promise<string | null> {
    const reader = this.#child.stdout.getReader();
    const { done } = await reader.read();
    // Its further output is dropped: a full pipe would block it.
    reader.cancel().catch(() => {});
    if (done) return await new Promise(() => {});
    const alive = await isAlive(this.mountpoint);
    return alive ? null : "what is mounted there does not answer";
  }

  /**
   * Ends the mount when nobody uses it, or, if that takes too long, detaches it.
   *
   * @returns False when it goes on for programs that still use it.
   */
  async stop(): Promise<boolean> {
    this.#signal("SIGTERM");
    if (await this.#endsWithin(GRACE)) return true;
    // The second signal detaches it lazily.
    this.#signal("SIGTERM");
    const end = performance.now() + LAZILY;
    while (performance.now() < end) {
      if (await this.#endsWithin(50)) return true;
      if (await isMounted(this.mountpoint)) continue;
      // The process keeps the directory read-only until it has removed it.
      if (!this.#encrypted || !await exists(this.mountpoint)) return this.#ended;
    }
    if (!await isMounted(this.mountpoint)) return this.#ended;
    this.#signal("SIGKILL");
    await this.exited;
    await clear(this.mountpoint);
    return true;
  }

  async #endsWithin(ms: number): Promise<boolean> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([this.exited, late]);
    clearTimeout(timer);
    return this.#ended;
  }

  #signal(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch {
      // It has already ended.
    }
  }

  async #listen(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    let rest = "";
    try {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + text).split("\n");
        rest = lines.pop()!;
        for (const line of lines) {
          this.#said = line.replace(/^aloelite: (?:mount: )?/, "");
          this.#log(line);
        }
      }
    } catch {
      // It has already ended.
    }
  }

  /** Lets the manager exit while this process goes on. */
  unref(): void {
    this.#child.unref();
  }
}

async function givePin(stdin: WritableStream<Uint8Array>, pin: Uint8Array): Promise<void> {
  // With a newline, since the reader strips one.
  const line = new Uint8Array(pin.length + 1);
  line.set(pin);
  line[pin.length] = 10;
  const writer = stdin.getWriter();
  try {
    await writer.write(line);
    await writer.close();
  } catch {
    // It has ended before it read the PIN.
  } finally {
    line.fill(0);
  }
}

async function exists(path: string): Promise<boolean> {
  return await lstat(path).then(() => true, () => false);
}

/** Whether a volume is mounted on a directory. */
export async function isMounted(mountpoint: string): Promise<boolean> {
  return (await mountTable()).some((entry) =>
    entry.mountpoint === mountpoint && entry.type === MOUNT_TYPE
  );
}

/** Whether a mount answers: a lookup of a new name cannot be served from the kernel's cache. */
async function isAlive(mountpoint: string): Promise<boolean> {
  if (!await isMounted(mountpoint)) return false;
  try {
    await lstat(`${mountpoint}/${crypto.randomUUID()}`);
    return false;
  } catch (error) {
    return (error as { code?: string }).code === "ENOENT";
  }
}

/** Removes a stale mount and its directory. */
export async function clear(mountpoint: string): Promise<void> {
  // Several, if one was mounted over the other.
  while (await isMounted(mountpoint)) await unmount(mountpoint, { lazy: true });
  // Not recursively: a directory with entries is not the manager's.
  await Deno.remove(mountpoint).catch(() => {});
}
