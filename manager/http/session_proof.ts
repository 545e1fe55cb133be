import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { Pin } from "../../mod.ts";
import type { VolumeFacts } from "../volumes/filesystems.ts";
import type { Env } from "./router.ts";
import type { Services } from "../services.ts";
import type { SessionProof } from "../volumes/sessions.ts";

/** The cookie that carries a session. */
export const SESSION_COOKIE = "aloelite_session";
/** The header that does the same, for scripts. */
export const SESSION_HEADER = "Aloelite-Session";

/** The session that a request names; null for none. */
export function sessionOf(c: Context): string | null {
  const text = c.req.header(SESSION_HEADER) ?? getCookie(c, SESSION_COOKIE);
  return text !== undefined && /^[0-9a-f]{64}$/.test(text) ? text : null;
}

/**
 * Unlocks a volume for the session of a request and tells its client by a
 * cookie what the session is known by from now on.
 *
 * @throws {AloeError} `bad_key`; `encryption_required` for a volume without a PIN.
 * @throws {Problem} 429 `rate_limited`.
 */
export async function unlockFor(
  services: Services,
  c: Context<Env>,
  volume: VolumeFacts,
  pin: Pin,
): Promise<SessionProof> {
  const proof = await services.sessions.unlock(volume, pin, c.get("client"), c.get("session"));
  giveSession(services, c, proof);
  return proof;
}

/** Gives the session of a request another secret, if it has one. */
export function renewSession(services: Services, c: Context<Env>): void {
  const proof = services.sessions.renew(c.get("session"));
  if (proof !== null) giveSession(services, c, proof);
}

/** Ends the session of a request: all that it had unlocked is locked. */
export async function endSession(services: Services, c: Context<Env>): Promise<void> {
  await services.sessions.end(c.get("session"));
  deleteCookie(c, SESSION_COOKIE, { path: "/", secure: isSecure(services, c) });
}

function giveSession(services: Services, c: Context<Env>, { secret }: SessionProof): void {
  c.set("session", secret);
  setCookie(c, SESSION_COOKIE, secret, {
    httpOnly: true,
    sameSite: "Strict",
    path: "/",
    secure: isSecure(services, c),
  });
}

/** Whether cookies may keep to HTTPS. */
export function isSecure(services: Services, c: Context): boolean {
  return services.settings.tls !== null || new URL(c.req.url).protocol === "https:";
}
