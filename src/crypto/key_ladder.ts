import { AloeError } from "../errors.ts";
import type { Pin } from "../types.ts";
import { KEY_LENGTH, NONCE_LENGTH, open, randomNonce, seal, TAG_LENGTH } from "./aead.ts";
import { argon2id } from "./argon2.ts";
import { concatBytes, lengthPrefix, wipe } from "./bytes.ts";
import { deriveKey } from "./hkdf.ts";
import { type CryptoProvider, defaultCrypto } from "./provider.ts";

/** The length of the token that reopens an encrypted mount, in bytes. */
export const TOKEN_LENGTH = 16;
/** The length of a mount row's nonce `N_m`, in bytes. */
export const MOUNT_NONCE_LENGTH = 16;

const encoder = new TextEncoder();
const CONVERGENT_LABEL = encoder.encode("aloelite-nc");

/** A key encrypted with another key, as a volume row stores it. */
export interface WrappedKey {
  /** Ciphertext and tag, 48 bytes: the column `wrapped_key`. */
  bytes: Uint8Array;
  /** 12 bytes: the column `wrap_nonce`. */
  nonce: Uint8Array;
}

/**
 * Returns `H_v`, the salt of a volume's unlock key.
 *
 * @param volumeId The volume's uuid, dashed lowercase.
 * @param rootId The node id of the volume's root container, dashed lowercase.
 * @returns 32 bytes.
 */
export function volumeHash(
  volumeId: string,
  rootId: string,
  provider: CryptoProvider = defaultCrypto(),
): Uint8Array {
  return provider.sha256(encoder.encode(volumeId), encoder.encode(rootId));
}

/**
 * Derives `K_u`, the key of a PIN. Slow on purpose: see {@linkcode argon2id}.
 *
 * @param pin Text is encoded as UTF-8 without normalization.
 * @param salt `H_v`.
 * @returns 32 bytes, for the caller to wipe.
 * @throws {AloeError} `invalid` for text with a lone surrogate, which has no UTF-8 encoding.
 */
export async function unlockKey(
  pin: Pin,
  salt: Uint8Array,
): Promise<Uint8Array> {
  if (typeof pin !== "string") return await argon2id(pin, salt);
  if (!pin.isWellFormed()) {
    throw new AloeError("invalid", "the PIN is not well-formed text");
  }
  const bytes = encoder.encode(pin);
  try {
    return await argon2id(bytes, salt);
  } finally {
    wipe(bytes);
  }
}

/** Returns a new `K_v`, which a volume keeps for its lifetime. */
export function newVolumeKey(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(KEY_LENGTH));
}

/**
 * Encrypts a volume's key with its unlock key.
 *
 * @param unlockKey `K_u`.
 * @param volumeKey `K_v`.
 * @param nonce A new nonce by default, as security requires; tests pass a fixed one.
 */
export function wrapVolumeKey(
  unlockKey: Uint8Array,
  volumeKey: Uint8Array,
  nonce: Uint8Array = randomNonce(),
  provider: CryptoProvider = defaultCrypto(),
): WrappedKey {
  const { ciphertext, tag } = seal(unlockKey, nonce, volumeKey, provider);
  return { bytes: concatBytes([ciphertext, tag]), nonce };
}

/**
 * Decrypts the result of {@linkcode wrapVolumeKey}.
 *
 * @returns `K_v`, for the caller to wipe; null when the unlock key does not match, which means a
 *   wrong PIN.
 */
export function unwrapVolumeKey(
  unlockKey: Uint8Array,
  wrapped: WrappedKey,
  provider: CryptoProvider = defaultCrypto(),
): Uint8Array | null {
  if (wrapped.bytes.length !== KEY_LENGTH + TAG_LENGTH) return null;
  const ciphertext = wrapped.bytes.subarray(0, KEY_LENGTH);
  return open(
    unlockKey,
    wrapped.nonce,
    ciphertext,
    wrapped.bytes.subarray(KEY_LENGTH),
    provider,
  );
}

/**
 * Derives `K_chunk`, which encrypts a volume's chunks.
 *
 * @param volumeKey `K_v`.
 * @returns 32 bytes, for the caller to wipe.
 */
export function chunkKey(
  volumeKey: Uint8Array,
  volumeId: string,
  provider: CryptoProvider = defaultCrypto(),
): Uint8Array {
  return deriveKey(volumeKey, null, `aloelite-chunk:${volumeId}`, provider);
}

/**
 * Returns `N_c` of the convergent mode, in which equal plaintexts of a volume become equal chunks.
 *
 * @returns 12 bytes.
 */
export function convergentNonce(
  plaintext: Uint8Array,
  provider: CryptoProvider = defaultCrypto(),
): Uint8Array {
  const digest = provider.sha256(
    CONVERGENT_LABEL,
    lengthPrefix(plaintext.length),
    plaintext,
  );
  return digest.subarray(0, NONCE_LENGTH);
}

/**
 * Derives the session key of one mount.
 *
 * @param token 16 random bytes that only the mount's holder has.
 * @param mountNonce `N_m` of the mount's row.
 * @returns 32 bytes, for the caller to wipe.
 */
export function sessionKey(
  token: Uint8Array,
  mountNonce: Uint8Array,
  provider: CryptoProvider = defaultCrypto(),
): Uint8Array {
  return deriveKey(token, mountNonce, "aloelite-session", provider);
}

/**
 * Encrypts a volume's key for one mount, so that the token reopens the mount without the PIN.
 *
 * @returns The mount secret: nonce, ciphertext and tag, 60 bytes. It stays in this process's memory
 *   and is not part of the file.
 */
export function sealMountSecret(
  token: Uint8Array,
  mountNonce: Uint8Array,
  volumeKey: Uint8Array,
  provider: CryptoProvider = defaultCrypto(),
): Uint8Array {
  const key = sessionKey(token, mountNonce, provider);
  try {
    const nonce = randomNonce();
    const { ciphertext, tag } = seal(key, nonce, volumeKey, provider);
    return concatBytes([nonce, ciphertext, tag]);
  } finally {
    wipe(key);
  }
}

/**
 * Decrypts the result of {@linkcode sealMountSecret}.
 *
 * @returns `K_v`, for the caller to wipe; null when the token or the mount does not match.
 */
export function openMountSecret(
  token: Uint8Array,
  mountNonce: Uint8Array,
  secret: Uint8Array,
  provider: CryptoProvider = defaultCrypto(),
): Uint8Array | null {
  if (secret.length !== NONCE_LENGTH + KEY_LENGTH + TAG_LENGTH) return null;
  const key = sessionKey(token, mountNonce, provider);
  try {
    const nonce = secret.subarray(0, NONCE_LENGTH);
    const ciphertext = secret.subarray(NONCE_LENGTH, NONCE_LENGTH + KEY_LENGTH);
    return open(
      key,
      nonce,
      ciphertext,
      secret.subarray(NONCE_LENGTH + KEY_LENGTH),
      provider,
    );
  } finally {
    wipe(key);
  }
}
