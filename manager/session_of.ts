import type { Context } from "hono";
import { getCookie } from "hono/cookie";

/** The cookie that carries a session. */
export const SESSION_COOKIE = "aloelite_session";
/** The header that does the same, for scripts. */
export const SESSION_HEADER = "Aloelite-Session";

/** The session that a request names; null for none. */
export function sessionOf(c: Context): string | null {
  const text = c.req.header(SESSION_HEADER) ?? getCookie(c, SESSION_COOKIE);
  return text !== undefined && /^[0-9a-f]{64}$/.test(text) ? text : null;
}
