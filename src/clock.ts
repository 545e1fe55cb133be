let lastMs = 0;
let startOfMs = 0;
let last = 0n;

/**
 * The wall clock.
 *
 * @returns Nanoseconds since the Unix epoch: the system's milliseconds, with
 * the monotonic clock inside each. No two calls give the same.
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
  // A clock that was set back is followed; equal moments are told apart.
  if (at <= last && last - at < 1_000_000n) at = last + 1n;
  return last = at;
}
