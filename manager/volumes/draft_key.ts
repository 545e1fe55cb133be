import { hkdfSync } from "node:crypto";
import * as internal from "../../src/internal.ts";
import type { Access } from "./access.ts";

const PURPOSE = "aloelite: drafts of the page";

/**
 * The key that encrypts drafts of an encrypted volume in a browser. It is derived
 * from the volume's key, does not disclose it, and changes with it.
 *
 * @returns 32 bytes; null for a volume without a key.
 */
export async function draftKey({ fs, mount, volume }: Access): Promise<Uint8Array | null> {
  const key = await internal.mountKey(fs.db, mount.handle);
  if (key === null) return null;
  try {
    return new Uint8Array(hkdfSync("sha256", key, volume.id, PURPOSE, 32));
  } finally {
    key.fill(0);
  }
}
