import type { Snapshot } from "../../src/internal.ts";

/** Bytes that one read asks for: several chunks, yet little memory for each download. */
const BYTES_AT_ONCE = 1024 * 1024;

/** The minimum, however many downloads run. */
const LEAST_AT_ONCE = 256 * 1024;

/** Bytes that all downloads of the process may buffer, since clients may be slow. */
const MOST_ON_THE_WAY = 256 * 1024 * 1024;

/** Running downloads. */
let open = 0;

function bytesAtOnce(): number {
  return Math.max(LEAST_AT_ONCE, Math.min(BYTES_AT_ONCE, Math.floor(MOST_ON_THE_WAY / open)));
}

/** A part of a body: bytes, or a range of a snapshot. */
export type BodyPart = Uint8Array | { snapshot: Snapshot; start: number; end: number };

/**
 * A body that is read on demand.
 *
 * @param done Is called once, when it has been read or cancelled.
 */
export function contentStream(
  parts: readonly BodyPart[],
  done: () => Promise<void>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const rest = [...parts];
  let at: number | null = null;
  let begun = false;
  let ended = false;
  const finish = async () => {
    if (ended) return;
    ended = true;
    if (begun) open--;
    for (const part of parts) if (!(part instanceof Uint8Array)) part.snapshot.forget();
    await done();
  };
  return new ReadableStream({
    async pull(controller) {
      if (!begun) open++;
      begun = true;
      try {
        const [part] = rest;
        if (part === undefined) {
          await finish();
          controller.close();
          return;
        }
        if (part instanceof Uint8Array) {
          controller.enqueue(part as Uint8Array<ArrayBuffer>);
          rest.shift();
          return;
        }
        at ??= part.start;
        const pieces = await part.snapshot.read(at, Math.min(bytesAtOnce(), part.end + 1 - at));
        if (ended) {
          // It was cancelled during the read, which has kept chunks.
          part.snapshot.forget();
          return;
        }
        for (const piece of pieces) {
          controller.enqueue(piece as Uint8Array<ArrayBuffer>);
          at += piece.length;
        }
        if (at <= part.end) return;
        rest.shift();
        at = null;
        if (rest.length > 0) return;
        await finish();
        controller.close();
      } catch (error) {
        await finish();
        controller.error(error);
      }
    },
    cancel: finish,
  }, { highWaterMark: 0 });
}
