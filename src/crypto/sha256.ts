import { defaultCrypto } from "./provider.ts";

/**
 * Returns the SHA-256 of bytes.
 *
 * @param parts The parts to hash, as if concatenated.
 * @returns 32 bytes.
 */
export function sha256(...parts: Uint8Array[]): Uint8Array {
  return defaultCrypto().sha256(...parts);
}

/**
 * Returns the SHA-256 of bytes as text.
 *
 * @param parts The parts to hash, as if concatenated.
 * @returns 64 lowercase hex digits.
 */
export function sha256Hex(...parts: Uint8Array[]): string {
  return defaultCrypto().sha256Hex(...parts);
}
