import { defaultCrypto } from "./provider.ts";

/**
 * SHA-256.
 *
 * @param parts Hashed one after the other, as if they were joined.
 * @returns 32 bytes.
 */
export function sha256(...parts: Uint8Array[]): Uint8Array {
  return defaultCrypto().sha256(...parts);
}

/**
 * SHA-256 as text.
 *
 * @param parts Hashed one after the other, as if they were joined.
 * @returns 64 lowercase hex digits.
 */
export function sha256Hex(...parts: Uint8Array[]): string {
  return defaultCrypto().sha256Hex(...parts);
}
