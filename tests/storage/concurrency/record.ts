/**
 * Records in the shared files: the writer, a number, and bytes derived from
 * both, so that a reader can distinguish a complete record from a mixture.
 *
 * @module
 */

import { noise } from "../crash/support.ts";

/** Bytes in a chunk of the volume. */
export const CHUNK = 4096;

const HEADER = 32;

/** A record with `size` bytes after its header. */
export function makeRecord(name: string, n: number, size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER + size);
  bytes.set(new TextEncoder().encode(`${name} ${n} ${size}`));
  bytes.set(noise(seedOf(name, n), size), HEADER);
  return bytes;
}

/** Returns the writer of a record, and its defect. */
export function readRecord(
  bytes: Uint8Array,
): { name: string; n: number; problem: string | null } {
  const header = new TextDecoder().decode(bytes.subarray(0, HEADER)).replace(/\0+$/, "");
  const [name, n, size] = header.split(" ");
  const rest = bytes.subarray(HEADER);
  const right = noise(seedOf(name, Number(n)), Number(size) || 0);
  const problem = rest.length !== right.length
    ? `${rest.length} bytes after ${header}`
    : rest.some((byte, i) => byte !== right[i])
    ? `other bytes after ${header}`
    : null;
  return { name, n: Number(n), problem };
}

function seedOf(name: string, n: number): number {
  return n * 31 + name.charCodeAt(0);
}
