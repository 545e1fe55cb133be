/** What one derivation with Argon2id costs. */
export interface Argon2Cost {
  /** Passes over the memory. */
  passes: number;
  /** Memory, KiB; at least 8 a lane. */
  memory: number;
  /** Lanes. */
  lanes: number;
}

/** The format's cost. It is part of the format: another one derives another key. */
export const FORMAT_COST: Readonly<Argon2Cost> = {
  passes: 3,
  memory: 65_536,
  lanes: 4,
};

/** Derives a key somewhere else than on this thread. */
export type Deriver = (
  password: Uint8Array,
  salt: Uint8Array,
  cost: Readonly<Argon2Cost>,
) => Promise<Uint8Array>;

/** Those that have been given and not taken back. */
const elsewhere: Deriver[] = [];

/** Has keys derived elsewhere, by the deriver given last, until what is returned is disposed. */
export function deriveWith(deriver: Deriver): Disposable {
  elsewhere.push(deriver);
  return {
    [Symbol.dispose]: () => {
      const at = elsewhere.indexOf(deriver);
      if (at !== -1) elsewhere.splice(at, 1);
    },
  };
}

/**
 * Derives a 32-byte key from a password with Argon2id, version 19 (RFC 9106).
 * At the format's cost it takes a quarter of a second, without yielding to the
 * event loop unless {@linkcode deriveWith} has it done elsewhere, and 64 MiB; an
 * empty password, one second.
 *
 * @param password May be empty.
 * @param salt At least 8 bytes.
 */
export async function argon2id(
  password: Uint8Array,
  salt: Uint8Array,
  cost: Readonly<Argon2Cost> = FORMAT_COST,
): Promise<Uint8Array> {
  const deriver = elsewhere.at(-1);
  if (deriver !== undefined) return await deriver(password, salt, cost);
  // Both libraries are loaded when they are needed: most programs never ask for a PIN.
  if (password.length === 0 || typeof WebAssembly === "undefined") {
    return await portableArgon2id(password, salt, cost);
  }
  const { argon2id } = await import("hash-wasm");
  return await argon2id({
    password,
    salt,
    iterations: cost.passes,
    memorySize: cost.memory,
    parallelism: cost.lanes,
    hashLength: 32,
    outputType: "binary",
  });
}

/** The same in plain JavaScript: four times slower, but hash-wasm refuses an empty password. */
export async function portableArgon2id(
  password: Uint8Array,
  salt: Uint8Array,
  cost: Readonly<Argon2Cost> = FORMAT_COST,
): Promise<Uint8Array> {
  const { argon2id } = await import("@noble/hashes/argon2.js");
  return argon2id(password, salt, {
    t: cost.passes,
    m: cost.memory,
    p: cost.lanes,
    dkLen: 32,
  });
}
