/**
 * A position in a listing: the time and counter of a placement's id, 60 bits that are unique in a
 * volume, and above them a bit for the second part of the listing. Stored in two halves.
 */
export interface Cookie {
  /** The upper 29 bits. */
  high: number;
  /** The lower 32 bits. */
  low: number;
}

/** The bit in the upper half that marks the second part of a listing. */
const SECOND_PART = 1 << 28;

/** The part of a listing, and the start of the id of the placement it has reached. */
export interface ListingPosition {
  /** Whether it is in the first part: names added since the first listing. */
  fresh: boolean;
  /** The start of the placement's id; empty before the first placement of the part. */
  place: string;
}

/** Returns the cookie of a placement. */
export function cookieOf(place: string, fresh: boolean): Cookie {
  const high = parseInt(place.slice(0, 7), 16);
  return {
    high: fresh ? high : high | SECOND_PART,
    low: parseInt(place[7] + place.slice(9, 13) + place.slice(15, 18), 16),
  };
}

/** Returns the position of a cookie; 0 is the start. */
export function positionOf(high: number, low: number): ListingPosition {
  if (high === 0 && low === 0) return { fresh: true, place: "" };
  const time = high & ~SECOND_PART;
  const hex = time.toString(16).padStart(7, "0") + low.toString(16).padStart(8, "0");
  const place = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(12)}`;
  return { fresh: (high & SECOND_PART) === 0, place };
}
