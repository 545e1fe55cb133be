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
  #pieces: Piece[] = [];

  /** @param size Bytes of a full chunk. */
  constructor(readonly size: number) {}

  /** Whether there is anything that neither pool nor log have. */
  get unsaved(): boolean {
    return this.rebased || this.#pieces.some((p) => p.unsavedFrom < p.unsavedTo);
  }

  /** Whether bytes lie over the base. */
  get written(): boolean {
    return this.#pieces.length > 0;
  }

  /** How many bytes are neither in the pool nor in the log. */
  get unsavedBytes(): number {
    return this.#pieces.reduce((sum, p) => sum + p.unsavedTo - p.unsavedFrom, 0);
  }

  /** Memory that it takes, bytes. */
  get memory(): number {
    return this.#pieces.reduce((sum, p) => sum + p.buffer.length, 0);
  }

  /** Whether the pieces alone say what the range holds. */
  covers(from: number, to: number): boolean {
    return this.#pieces.some((p) => p.start <= from && p.end >= to);
  }

  /** Copies bytes in. */
  write(start: number, data: Uint8Array): void {
    const end = start + data.length;
    if (start === end) return;
    const pieces = this.#pieces;
    const last = pieces.at(-1);
    if (last === undefined || last.end < start) {
      pieces.push(piece(start, data));
      return;
    }
    // Within one piece, or at its end: the two ways that most writes go.
    for (let i = pieces.length - 1; i >= 0; i--) {
      const p = pieces[i];
      if (p.start > start) continue;
      if (p.end < start) break;
      if (end > p.end && i < pieces.length - 1 && pieces[i + 1].start <= end) break;
      this.#extend(p, end);
      p.buffer.set(data, start - p.start);
      mark(p, start, end);
      return;
    }
    this.#merge(start, end, data);
  }

  /** Drops what is at an offset or past it. */
  cut(at: number): void {
    this.#pieces = this.#pieces.filter((p) => p.start < at);
    for (const p of this.#pieces) {
      p.end = Math.min(p.end, at);
      p.unsavedTo = Math.min(p.unsavedTo, p.end);
      p.unsavedFrom = Math.min(p.unsavedFrom, p.unsavedTo);
    }
  }

  /** Forgets everything, and has another base from here on. */
  rebase(base: Exclude<ChunkBase, "stored">): void {
    this.#pieces = [];
    this.base = base;
    this.limit = Infinity;
    this.rebased = true;
  }

  /** Copies what lies over the base into a buffer that begins at `from`. */
  overlay(into: Uint8Array, from: number): void {
    const to = from + into.length;
    for (const p of this.#pieces) {
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
    if (!this.logged) this.firstLoggedAt = at;
    this.logged = true;
  }

  /** Notes that the log has nothing of it any more. */
  unsave(): void {
    for (const p of this.#pieces) {
      p.unsavedFrom = p.start;
      p.unsavedTo = p.end;
    }
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

  #merge(start: number, end: number, data: Uint8Array): void {
    const touching = this.#pieces.filter((p) => p.start <= end && p.end >= start);
    const from = Math.min(start, ...touching.map((p) => p.start));
    const to = Math.max(end, ...touching.map((p) => p.end));
    const merged: Piece = {
      start: from,
      end: to,
      buffer: new Uint8Array(to - from),
      unsavedFrom: start,
      unsavedTo: end,
    };
    for (const p of touching) {
      merged.buffer.set(p.buffer.subarray(0, p.end - p.start), p.start - from);
      if (p.unsavedFrom < p.unsavedTo) mark(merged, p.unsavedFrom, p.unsavedTo);
    }
    merged.buffer.set(data, start - from);
    this.#pieces = [...this.#pieces.filter((p) => !touching.includes(p)), merged]
      .sort((a, b) => a.start - b.start);
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
