import type { Snapshot } from "../src/ops.ts";

/** Bytes that one read wants: several chunks, yet little memory for each download. */
const BYTES_AT_ONCE = 1024 * 1024;

/** Something of a body: bytes, or a part of a snapshot. */
export type BodyPart = Uint8Array | { snapshot: Snapshot; start: number; end: number };

/**
 * A body that is read as its client takes it.
 *
 * @param done Called once, when it has been read or nobody wants it any more.
 */
export function contentStream(
  parts: readonly BodyPart[],
  done: () => Promise<void>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const rest = [...parts];
  let at: number | null = null;
  let ended = false;
  const finish = async () => {
    if (ended) return;
    ended = true;
    await done();
  };
  return new ReadableStream({
    async pull(controller) {
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
        const pieces = await part.snapshot.read(at, Math.min(BYTES_AT_ONCE, part.end + 1 - at));
        if (ended) return;
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
