import type { ChunkMap } from "./chunk_map.ts";

/** One chunk of a stream. */
export interface CutChunk {
  /** Its index in the version. */
  index: number;
  /** Its bytes: a view of what was cut. */
  data: Uint8Array;
}

/** Cuts a stream into the chunks that are stored. They all have one size, but for the last. */
export class Chunker {
  readonly #map: ChunkMap;

  constructor(map: ChunkMap) {
    this.#map = map;
  }

  /** How many bytes, in full chunks, are cut at once from so many; one chunk at least. */
  batch(bytes: number): number {
    return this.#map.startOf(Math.max(1, this.#map.indexOf(bytes)));
  }

  /**
   * Cuts bytes that begin at the start of a chunk.
   *
   * @param first The index of that chunk.
   */
  *cut(data: Uint8Array, first = 0): Generator<CutChunk> {
    const { chunkSize } = this.#map;
    for (let at = 0, index = first; at < data.length; at += chunkSize, index++) {
      const whole = at === 0 && data.length <= chunkSize;
      yield { index, data: whole ? data : data.subarray(at, at + chunkSize) };
    }
  }
}
