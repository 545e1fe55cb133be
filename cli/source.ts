import * as files from "./local_files.ts";

/** Where bytes come from that are written into a volume. */
export interface Source {
  /** The bytes of the hole that comes next; 0 where none does. They are passed by it. */
  hole(): number;
  /** Fills a buffer as far as it can; 0 where a hole comes next, null at the end. */
  read(block: Uint8Array): Promise<number | null>;
}

/** A source that knows nothing of holes. */
export function plainSource(read: (block: Uint8Array) => Promise<number | null>): Source {
  return { hole: () => 0, read };
}

/** A local file, whose holes are not read. */
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

/** A local file with holes. */
class SparseSource implements Source, Disposable {
  readonly #file: Deno.FsFile;
  readonly #extents: Iterator<{ start: number; end: number }>;
  readonly #size: number;
  #at = 0;
  /** Where the data ends that is read; null before the first. */
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
      // What was added since the file was looked at is not looked for holes.
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
    // It was cut off meanwhile: what is missing is the end.
    if (read === null) this.#done = true;
    else this.#at += read;
    return read;
  }

  [Symbol.dispose](): void {
    this.#extents.return?.();
    this.#file.close();
  }
}
