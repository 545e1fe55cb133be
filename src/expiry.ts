import { now } from "./clock.ts";
import { AloeError } from "./errors.ts";

/**
 * When something that is made or renewed now stops being valid.
 *
 * @param ttl Milliseconds; for ever when null or left out.
 * @returns Nanoseconds since the Unix epoch, null for never.
 * @throws {AloeError} `invalid` unless positive.
 */
export function expiry(ttl: number | null | undefined): bigint | null {
  if (ttl === null || ttl === undefined) return null;
  if (!Number.isFinite(ttl) || ttl <= 0) {
    throw new AloeError(
      "invalid",
      `a time to live is a positive number of ms, not ${ttl}`,
    );
  }
  return now() + BigInt(Math.ceil(ttl)) * 1_000_000n;
}
