import { AloeError } from "../errors.ts";
import type { EncryptionMode } from "../types.ts";
import { open, randomNonce, seal } from "./aead.ts";
import { wipe } from "./bytes.ts";
import { chunkAddress } from "./chunk_address.ts";
import { chunkKey, convergentNonce } from "./key_ladder.ts";
import { MetadataKey } from "./metadata_key.ts";
import { type CryptoProvider, defaultCrypto } from "./provider.ts";

/** The content of a chunk's row. */
export interface StoredChunk {
  /** The bytes as stored. */
  data: Uint8Array;
  /** The column `N_c`; empty in a plain volume. */
  nonce: Uint8Array;
  /** The column `enc_tag`; empty in a plain volume. */
  tag: Uint8Array;
}

/** A chunk that is ready to be stored. */
export interface SealedChunk extends StoredChunk {
  /** The chunk's address, the column `chunk_hash`. */
  hash: string;
}

/** Converts plaintext to chunks and back, for one volume. */
export interface ChunkCipher {
  /** The volume's encryption mode. */
  readonly mode: EncryptionMode;
  /** The key that authenticates the volume's metadata; null in a plain volume. */
  readonly metadata: MetadataKey | null;
  /**
   * Converts plaintext to a chunk.
   *
   * @param plaintext One chunk's bytes. In a plain volume, `data` is this array, not a copy.
   * @param freshNonce Uses a new random nonce in the convergent mode too. An address covers only
   *   the ciphertext, so two short plaintexts can have the same address (two single bytes: once in
   *   256 times); a chunk whose address belongs to another plaintext is sealed again with this
   *   flag. Readers use the stored nonce.
   * @throws {AloeError} `mount_invalid` after {@linkcode destroy}.
   */
  seal(plaintext: Uint8Array, freshNonce?: boolean): SealedChunk;
  /**
   * Encrypts bytes that are not a chunk and need no address, under a fresh nonce. {@linkcode open}
   * decrypts them.
   *
   * @throws {AloeError} `mount_invalid` after {@linkcode destroy}.
   */
  protect(plaintext: Uint8Array): StoredChunk;
  /**
   * Returns a chunk's plaintext.
   *
   * @returns The plaintext, which in a plain volume is the chunk's `data`; null when the chunk is
   *   not authentic.
   * @throws {AloeError} `mount_invalid` after {@linkcode destroy}.
   */
  open(chunk: StoredChunk): Uint8Array | null;
  /** Overwrites the key. A plain volume's cipher has no key and stays usable. */
  destroy(): void;
}

const NOTHING = new Uint8Array(0);

/** The cipher of all plain volumes: chunks are the plaintext itself. */
export const plainCipher: ChunkCipher = {
  mode: "none",
  metadata: null,
  seal: (plaintext) => ({
    data: plaintext,
    nonce: NOTHING,
    tag: NOTHING,
    hash: chunkAddress(plaintext),
  }),
  protect: (plaintext) => ({ data: plaintext, nonce: NOTHING, tag: NOTHING }),
  // Ignore nonce and tag: an encrypted volume of the file may have stored the same bytes first, as
  // its ciphertext.
  open: (chunk) => chunk.data,
  destroy() {},
};

/**
 * Returns the cipher of an encrypted volume.
 *
 * @param volumeId The volume's uuid, dashed lowercase.
 * @param mode Whether nonces are derived from the plaintext or random.
 * @param volumeKey `K_v`. The cipher keeps no reference; the caller may wipe it afterwards.
 */
export function createChunkCipher(
  volumeId: string,
  mode: Exclude<EncryptionMode, "none">,
  volumeKey: Uint8Array,
  provider: CryptoProvider = defaultCrypto(),
): ChunkCipher {
  return new SealingCipher(
    mode,
    chunkKey(volumeKey, volumeId, provider),
    new MetadataKey(volumeKey, volumeId, provider),
    provider,
  );
}

class SealingCipher implements ChunkCipher {
  readonly mode: Exclude<EncryptionMode, "none">;
  readonly metadata: MetadataKey;
  readonly #provider: CryptoProvider;
  #key: Uint8Array | null;

  constructor(
    mode: Exclude<EncryptionMode, "none">,
    key: Uint8Array,
    metadata: MetadataKey,
    provider: CryptoProvider,
  ) {
    this.mode = mode;
    this.metadata = metadata;
    this.#key = key;
    this.#provider = provider;
  }

  seal(plaintext: Uint8Array, freshNonce = false): SealedChunk {
    const nonce = this.mode === "random" || freshNonce
      ? randomNonce()
      : convergentNonce(plaintext, this.#provider);
    const { ciphertext, tag } = seal(
      this.#liveKey(),
      nonce,
      plaintext,
      this.#provider,
    );
    return {
      data: ciphertext,
      nonce,
      tag,
      hash: chunkAddress(ciphertext, this.#provider),
    };
  }

  protect(plaintext: Uint8Array): StoredChunk {
    const nonce = randomNonce();
    const { ciphertext, tag } = seal(this.#liveKey(), nonce, plaintext, this.#provider);
    return { data: ciphertext, nonce, tag };
  }

  open(chunk: StoredChunk): Uint8Array | null {
    return open(
      this.#liveKey(),
      chunk.nonce,
      chunk.data,
      chunk.tag,
      this.#provider,
    );
  }

  destroy(): void {
    if (this.#key !== null) wipe(this.#key);
    this.#key = null;
    this.metadata.destroy();
  }

  #liveKey(): Uint8Array {
    if (this.#key === null) {
      throw new AloeError(
        "mount_invalid",
        "the mount was closed and its key destroyed",
      );
    }
    return this.#key;
  }
}
