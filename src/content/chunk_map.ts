import { MAX_CHUNKS } from "../limits.ts";

/** Where a byte of a version lies. */
export interface ChunkPosition {
  /** The chunk's index. */
  index: number;
  /** Bytes from the chunk's start. */
  within: number;
  /** Bytes from there to the end of a full chunk. */
  length: number;
}

/** How the bytes of a version lie in its chunks. All but the last chunk are full. */
export class ChunkMap {
  /** Bytes of a full chunk. */
  readonly chunkSize: number;

  /** @param chunkSize Bytes of a full chunk. */
  constructor(chunkSize: number) {
    this.chunkSize = chunkSize;
  }

  /** Bytes that a version may have at most. */
  get limit(): number {
    return MAX_CHUNKS * this.chunkSize;
  }

  /** Where a byte lies. */
  locate(offset: number): ChunkPosition {
    const index = Math.floor(offset / this.chunkSize);
    const within = offset - index * this.chunkSize;
    return { index, within, length: this.chunkSize - within };
  }

  /** The index of the chunk that has a byte; also how many full chunks are before it. */
  indexOf(offset: number): number {
    return Math.floor(offset / this.chunkSize);
  }

  /** Bytes before a chunk, from the start of the version. */
  startOf(index: number): number {
    return index * this.chunkSize;
  }

  /** How many chunks a version of so many bytes has. */
  count(size: number): number {
    return Math.ceil(size / this.chunkSize);
  }

  /** Bytes of the last chunk of a version where it is not full; 0 where it is. */
  partial(size: number): number {
    return size % this.chunkSize;
  }

  /** Bytes of a chunk of a version; none, or less than none, of one past its end. */
  lengthOf(index: number, size: number): number {
    return Math.min(this.chunkSize, size - index * this.chunkSize);
  }
}
