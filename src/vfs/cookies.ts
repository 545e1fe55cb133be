/**
 * A place in a listing: time and counter of a placement's id, which no two
 * placements of a volume share, in 60 bits, and above them whether it is in the
 * second part of the listing. In two halves.
 */
export interface Cookie {
  /** The upper 29 bits. */
  high: number;
  /** The lower 32 bits. */
  low: number;
}

/** Set in the upper half of what is in the second part. */
const SETTLED = 1 << 28;

/** The part of a listing, and the beginning of the placement's id that it has got to. */
export interface ListingPosition {
  /** Whether it is in the first part, of names that have come since the first listing. */
  fresh: boolean;
  /** Empty before the first placement of the part. */
  place: string;
}

/** The cookie of a placement. */
export function cookieOf(place: string, fresh: boolean): Cookie {
  const high = parseInt(place.slice(0, 7), 16);
  return {
    high: fresh ? high : high | SETTLED,
    low: parseInt(place[7] + place.slice(9, 13) + place.slice(15, 18), 16),
  };
}

/** Where a listing goes on behind a cookie; 0 is where it begins. */
export function positionOf(high: number, low: number): ListingPosition {
  if (high === 0 && low === 0) return { fresh: true, place: "" };
  const time = high & ~SETTLED;
  const hex = time.toString(16).padStart(7, "0") + low.toString(16).padStart(8, "0");
  const place = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(12)}`;
  return { fresh: (high & SETTLED) === 0, place };
}
