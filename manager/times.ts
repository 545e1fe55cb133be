/** A time as responses have it: RFC 3339 in UTC, to the nanosecond. */
export function toRfc3339(ns: bigint): string {
  const seconds = ns >= 0n ? ns / BILLION : (ns - BILLION + 1n) / BILLION;
  const rest = (ns - seconds * BILLION).toString().padStart(9, "0");
  const date = new Date(Number(seconds) * 1000);
  // Times that no date can hold exist in files of others.
  if (Number.isNaN(date.getTime())) return ns < 0n ? FIRST : LAST;
  return `${date.toISOString().replace(/\.\d+Z$/, "")}.${rest}Z`;
}

/**
 * Reads RFC 3339, nanoseconds included.
 *
 * @returns Nanoseconds since the Unix epoch; null for what is no time.
 */
export function fromRfc3339(text: string): bigint | null {
  const match = /^(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)$/
    .exec(text);
  if (match === null) return null;
  const ms = Date.parse(`${match[1].replace(" ", "T").toUpperCase()}${match[3].toUpperCase()}`);
  if (Number.isNaN(ms)) return null;
  return BigInt(ms) * 1_000_000n + BigInt((match[2] ?? "").padEnd(9, "0"));
}

const BILLION = 1_000_000_000n;
const FIRST = "0000-01-01T00:00:00.000000000Z";
const LAST = "9999-12-31T23:59:59.999999999Z";
