import type { Context } from "hono";
import { deleteCookie, setCookie } from "hono/cookie";
import type { Settings } from "../settings.ts";
import { cookiesNamed } from "./cookies.ts";

/** The cookie that carries a session. */
export const SESSION_COOKIE = "aloelite_session";
/** The header that carries it, for scripts. */
export const SESSION_HEADER = "Aloelite-Session";

/**
 * The sessions that a request names: one by the header, or any number by cookies, as
 * another site on this host can set a cookie of the same name.
 */
export function sessionsOf(headers: Headers): string[] {
  const own = headers.get(SESSION_HEADER);
  const all = own === null ? cookiesNamed(headers, SESSION_COOKIE) : [own];
  return all.filter((text) => /^[0-9a-f]{64}$/.test(text));
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

/**
 * Whether cookies get the attribute Secure. Where a proxy ends TLS, the origin of the
 * page or a header of the proxy tells. A client that sends them without TLS loses its
 * own cookies only.
 */
export function isSecure(settings: Pick<Settings, "tls">, { req }: Context): boolean {
  if (settings.tls !== null || req.url.startsWith("https:")) return true;
  return /^https:/i.test(req.header("origin") ?? "") ||
    /(?:^|,)\s*https\s*$/i.test(req.header("x-forwarded-proto") ?? "");
}
