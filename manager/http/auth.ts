import { timingSafeEqual } from "node:crypto";
import { getSetting, putSetting, type Registry } from "../../src/registry/mod.ts";
import { PinGuard } from "./pin_guard.ts";
import { Problem } from "./problem.ts";
import { newSecret, secretHash, sha256 } from "./secrets.ts";

/** The cookie of a browser that has logged in. */
export const LOGIN_COOKIE = "aloelite_login";

/** How long a login lasts without being used, ms. */
const LIFE_MS = 7 * 24 * 60 * 60_000;

/** Logins that are kept; the oldest goes. */
const MAX_LOGINS = 10_000;

/**
 * The token that the manager has made for itself. What is kept of it is its
 * hash, which tells nobody what it was: it is random.
 *
 * @param anew Whether to make another one.
 * @returns The hash; and the token, where it was made just now.
 */
export async function ownToken(
  registry: Registry,
  renew: boolean,
): Promise<{ hash: string; made: string | null }> {
  const stored = renew ? null : await getSetting(registry, TOKEN_HASH);
  if (stored !== null) return { hash: stored, made: null };
  const made = newSecret();
  const hash = secretHash(made);
  await putSetting(registry, TOKEN_HASH, hash);
  return { hash, made };
}

const TOKEN_HASH = "token_hash";

/**
 * Who may use the manager at all: those who have its token, by a header, or by
 * a cookie that they got for it. The cookie holds a secret of its own, and
 * neither is kept here as it is.
 */
export class Auth {
  readonly #token: Uint8Array | null;
  readonly #guard: PinGuard;
  /** When each login ends, by the hash of its secret and by `performance.now`. */
  readonly #logins = new Map<string, number>();

  /**
   * @param tokenHash SHA-256 of the token, hexadecimal; null when none is asked for.
   * @param guesses Wrong tokens in a row before a client has to wait.
   * @param onWrong Told of each wrong one, and whose it was.
   */
  constructor(
    tokenHash: string | null,
    guesses: number,
    onWrong: (client: string) => void = () => {},
  ) {
    this.#token = tokenHash === null ? null : Uint8Array.fromHex(tokenHash);
    this.#guard = new PinGuard(guesses, (_, client) => onWrong(client));
  }

  /** Whether a token is asked for. */
  get demanded(): boolean {
    return this.#token !== null;
  }

  /**
   * Whether a request may go on.
   *
   * @throws {Problem} 429 for one who has guessed too often.
   */
  allows(headers: Headers, client: string): boolean {
    if (this.#token === null) return true;
    const authorization = headers.get("authorization");
    // Of other schemes it may be for a proxy in front.
    if (authorization !== null && /^Bearer\b/i.test(authorization)) {
      const token = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
      return token !== undefined && this.#isToken(token, client);
    }
    const secret = LOGIN.exec(headers.get("cookie") ?? "")?.[1];
    return secret !== undefined && this.#isLogin(secret);
  }

  /**
   * Logs in. A login that the request brings already ends with it.
   *
   * @returns The secret for the cookie.
   * @throws {Problem} 401 for a wrong token; 429.
   */
  login(token: string, client: string, headers: Headers): string {
    if (!this.#isToken(token, client)) throw unauthorized("this is not the manager's token");
    this.logout(headers);
    if (this.#logins.size >= MAX_LOGINS) {
      this.#logins.delete(this.#logins.keys().next().value!);
    }
    const secret = newSecret();
    this.#logins.set(secretHash(secret), performance.now() + LIFE_MS);
    return secret;
  }

  /** Ends the login of a request. */
  logout(headers: Headers): void {
    const secret = LOGIN.exec(headers.get("cookie") ?? "")?.[1];
    if (secret !== undefined) this.#logins.delete(secretHash(secret));
  }

  #isToken(token: string, client: string): boolean {
    if (this.#token === null) return true;
    this.#guard.admit("token", client);
    // Of equal lengths, and compared in a time that tells nothing.
    if (timingSafeEqual(sha256(token), this.#token)) {
      this.#guard.right("token", client);
      return true;
    }
    this.#guard.wrong("token", client);
    return false;
  }

  #isLogin(secret: string): boolean {
    const id = secretHash(secret);
    const until = this.#logins.get(id);
    if (until === undefined) return false;
    this.#logins.delete(id);
    if (until <= performance.now()) return false;
    // Last in the map again: what is used last goes last.
    this.#logins.set(id, performance.now() + LIFE_MS);
    return true;
  }
}

/** The answer to who has no token. */
export function unauthorized(detail = "this manager asks for its token"): Problem {
  return new Problem(401, "unauthorized", detail, {
    headers: { "www-authenticate": 'Bearer realm="aloelite"' },
  });
}

const LOGIN = new RegExp(`(?:^|;\\s*)${LOGIN_COOKIE}=([0-9a-f]{64})(?:;|$)`);
