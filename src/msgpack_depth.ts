/**
 * Tracks the nesting of MsgPack values and refuses deep nesting before a decoder creates objects:
 * three megabytes of brackets would need hundreds of megabytes of memory.
 */
export class MsgPackDepth {
  readonly #limit: number;
  /** The number of missing values of each open array or map. */
  readonly #open: number[] = [];
  /** The number of bytes to skip in the current value. */
  #skip = 0;
  /** The first byte of a value whose length is incomplete. */
  #head = 0;
  /** The number of missing bytes of the length. */
  #missing = 0;
  #length = 0;

  /**
   * @param limit The maximum nesting of arrays and maps.
   */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Reads the next bytes.
   *
   * @throws {RangeError} When a value is nested too deeply.
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

  /** Handles a complete head of a value. @param length The length of its content. */
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

  /** Handles the end of a value, and of the containers that end with it. */
  #ended(): void {
    for (let at = this.#open.length - 1; at >= 0; at--) {
      if (--this.#open[at] > 0) return;
      this.#open.pop();
    }
  }
}

/** Returns the size of the length after a value's first byte, in bytes. */
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

/** Returns the length contained in the first byte. */
function shortLength(head: number): number {
  if (head >= 0x80 && head <= 0x9f) return head & 0x0f;
  if (head >= 0xa0 && head <= 0xbf) return head & 0x1f;
  return 0;
}

/** Returns the number of values in an array or a map; null for other values. */
function valuesOf(head: number, length: number): number | null {
  if ((head & 0xf0) === 0x80 || head === 0xde || head === 0xdf) return 2 * length;
  if ((head & 0xf0) === 0x90 || head === 0xdc || head === 0xdd) return length;
  return null;
}

/** Returns the number of bytes after the head of a value other than an array or a map. */
function bytesOf(head: number, length: number): number {
  // An extension has an extra byte for its type.
  if (head >= 0xc7 && head <= 0xc9) return length + 1;
  if (head >= 0xd4 && head <= 0xd8) return (1 << (head - 0xd4)) + 1;
  // Floats and integers.
  if (head === 0xca) return 4;
  if (head === 0xcb) return 8;
  if (head >= 0xcc && head <= 0xcf) return 1 << (head - 0xcc);
  if (head >= 0xd0 && head <= 0xd3) return 1 << (head - 0xd0);
  return length;
}
