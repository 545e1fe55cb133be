import { MIB } from "./harness.ts";

/** Bytes of one piece that a source gives: what Deno reads from a file or a socket at once. */
export const PIECE = 64 * 1024;

/**
 * Bytes that no two MiB of are alike and nothing compresses, always the same
 * ones: a MiB of noise, stamped with its number.
 */
export class Noise {
  readonly #block = new Uint8Array(MIB);

  constructor() {
    for (let at = 0; at < MIB; at += 65536) {
      crypto.getRandomValues(this.#block.subarray(at, at + 65536));
    }
  }

  /** The MiB of a number. The next call overwrites it. */
  block(index: number): Uint8Array {
    new DataView(this.#block.buffer).setFloat64(0, index);
    return this.#block;
  }

  /** Some MiB as a stream of pieces, as a file's would be. */
  stream(mib: number): ReadableStream<Uint8Array> {
    let at = 0;
    return new ReadableStream<Uint8Array>({
      pull: (controller) => {
        const start = at % MIB;
        const block = start === 0 ? this.block(at / MIB) : this.#block;
        controller.enqueue(block.subarray(start, start + PIECE));
        at += PIECE;
        if (at === mib * MIB) controller.close();
      },
    }, { highWaterMark: 0 });
  }
}
