import { resolve } from "node:path";
import { AloeError } from "../../mod.ts";
import { PinGuard } from "../http/pin_guard.ts";
import { Problem } from "../http/problem.ts";
import { readHostFile } from "./host_file.ts";
import type { MountPinSettings } from "../settings.ts";

/** Where a PIN is stored: in a file, or in a variable of the manager's environment. */
export interface PinSource {
  pinFile?: string | null;
  pinEnv?: string | null;
}

/** The size of a PIN at most, bytes. */
const MOST = 4096;

/** How long reading one may take, ms. */
const PATIENCE = 3000;

const NEWLINE = 10;
const RETURN = 13;

/** Whether a source is named. */
export function hasSource({ pinFile, pinEnv }: PinSource): boolean {
  return (pinFile ?? pinEnv ?? null) !== null;
}

/**
 * PINs that are stored on the manager's host, in the places that its operator has
 * named. Clients get the same answer for a PIN that is wrong, missing or unreadable, so
 * that they learn nothing about the host. The log has the reason for the operator.
 */
export class PinSources {
  readonly #directory: string | null;
  readonly #variables: ReadonlySet<string>;
  readonly #guard: PinGuard;
  readonly #log: (line: string) => void;

  /**
   * @param guesses Wrong ones in a row before a client has to wait for a source.
   * @param log Takes why a source cannot be read.
   */
  constructor(places: MountPinSettings, guesses: number, log: (line: string) => void) {
    this.#directory = places.directory === undefined ? null : resolve(places.directory);
    this.#variables = new Set(places.variables ?? []);
    this.#guard = new PinGuard(guesses);
    this.#log = log;
  }

  /**
   * Reads a PIN from its source.
   *
   * @returns Its bytes, for the caller to overwrite; null when it cannot be read.
   * @throws {Problem} 400 `invalid` for a place that the operator has not named.
   */
  async read({ pinFile, pinEnv }: PinSource): Promise<Uint8Array | null> {
    if (typeof pinFile === "string") {
      const path = this.#path(pinFile);
      const bytes = await readHostFile(path, MOST, PATIENCE).catch((error: Error) => {
        this.#log(`PIN in ${path}: ${error.message}`);
        return null;
      });
      const pin = bytes === null ? null : trimmed(bytes);
      return pin === null || pin.length === 0 ? null : pin;
    }
    if (typeof pinEnv !== "string" || !this.#variables.has(pinEnv)) {
      throw new Problem(400, "invalid", "pin_env: no variable that this manager takes PINs from");
    }
    const text = Deno.env.get(pinEnv);
    if (!text) this.#log(`PIN in the variable ${pinEnv}: there is none`);
    return text ? new TextEncoder().encode(text) : null;
  }

  /**
   * Tries the PIN of a source, and slows down guessing by source, for all volumes
   * together. A PIN that cannot be read is tried as a random one, so that it takes the
   * same time and has the same answer.
   *
   * @param task Throws `bad_key` for a wrong PIN.
   * @throws {AloeError} `bad_key` for a wrong one, and for one that cannot be read.
   * @throws {Problem} 400 `invalid`; 429 `rate_limited`.
   */
  async attempt<T>(
    source: PinSource,
    client: string,
    task: (pin: Uint8Array) => Promise<T>,
  ): Promise<T> {
    const subject = typeof source.pinFile === "string"
      ? `file ${this.#path(source.pinFile)}`
      : `variable ${source.pinEnv}`;
    return await this.#guard.attempt(subject, client, async () => {
      const pin = await this.read(source) ?? crypto.getRandomValues(new Uint8Array(32));
      try {
        return await task(pin);
      } catch (error) {
        throw error instanceof AloeError && error.code === "bad_key" ? noKey() : error;
      } finally {
        pin.fill(0);
      }
    });
  }

  /** The path of a file in the directory, from its name or its full path. */
  #path(given: string): string {
    if (this.#directory === null) {
      throw new Problem(400, "invalid", "pin_file: this manager takes no PINs from files");
    }
    const name = given.startsWith(`${this.#directory}/`)
      ? given.slice(this.#directory.length + 1)
      : given;
    if (!/^[^/\0]+$/.test(name) || name === "." || name === "..") {
      const detail = "pin_file: no name of a file in the directory for PINs";
      throw new Problem(400, "invalid", detail);
    }
    return `${this.#directory}/${name}`;
  }
}

/** The error for a PIN that is wrong, missing or unreadable. */
export function noKey(): AloeError {
  return new AloeError("bad_key", "the source does not have the PIN of this volume");
}

/** A PIN without the final newline that editors and `echo` add. */
function trimmed(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  if (end > 0 && bytes[end - 1] === NEWLINE) {
    end--;
    if (end > 0 && bytes[end - 1] === RETURN) end--;
  }
  return bytes.subarray(0, end);
}
