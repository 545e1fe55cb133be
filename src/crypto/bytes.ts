/**
 * Overwrites secrets. This shortens a key's life in memory, but the garbage collector and the
 * cipher's own context may hold further copies.
 *
 * @param secrets Buffers that are no longer used.
 */
export function wipe(...secrets: Uint8Array[]): void {
  for (const secret of secrets) secret.fill(0);
}

/**
 * Returns a length as the format hashes it: 8 bytes, big-endian.
 *
 * @param length The length in bytes, a non-negative safe integer.
 */
export function lengthPrefix(length: number): Uint8Array {
  const prefix = new Uint8Array(8);
  const view = new DataView(prefix.buffer);
  view.setUint32(0, Math.floor(length / 0x1_0000_0000));
  view.setUint32(4, length);
  return prefix;
}

/** Bytes one after the other, in an array of their own. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
