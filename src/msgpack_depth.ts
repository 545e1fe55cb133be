/**
 * Follows the structure of MsgPack values and refuses what is nested too
 * deeply, before a decoder makes objects of it: three megabytes of brackets
 * take it hundreds.
 */
export class MsgPackDepth {
  readonly #limit: number;
  /** Of each array or map that is open, how many values are to come. */
  readonly #open: number[] = [];
  /** Bytes of a value that are to come. */
  #skip = 0;
  /** The first byte of a value whose length is not complete yet. */
  #head = 0;
  /** Bytes of the length that are to come. */
  #missing = 0;
  #length = 0;

  /** @param limit Arrays and maps within each other, at most. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Looks at the next bytes.
   *
   * @throws {RangeError} When something in them is nested too deeply.
   */
  take(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, bytes.length - at);
        at += skipped;
        this.#skip -= skipped;
        if (this.#skip === 0) this.#ended();
      } else if (this.#missing > 0) {
        this.#length = this.#length * 256 + bytes[at++];
        if (--this.#missing === 0) this.#begin(this.#length);
      } else {
        this.#head = bytes[at++];
        this.#length = 0;
        this.#missing = lengthBytes(this.#head);
        if (this.#missing === 0) this.#begin(shortLength(this.#head));
      }
    }
  }

  /** The head of a value is complete. @param length Of what comes after it. */
  #begin(length: number): void {
    const values = valuesOf(this.#head, length);
    if (values === null) {
      this.#skip = bytesOf(this.#head, length);
      if (this.#skip === 0) this.#ended();
      return;
    }
    if (values === 0) return this.#ended();
    if (this.#open.length === this.#limit) {
      throw new RangeError(`values are nested deeper than ${this.#limit} levels`);
    }
    this.#open.push(values);
  }

  /** A value is complete, and with it perhaps what it is the last one of. */
  #ended(): void {
    for (let at = this.#open.length - 1; at >= 0; at--) {
      if (--this.#open[at] > 0) return;
      this.#open.pop();
    }
  }
}

/** How many bytes a length has that stands after the first byte of a value. */
function lengthBytes(head: number): number {
  if (head < 0xc4 || head > 0xdf) return 0;
  // bin, ext
  if (head <= 0xc9) return 1 << ((head - 0xc4) % 3);
  // str
  if (head >= 0xd9 && head <= 0xdb) return 1 << (head - 0xd9);
  // array, map
  if (head >= 0xdc) return head % 2 === 0 ? 2 : 4;
  return 0;
}

/** The length that is a part of the first byte. */
function shortLength(head: number): number {
  if (head >= 0x80 && head <= 0x9f) return head & 0x0f;
  if (head >= 0xa0 && head <= 0xbf) return head & 0x1f;
  return 0;
}

/** How many values an array or a map has; null for anything else. */
function valuesOf(head: number, length: number): number | null {
  if ((head & 0xf0) === 0x80 || head === 0xde || head === 0xdf) return 2 * length;
  if ((head & 0xf0) === 0x90 || head === 0xdc || head === 0xdd) return length;
  return null;
}

/** How many bytes come after the head of a value that is no array and no map. */
function bytesOf(head: number, length: number): number {
  // The kind of an extension.
  if (head >= 0xc7 && head <= 0xc9) return length + 1;
  if (head >= 0xd4 && head <= 0xd8) return (1 << (head - 0xd4)) + 1;
  // Floats and integers.
  if (head === 0xca) return 4;
  if (head === 0xcb) return 8;
  if (head >= 0xcc && head <= 0xcf) return 1 << (head - 0xcc);
  if (head >= 0xd0 && head <= 0xd3) return 1 << (head - 0xd0);
  return length;
}
