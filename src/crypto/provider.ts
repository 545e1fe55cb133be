import { AloeError } from "../errors.ts";
import { createRuntimeCrypto } from "./runtime_crypto.ts";

/** An encrypted plaintext. */
export interface Sealed {
  /** The ciphertext, as long as the plaintext. */
  ciphertext: Uint8Array;
  /** The 16-byte authentication tag. */
  tag: Uint8Array;
}

/**
 * The primitives for the format's keys and chunks. The callers, `aead.ts` and `hkdf.ts`, check the
 * lengths of keys, nonces and tags.
 */
export interface CryptoProvider {
  /** The implementation's name, for reports. */
  readonly name: "runtime" | "portable";
  /** Returns the SHA-256 of the concatenated parts. */
  sha256(...parts: Uint8Array[]): Uint8Array;
  /** Returns the SHA-256 of the concatenated parts as lowercase hex. */
  sha256Hex(...parts: Uint8Array[]): string;
  /** Encrypts with ChaCha20-Poly1305 (RFC 8439), without associated data. */
  seal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array): Sealed;
  /** Decrypts; returns null when the ciphertext is not authentic. */
  open(
    key: Uint8Array,
    nonce: Uint8Array,
    ciphertext: Uint8Array,
    tag: Uint8Array,
  ): Uint8Array | null;
  /**
   * Derives a key with HKDF-SHA-256 (RFC 5869). An empty salt means none; `info` has at most 1,024
   * bytes.
   */
  hkdf(
    secret: Uint8Array,
    salt: Uint8Array,
    info: Uint8Array,
    length: number,
  ): Uint8Array;
}

// All primitives are synchronous, so that a chunk needs no turn of the event loop. The portable
// implementation is a separate module, which only a runtime without the ciphers loads, and has to
// load now. In a Deno version that is known to have the ciphers, the check is deferred to the first
// use: it costs 20 ms, because it initializes `node:crypto` and `process`.
let chosen: CryptoProvider | null = null;
if (!isKnownRuntime()) {
  chosen = createRuntimeCrypto() ??
    (await import("./portable_crypto.ts")).portableCrypto;
}

/**
 * Returns the implementation in use: the runtime's own if it is complete.
 *
 * @throws {AloeError} `unsupported` when the runtime lacks a primitive that every release of its
 *   kind has.
 */
export function defaultCrypto(): CryptoProvider {
  chosen ??= createRuntimeCrypto();
  if (chosen === null) {
    throw new AloeError(
      "unsupported",
      "this runtime's node:crypto has no ChaCha20-Poly1305",
    );
  }
  return chosen;
}

/** Returns whether this is Deno 2.9, the first tested release, or later. */
function isKnownRuntime(): boolean {
  const host = globalThis as { Deno?: { version?: { deno?: string } } };
  const [major = 0, minor = 0] = (host.Deno?.version?.deno ?? "").split(".")
    .map(Number);
  return major > 2 || (major === 2 && minor >= 9);
}
