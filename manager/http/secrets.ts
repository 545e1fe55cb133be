import { createHash } from "node:crypto";

/** A random text that nobody guesses, 64 hexadecimal digits. */
export function newSecret(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toHex();
}

/** What a secret is known by: SHA-256, hexadecimal. Of random texts it tells nobody what they are. */
export function secretHash(secret: string): string {
  return sha256(secret).toString("hex");
}

/** SHA-256 of a text. */
export function sha256(text: string): Uint8Array & { toString(encoding: "hex"): string } {
  return createHash("sha256").update(text).digest();
}
