import type { ChunkCipher } from "../crypto/chunk_cipher.ts";

const known = new WeakMap<ChunkCipher, Map<number, string>>();

/**
 * The address that a full chunk of zeros has: what a hole refers to.
 *
 * @param chunkSize Bytes in a full chunk.
 * @returns Null in a volume where each such chunk has another address.
 */
export function zeroChunkAddress(cipher: ChunkCipher, chunkSize: number): string | null {
  if (cipher.mode === "random") return null;
  let bySize = known.get(cipher);
  if (bySize === undefined) known.set(cipher, bySize = new Map());
  let address = bySize.get(chunkSize);
  if (address === undefined) {
    address = cipher.seal(new Uint8Array(chunkSize)).hash;
    bySize.set(chunkSize, address);
  }
  return address;
}
