import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { Settings } from "../settings.ts";

/** The cookie that carries a session. */
export const SESSION_COOKIE = "aloelite_session";
/** The header that carries it, for scripts. */
export const SESSION_HEADER = "Aloelite-Session";

/** The session that a request names; null for none. */
export function sessionOf(c: Context): string | null {
  const text = c.req.header(SESSION_HEADER) ?? getCookie(c, SESSION_COOKIE);
  return text !== undefined && /^[0-9a-f]{64}$/.test(text) ? text : null;
}

/** Sends a client the secret of its session. */
export function setSessionCookie(settings: Pick<Settings, "tls">, c: Context, secret: string) {
  setCookie(c, SESSION_COOKIE, secret, {
    httpOnly: true,
    sameSite: "Strict",
    path: "/",
    secure: isSecure(settings, c),
  });
}

/** Deletes the cookie of a client's session. */
export function deleteSessionCookie(settings: Pick<Settings, "tls">, c: Context): void {
  deleteCookie(c, SESSION_COOKIE, { path: "/", secure: isSecure(settings, c) });
}

/** Whether cookies get the attribute Secure. */
export function isSecure(settings: Pick<Settings, "tls">, c: Context): boolean {
  return settings.tls !== null || new URL(c.req.url).protocol === "https:";
}
