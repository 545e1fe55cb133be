import type { AloeLite, Mount, VolumeInfo } from "../mod.ts";
import { type Flags, type Grammar, UsageError } from "./args.ts";
import { codeOf, explain, Fault, Interrupted, isAloeError, named } from "./faults.ts";
import { Output, OutputClosed, printable } from "./output.ts";
import { absolute, databasePath } from "./paths.ts";
import { type Watchdog, watchEnd } from "./watchdog.ts";

/** How long a mount that writes outlives a process that was killed, in ms. */
const TTL = 60_000;

/** How long a command may be at one statement after it was asked to end, ms. */
const SILENCE = 10_000;

/** What runs longer is watched over, ms. */
const SHORT = 300;

/** With these, no other step of a command can succeed either. */
const FATAL: readonly string[] = [
  "mount_invalid",
  "no_space",
  "io_error",
  "busy",
  "read_only",
];

/** What a command is run with. */
export class Context {
  /** The command. */
  readonly command: string;
  /** What it was given beside the options. */
  readonly operands: readonly string[];
  /** The options. */
  readonly flags: Flags;
  /** Standard output. */
  readonly out = new Output();
  /** How many failures were reported while the command went on. */
  failures = 0;

  readonly #interruption = new AbortController();
  #guards: [Deno.Signal, () => void][] = [];
  #watchdog: Watchdog | null = null;

  constructor(command: Grammar | null, operands: string[], flags: Flags) {
    this.command = command?.name ?? "";
    this.operands = operands;
    this.flags = flags;
  }

  /** Aborted when the process is asked to end, once {@linkcode guard} was called. */
  get signal(): AbortSignal {
    return this.#interruption.signal;
  }

  /** Whether facts are to be printed as JSON. */
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

  /** The volume that was asked for; undefined when none was. */
  get volume(): string | undefined {
    return this.flags.get("volume");
  }

  /** Prints a line on standard error, begun with the program's and command's names. */
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
      // Nobody listens: the exit code still tells.
    }
  }

  /** Reports a failure. */
  report(error: unknown): void {
    this.failures++;
    this.warn(error instanceof Fault ? error.subject : null, explain(error));
  }

  /**
   * Runs one of several equal steps: its failure is reported, and the command
   * goes on with the others.
   *
   * @param subject The path that the step is about.
   * @returns Whether it succeeded.
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
      ) throw named(subject, error);
      this.report(named(subject, error));
      return false;
    }
  }

  /**
   * From here on SIGINT and SIGTERM abort {@linkcode signal} instead of killing
   * the process, so that what was begun is ended in order; a second one kills. What
   * hangs within a statement of the database's is killed some seconds after the first.
   *
   * @param delay When it begins to be watched for that, ms.
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

  /** Ends what {@linkcode guard} began. */
  unguard(): void {
    for (const [name, listener] of this.#guards) {
      Deno.removeSignalListener(name, listener);
    }
    this.#guards = [];
    this.#watchdog?.stop();
    this.#watchdog = null;
  }

  /**
   * Waits for something that takes no signal (a read of standard input), but
   * no longer than until the process is asked to end.
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

  /** Opens a file that must be there. */
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
      throw named(path, error);
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

  /** The PIN for a volume: what the options give, else a question if it needs one. */
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
          "not encrypted; leave the PIN option out",
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

  /**
   * Runs a command's work on the mounted volume; unmounts and closes whatever
   * happens.
   */
  async withMount<T>(
    access: "read" | "write",
    work: (mount: Mount, fs: AloeLite) => Promise<T>,
  ): Promise<T> {
    await using fs = await this.open(access);
    await using mount = await this.mount(fs, access);
    return await work(mount, fs);
  }

  /** A path operand, in its plain form. */
  path(index: number, otherwise: string = "/"): string {
    return absolute(this.operands[index] ?? otherwise);
  }
}

/** An environment variable. @throws {Fault} When it is no text: the runtime would print it. */
function variable(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch (error) {
    if (!(error instanceof Deno.errors.InvalidData)) throw error;
    throw new Fault(name, "not UTF-8");
  }
}

/** How a volume is called in messages. */
export function volumeLabel(volume: VolumeInfo): string {
  return `volume ${volume.name ?? volume.id}`;
}

/**
 * Finds a volume of a file.
 *
 * @param file The file's path, for the message.
 * @param asked Its name or id; undefined for the only one.
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
          ? "no volume in it; `aloelite volume create NAME` makes one"
          : `several volumes; choose with -v: ${names.join(", ")}`,
      );
    }
    if (error.code === "not_found") {
      throw new Fault(
        file,
        `no volume ${asked}; there ${names.length === 0 ? "is none" : `are: ${names.join(", ")}`}`,
      );
    }
    throw named(asked, error);
  }
}

/** Asks for the PIN of an encrypted volume, if somebody is there to answer. */
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
    throw named(volumeLabel(volume), error);
  }
}
