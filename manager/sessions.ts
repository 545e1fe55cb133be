import type { AloeLite, Mount, Pin } from "../mod.ts";
import type { Filesystems, VolumeFacts } from "./filesystems.ts";
import * as ops from "../src/ops.ts";
import { encodeHex } from "./hex.ts";
import { type FileLease, PRINCIPAL } from "./open_files.ts";
import { PinGuard } from "./pin_guard.ts";

/** What a session is known by, and until when. */
export interface SessionProof {
  /** 64 hexadecimal digits, for the client alone. */
  secret: string;
  /** When it ends if it is not used, ms since the epoch. */
  expiresAt: number;
}

/** A volume that a session has unlocked, for a request to use. */
export interface Unlocked extends AsyncDisposable {
  /** Its mount, and the connection that it is of. */
  open(write: boolean): Promise<{ fs: AloeLite; mount: Mount }>;
}

/** How many, and how long. */
export interface SessionsOptions {
  filesystems: Filesystems;
  /** How long one lasts without being used, ms. */
  lifeMs: number;
  /** Wrong PINs in a row before a client has to wait. */
  guesses: number;
  /** Told of each wrong PIN. */
  onWrongPin?: () => void;
}

/**
 * Who has proved which PINs. A session is known by the hash of a secret that
 * its client has; the keys of its volumes are in memory alone, and go with it.
 */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #guard: PinGuard;
  readonly #sessions = new Map<string, Session>();
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#guard = new PinGuard(options.guesses, options.onWrongPin);
    const every = Math.max(50, Math.min(options.lifeMs / 4, 60_000));
    this.#timer = setInterval(() => void this.#sweep(), every);
    Deno.unrefTimer(Number(this.#timer));
  }

  /**
   * Runs what throws `bad_key` for a wrong PIN, and slows down who guesses.
   *
   * @throws {Problem} 429 `rate_limited` when there were too many wrong ones.
   */
  guarded<T>(volume: string, client: string, task: () => Promise<T>): Promise<T> {
    return this.#guard.attempt(volume, client, task);
  }

  /**
   * Unlocks a volume for a session.
   *
   * @param client Whose guesses are counted.
   * @param secret The session to add it to; a new one where that is not known.
   * @throws {AloeError} `bad_key`; `encryption_required` for a volume without a PIN.
   * @throws {Problem} 429 `rate_limited`.
   */
  async unlock(
    volume: VolumeFacts,
    pin: Pin,
    client: string,
    secret: string | null,
  ): Promise<SessionProof> {
    const key = await this.guarded(volume.id, client, () => this.#key(volume, pin));
    let known = secret === null ? undefined : await this.#find(secret);
    if (known === undefined) {
      secret = encodeHex(crypto.getRandomValues(new Uint8Array(32)));
      known = { keys: new Map(), expiresAt: 0 };
      this.#sessions.set(await digest(secret), known);
    }
    const before = known.keys.get(volume.id);
    known.keys.set(volume.id, key);
    known.expiresAt = Date.now() + this.#options.lifeMs;
    await before?.release();
    return { secret: secret!, expiresAt: known.expiresAt };
  }

  /** A volume that a session has unlocked; null when it has not. */
  async use(volume: string, secret: string | null): Promise<Unlocked | null> {
    const session = secret === null ? undefined : await this.#find(secret);
    const key = session?.keys.get(volume);
    if (key === undefined) return null;
    session!.expiresAt = Date.now() + this.#options.lifeMs;
    return key.use();
  }

  /** Locks a volume for a session. */
  async lock(volume: string, secret: string | null): Promise<void> {
    const session = secret === null ? undefined : await this.#find(secret);
    const key = session?.keys.get(volume);
    session?.keys.delete(volume);
    await key?.release();
  }

  /** Locks a volume for every session but one: their requests that run fail. */
  async lockForAll(volume: string, but: string | null = null): Promise<void> {
    const kept = but === null ? undefined : await this.#find(but);
    for (const session of this.#sessions.values()) {
      const key = session.keys.get(volume);
      if (key === undefined || session === kept) continue;
      session.keys.delete(volume);
      await key.end();
      await key.release();
    }
  }

  /** Ends every session. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const session of this.#sessions.values()) await endSession(session);
    this.#sessions.clear();
  }

  async #key(volume: VolumeFacts, pin: Pin): Promise<Key> {
    const lease = await this.#options.filesystems.lease(volume.fsId);
    try {
      const mount = await lease.file.reader.mount(volume.id, { pin, principal: PRINCIPAL });
      return new Key(lease, mount);
    } catch (error) {
      lease[Symbol.dispose]();
      throw error;
    }
  }

  async #find(secret: string): Promise<Session | undefined> {
    const session = this.#sessions.get(await digest(secret));
    return session === undefined || session.expiresAt <= Date.now() ? undefined : session;
  }

  async #sweep(): Promise<void> {
    for (const [id, session] of this.#sessions) {
      if (session.expiresAt > Date.now()) continue;
      this.#sessions.delete(id);
      await endSession(session);
    }
  }
}

interface Session {
  /** By volume. */
  keys: Map<string, Key>;
  expiresAt: number;
}

/**
 * The key of a volume, which two mounts have: one for reading, and one that is
 * a row of the file, made with the first change.
 */
class Key {
  readonly #lease: FileLease;
  readonly #reading: Mount;
  #writing: Promise<Mount> | null = null;
  /** The session, and the requests that are using it. */
  #holders = 1;

  constructor(lease: FileLease, reading: Mount) {
    this.#lease = lease;
    this.#reading = reading;
  }

  use(): Unlocked {
    this.#holders++;
    let held = true;
    return {
      open: (write) => this.#open(write),
      [Symbol.asyncDispose]: async () => {
        if (held) await this.release();
        held = false;
      },
    };
  }

  async #open(write: boolean): Promise<{ fs: AloeLite; mount: Mount }> {
    const { file } = this.#lease;
    if (!write) return { fs: file.reader, mount: this.#reading };
    const fs = await file.writer();
    this.#writing ??= this.#mount(fs, file.reader);
    try {
      return { fs, mount: await this.#writing };
    } catch (error) {
      this.#writing = null;
      throw error;
    }
  }

  async #mount(fs: AloeLite, reader: AloeLite): Promise<Mount> {
    const key = await ops.mountKey(reader.db, this.#reading.handle);
    try {
      return await fs.mount(this.#reading.volume, {
        principal: PRINCIPAL,
        ...(key === null ? {} : { key }),
      });
    } finally {
      key?.fill(0);
    }
  }

  /** Overwrites the key, whoever uses it. */
  async end(): Promise<void> {
    const writing = await this.#writing?.catch(() => null);
    this.#writing = null;
    await this.#reading.unmount();
    await writing?.unmount();
  }

  async release(): Promise<void> {
    this.#holders--;
    if (this.#holders > 0) return;
    try {
      await this.end();
    } finally {
      this.#lease[Symbol.dispose]();
    }
  }
}

async function endSession(session: Session): Promise<void> {
  const keys = [...session.keys.values()];
  session.keys.clear();
  for (const key of keys) await key.release();
}

async function digest(secret: string): Promise<string> {
  const bytes = new TextEncoder().encode(secret);
  return encodeHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}
