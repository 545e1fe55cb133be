import { AloeError } from "../errors.ts";
import { createRuntimeCrypto } from "./runtime_crypto.ts";

/** What the seal of a plaintext consists of. */
export interface Sealed {
  /** As long as the plaintext. */
  ciphertext: Uint8Array;
  /** The 16-byte authentication tag. */
  tag: Uint8Array;
}

/**
 * The primitives that the format's keys and chunks are made with. Lengths of
 * keys, nonces and tags are checked by the callers, `aead.ts` and `hkdf.ts`.
 */
export interface CryptoProvider {
  /** Which implementation this is, for reports. */
  readonly name: "runtime" | "portable";
  /** SHA-256 of the parts joined. */
  sha256(...parts: Uint8Array[]): Uint8Array;
  /** The same as lowercase hex. */
  sha256Hex(...parts: Uint8Array[]): string;
  /** ChaCha20-Poly1305 (RFC 8439) without associated data. */
  seal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array): Sealed;
  /** The reverse; null when it is not authentic. */
  open(
    key: Uint8Array,
    nonce: Uint8Array,
    ciphertext: Uint8Array,
    tag: Uint8Array,
  ): Uint8Array | null;
  /** HKDF with SHA-256 (RFC 5869); an empty salt is none, `info` has at most 1,024 bytes. */
  hkdf(
    secret: Uint8Array,
    salt: Uint8Array,
    info: Uint8Array,
    length: number,
  ): Uint8Array;
}

// Everything that computes here is synchronous, so that a chunk costs no turn
// of the event loop. The portable implementation is a module of its own that
// only a runtime without the ciphers loads, which has to happen now. Asking a
// Deno that is known to have them costs 20 ms, since `node:crypto` and
// `process` are built at first touch: there it is left to the first use.
let chosen: CryptoProvider | null = null;
if (!isKnownRuntime()) {
  chosen = createRuntimeCrypto() ??
    (await import("./portable_crypto.ts")).portableCrypto;
}

/**
 * The implementation in use: the runtime's own where it has everything.
 *
 * @throws {AloeError} `unsupported` when the runtime misses what every release
 * of its kind has.
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

/** Whether this is a Deno of the first release that was tested, 2.9, or later. */
function isKnownRuntime(): boolean {
  const host = globalThis as { Deno?: { version?: { deno?: string } } };
  const [major = 0, minor = 0] = (host.Deno?.version?.deno ?? "").split(".")
    .map(Number);
  return major > 2 || (major === 2 && minor >= 9);
}
