/** The earliest time that a file can store: times are signed 64-bit nanoseconds since 1970. */
export const FIRST_TIME = -(2n ** 63n);

/** The latest time that a file can store, in April 2262. */
export const LAST_TIME = 2n ** 63n - 1n;

/**
 * Returns the nearest time that a file can store. Files copied from elsewhere may have times out of
 * range; Linux filesystems clamp such times too.
 *
 * @param ns Nanoseconds since the Unix epoch.
 */
export function limitTime(ns: bigint): bigint {
  if (ns < FIRST_TIME) return FIRST_TIME;
  return ns > LAST_TIME ? LAST_TIME : ns;
}

/** The limits in seconds, with nanoseconds from 0 up to a second. */
const FIRST = { sec: -9_223_372_037, nsec: 145_224_192 };
const LAST = { sec: 9_223_372_036, nsec: 854_775_807 };

/** Like {@linkcode limitTime}, for a time split into seconds and nanoseconds. */
export function limitSplitTime<T extends { sec: number; nsec: number }>(
  time: T,
): T | { sec: number; nsec: number } {
  const { sec, nsec } = time;
  // Fast path: nearly all times are far from both limits.
  if (sec > FIRST.sec && sec < LAST.sec) return time;
  if (sec < FIRST.sec || (sec === FIRST.sec && nsec < FIRST.nsec)) return FIRST;
  return sec > LAST.sec || (sec === LAST.sec && nsec > LAST.nsec) ? LAST : time;
}
