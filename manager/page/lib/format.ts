const UNITS = ["bytes", "KB", "MB", "GB", "TB", "PB"];

export function bytes(n: number): string {
  if (n < 1000) return n === 1 ? "1 byte" : `${n} bytes`;
  let unit = 0;
  let value = n;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}

const NUMBER = new Intl.NumberFormat("en");

export function count(n: number, one: string, many = `${one}s`): string {
  return `${NUMBER.format(n)} ${n === 1 ? one : many}`;
}

const TIME = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hour12: false });
const DAY = new Intl.DateTimeFormat("en", { day: "numeric", month: "short" });
const YEAR = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", year: "numeric" });
const FULL = new Intl.DateTimeFormat("en", { dateStyle: "long", timeStyle: "medium" });

/**
 * Formats a time for a list: today with the clock time, this year with the day.
 */
export function shortTime(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return "";
  const now = new Date();
  if (date.toDateString() === now.toDateString()) return `Today ${TIME.format(date)}`;
  if (date.getFullYear() === now.getFullYear()) return `${DAY.format(date)} ${TIME.format(date)}`;
  return YEAR.format(date);
}

export function longTime(iso: string | null): string {
  const date = new Date(iso ?? NaN);
  return Number.isNaN(date.getTime()) ? "unknown" : FULL.format(date);
}
