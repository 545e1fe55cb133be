import { isZero } from "./stream.ts";

/**
 * The length and alignment of zeros that are left out, in bytes; equal to the chunk size of a
 * mount.
 */
const PIECE = 64 * 1024;

/** Writes a local file from its start; leaves out zeros if the file may have holes. */
export class Sink {
  readonly #file: Deno.FsFile;
  readonly #sparse: boolean;
  /** The offset of the next byte. */
  #at = 0;
  /** The number of bytes left out directly before the offset. */
  #skipped = 0;

  constructor(file: Deno.FsFile, sparse: boolean) {
    this.#file = file;
    this.#sparse = sparse;
  }

  /** Whether the last bytes were left out. */
  get inHole(): boolean {
    return this.#skipped > 0;
  }

  /** Appends data. */
  async write(data: Uint8Array): Promise<void> {
    for (const part of this.#parts(data)) {
      for (let done = 0; done < part.length;) done += await this.#file.write(part.subarray(done));
    }
  }

  /** Appends a small amount of data synchronously. */
  writeSync(data: Uint8Array): void {
    for (const part of this.#parts(data)) {
      for (let done = 0; done < part.length;) done += this.#file.writeSync(part.subarray(done));
    }
  }

  /** Leaves out zeros. */
  skip(bytes: number): void {
    this.#skipped += bytes;
    this.#at += bytes;
  }

  /** Extends the file to its final size. */
  end(): void {
    if (this.#skipped > 0) this.#file.truncateSync(this.#at);
  }

  /** Yields the parts of the data to write, with the file positioned for each. */
  *#parts(data: Uint8Array): Generator<Uint8Array> {
    if (!this.#sparse) {
      yield data;
      return;
    }
    let from = 0;
    for (let at = 0; at < data.length;) {
      const next = Math.min(data.length, at + PIECE - this.#at % PIECE);
      const length = next - at;
      if (length === PIECE && isZero(data.subarray(at, next))) {
        if (from < at) yield data.subarray(from, at);
        from = next;
        this.skip(length);
      } else {
        if (this.#skipped > 0) {
          this.#file.seekSync(this.#at, Deno.SeekMode.Start);
          this.#skipped = 0;
        }
        this.#at += length;
      }
      at = next;
    }
    if (from < data.length) yield data.subarray(from);
  }
}
