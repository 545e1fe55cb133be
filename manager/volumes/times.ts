import { limitTime } from "../../src/internal.ts";

/** Formats a time, ns, for responses: RFC 3339 in UTC, to the nanosecond. */
export function toRfc3339(ns: bigint): string {
  const seconds = ns >= 0n ? ns / BILLION : (ns - BILLION + 1n) / BILLION;
  const rest = (ns - seconds * BILLION).toString().padStart(9, "0");
  const date = new Date(Number(seconds) * 1000);
  // Files of other programs may have times that no date can represent.
  if (Number.isNaN(date.getTime())) return ns < 0n ? FIRST : LAST;
  return `${date.toISOString().replace(/\.\d+Z$/, "")}.${rest}Z`;
}

/**
 * Parses RFC 3339, with nanoseconds. A leap second becomes the following second, as in
 * Unix time.
 *
 * @returns Nanoseconds since the Unix epoch, limited to what a file can store;
 * null for an invalid time, and for days that the calendar does not have.
 */
export function fromRfc3339(text: string): bigint | null {
  const match = RFC_3339.exec(text);
  if (match === null) return null;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number);
  const offset = /^[zZ]$/.test(match[8]) ? 0 : minutesOf(match[8]);
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return null;
  if (hour > 23 || minute > 59 || second > 60 || offset === null) return null;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  const seconds = BigInt(date.getTime() / 1000 - offset * 60);
  return limitTime(seconds * BILLION + BigInt((match[7] ?? "").padEnd(9, "0")));
}

const RFC_3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)$/;

/** Minutes of an offset from UTC; null for an invalid one. */
function minutesOf(offset: string): number | null {
  const [hours, minutes] = offset.slice(1).split(":").map(Number);
  if (hours > 23 || minutes > 59) return null;
  return (offset.startsWith("-") ? -1 : 1) * (hours * 60 + minutes);
}

/** How many days a month has, 1 to 12. */
function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

const BILLION = 1_000_000_000n;
const FIRST = "0000-01-01T00:00:00.000000000Z";
const LAST = "9999-12-31T23:59:59.999999999Z";
