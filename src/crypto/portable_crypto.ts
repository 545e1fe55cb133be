import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import type { CryptoProvider } from "./provider.ts";

const TAG_LENGTH = 16;

/**
 * The primitives in plain JavaScript, for runtimes without native ones: slower, with equal results.
 */
export const portableCrypto: CryptoProvider = {
  name: "portable",
  sha256: hash,
  sha256Hex: (...parts) => bytesToHex(hash(...parts)),
  seal(key, nonce, plaintext) {
    const joined = chacha20poly1305(key, nonce).encrypt(plaintext);
    return {
      ciphertext: joined.subarray(0, plaintext.length),
      tag: joined.subarray(plaintext.length),
    };
  },
  open(key, nonce, ciphertext, tag) {
    const joined = new Uint8Array(ciphertext.length + TAG_LENGTH);
    joined.set(ciphertext);
    joined.set(tag, ciphertext.length);
    try {
      return chacha20poly1305(key, nonce).decrypt(joined);
    } catch {
      return null;
    }
  },
  hkdf: (secret, salt, info, length) => hkdf(sha256, secret, salt, info, length),
};

function hash(...parts: Uint8Array[]): Uint8Array {
  const state = sha256.create();
  for (const part of parts) state.update(part);
  return state.digest();
}
