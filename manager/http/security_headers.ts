/**
 * Keeps browsers from sniffing the type of a response and from caching it, unless
 * its route says otherwise. Pages, and content that may be shown as one, get a
 * content security policy from their route. Other responses need no more, and each
 * further header slows small ones down.
 */
export function secure(headers: Headers): void {
  if (!headers.has("x-content-type-options")) headers.set("x-content-type-options", "nosniff");
  if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
}
