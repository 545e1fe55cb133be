import { ContentSeals } from "./content_seals.ts";
import type { ChunkCipher } from "./crypto/chunk_cipher.ts";

/**
 * What operations act through: a mount's id, with the key of its volume when
 * that is encrypted. The key belongs to the handle, so that volumes with
 * different keys can be open on one connection.
 */
export class MountHandle {
  /** The mount's uuid7. */
  readonly id: string;
  /** The volume it is bound to. */
  readonly volume: string;
  /**
   * 16 bytes with which `attach` opens the mount again without the PIN, for as
   * long as this database stays open; null when the volume is not encrypted.
   */
  readonly token: Uint8Array | null;
  readonly #cipher: ChunkCipher | null;
  readonly #seals: ContentSeals | null;

  /** @ignore Handles come from `mount` and `attach`. */
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
    this.#seals = cipher?.metadata ? new ContentSeals(volume, cipher.metadata) : null;
  }

  /** @ignore The cipher of an encrypted volume. */
  static cipherOf(handle: MountHandle): ChunkCipher | null {
    return handle.#cipher;
  }

  /** @ignore What keeps the tags of an encrypted volume. */
  static sealsOf(handle: MountHandle): ContentSeals | null {
    return handle.#seals;
  }

  /** Overwrites the key. The handle can read and write no content any more. */
  forget(): void {
    this.#cipher?.destroy();
    this.token?.fill(0);
  }
}

/** A handle, or the bare id of a mount of a volume that is not encrypted. */
export type MountRef = MountHandle | string;

/** The mount's id. */
export function mountId(mount: MountRef): string {
  return typeof mount === "string" ? mount : mount.id;
}
