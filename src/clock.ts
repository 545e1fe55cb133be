let lastMs = 0;
let startOfMs = 0;

/**
 * The wall clock.
 *
 * @returns Nanoseconds since the Unix epoch: the system's milliseconds, with
 * the microseconds of the monotonic clock inside each, so that two calls in
 * one millisecond still differ.
 */
export function now(): bigint {
  const ms = Date.now();
  const at = performance.now();
  if (ms !== lastMs) {
    lastMs = ms;
    startOfMs = at;
  }
  const inside = Math.min(0.999, at - startOfMs);
  return BigInt(ms) * 1_000_000n + BigInt(Math.trunc(inside * 1_000_000));
}
