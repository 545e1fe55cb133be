import { sha256 } from "@noble/hashes/sha2.js";

/** The SHA-256 of an object of a schema, as text, in hexadecimal. */
export function objectDigest(object: string): string {
  return sha256(new TextEncoder().encode(object)).toHex();
}
