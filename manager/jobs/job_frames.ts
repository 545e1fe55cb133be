/** Bytes before each message: the length of its JSON, and of the bytes that go with it. */
const HEAD = 8;

/** A message, and the bytes that go with it beside its JSON. */
export interface Frame<T> {
  message: T;
  bytes: Uint8Array<ArrayBuffer>;
}

/** A message as it goes through a pipe. */
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

/** Puts messages together that come in parts. What has been read is overwritten: it may be a key. */
export class FrameReader<T> {
  #kept: Uint8Array<ArrayBuffer> = new Uint8Array();

  /** Takes what has come, and gives the messages that are complete with it. */
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
