/**
 * Keeps browsers from taking a response for another type than it says, and from
 * keeping it. A route that says something itself knows better. What is a page,
 * or may be shown as one, has its policy from its route; of the rest this is
 * enough, and each header more costs a small answer time.
 */
export function secure(headers: Headers): void {
  if (!headers.has("x-content-type-options")) headers.set("x-content-type-options", "nosniff");
  if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
}
