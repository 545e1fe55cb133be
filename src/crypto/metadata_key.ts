import { AloeError } from "../errors.ts";
import { NONCE_LENGTH } from "./aead.ts";
import { wipe } from "./bytes.ts";
import { deriveKey } from "./hkdf.ts";
import { type CryptoProvider, defaultCrypto } from "./provider.ts";

/** The length of a tag, in bytes. */
export const SEAL_LENGTH = 16;

/** The block size of SHA-256, in bytes. */
const BLOCK = 64;

/** The number of random bytes of a marked nonce; the others are derived from them. */
const MARK_RANDOM = 4;

const encoder = new TextEncoder();

/**
 * `K_meta`, which authenticates a volume's metadata: derived from the volume key with HKDF and used
 * with HMAC-SHA-256.
 */
export class MetadataKey {
  readonly #provider: CryptoProvider;
  readonly #inner: Uint8Array;
  readonly #outer: Uint8Array;
  #live = true;

  /**
   * @param volumeKey `K_v`. The object keeps no reference; the caller may wipe it afterwards.
   * @param volumeId The volume's uuid, dashed lowercase.
   */
  constructor(
    volumeKey: Uint8Array,
    volumeId: string,
    provider: CryptoProvider = defaultCrypto(),
  ) {
    this.#provider = provider;
    const key = deriveKey(volumeKey, null, `aloelite-meta:${volumeId}`, provider);
    this.#inner = new Uint8Array(BLOCK).fill(0x36);
    this.#outer = new Uint8Array(BLOCK).fill(0x5c);
    for (let i = 0; i < key.length; i++) {
      this.#inner[i] ^= key[i];
      this.#outer[i] ^= key[i];
    }
    wipe(key);
  }

  /**
   * Returns the tag of a text: the first 16 bytes of its HMAC-SHA-256.
   *
   * @throws {AloeError} `mount_invalid` after {@linkcode destroy}.
   */
  tag(text: string): Uint8Array {
    return this.#hmac(encoder.encode(text)).subarray(0, SEAL_LENGTH);
  }

  /** Returns whether a tag matches a text. */
  fits(text: string, tag: Uint8Array): boolean {
    const wanted = this.tag(text);
    if (tag.length !== wanted.length) return false;
    let difference = 0;
    for (let i = 0; i < wanted.length; i++) difference |= wanted[i] ^ tag[i];
    return difference === 0;
  }

  /**
   * Returns a nonce for wrapping the volume key. To holders of that key it shows that the volume is
   * sealed: four random bytes, and eight bytes of their HMAC.
   */
  markedNonce(): Uint8Array {
    const nonce = new Uint8Array(NONCE_LENGTH);
    crypto.getRandomValues(nonce.subarray(0, MARK_RANDOM));
    nonce.set(this.#mark(nonce), MARK_RANDOM);
    return nonce;
  }

  /** Returns whether a nonce was made by {@linkcode markedNonce}. */
  isMarked(nonce: Uint8Array): boolean {
    if (nonce.length !== NONCE_LENGTH) return false;
    return this.#mark(nonce).every((byte, i) => byte === nonce[MARK_RANDOM + i]);
  }

  /** Overwrites the key. */
  destroy(): void {
    wipe(this.#inner);
    wipe(this.#outer);
    this.#live = false;
  }

  #mark(nonce: Uint8Array): Uint8Array {
    const label = encoder.encode("aloelite-sealed");
    const text = new Uint8Array(label.length + MARK_RANDOM);
    text.set(label);
    text.set(nonce.subarray(0, MARK_RANDOM), label.length);
    return this.#hmac(text).subarray(0, NONCE_LENGTH - MARK_RANDOM);
  }

  #hmac(text: Uint8Array): Uint8Array {
    if (!this.#live) {
      throw new AloeError("mount_invalid", "the mount was closed and its key destroyed");
    }
    return this.#provider.sha256(this.#outer, this.#provider.sha256(this.#inner, text));
  }
}
