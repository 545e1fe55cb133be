import type { AloeLite, Mount, Pin } from "../../mod.ts";
import type { Filesystems } from "./filesystems.ts";
import type { VolumeFacts } from "./facts.ts";
import * as internal from "../../src/internal.ts";
import { newSecret, secretHash } from "../http/secrets.ts";
import { type FileLease, PRINCIPAL } from "./open_files.ts";
import { PinGuard } from "../http/pin_guard.ts";
import { Problem } from "../http/problem.ts";

/** The secret of a session, and its end. */
export interface SessionProof {
  /** 64 hexadecimal digits, known to the client alone. */
  secret: string;
  /** When it ends if it is not used, ms since the epoch. */
  expiresAt: number;
}

/** A view of a session that outlives a change of its secret. */
export interface SessionView {
  /** Whether it has a volume unlocked. */
  holds(volume: string): boolean;
}

/** A volume that a session has unlocked, for the use of a request. */
export interface Unlocked extends AsyncDisposable {
  /** Its mount, and the connection of that. */
  open(write: boolean): Promise<{ fs: AloeLite; mount: Mount }>;
}

/** What sessions need. */
export interface SessionsOptions {
  filesystems: Pick<Filesystems, "lease">;
  /** How long one lasts without being used, ms. */
  lifeMs: number;
  /** Wrong PINs in a row before a client has to wait. */
  guesses: number;
  /** Is called for each wrong PIN with its subject and its client. */
  onWrongPin?: (subject: string, client: string) => void;
}

/** How many ended sessions are remembered. */
const MOST_ENDED = 1000;

/**
 * Sessions of clients that have proved PINs. A session is identified by the hash of a
 * secret that its client has. The keys of its volumes are in memory only, and are
 * overwritten with its end. Each proof changes the secret, so that one that was planted
 * or observed before is useless.
 */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #guard: PinGuard;
  readonly #sessions = new Map<string, Session>();
  /** The hashes of sessions that their clients have ended, for requests that are late. */
  readonly #ended = new Set<string>();
  /** How often each volume has been locked for all. */
  readonly #locked = new Map<string, number>();
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#guard = new PinGuard(options.guesses, options.onWrongPin);
    const every = Math.max(50, Math.min(options.lifeMs / 4, 60_000));
    this.#timer = setInterval(() => void this.#sweep(), every);
    Deno.unrefTimer(Number(this.#timer));
  }

  /**
   * Runs a task that throws `bad_key` for a wrong PIN, and slows down guessing.
   *
   * @throws {Problem} 429 `rate_limited` when there were too many wrong ones.
   */
  guarded<T>(volume: string, client: string, task: () => Promise<T>): Promise<T> {
    return this.#guard.attempt(volume, client, task);
  }

  /**
   * Unlocks a volume for a session.
   *
   * @param client The client, by which wrong PINs are counted.
   * @param secret The session's secret; an unknown one, or null, begins a session.
   * @returns The session's new secret.
   * @throws {AloeError} `bad_key`; `encryption_required` for a volume without a PIN.
   * @throws {Problem} 429 `rate_limited`; 401 when the session has ended meanwhile.
   */
  async unlock(
    volume: VolumeFacts,
    pin: Pin,
    client: string,
    secret: string | null,
  ): Promise<SessionProof> {
    const session = this.#find(secret) ?? new Session();
    session.ended ||= secret !== null && this.#ended.has(secretHash(secret));
    const key = await this.#provedKey(volume, pin, client);
    if (session.ended) {
      await key.release();
      throw new Problem(401, "unauthorized", "the session has ended meanwhile");
    }
    const before = session.keys.get(volume.id);
    session.keys.set(volume.id, key);
    const proof = this.#register(session);
    await before?.release();
    return proof;
  }

  /** Takes the key of a volume with its PIN, anew if the volume was locked meanwhile. */
  async #provedKey(volume: VolumeFacts, pin: Pin, client: string): Promise<Key> {
    while (true) {
      const locked = this.#locked.get(volume.id);
      const key = await this.guarded(volume.id, client, () => this.#key(volume, pin));
      if (this.#locked.get(volume.id) === locked) return key;
      // Its PIN was changed meanwhile, or it was deleted.
      await key.release();
    }
  }

  /**
   * Gives a session another secret; the one before becomes invalid.
   *
   * @returns Null when there is no such session.
   */
  renew(secret: string | null): SessionProof | null {
    const session = this.#find(secret);
    return session === undefined ? null : this.#register(session);
  }

  /** Whether there is such a session. */
  isKnown(secret: string): boolean {
    return this.#find(secret) !== undefined;
  }

  /** A view of a session; null when there is no such session. */
  view(secret: string | null): SessionView | null {
    const session = this.#find(secret);
    if (session === undefined) return null;
    return { holds: (volume) => !isOver(session) && session.keys.has(volume) };
  }

  /** A volume that a session has unlocked; null when it has not. */
  use(volume: string, secret: string | null): Unlocked | null {
    const session = this.#find(secret);
    const key = session?.keys.get(volume);
    if (key === undefined) return null;
    session!.endsAt = performance.now() + this.#options.lifeMs;
    return key.use();
  }

  /** Locks a volume for a session. */
  async lock(volume: string, secret: string | null): Promise<void> {
    const session = this.#find(secret);
    const key = session?.keys.get(volume);
    session?.keys.delete(volume);
    await key?.release();
  }

  /** Ends a session: its volumes are locked, and its running requests fail. */
  async end(secret: string | null): Promise<void> {
    const session = this.#find(secret);
    if (session === undefined) return;
    session.ended = true;
    this.#sessions.delete(session.hash);
    this.#ended.add(session.hash);
    if (this.#ended.size > MOST_ENDED) this.#ended.delete(this.#ended.values().next().value!);
    const keys = [...session.keys.values()];
    session.keys.clear();
    for (const key of keys) {
      await key.end();
      await key.release();
    }
  }

  /** Locks a volume for every session but one. Their running requests fail. */
  async lockForAll(volume: string, but: string | null = null): Promise<void> {
    this.#locked.set(volume, (this.#locked.get(volume) ?? 0) + 1);
    const kept = this.#find(but);
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

  #find(secret: string | null): Session | undefined {
    const session = secret === null ? undefined : this.#sessions.get(secretHash(secret));
    return session === undefined || isOver(session) ? undefined : session;
  }

  /** Registers a session under a new secret, and under no other. */
  #register(session: Session): SessionProof {
    const { lifeMs } = this.#options;
    const secret = newSecret();
    this.#sessions.delete(session.hash);
    session.hash = secretHash(secret);
    session.endsAt = performance.now() + lifeMs;
    this.#sessions.set(session.hash, session);
    return { secret, expiresAt: Date.now() + lifeMs };
  }

  async #sweep(): Promise<void> {
    for (const [id, session] of this.#sessions) {
      if (!isOver(session)) continue;
      this.#sessions.delete(id);
      await endSession(session);
    }
  }
}

class Session {
  /** The hash of its secret; empty before it is registered. */
  hash = "";
  /** By volume. */
  readonly keys: Map<string, Key> = new Map();
  /** Whether its client has ended it. */
  ended = false;
  /** When it ends, by `performance.now`, which is monotonic. */
  endsAt = 0;
}

function isOver({ endsAt }: Session): boolean {
  return endsAt <= performance.now();
}

/**
 * The key of a volume. Two mounts have it: one for reading, and one for writing, which
 * is a row of the file and is made with the first change.
 */
class Key {
  readonly #lease: FileLease;
  readonly #reading: Mount;
  #writing: Promise<Mount> | null = null;
  /** How many use it: the session, and running requests. */
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
    const key = await internal.mountKey(reader.db, this.#reading.handle);
    try {
      return await fs.mount(this.#reading.volume, {
        principal: PRINCIPAL,
        ...(key === null ? {} : { key }),
      });
    } finally {
      key?.fill(0);
    }
  }

  /** Overwrites the key, also while requests use it. */
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
