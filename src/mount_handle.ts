import { ContentSeals } from "./content_seals.ts";
import type { ChunkCipher } from "./crypto/chunk_cipher.ts";

/**
 * A mount through which operations act: its id and, for an encrypted volume, the key. The key
 * belongs to the handle, so that volumes with different keys can be open on one connection.
 */
export class MountHandle {
  /** The mount's uuid7. */
  readonly id: string;
  /** The mounted volume's id. */
  readonly volume: string;
  /**
   * A 16-byte token with which `attach` reopens the mount without the PIN while this database stays
   * open; null when the volume is not encrypted.
   */
  readonly token: Uint8Array | null;
  readonly #cipher: ChunkCipher | null;
  readonly #seals: ContentSeals | null;

  /**
   * @ignore `mount` and `attach` create handles.
   */
  constructor(
    id: string,
    volume: string,
    cipher: ChunkCipher | null,
    token: Uint8Array | null,
  ) {
    this.id = id;
    this.volume = volume;
    this.token = token;
    this.#cipher = cipher;
    this.#seals = cipher?.metadata ? new ContentSeals(volume, cipher.metadata, cipher) : null;
  }

  /**
   * @ignore Returns the cipher of an encrypted volume.
   */
  static cipherOf(handle: MountHandle): ChunkCipher | null {
    return handle.#cipher;
  }

  /**
   * @ignore Returns the tags of an encrypted volume.
   */
  static sealsOf(handle: MountHandle): ContentSeals | null {
    return handle.#seals;
  }

  /** Overwrites the key. The handle can no longer read or write content. */
  forget(): void {
    this.#cipher?.destroy();
    this.token?.fill(0);
  }
}

/** A handle, or only the id of a mount of a plain volume. */
export type MountRef = MountHandle | string;

/** Returns the mount's id. */
export function mountId(mount: MountRef): string {
  return typeof mount === "string" ? mount : mount.id;
}
