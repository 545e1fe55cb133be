import { lengthPrefix } from "./bytes.ts";
import { type CryptoProvider, defaultCrypto } from "./provider.ts";

/**
 * Returns the address of a chunk: SHA-256 of its length and its stored bytes.
 *
 * @param stored The stored bytes; the ciphertext if the volume is encrypted.
 * @returns 64 lowercase hex digits.
 */
export function chunkAddress(
  stored: Uint8Array,
  provider: CryptoProvider = defaultCrypto(),
): string {
  return provider.sha256Hex(lengthPrefix(stored.length), stored);
}
