/**
 * A place in a listing: time and counter of a placement's id, which no two
 * placements of a volume share. 60 bits, in two halves.
 */
export interface Cookie {
  /** The upper 28 bits. */
  high: number;
  /** The lower 32 bits. */
  low: number;
}

/** The cookie of a placement. */
export function cookieOf(edge: string): Cookie {
  return {
    high: parseInt(edge.slice(0, 7), 16),
    low: parseInt(edge[7] + edge.slice(9, 13) + edge.slice(15, 18), 16),
  };
}

/** Text that sorts after the placement of a cookie and before the next one; empty for 0. */
export function afterCookie(high: number, low: number): string {
  if (high === 0 && low === 0) return "";
  const hex = high.toString(16).padStart(7, "0") + low.toString(16).padStart(8, "0");
  // No hexadecimal digit sorts after a "g".
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(12)}-g`;
}
