import { encodeHex } from "./hex.ts";
import type { Mount, Pin } from "../mod.ts";
import type { Filesystems, VolumeFacts } from "./filesystems.ts";
import { type FileLease, PRINCIPAL } from "./open_files.ts";

/** A volume that a session has unlocked. */
export interface Unlocked {
  readonly mount: Mount;
  readonly lease: FileLease;
}

interface Key extends Unlocked {
  readonly volume: string;
  /** How many sessions have it, and how many requests use it. */
  holders: number;
}

interface Session {
  /** The volumes it has unlocked. */
  keys: Map<string, Key>;
  expiresAt: number;
}

/**
 * Who has proved which PINs. A session is known by the hash of a secret that
 * its client has; the keys of its volumes are in memory alone, and go with it.
 */
export class Sessions {
  readonly #filesystems: Filesystems;
  readonly #lifeMs: number;
  readonly #sessions = new Map<string, Session>();
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(filesystems: Filesystems, lifeMs: number) {
    this.#filesystems = filesystems;
    this.#lifeMs = lifeMs;
    this.#timer = setInterval(() => void this.#sweep(), Math.max(50, Math.min(lifeMs / 4, 60_000)));
    Deno.unrefTimer(Number(this.#timer));
  }

  /**
   * Unlocks a volume for a session.
   *
   * @param secret The session to add it to; a new one where that is not known.
   * @throws {AloeError} `bad_key`.
   */
  async unlock(
    volume: VolumeFacts,
    pin: Pin,
    secret: string | null,
  ): Promise<{ secret: string; expiresAt: number }> {
    const lease = await this.#filesystems.lease(volume.fsId);
    let key: Key;
    try {
      const fs = await lease.file.writer();
      const mount = await fs.mount(volume.id, { pin, principal: PRINCIPAL });
      key = { volume: volume.id, mount, lease, holders: 1 };
    } catch (error) {
      lease[Symbol.dispose]();
      throw error;
    }
    let known = secret === null ? undefined : this.#sessions.get(await digest(secret));
    if (known === undefined || known.expiresAt <= Date.now()) {
      secret = encodeHex(crypto.getRandomValues(new Uint8Array(32)));
      known = { keys: new Map(), expiresAt: 0 };
      this.#sessions.set(await digest(secret), known);
    }
    const before = known.keys.get(volume.id);
    known.keys.set(volume.id, key);
    known.expiresAt = Date.now() + this.#lifeMs;
    if (before !== undefined) await release(before);
    return { secret: secret!, expiresAt: known.expiresAt };
  }

  /** A volume that a session has unlocked, for a request to use; null when it has not. */
  async use(volume: string, secret: string | null): Promise<(Unlocked & AsyncDisposable) | null> {
    if (secret === null) return null;
    const session = this.#sessions.get(await digest(secret));
    if (session === undefined || session.expiresAt <= Date.now()) return null;
    const key = session.keys.get(volume);
    if (key === undefined) return null;
    session.expiresAt = Date.now() + this.#lifeMs;
    key.holders++;
    let held = true;
    return {
      mount: key.mount,
      lease: key.lease,
      [Symbol.asyncDispose]: async () => {
        if (held) await release(key);
        held = false;
      },
    };
  }

  /** Locks a volume for a session. */
  async lock(volume: string, secret: string | null): Promise<void> {
    if (secret === null) return;
    const session = this.#sessions.get(await digest(secret));
    const key = session?.keys.get(volume);
    if (key === undefined) return;
    session!.keys.delete(volume);
    await release(key);
  }

  /** Locks a volume for everybody, at once. */
  async lockForAll(volume: string): Promise<void> {
    for (const session of this.#sessions.values()) {
      const key = session.keys.get(volume);
      if (key === undefined) continue;
      session.keys.delete(volume);
      await key.mount.unmount();
      await release(key);
    }
  }

  /** Ends every session. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const session of this.#sessions.values()) await end(session);
    this.#sessions.clear();
  }

  async #sweep(): Promise<void> {
    for (const [id, session] of this.#sessions) {
      if (session.expiresAt > Date.now()) continue;
      this.#sessions.delete(id);
      await end(session);
    }
  }
}

async function end(session: Session): Promise<void> {
  const keys = [...session.keys.values()];
  session.keys.clear();
  for (const key of keys) await release(key);
}

async function release(key: Key): Promise<void> {
  key.holders--;
  if (key.holders > 0) return;
  try {
    await key.mount.unmount();
  } finally {
    key.lease[Symbol.dispose]();
  }
}

async function digest(secret: string): Promise<string> {
  return encodeHex(
    new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret))),
  );
}
