import * as files from "./local_files.ts";

/** A source of bytes to write into a volume. */
export interface Source {
  /** Skips a hole and returns its length in bytes; 0 when data follows. */
  hole(): number;
  /** Reads into a buffer as much as it can; returns 0 when a hole follows, null at the end. */
  read(block: Uint8Array): Promise<number | null>;
}

/** Returns a source without holes. */
export function plainSource(read: (block: Uint8Array) => Promise<number | null>): Source {
  return { hole: () => 0, read };
}

/** Returns a local file as a source; its holes are not read. */
export function fileSource(path: string): Source & Disposable {
  const file = files.openRead(path);
  try {
    const extents = files.dataExtents(path, file.statSync());
    return extents === null
      ? {
        ...plainSource((block) => file.read(block)),
        [Symbol.dispose]: () => file.close(),
      }
      : new SparseSource(file, extents[Symbol.iterator]());
  } catch (error) {
    file.close();
    throw error;
  }
}

/** A local file with holes as a source. */
class SparseSource implements Source, Disposable {
  readonly #file: Deno.FsFile;
  readonly #extents: Iterator<{ start: number; end: number }>;
  readonly #size: number;
  #at = 0;
  /** The end of the current range of data. */
  #end = 0;
  #done = false;

  constructor(file: Deno.FsFile, extents: Iterator<{ start: number; end: number }>) {
    this.#file = file;
    this.#extents = extents;
    this.#size = file.statSync().size;
  }

  hole(): number {
    if (this.#done || this.#at < this.#end) return 0;
    const next = this.#extents.next();
    const from = this.#at;
    if (next.done) {
      // Data added after the start is read as data, without a search for holes.
      this.#done = true;
      this.#at = Math.max(from, this.#size);
    } else {
      this.#at = next.value.start;
      this.#end = next.value.end;
    }
    this.#file.seekSync(this.#at, Deno.SeekMode.Start);
    return this.#at - from;
  }

  async read(block: Uint8Array): Promise<number | null> {
    if (this.#done) return await this.#file.read(block);
    if (this.#at >= this.#end) return 0;
    const length = Math.min(block.length, this.#end - this.#at);
    const read = await this.#file.read(block.subarray(0, length));
    // The file was truncated meanwhile, so this is the end.
    if (read === null) this.#done = true;
    else this.#at += read;
    return read;
  }

  [Symbol.dispose](): void {
    this.#extents.return?.();
    this.#file.close();
  }
}
