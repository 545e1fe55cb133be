import { lengthPrefix } from "./bytes.ts";
import { type CryptoProvider, defaultCrypto } from "./provider.ts";

/**
 * The address of a chunk: SHA-256 of its length and its bytes, as stored.
 *
 * @param stored The ciphertext when the volume is encrypted.
 * @returns 64 lowercase hex digits.
 */
export function chunkAddress(
  stored: Uint8Array,
  provider: CryptoProvider = defaultCrypto(),
): string {
  return provider.sha256Hex(lengthPrefix(stored.length), stored);
}
