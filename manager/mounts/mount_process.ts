import { lstat } from "node:fs/promises";
import { MOUNT_TYPE, mountTable, unmount } from "../../fuse/mod.ts";
import { childEnvironment, ownProgram } from "../own_program.ts";
import type { FuseSettings } from "../settings.ts";

/** What a process mounts. */
export interface MountProcessOptions {
  file: string;
  volume: string;
  mountpoint: string;
  /** The PIN of an encrypted volume. It goes through a pipe, and nowhere else. */
  pin: Uint8Array | null;
  fuse: FuseSettings;
  /** Whether what is in the directory may be hidden. */
  nonEmpty: boolean;
  /** Takes what the process says. */
  log: (line: string) => void;
}

/** How long a mount is asked nicely to end, ms. */
const GRACE = 2500;

/** How long it may take to leave the tree after that, ms. */
const LAZILY = 2000;

/** A mount in a process of its own, so that it lives and dies alone. */
export class MountProcess {
  readonly pid: number;
  readonly mountpoint: string;
  /** Settled with the exit code when it has ended. */
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
        // Not by us, a moment later: a program could write to it in between.
        ...["--options", "x-aloelite.rmdir"],
        ...["--", mountpoint],
      ],
      env: childEnvironment(),
      clearEnv: true,
      // What interrupts the manager at a terminal is for the manager, which ends its mounts.
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
   * @returns Null, or why it does not. It has to be ended then.
   */
  async ready(ms: number): Promise<string | null> {
    const signal = AbortSignal.timeout(ms);
    const late = new Promise<string>((resolve) => {
      signal.addEventListener("abort", () => resolve(`it did not answer within ${ms} ms`));
    });
    const early = this.exited.then(async (code) => {
      // What it said last says why.
      await new Promise((resolve) => setTimeout(resolve, 50));
      return this.#said || `its process ended with ${code}`;
    });
    return await Promise.race([late, early, this.#answers()]);
  }

  async #answers(): Promise<string | null> {
    const reader = this.#child.stdout.getReader();
    const { done } = await reader.read();
    // Nothing more comes, and a full pipe would stop it.
    reader.cancel().catch(() => {});
    if (done) return await new Promise(() => {});
    const alive = await isAlive(this.mountpoint);
    return alive ? null : "what is mounted there does not answer";
  }

  /**
   * Ends the mount: as soon as nobody uses it, or, if that takes long, by taking
   * it out of the tree at once.
   *
   * @returns False when it goes on for those who still use it.
   */
  async stop(): Promise<boolean> {
    this.#signal("SIGTERM");
    if (await this.#endsWithin(GRACE)) return true;
    // Asked twice it goes lazily.
    this.#signal("SIGTERM");
    const end = performance.now() + LAZILY;
    while (performance.now() < end) {
      if (await this.#endsWithin(50)) return true;
      if (await isMounted(this.mountpoint)) continue;
      // The process keeps the directory from being written to until it has removed it.
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
      // It has ended by itself.
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
      // It has gone.
    }
  }

  /** Lets the manager end though this goes on. */
  unref(): void {
    this.#child.unref();
  }
}

async function givePin(stdin: WritableStream<Uint8Array>, pin: Uint8Array): Promise<void> {
  // With a newline, as one is dropped where it is read.
  const line = new Uint8Array(pin.length + 1);
  line.set(pin);
  line[pin.length] = 10;
  const writer = stdin.getWriter();
  try {
    await writer.write(line);
    await writer.close();
  } catch {
    // It has ended before it asked.
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

/** Whether what is mounted answers: a name that was never asked for has to be asked for. */
async function isAlive(mountpoint: string): Promise<boolean> {
  if (!await isMounted(mountpoint)) return false;
  try {
    await lstat(`${mountpoint}/${crypto.randomUUID()}`);
    return false;
  } catch (error) {
    return (error as { code?: string }).code === "ENOENT";
  }
}

/** Takes away what a mount has left: itself, and its directory. */
export async function clear(mountpoint: string): Promise<void> {
  // Several, if each was mounted over the last one.
  while (await isMounted(mountpoint)) await unmount(mountpoint, { lazy: true });
  // Not with what is in it: nothing but an empty directory is ours.
  await Deno.remove(mountpoint).catch(() => {});
}
