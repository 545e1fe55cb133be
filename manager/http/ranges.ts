import { combineRanges, parse } from "range-parser";

/** A range of bytes, both ends inclusive. */
export interface ByteRange {
  start: number;
  end: number;
}

/** Ranges of one response at most; for more the whole content is served. */
const MOST_RANGES = 32;

/**
 * The ranges that a Range header asks for.
 *
 * @param size Of the content, bytes.
 * @returns Null when the whole is to be served; empty when no range can be satisfied.
 */
export function rangesOf(header: string | null, size: number): ByteRange[] | null {
  if (header === null) return null;
  // A header that is not understood is ignored (RFC 9110, 14.2).
  const { code, type, ranges } = parse(size, header);
  if (type !== "bytes" || (code & 1) !== 0) return null;
  if (ranges.length === 0) return [];
  const parts = ranges.length === 1 ? [ranges[0]] : [...combineRanges([...ranges])];
  if (parts.length > MOST_RANGES) return null;
  const bytes = parts.reduce((sum, { start, end }) => sum + end - start + 1, 0);
  // Ranges that overlap to more than the whole are an attack or a mistake.
  if (parts.length > 1 && bytes >= size) return null;
  return parts.map(({ start, end }) => ({ start, end }));
}

/** A Content-Range. */
export function contentRange(range: ByteRange, size: number): string {
  return `bytes ${range.start}-${range.end}/${size}`;
}
