import { AloeError } from "../errors.ts";
import type { EncryptionMode } from "../types.ts";
import { open, randomNonce, seal } from "./aead.ts";
import { wipe } from "./bytes.ts";
import { chunkAddress } from "./chunk_address.ts";
import { chunkKey, convergentNonce } from "./key_ladder.ts";
import { MetadataKey } from "./metadata_key.ts";
import { type CryptoProvider, defaultCrypto } from "./provider.ts";

/** What a chunk's row keeps of it. */
export interface StoredChunk {
  /** The bytes as stored. */
  data: Uint8Array;
  /** The column `N_c`: empty in a plain volume. */
  nonce: Uint8Array;
  /** The column `enc_tag`: empty in a plain volume. */
  tag: Uint8Array;
}

/** A chunk ready to be stored. */
export interface SealedChunk extends StoredChunk {
  /** Its address, the column `chunk_hash`. */
  hash: string;
}

/** Turns plaintext into chunks and back, for one volume. */
export interface ChunkCipher {
  /** How the volume is encrypted. */
  readonly mode: EncryptionMode;
  /** What authenticates the volume's metadata; null in a plain volume. */
  readonly metadata: MetadataKey | null;
  /**
   * Makes a chunk of plaintext.
   *
   * @param plaintext One chunk's bytes. A plain volume's `data` is this very
   * array, not a copy.
   * @param freshNonce Seals under a new random nonce in the convergent mode
   * too. An address covers the ciphertext alone, so two short plaintexts can
   * come to the same one (two of a single byte, once in 256 times); a chunk
   * whose address is taken by another plaintext is sealed again, with this.
   * Readers follow the nonce that is stored.
   * @throws {AloeError} `mount_invalid` after {@linkcode destroy}.
   */
  seal(plaintext: Uint8Array, freshNonce?: boolean): SealedChunk;
  /**
   * Makes of plaintext what {@linkcode open} opens, under a fresh nonce: for
   * bytes that are no chunk and need no address.
   *
   * @throws {AloeError} `mount_invalid` after {@linkcode destroy}.
   */
  protect(plaintext: Uint8Array): StoredChunk;
  /**
   * Gives a chunk's plaintext back.
   *
   * @returns The plaintext, in a plain volume the chunk's own `data`; null
   * when the chunk is not authentic.
   * @throws {AloeError} `mount_invalid` after {@linkcode destroy}.
   */
  open(chunk: StoredChunk): Uint8Array | null;
  /** Overwrites the key. A plain volume's cipher has none and goes on working. */
  destroy(): void;
}

const NOTHING = new Uint8Array(0);

/** The cipher of every volume that is not encrypted: chunks are the plaintext itself. */
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
  // Nonce and tag do not matter: an encrypted volume of the same file may have
  // stored the same bytes first, as its ciphertext.
  open: (chunk) => chunk.data,
  destroy() {},
};

/**
 * The cipher of an encrypted volume.
 *
 * @param volumeId Dashed lowercase uuid.
 * @param mode Whether a nonce comes from the plaintext or from chance.
 * @param volumeKey `K_v`. It is not kept: the caller may wipe it afterwards.
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
