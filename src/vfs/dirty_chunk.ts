import { bisect } from "./bisect.ts";

/** Contiguous bytes of a chunk, and which of them the file does not have yet. */
interface Piece {
  /** Offset in the chunk. */
  start: number;
  /** First offset after it. */
  end: number;
  /** Its bytes, from `start` on; may be longer, to grow in place. */
  buffer: Uint8Array;
  /** The hull of what is not saved: empty when both are equal. */
  unsavedFrom: number;
  unsavedTo: number;
}

/** What lies under a chunk's pieces: what is stored, zeros, or another stored chunk by its address. */
export type ChunkBase = "stored" | "zeros" | { readonly hash: string };

/** Bytes as they are logged. */
export interface UnsavedRange {
  /** Offset in the chunk. */
  start: number;
  /** A view, valid until the chunk is written again. */
  data: Uint8Array;
}

/**
 * What was written to one chunk and is not in the pool yet: disjoint pieces,
 * in order, over a base that is only fetched when it is needed.
 */
export class DirtyChunk {
  base: ChunkBase = "stored";
  /** Whether the base differs from what the file says, so that only a fold can save it. */
  rebased = false;
  /** Bytes of a base given by its address that count. */
  limit = Infinity;
  /** Whether the redo log has records of it. */
  logged = false;
  /** When it was first logged, ms of the monotonic clock. */
  firstLoggedAt = 0;
  /** Bytes of its records. */
  loggedBytes = 0;
  /** Disjoint, with a gap between any two, in order. */
  #pieces: Piece[] = [];
  #memory = 0;
  #unsavedBytes = 0;

  /** Bytes of a full chunk. */
  readonly size: number;

  constructor(size: number) {
    this.size = size;
  }

  /** Whether there is anything that neither pool nor log have. */
  get unsaved(): boolean {
    return this.rebased || this.#unsavedBytes > 0;
  }

  /** Whether bytes lie over the base. */
  get written(): boolean {
    return this.#pieces.length > 0;
  }

  /** How many bytes are neither in the pool nor in the log. */
  get unsavedBytes(): number {
    return this.#unsavedBytes;
  }

  /** Memory that it takes, bytes. */
  get memory(): number {
    return this.#memory;
  }

  /** Whether the pieces alone say what the range holds. */
  covers(from: number, to: number): boolean {
    const p = this.#pieces[this.#reaching(to)];
    return p !== undefined && p.start <= from;
  }

  /** Copies bytes in. */
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
    // Within one piece, or at its end: the two ways that most writes go.
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

  /** Drops what is at an offset or past it. */
  cut(at: number): void {
    this.#pieces = this.#pieces.filter((p) => p.start < at);
    for (const p of this.#pieces) {
      p.end = Math.min(p.end, at);
      p.unsavedTo = Math.min(p.unsavedTo, p.end);
      p.unsavedFrom = Math.min(p.unsavedFrom, p.unsavedTo);
    }
    this.#recount();
  }

  /** Forgets everything, and has another base from here on. */
  rebase(base: Exclude<ChunkBase, "stored">): void {
    this.#pieces = [];
    this.#recount();
    this.base = base;
    this.limit = Infinity;
    this.rebased = true;
  }

  /** Copies what lies over the base into a buffer that begins at `from`. */
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

  /** The chunk's first bytes when one piece has them all: no copy. */
  whole(length: number): Uint8Array | null {
    const [p] = this.#pieces;
    if (p === undefined || p.start > 0 || p.end < length) return null;
    return p.buffer.subarray(0, length);
  }

  /** What the log is to be given. */
  unsavedRanges(): UnsavedRange[] {
    return this.#pieces.filter((p) => p.unsavedFrom < p.unsavedTo).map((p) => ({
      start: p.unsavedFrom,
      data: p.buffer.subarray(p.unsavedFrom - p.start, p.unsavedTo - p.start),
    }));
  }

  /** Notes that the log has everything. */
  saved(at: number): void {
    this.loggedBytes += this.unsavedBytes;
    for (const p of this.#pieces) p.unsavedFrom = p.unsavedTo = p.start;
    this.#unsavedBytes = 0;
    if (!this.logged) this.firstLoggedAt = at;
    this.logged = true;
  }

  /** Notes that the log has nothing of it any more. */
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

  /** The index of the first piece that ends at an offset or past it. */
  #reaching(offset: number): number {
    const pieces = this.#pieces;
    const last = pieces.length - 1;
    // Bytes mostly come in their order.
    if (last < 0 || pieces[last].end < offset) return last + 1;
    return bisect(last, (i) => pieces[i].end < offset);
  }

  /** Makes one of the pieces `first` to before `last`, and what is written over them. */
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

  /** Adds a piece to the sums, or takes it out of them. */
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
