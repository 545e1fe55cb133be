import { UsageError } from "./args.ts";

const NS_PER_MS = 1_000_000n;
const NS_PER_S = 1_000_000_000n;
/** The last millisecond that a `Date` can represent. */
const LAST_DATE_MS = 8_640_000_000_000_000;

/**
 * Formats a time with full precision, for programs.
 *
 * @param ns Nanoseconds since the Unix epoch.
 * @returns ISO 8601 in UTC, for example `2026-01-02T03:04:05.123456789Z`.
 */
export function isoTime(ns: bigint): string {
  const fraction = ((ns % NS_PER_S) + NS_PER_S) % NS_PER_S;
  const date = new Date(Number((ns - fraction) / NS_PER_MS));
  if (Number.isNaN(date.getTime())) return `${ns} ns`;
  const text = date.toISOString();
  return `${text.slice(0, text.lastIndexOf("."))}.${fraction.toString().padStart(9, "0")}Z`;
}

/**
 * Formats a time to the minute in the local time zone, for users.
 *
 * @param ns Nanoseconds since the Unix epoch, or null for an unknown time.
 */
export function shortTime(ns: bigint | null): string {
  if (ns === null) return "unknown         ";
  const date = new Date(Number(ns / NS_PER_MS));
  const two = (n: number): string => n.toString().padStart(2, "0");
  return `${date.getFullYear().toString().padStart(4, "0")}-` +
    `${two(date.getMonth() + 1)}-${two(date.getDate())} ` +
    `${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** Converts a time to a `Date`, rounded down to milliseconds for the runtime's utime. */
export function toDate(ns: bigint): Date {
  const ms = ns / NS_PER_MS;
  return new Date(Number(ns < 0n && ns % NS_PER_MS !== 0n ? ms - 1n : ms));
}

/**
 * Converts a `Date` to nanoseconds since the Unix epoch. A local file's time may be beyond the
 * range of a `Date`; the last date is used then.
 */
export function fromDate(date: Date): bigint {
  const ms = date.getTime();
  return BigInt(Number.isNaN(ms) ? LAST_DATE_MS : Math.trunc(ms)) * NS_PER_MS;
}

/** Returns the current time in nanoseconds since the Unix epoch. */
export function now(): bigint {
  return BigInt(Date.now()) * NS_PER_MS;
}

const UNITS: Readonly<Record<string, bigint>> = {
  s: 1n,
  m: 60n,
  h: 3600n,
  d: 86_400n,
  w: 604_800n,
  y: 31_536_000n,
};

/**
 * Parses a duration: `30s`, `5m`, `12h`.
 *
 * @param option The option's name, for the message.
 * @returns The duration in milliseconds.
 * @throws {UsageError} When the text is not a duration.
 */
export function parseDuration(option: string, text: string): number {
  const match = /^(\d{1,9})([smhdw])$/.exec(text);
  if (match !== null && match[1] !== "0") return Number(BigInt(match[1]) * UNITS[match[2]]) * 1000;
  throw new UsageError(`${option} needs a time such as 30s, 5m or 12h, not ${text}`);
}

/** Parses an ISO date; returns null for other text, or for a day that the month does not have. */
function parseDate(text: string): Date | null {
  const day = /^(\d{4})-(\d\d)-(\d\d)/.exec(text);
  if (day === null) return null;
  const date = new Date(text);
  const [year, month, ordinal] = day.slice(1).map(Number);
  // Day 0 of the next month is the last day of this one.
  const last = new Date(Date.UTC(2000 + year % 400, month, 0)).getUTCDate();
  return Number.isNaN(date.getTime()) || ordinal > last ? null : date;
}

/**
 * Parses an age (`30d`) or a date (`2026-01-02`) as a moment.
 *
 * @param text A whole number with one of s, m, h, d, w, y; or an ISO date.
 * @returns Nanoseconds since the Unix epoch.
 * @throws {UsageError} When the text is neither.
 */
export function parseMoment(text: string): bigint {
  const age = /^(\d{1,9})([smhdwy])$/.exec(text);
  if (age !== null) return now() - BigInt(age[1]) * UNITS[age[2]] * NS_PER_S;
  const date = parseDate(text);
  if (date !== null) return fromDate(date);
  throw new UsageError(
    `not an age: ${text} (write 30d, 12h, 2w or a date such as 2026-01-31)`,
  );
}
