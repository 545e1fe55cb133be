import { bisect } from "./bisect.ts";

/** Contiguous bytes of a chunk, some of which the file may not have yet. */
interface Piece {
  /** The offset in the chunk. */
  start: number;
  /** The end offset, exclusive. */
  end: number;
  /** The bytes from `start` on; the buffer may be longer, to grow in place. */
  buffer: Uint8Array;
  /** The smallest range that contains all unsaved bytes; empty when both bounds are equal. */
  unsavedFrom: number;
  unsavedTo: number;
}

/**
 * The content below a chunk's pieces: the stored chunk, zeros, or another stored chunk by its
 * address.
 */
export type ChunkBase = "stored" | "zeros" | { readonly hash: string };

/** A range of bytes to log. */
export interface UnsavedRange {
  /** The offset in the chunk. */
  start: number;
  /** A view that is valid until the next write to the chunk. */
  data: Uint8Array;
}

/**
 * The bytes written to one chunk that are not in the pool yet: disjoint pieces in order over a
 * base, which is fetched only when it is needed.
 */
export class DirtyChunk {
  base: ChunkBase = "stored";
  /** Whether the base differs from the file's rows, so that only a fold can save it. */
  rebased = false;
  /** The number of valid bytes of the base. */
  limit = Infinity;
  /** Whether the redo log has records of the chunk. */
  logged = false;
  /** When the chunk was first logged, in ms of the monotonic clock. */
  firstLoggedAt = 0;
  /** The size of the chunk's log records, in bytes. */
  loggedBytes = 0;
  /** Disjoint pieces in order, with a gap between any two. */
  #pieces: Piece[] = [];
  #memory = 0;
  #unsavedBytes = 0;

  /** The size of a full chunk, in bytes. */
  readonly size: number;

  constructor(size: number) {
    this.size = size;
  }

  /** Whether any change is neither in the pool nor in the log. */
  get unsaved(): boolean {
    return this.rebased || this.#unsavedBytes > 0;
  }

  /** Whether any bytes cover the base. */
  get written(): boolean {
    return this.#pieces.length > 0;
  }

  /** The number of bytes that are neither in the pool nor in the log. */
  get unsavedBytes(): number {
    return this.#unsavedBytes;
  }

  /** The memory in use, in bytes. */
  get memory(): number {
    return this.#memory;
  }

  /** Returns whether the pieces alone cover a range. */
  covers(from: number, to: number): boolean {
    const p = this.#pieces[this.#reaching(to)];
    return p !== undefined && p.start <= from;
  }

  /** Copies bytes into the chunk. */
  write(start: number, data: Uint8Array): void {
    const end = start + data.length;
    if (start === end) return;
    const pieces = this.#pieces;
    const first = this.#reaching(start);
    let last = first;
    while (last < pieces.length && pieces[last].start <= end) last++;
    if (last === first) {
      const p = piece(start, data);
      this.#count(p, 1);
      if (first === pieces.length) pieces.push(p);
      else pieces.splice(first, 0, p);
      return;
    }
    // Fast path for most writes: within one piece, or at its end.
    const p = pieces[first];
    if (last === first + 1 && p.start <= start) {
      this.#count(p, -1);
      this.#extend(p, end);
      p.buffer.set(data, start - p.start);
      mark(p, start, end);
      this.#count(p, 1);
      return;
    }
    this.#merge(first, last, start, data);
  }

  /** Drops all bytes from an offset on. */
  cut(at: number): void {
    this.#pieces = this.#pieces.filter((p) => p.start < at);
    for (const p of this.#pieces) {
      p.end = Math.min(p.end, at);
      p.unsavedTo = Math.min(p.unsavedTo, p.end);
      p.unsavedFrom = Math.min(p.unsavedFrom, p.unsavedTo);
    }
    this.#recount();
  }

  /** Drops all pieces and sets another base. */
  rebase(base: Exclude<ChunkBase, "stored">): void {
    this.#pieces = [];
    this.#recount();
    this.base = base;
    this.limit = Infinity;
    this.rebased = true;
  }

  /** Copies the bytes that cover the base into a buffer, which starts at `from`. */
  overlay(into: Uint8Array, from: number): void {
    const to = from + into.length;
    const pieces = this.#pieces;
    for (let i = this.#reaching(from); i < pieces.length && pieces[i].start < to; i++) {
      const p = pieces[i];
      const start = Math.max(from, p.start);
      const end = Math.min(to, p.end);
      if (start < end) {
        into.set(p.buffer.subarray(start - p.start, end - p.start), start - from);
      }
    }
  }

  /** Returns the chunk's first bytes without copying, if one piece has them all. */
  whole(length: number): Uint8Array | null {
    const [p] = this.#pieces;
    if (p === undefined || p.start > 0 || p.end < length) return null;
    return p.buffer.subarray(0, length);
  }

  /** Returns the ranges to log. */
  unsavedRanges(): UnsavedRange[] {
    return this.#pieces.filter((p) => p.unsavedFrom < p.unsavedTo).map((p) => ({
      start: p.unsavedFrom,
      data: p.buffer.subarray(p.unsavedFrom - p.start, p.unsavedTo - p.start),
    }));
  }

  /** Marks everything as logged. */
  saved(at: number): void {
    this.loggedBytes += this.unsavedBytes;
    for (const p of this.#pieces) p.unsavedFrom = p.unsavedTo = p.start;
    this.#unsavedBytes = 0;
    if (!this.logged) this.firstLoggedAt = at;
    this.logged = true;
  }

  /** Marks everything as not logged. */
  unsave(): void {
    for (const p of this.#pieces) {
      p.unsavedFrom = p.start;
      p.unsavedTo = p.end;
    }
    this.#recount();
    this.logged = false;
    this.loggedBytes = 0;
  }

  #extend(p: Piece, end: number): void {
    if (end <= p.end) return;
    const needed = end - p.start;
    if (needed > p.buffer.length) {
      const buffer = new Uint8Array(
        Math.min(this.size - p.start, Math.max(needed, 2 * p.buffer.length)),
      );
      buffer.set(p.buffer.subarray(0, p.end - p.start));
      p.buffer = buffer;
    }
    p.end = end;
  }

  /** Returns the index of the first piece that ends at or after an offset. */
  #reaching(offset: number): number {
    const pieces = this.#pieces;
    const last = pieces.length - 1;
    // Fast path: bytes usually arrive in order.
    if (last < 0 || pieces[last].end < offset) return last + 1;
    return bisect(last, (i) => pieces[i].end < offset);
  }

  /** Merges the pieces from `first` up to but not including `last` with written bytes. */
  #merge(first: number, last: number, start: number, data: Uint8Array): void {
    const touching = this.#pieces.slice(first, last);
    const end = start + data.length;
    const from = Math.min(start, touching[0].start);
    const to = Math.max(end, touching[touching.length - 1].end);
    const merged: Piece = {
      start: from,
      end: to,
      buffer: new Uint8Array(to - from),
      unsavedFrom: start,
      unsavedTo: end,
    };
    for (const p of touching) {
      this.#count(p, -1);
      merged.buffer.set(p.buffer.subarray(0, p.end - p.start), p.start - from);
      if (p.unsavedFrom < p.unsavedTo) mark(merged, p.unsavedFrom, p.unsavedTo);
    }
    merged.buffer.set(data, start - from);
    this.#count(merged, 1);
    this.#pieces.splice(first, last - first, merged);
  }

  /** Adds a piece to the totals, or subtracts it. */
  #count(p: Piece, sign: 1 | -1): void {
    this.#memory += sign * p.buffer.length;
    this.#unsavedBytes += sign * (p.unsavedTo - p.unsavedFrom);
  }

  #recount(): void {
    this.#memory = this.#unsavedBytes = 0;
    for (const p of this.#pieces) this.#count(p, 1);
  }
}

function piece(start: number, data: Uint8Array): Piece {
  const end = start + data.length;
  return { start, end, buffer: data.slice(), unsavedFrom: start, unsavedTo: end };
}

function mark(p: Piece, from: number, to: number): void {
  if (p.unsavedFrom >= p.unsavedTo) {
    p.unsavedFrom = from;
    p.unsavedTo = to;
  } else {
    p.unsavedFrom = Math.min(p.unsavedFrom, from);
    p.unsavedTo = Math.max(p.unsavedTo, to);
  }
}
