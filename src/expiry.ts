import { now } from "./clock.ts";
import { AloeError } from "./errors.ts";

/** 200 years, in ms: nanoseconds since 1970 fit into 64 bits until 2262. */
const MAX_TTL = 200 * 365 * 86_400_000;

/**
 * Returns when an object that is created or renewed now expires.
 *
 * @param ttl The time to live in ms; null or undefined for no expiry.
 * @returns Nanoseconds since the Unix epoch; null for never.
 * @throws {AloeError} `invalid` unless it is positive and at most 200 years.
 */
export function expiry(ttl: number | null | undefined): bigint | null {
  if (ttl === null || ttl === undefined) return null;
  if (!Number.isFinite(ttl) || ttl <= 0 || ttl > MAX_TTL) {
    throw new AloeError(
      "invalid",
      `a time to live must be a positive number of ms up to 200 years, not ${ttl}`,
    );
  }
  return now() + BigInt(Math.ceil(ttl)) * 1_000_000n;
}
