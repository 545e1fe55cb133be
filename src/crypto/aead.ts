import { type CryptoProvider, defaultCrypto, type Sealed } from "./provider.ts";

/** The length of a ChaCha20-Poly1305 key, in bytes. */
export const KEY_LENGTH = 32;
/** The length of a ChaCha20-Poly1305 nonce, in bytes. */
export const NONCE_LENGTH = 12;
/** The length of a ChaCha20-Poly1305 tag, in bytes. */
export const TAG_LENGTH = 16;

/**
 * Encrypts and authenticates with ChaCha20-Poly1305, without associated data.
 *
 * @param key 32 bytes.
 * @param nonce 12 bytes; must not be used with this key for another plaintext.
 * @param plaintext Bytes of any length, including none.
 * @throws {RangeError} When the key or nonce has another length.
 */
export function seal(
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  provider: CryptoProvider = defaultCrypto(),
): Sealed {
  checkKey(key);
  if (nonce.length !== NONCE_LENGTH) {
    throw new RangeError("a nonce has 12 bytes");
  }
  return provider.seal(key, nonce, plaintext);
}

/**
 * Verifies and decrypts the result of {@linkcode seal}.
 *
 * @param nonce The stored nonce; one of another length is treated as not authentic.
 * @param tag The stored tag; one of another length is treated as not authentic.
 * @returns The plaintext, or null when key, nonce, ciphertext and tag do not match. Only the caller
 *   knows whether that means a wrong PIN (`bad_key`) or a damaged file (`corrupt`).
 * @throws {RangeError} When the key does not have 32 bytes.
 */
export function open(
  key: Uint8Array,
  nonce: Uint8Array,
  ciphertext: Uint8Array,
  tag: Uint8Array,
  provider: CryptoProvider = defaultCrypto(),
): Uint8Array | null {
  checkKey(key);
  if (nonce.length !== NONCE_LENGTH || tag.length !== TAG_LENGTH) return null;
  return provider.open(key, nonce, ciphertext, tag);
}

/** Returns a new nonce from the system's random source. */
export function randomNonce(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(NONCE_LENGTH));
}

function checkKey(key: Uint8Array): void {
  if (key.length !== KEY_LENGTH) throw new RangeError("a key has 32 bytes");
}
