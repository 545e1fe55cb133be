import { type ChunkCipher, plainCipher } from "../crypto/chunk_cipher.ts";
import { AloeError } from "../errors.ts";
import { MountHandle } from "../mount_handle.ts";
import type { Resolved } from "../tree/resolve.ts";

/**
 * The cipher for a node's content.
 *
 * @throws {AloeError} `encryption_required` when the caller's handle has no
 * key for an encrypted volume, or one for another volume.
 */
export function cipherFor(
  node: Pick<Resolved, "mount" | "volume" | "encryption" | "label">,
): ChunkCipher {
  const cipher = typeof node.mount === "string" ? null : MountHandle.cipherOf(node.mount);
  const fits = typeof node.mount === "string" ||
    node.mount.volume === node.volume;
  if (!fits || (cipher === null) !== (node.encryption === "none")) {
    throw new AloeError(
      "encryption_required",
      `${node.label}: the volume is encrypted and this handle has not its key`,
    );
  }
  return cipher ?? plainCipher;
}
