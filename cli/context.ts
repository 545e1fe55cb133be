import type { AloeLite, Mount, VolumeInfo } from "../mod.ts";
import { type Flags, type Grammar, UsageError } from "./args.ts";
import { addSubject, codeOf, explain, Fault, Interrupted, isAloeError } from "./faults.ts";
import { Output, OutputClosed, printable } from "./output.ts";
import { absolute, databasePath } from "./paths.ts";
import { type Watchdog, watchEnd } from "./watchdog.ts";

/** How long the mount of a killed writer stays valid, in ms. */
const TTL = 60_000;

/** How long one statement may run after an interruption before the process is killed, in ms. */
const SILENCE = 10_000;

/** Commands that run longer than this are watched by a watchdog, in ms. */
const SHORT = 300;

/** After one of these errors, no further step of a command can succeed. */
const FATAL: readonly string[] = [
  "mount_invalid",
  "no_space",
  "io_error",
  "busy",
  "read_only",
];

/** The state that a command runs with. */
export class Context {
  /** The command's name. */
  readonly command: string;
  /** The operands. */
  readonly operands: readonly string[];
  /** The options. */
  readonly flags: Flags;
  /** Standard output. */
  readonly out = new Output();
  /** The number of failures reported so far. */
  failures = 0;

  readonly #interruption = new AbortController();
  #guards: [Deno.Signal, () => void][] = [];
  #watchdog: Watchdog | null = null;

  constructor(command: Grammar | null, operands: string[], flags: Flags) {
    this.command = command?.name ?? "";
    this.operands = operands;
    this.flags = flags;
  }

  /** Aborted by SIGINT and SIGTERM after a call of {@linkcode guard}. */
  get signal(): AbortSignal {
    return this.#interruption.signal;
  }

  /** Whether to print results as JSON. */
  get json(): boolean {
    return this.flags.has("json");
  }

  /** Whether a file to work on is named. */
  get namesFile(): boolean {
    return this.flags.has("file") || (variable("ALOELITE_FILE") ?? "") !== "";
  }

  /** The file to work on. @throws {UsageError} When none is named. */
  get file(): string {
    const file = this.flags.get("file") ?? variable("ALOELITE_FILE") ?? "";
    if (file === "") {
      throw new UsageError("no file: give -f FILE or set ALOELITE_FILE");
    }
    return databasePath(file);
  }

  /** The requested volume; undefined for the only one. */
  get volume(): string | undefined {
    return this.flags.get("volume");
  }

  /** Prints a line on standard error, prefixed with the names of the program and the command. */
  warn(subject: string | null, message: string): void {
    const parts = ["aloelite"];
    if (this.command !== "") parts.push(this.command);
    if (subject !== null) parts.push(subject === "" ? "''" : subject);
    parts.push(message);
    const line = new TextEncoder().encode(`${printable(parts.join(": "))}\n`);
    try {
      for (let done = 0; done < line.length;) {
        done += Deno.stderr.writeSync(line.subarray(done));
      }
    } catch {
      // Standard error is closed; the exit code still reports the failure.
    }
  }

  /** Reports a failure. */
  report(error: unknown): void {
    this.failures++;
    this.warn(error instanceof Fault ? error.subject : null, explain(error));
  }

  /**
   * Runs one of several independent steps. Reports a failure, so that the command continues with
   * the other steps.
   *
   * @param subject The path that the step concerns.
   * @returns Whether the step succeeded.
   */
  async attempt(
    subject: string,
    step: () => Promise<unknown>,
  ): Promise<boolean> {
    try {
      await step();
      return true;
    } catch (error) {
      if (this.signal.aborted) throw this.signal.reason;
      if (
        error instanceof OutputClosed ||
        FATAL.includes(codeOf(error) ?? "")
      ) throw addSubject(subject, error);
      this.report(addSubject(subject, error));
      return false;
    }
  }

  /**
   * From this call on, SIGINT and SIGTERM abort {@linkcode signal} instead of killing the process,
   * so that the command can clean up. A second signal kills the process. A process that hangs
   * within a database statement is killed some seconds after the first signal.
   *
   * @param delay How long to wait before starting the watchdog, in ms.
   */
  guard(delay: number = SHORT): void {
    if (this.#guards.length > 0) return;
    const signals: [Deno.Signal, number][] = [["SIGINT", 130]];
    if (Deno.build.os !== "windows") signals.push(["SIGTERM", 143]);
    this.#guards = signals.map(([name, code]) => {
      const listener = (): void => {
        if (this.signal.aborted) Deno.exit(code);
        this.#interruption.abort(new Interrupted(code));
      };
      Deno.addSignalListener(name, listener);
      return [name, listener];
    });
    // The watchdog is a thread of its own. A short command ends before the timer fires.
    // `clearTimeout` would load the runtime's compatibility layer, so the timer stays.
    const guards = this.#guards;
    const timer = setTimeout(() => {
      if (this.#guards === guards) this.#watchdog = watchEnd(SILENCE);
    }, delay);
    Deno.unrefTimer(Number(timer));
  }

  /** Ends the effect of {@linkcode guard}. */
  unguard(): void {
    for (const [name, listener] of this.#guards) {
      Deno.removeSignalListener(name, listener);
    }
    this.#guards = [];
    this.#watchdog?.stop();
    this.#watchdog = null;
  }

  /**
   * Waits for an operation that takes no abort signal (a read of standard input), but no longer
   * than until an interruption.
   */
  async abortable<T>(promise: Promise<T>): Promise<T> {
    this.signal.throwIfAborted();
    let listener!: () => void;
    const aborted = new Promise<never>((_, reject) => {
      listener = (): void => reject(this.signal.reason);
      this.signal.addEventListener("abort", listener);
    });
    try {
      return await Promise.race([promise, aborted]);
    } finally {
      this.signal.removeEventListener("abort", listener);
    }
  }

  /** Opens an existing file. */
  async openFile(path: string, access: "read" | "write"): Promise<AloeLite> {
    if (access === "write") this.guard();
    const { AloeLite } = await import("../mod.ts");
    try {
      return await AloeLite.open(databasePath(path), {
        create: false,
        readOnly: access === "read",
      });
    } catch (error) {
      if (isAloeError(error) && error.code === "not_found") {
        throw new Fault(
          path,
          `no such file; \`aloelite -f ${path}\` creates it`,
        );
      }
      throw addSubject(path, error);
    }
  }

  /** Opens the file that the command line names. */
  async open(access: "read" | "write"): Promise<AloeLite> {
    return await this.openFile(this.file, access);
  }

  /** Finds the volume that the command line names, or the only one. */
  async findVolume(fs: AloeLite): Promise<VolumeInfo> {
    return await pickVolume(fs, this.file, this.volume);
  }

  /**
   * Returns the PIN for a volume: from the options, otherwise from a prompt if the volume needs
   * one.
   */
  async pinFor(
    volume: VolumeInfo,
    flags: Flags = this.flags,
  ): Promise<Uint8Array | undefined> {
    const options = ["pin-file", "pin-env", "pin-fd"];
    if (options.some((o) => flags.has(o))) {
      const { givenPin } = await import("./pin.ts");
      const pin = await givenPin(flags);
      if (volume.encryption === "none") {
        throw new Fault(
          volumeLabel(volume),
          "not encrypted; omit the PIN option",
        );
      }
      return pin!;
    }
    if (volume.encryption === "none") return undefined;
    return await askPin(volume, "pin");
  }

  /**
   * Mounts the volume that the command line names.
   *
   * @param fs The open file.
   * @param access Whether the command changes the volume.
   */
  async mount(fs: AloeLite, access: "read" | "write"): Promise<Mount> {
    const volume = await this.findVolume(fs);
    const pin = await this.pinFor(volume);
    return await mountVolume(fs, volume, access, pin);
  }

  /** Runs a command's work on the mounted volume. Always unmounts and closes the file. */
  async withMount<T>(
    access: "read" | "write",
    work: (mount: Mount, fs: AloeLite) => Promise<T>,
  ): Promise<T> {
    await using fs = await this.open(access);
    await using mount = await this.mount(fs, access);
    return await work(mount, fs);
  }

  /** Returns a path operand as an absolute, normalized path. */
  path(index: number, otherwise: string = "/"): string {
    return absolute(this.operands[index] ?? otherwise);
  }
}

/**
 * Returns an environment variable. @throws {Fault} When it is not valid UTF-8; the runtime's own
 * error would print its value.
 */
function variable(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch (error) {
    if (!(error instanceof Deno.errors.InvalidData)) throw error;
    throw new Fault(name, "not UTF-8");
  }
}

/** Returns a volume's name for messages. */
export function volumeLabel(volume: VolumeInfo): string {
  return `volume ${volume.name ?? volume.id}`;
}

/**
 * Finds a volume of a file.
 *
 * @param file The file's path, for the message.
 * @param asked The volume's name or id; undefined for the only one.
 */
export async function pickVolume(
  fs: AloeLite,
  file: string,
  asked: string | undefined,
): Promise<VolumeInfo> {
  try {
    return await fs.volume(asked);
  } catch (error) {
    if (!isAloeError(error)) throw error;
    const names = (await fs.volumes()).map((v) => v.name ?? v.id);
    if (asked === undefined) {
      throw new Fault(
        file,
        names.length === 0
          ? "has no volume; create one with `aloelite volume create NAME`"
          : `has several volumes; choose one with -v: ${names.join(", ")}`,
      );
    }
    if (error.code === "not_found") {
      throw new Fault(
        file,
        `no volume ${asked}; there ${names.length === 0 ? "is none" : `are: ${names.join(", ")}`}`,
      );
    }
    throw addSubject(asked, error);
  }
}

/** Prompts for the PIN of an encrypted volume, if standard input is a terminal. */
export async function askPin(
  volume: VolumeInfo,
  prefix: string,
): Promise<Uint8Array> {
  const { canPrompt, promptPin } = await import("./pin.ts");
  if (!canPrompt()) {
    throw new Fault(
      volumeLabel(volume),
      `encrypted; give its PIN with --${prefix}-file, --${prefix}-env or ` +
        `--${prefix}-fd`,
    );
  }
  return await promptPin(`PIN of ${printable(volumeLabel(volume))}`);
}

/** Mounts a volume for a command. */
export async function mountVolume(
  fs: AloeLite,
  volume: VolumeInfo,
  access: "read" | "write",
  pin: Uint8Array | undefined,
): Promise<Mount> {
  try {
    return await fs.mount(volume.id, {
      pin,
      ...(access === "write" ? { ttl: TTL, keepAlive: true } : { access: "ro" as const }),
    });
  } catch (error) {
    throw addSubject(volumeLabel(volume), error);
  }
}
