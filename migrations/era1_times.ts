/**
 * SQL for the nanoseconds of era 1's milliseconds, limited to what 64 bits hold:
 * more would become a float, which no column takes.
 */
export function toNanoseconds(column: string): string {
  return `max(min(${column}, ${LAST_MS}), -${LAST_MS}) * 1000000`;
}

/** 2^63 nanoseconds in whole milliseconds. */
const LAST_MS = 9_223_372_036_854;
