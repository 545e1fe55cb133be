import { AloeError } from "../errors.ts";
import type { Pin } from "../types.ts";
import { KEY_LENGTH, NONCE_LENGTH, open, randomNonce, seal, TAG_LENGTH } from "./aead.ts";
import { argon2id } from "./argon2.ts";
import { lengthPrefix, wipe } from "./bytes.ts";
import { deriveKey } from "./hkdf.ts";
import { type CryptoProvider, defaultCrypto } from "./provider.ts";

/** Bytes of the token with which its holder re-opens an encrypted mount. */
export const TOKEN_LENGTH = 16;
/** Bytes of a mount row's own nonce, `N_m`. */
export const MOUNT_NONCE_LENGTH = 16;

const encoder = new TextEncoder();
const CONVERGENT_LABEL = encoder.encode("aloelite-nc");

/** A key sealed with another one, as a volume row stores it. */
export interface WrappedKey {
  /** Ciphertext and tag, 48 bytes: the column `wrapped_key`. */
  bytes: Uint8Array;
  /** 12 bytes: the column `wrap_nonce`. */
  nonce: Uint8Array;
}

/**
 * `H_v`, the salt of a volume's unlock key.
 *
 * @param volumeId Dashed lowercase uuid.
 * @param rootId The node id of the volume's root container, likewise.
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
 * `K_u`, the key that a PIN stands for. Slow on purpose: see {@linkcode argon2id}.
 *
 * @param pin Text counts as its UTF-8 bytes, as it stands: it is not normalised.
 * @param salt `H_v`.
 * @returns 32 bytes, for the caller to wipe.
 * @throws {AloeError} `invalid` for text with a lone surrogate, which has no bytes in UTF-8.
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

/** A new `K_v`, the key that a volume keeps for life. */
export function newVolumeKey(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(KEY_LENGTH));
}

/**
 * Seals a volume's key with its unlock key.
 *
 * @param unlockKey `K_u`.
 * @param volumeKey `K_v`.
 * @param nonce A new one by default, as it must be; tests fix it.
 */
export function wrapVolumeKey(
  unlockKey: Uint8Array,
  volumeKey: Uint8Array,
  nonce: Uint8Array = randomNonce(),
  provider: CryptoProvider = defaultCrypto(),
): WrappedKey {
  const { ciphertext, tag } = seal(unlockKey, nonce, volumeKey, provider);
  return { bytes: join(ciphertext, tag), nonce };
}

/**
 * Opens what {@linkcode wrapVolumeKey} made.
 *
 * @returns `K_v`, for the caller to wipe; null when the unlock key does not
 * fit, that is for a wrong PIN.
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
 * `K_chunk`, with which a volume's chunks are sealed.
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
 * `N_c` of the convergent mode: equal plaintexts of a volume become equal chunks.
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
 * The key of one mount's session.
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
 * Seals a volume's key for one mount, so that the token re-opens it without the PIN.
 *
 * @returns The mount secret: nonce, ciphertext and tag in one, 60 bytes. It
 * stays in this process's memory and is no part of the file.
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
    return join(nonce, ciphertext, tag);
  } finally {
    wipe(key);
  }
}

/**
 * Opens what {@linkcode sealMountSecret} made.
 *
 * @returns `K_v`, for the caller to wipe; null when the token or the mount is another one.
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

function join(...parts: Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(
    parts.reduce((length, part) => length + part.length, 0),
  );
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
