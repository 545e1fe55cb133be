/** The cost parameters of one derivation with Argon2id. */
export interface Argon2Cost {
  /** The number of passes over the memory. */
  passes: number;
  /** The memory in KiB; at least 8 for each lane. */
  memory: number;
  /** The number of lanes. */
  lanes: number;
}

/** The format's cost. It is part of the format, because another cost derives another key. */
export const FORMAT_COST: Readonly<Argon2Cost> = {
  passes: 3,
  memory: 65_536,
  lanes: 4,
};

/** Derives a key outside this thread. */
export type Deriver = (
  password: Uint8Array,
  salt: Uint8Array,
  cost: Readonly<Argon2Cost>,
) => Promise<Uint8Array>;

/** The registered derivers. */
const elsewhere: Deriver[] = [];

/** Registers a deriver, used until the result is disposed. The one registered last is used. */
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
 * Derives a 32-byte key from a password with Argon2id, version 19 (RFC 9106). At the format's cost
 * it takes a quarter of a second and 64 MiB, or a second for an empty password. It does not yield
 * to the event loop, unless {@linkcode deriveWith} has registered a deriver.
 *
 * @param password The password; may be empty.
 * @param salt At least 8 bytes.
 */
export async function argon2id(
  password: Uint8Array,
  salt: Uint8Array,
  cost: Readonly<Argon2Cost> = FORMAT_COST,
): Promise<Uint8Array> {
  const deriver = elsewhere.at(-1);
  if (deriver !== undefined) return await deriver(password, salt, cost);
  // Load the libraries on demand, because most programs never use a PIN.
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

/**
 * Derives the key in plain JavaScript: four times slower, but hash-wasm refuses an empty password.
 */
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
