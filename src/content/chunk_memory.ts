/** Chunks whose memory is worth being accounted for at once, bytes. */
const LARGE = 64 * 1024;

/**
 * Gives a whole chunk to the caller without a copy. V8 looks at what the blobs
 * that SQLite returned add up to only where JavaScript itself makes a buffer,
 * so one is made, lest gigabytes of dropped chunks wait for collection.
 */
export function handOver(chunk: Uint8Array): Uint8Array {
  if (chunk.length >= LARGE) new ArrayBuffer(1);
  return chunk;
}

/** Frees a chunk's memory at once: it would be collected too late. */
export function release(bytes: Uint8Array): void {
  const buffer = bytes.buffer as ArrayBuffer;
  // A view of a part may share its buffer with others.
  if (!buffer.detached && bytes.byteLength === buffer.byteLength) buffer.transfer(0);
}
