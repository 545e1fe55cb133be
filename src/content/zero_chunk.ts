import type { ChunkCipher } from "../crypto/chunk_cipher.ts";

/** Ciphertexts shorter than this can be those of other plaintexts too, bytes. */
const CERTAIN = 16;

const known = new WeakMap<ChunkCipher, Map<number, string>>();

/**
 * The address that a full chunk of zeros has: what a hole refers to.
 *
 * @param chunkSize Bytes in a full chunk.
 * @returns Null in a volume where each such chunk has another address, or another chunk may have it.
 */
export function zeroChunkAddress(cipher: ChunkCipher, chunkSize: number): string | null {
  if (cipher.mode === "random") return null;
  if (cipher.mode === "convergent" && chunkSize < CERTAIN) return null;
  let bySize = known.get(cipher);
  if (bySize === undefined) known.set(cipher, bySize = new Map());
  let address = bySize.get(chunkSize);
  if (address === undefined) {
    address = cipher.seal(new Uint8Array(chunkSize)).hash;
    bySize.set(chunkSize, address);
  }
  return address;
}
