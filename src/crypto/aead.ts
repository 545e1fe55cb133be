import { type CryptoProvider, defaultCrypto, type Sealed } from "./provider.ts";

/** Bytes of a ChaCha20-Poly1305 key. */
export const KEY_LENGTH = 32;
/** Bytes of its nonce. */
export const NONCE_LENGTH = 12;
/** Bytes of its tag. */
export const TAG_LENGTH = 16;

/**
 * Encrypts and authenticates with ChaCha20-Poly1305, without associated data.
 *
 * @param key 32 bytes.
 * @param nonce 12 bytes, used with this key for no other plaintext.
 * @param plaintext Any length, empty too.
 * @throws {RangeError} The key or nonce has another length.
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
 * Checks and decrypts what {@linkcode seal} made.
 *
 * @param nonce As stored: one of the wrong length is not authentic either.
 * @param tag As stored, likewise.
 * @returns The plaintext, or null when key, nonce, ciphertext and tag do not
 * belong together. Only the caller knows whether that means a wrong PIN
 * (`bad_key`) or a damaged file (`corrupt`).
 * @throws {RangeError} The key does not have 32 bytes.
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

/** A new nonce from the system's random source. */
export function randomNonce(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(NONCE_LENGTH));
}

function checkKey(key: Uint8Array): void {
  if (key.length !== KEY_LENGTH) throw new RangeError("a key has 32 bytes");
}
