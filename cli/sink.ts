import { isZero } from "./stream.ts";

/** Zeros of this length, and on its multiples, are left out, in bytes: what a chunk of a mount has. */
const PIECE = 64 * 1024;

/** A local file that is written from its start, zeros left out if it may have holes. */
export class Sink {
  readonly #file: Deno.FsFile;
  readonly #sparse: boolean;
  /** Where the next byte belongs. */
  #at = 0;
  /** Bytes before it that were left out. */
  #skipped = 0;

  constructor(file: Deno.FsFile, sparse: boolean) {
    this.#file = file;
    this.#sparse = sparse;
  }

  /** Whether zeros were left out last. */
  get inHole(): boolean {
    return this.#skipped > 0;
  }

  /** Writes on. */
  async write(data: Uint8Array): Promise<void> {
    for (const part of this.#parts(data)) {
      for (let done = 0; done < part.length;) done += await this.#file.write(part.subarray(done));
    }
  }

  /** The same for a little, at once. */
  writeSync(data: Uint8Array): void {
    for (const part of this.#parts(data)) {
      for (let done = 0; done < part.length;) done += this.#file.writeSync(part.subarray(done));
    }
  }

  /** Goes on past zeros. */
  skip(bytes: number): void {
    this.#skipped += bytes;
    this.#at += bytes;
  }

  /** Makes the file as long as it is to be. */
  end(): void {
    if (this.#skipped > 0) this.#file.truncateSync(this.#at);
  }

  /** The parts of some bytes that are to be written, the file being there. */
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
