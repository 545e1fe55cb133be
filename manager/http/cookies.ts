/**
 * The values of all cookies of one name. There can be several: another site on this
 * host, or on a name below the same domain, can set a cookie that browsers send too,
 * and first.
 */
export function cookiesNamed(headers: Headers, name: string): string[] {
  const found: string[] = [];
  for (const pair of (headers.get("cookie") ?? "").split(";")) {
    const at = pair.indexOf("=");
    if (at > 0 && pair.slice(0, at).trim() === name) found.push(pair.slice(at + 1).trim());
  }
  return found;
}
