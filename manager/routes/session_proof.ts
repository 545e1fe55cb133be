import type { Context } from "hono";
import type { Pin } from "../../mod.ts";
import type { Env } from "../http/env.ts";
import { deleteSessionCookie, sessionsOf, setSessionCookie } from "../http/session_cookie.ts";
import type { VolumeFacts } from "../volumes/facts.ts";
import type { SessionProof } from "../volumes/sessions.ts";
import type { Services } from "./services.ts";

/** What the sessions of requests need. */
type SessionServices = Pick<Services, "sessions" | "settings">;

/**
 * Unlocks a volume for the session of a request, and sends its client the session's new
 * secret as a cookie.
 *
 * @throws {AloeError} `bad_key`; `encryption_required` for a volume without a PIN.
 * @throws {Problem} 429 `rate_limited`.
 */
export async function unlockFor(
  services: SessionServices,
  c: Context<Env>,
  volume: VolumeFacts,
  pin: Pin,
): Promise<SessionProof> {
  const proof = await services.sessions.unlock(volume, pin, c.get("client"), c.get("session"));
  giveSession(services, c, proof);
  return proof;
}

/** Gives the session of a request another secret, if it has one. */
export function renewSession(services: SessionServices, c: Context<Env>): void {
  const proof = services.sessions.renew(c.get("session"));
  if (proof !== null) giveSession(services, c, proof);
}

/** Ends the session of a request: its volumes are locked. */
export async function endSession(services: SessionServices, c: Context<Env>): Promise<void> {
  for (const secret of sessionsOf(c.req.raw.headers)) await services.sessions.end(secret);
  deleteSessionCookie(services.settings, c);
}

function giveSession({ settings }: SessionServices, c: Context<Env>, proof: SessionProof): void {
  c.set("session", proof.secret);
  setSessionCookie(settings, c, proof.secret);
}
