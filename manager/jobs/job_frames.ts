/** Bytes of a frame's header: the lengths of its JSON and of its attached bytes. */
const HEAD = 8;

/** A message with attached bytes. */
export interface Frame<T> {
  message: T;
  bytes: Uint8Array<ArrayBuffer>;
}

/** Encodes a message for a pipe. */
export function encodeFrame(
  message: unknown,
  bytes: Uint8Array = new Uint8Array(),
): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(JSON.stringify(message));
  const frame = new Uint8Array(HEAD + json.length + bytes.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, json.length);
  view.setUint32(4, bytes.length);
  frame.set(json, HEAD);
  frame.set(bytes, HEAD + json.length);
  return frame;
}

/** Decodes messages from parts of a stream. Consumed bytes are overwritten: they may be a key. */
export class FrameReader<T> {
  #kept: Uint8Array<ArrayBuffer> = new Uint8Array();

  /** Adds a part, and yields the messages that it completes. */
  *push(part: Uint8Array): Generator<Frame<T>> {
    const kept = new Uint8Array(this.#kept.length + part.length);
    kept.set(this.#kept);
    kept.set(part, this.#kept.length);
    this.#kept.fill(0);
    part.fill(0);
    this.#kept = kept;
    for (let frame = this.#next(); frame !== null; frame = this.#next()) yield frame;
  }

  #next(): Frame<T> | null {
    const kept = this.#kept;
    if (kept.length < HEAD) return null;
    const view = new DataView(kept.buffer);
    const body = HEAD + view.getUint32(0);
    const end = body + view.getUint32(4);
    if (kept.length < end) return null;
    const message = JSON.parse(new TextDecoder().decode(kept.subarray(HEAD, body)));
    const bytes = kept.slice(body, end);
    this.#kept = kept.slice(end);
    kept.fill(0);
    return { message, bytes };
  }
}
