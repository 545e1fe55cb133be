import { createHash } from "node:crypto";

/** A random secret, 64 hexadecimal digits. */
export function newSecret(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toHex();
}

/** The hash that a secret is stored by: SHA-256, hexadecimal. */
export function secretHash(secret: string): string {
  return sha256(secret).toString("hex");
}

/** SHA-256 of a text. */
export function sha256(text: string): Uint8Array & { toString(encoding: "hex"): string } {
  return createHash("sha256").update(text).digest();
}
