import type { CryptoProvider } from "./provider.ts";

/** The type of the runtime's module. */
export type NodeCrypto = typeof import("node:crypto");

const CIPHER = "chacha20-poly1305";
const CIPHER_OPTIONS = { authTagLength: 16 };

/**
 * Returns the primitives of the runtime's `node:crypto`, which are the fast ones.
 *
 * @param node The module; looked up by default.
 * @returns Null when the runtime has no such module, or the module no such cipher.
 */
export function createRuntimeCrypto(
  node: NodeCrypto | undefined = findNodeCrypto(),
): CryptoProvider | null {
  if (!node?.getCiphers().includes(CIPHER)) return null;
  const { createHash, createCipheriv, createDecipheriv, hkdfSync } = node;
  const hash = (parts: Uint8Array[]) => {
    const state = createHash("sha256");
    for (const part of parts) state.update(part);
    return state;
  };
  return {
    name: "runtime",
    sha256: (...parts) => plainArray(hash(parts).digest()),
    sha256Hex: (...parts) => hash(parts).digest("hex"),
    seal(key, nonce, plaintext) {
      const cipher = createCipheriv(CIPHER, key, nonce, CIPHER_OPTIONS);
      // In a stream cipher, `update` returns every byte; `final` only computes the tag.
      const ciphertext = plainArray(cipher.update(plaintext));
      cipher.final();
      return { ciphertext, tag: plainArray(cipher.getAuthTag()) };
    },
    open(key, nonce, ciphertext, tag) {
      const decipher = createDecipheriv(CIPHER, key, nonce, CIPHER_OPTIONS);
      decipher.setAuthTag(tag);
      const plaintext = plainArray(decipher.update(ciphertext));
      try {
        decipher.final();
      } catch {
        plaintext.fill(0);
        return null;
      }
      return plaintext;
    },
    hkdf: (secret, salt, info, length) =>
      new Uint8Array(hkdfSync("sha256", secret, salt, info, length)),
  };
}

/** Finds `node:crypto` without an import statement, which would load it at start. */
function findNodeCrypto(): NodeCrypto | undefined {
  const host = globalThis as {
    process?: { getBuiltinModule?: (id: string) => NodeCrypto | undefined };
  };
  return host.process?.getBuiltinModule?.("node:crypto");
}

/** Returns a view of the bytes without Buffer's methods, because Buffer's `slice` does not copy. */
function plainArray(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
