import { UsageError } from "./args.ts";

const NS_PER_MS = 1_000_000n;
const NS_PER_S = 1_000_000_000n;
/** The last millisecond that a `Date` holds. */
const LAST_DATE_MS = 8_640_000_000_000_000;

/**
 * Writes a time with all its digits, for machines.
 *
 * @param ns Nanoseconds since the Unix epoch.
 * @returns ISO 8601 in UTC, for instance `2026-01-02T03:04:05.123456789Z`.
 */
export function isoTime(ns: bigint): string {
  const fraction = ((ns % NS_PER_S) + NS_PER_S) % NS_PER_S;
  const date = new Date(Number((ns - fraction) / NS_PER_MS));
  if (Number.isNaN(date.getTime())) return `${ns} ns`;
  const text = date.toISOString();
  return `${text.slice(0, text.lastIndexOf("."))}.${fraction.toString().padStart(9, "0")}Z`;
}

/**
 * Writes a time to the minute in the local time zone, for people.
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

/** A `Date` at a time, cut to milliseconds, as the runtime's utime takes it. */
export function toDate(ns: bigint): Date {
  const ms = ns / NS_PER_MS;
  return new Date(Number(ns < 0n && ns % NS_PER_MS !== 0n ? ms - 1n : ms));
}

/**
 * A `Date` as nanoseconds since the Unix epoch. A local file may have a time
 * that no date holds: it counts as the last date.
 */
export function fromDate(date: Date): bigint {
  const ms = date.getTime();
  return BigInt(Number.isNaN(ms) ? LAST_DATE_MS : Math.trunc(ms)) * NS_PER_MS;
}

/** The present, in nanoseconds since the Unix epoch. */
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
 * Reads how long something is to be: `30s`, `5m`, `12h`.
 *
 * @param option The option that says it, for the message.
 * @returns Milliseconds.
 * @throws {UsageError} When it is none.
 */
export function parseDuration(option: string, text: string): number {
  const match = /^(\d{1,9})([smhdw])$/.exec(text);
  if (match !== null && match[1] !== "0") return Number(BigInt(match[1]) * UNITS[match[2]]) * 1000;
  throw new UsageError(`${option} is a time like 30s, 5m or 12h, not ${text}`);
}

/** Reads an ISO date; null for what is none, or a day that its month does not have. */
function parseDate(text: string): Date | null {
  const day = /^(\d{4})-(\d\d)-(\d\d)/.exec(text);
  if (day === null) return null;
  const date = new Date(text);
  const [year, month, ordinal] = day.slice(1).map(Number);
  // The last day of a month is the zeroth of the next one.
  const last = new Date(Date.UTC(2000 + year % 400, month, 0)).getUTCDate();
  return Number.isNaN(date.getTime()) || ordinal > last ? null : date;
}

/**
 * Reads an age (`30d`) or a date (`2026-01-02`) as the moment it means.
 *
 * @param text A whole number with one of s, m, h, d, w, y; or an ISO date.
 * @returns Nanoseconds since the Unix epoch.
 * @throws {UsageError} When it is neither.
 */
export function parseMoment(text: string): bigint {
  const age = /^(\d{1,9})([smhdwy])$/.exec(text);
  if (age !== null) return now() - BigInt(age[1]) * UNITS[age[2]] * NS_PER_S;
  const date = parseDate(text);
  if (date !== null) return fromDate(date);
  throw new UsageError(
    `not an age: ${text} (write 30d, 12h, 2w or a date like 2026-01-31)`,
  );
}
