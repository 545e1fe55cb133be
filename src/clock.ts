let lastMs = 0;
let startOfMs = 0;
let last = 0n;

/**
 * Returns the wall-clock time.
 *
 * @returns Nanoseconds since the Unix epoch: the system's milliseconds, subdivided by the monotonic
 *   clock. No two calls return the same value.
 */
export function now(): bigint {
  const ms = Date.now();
  const tick = performance.now();
  if (ms !== lastMs) {
    lastMs = ms;
    startOfMs = tick;
  }
  const inside = Math.min(0.999, tick - startOfMs);
  let at = BigInt(ms) * 1_000_000n + BigInt(Math.trunc(inside * 1_000_000));
  // Follow a clock that was set back; otherwise make equal times distinct.
  if (at <= last && last - at < 1_000_000n) at = last + 1n;
  return last = at;
}
