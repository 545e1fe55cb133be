import { KEY_LENGTH } from "./aead.ts";
import { type CryptoProvider, defaultCrypto } from "./provider.ts";

const NO_SALT = new Uint8Array(0);

/**
 * Derives one key from another with HKDF-SHA-256.
 *
 * @param secret The key to derive from.
 * @param salt The salt; null for none.
 * @param info The purpose of the new key, as text.
 * @returns 32 bytes.
 */
export function deriveKey(
  secret: Uint8Array,
  salt: Uint8Array | null,
  info: string,
  provider: CryptoProvider = defaultCrypto(),
): Uint8Array {
  return provider.hkdf(
    secret,
    salt ?? NO_SALT,
    new TextEncoder().encode(info),
    KEY_LENGTH,
  );
}
