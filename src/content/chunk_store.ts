import { chunkAddress } from "../crypto/chunk_address.ts";
import type { ChunkCipher, SealedChunk } from "../crypto/chunk_cipher.ts";
import { AloeError } from "../errors.ts";
import type { Transaction } from "../storage/transaction.ts";
import { ChunkPool } from "./chunk_pool.ts";

/** A chunk's columns as a left join gives them: all null when the chunk is gone. */
export interface ChunkRow {
  data: Uint8Array | null;
  length: number | null;
  N_c: Uint8Array | null;
  enc_tag: Uint8Array | null;
}

/**
 * Seals again this often when short ciphertexts collide. Of one byte there are
 * 256, so this many draws miss a free or fitting one only when there is none.
 */
const SEAL_ATTEMPTS = 4096;

/**
 * Puts a chunk into the pool.
 *
 * @param plaintext At most the volume's chunk size.
 * @returns Its address.
 * @throws {AloeError} `no_space` when every address that a chunk so short can
 * have is taken by other content.
 */
export async function storeChunk(
  tx: Transaction,
  cipher: ChunkCipher,
  plaintext: Uint8Array,
): Promise<string> {
  const pool = new ChunkPool(tx);
  if (cipher.mode === "random" && plaintext.length === 1) {
    const known = await findByte(pool, cipher, plaintext);
    if (known !== null) return known;
  }
  for (let attempt = 0; attempt < SEAL_ATTEMPTS; attempt++) {
    const sealed = cipher.seal(plaintext, attempt > 0);
    const { hash, data, nonce, tag } = sealed;
    const stored = await pool.put(hash, {
      data,
      length: plaintext.length,
      N_c: nonce,
      enc_tag: tag,
    });
    // Of a plain volume's chunk the address says everything that is read back.
    if (stored || cipher.mode === "none") return hash;
    if (await holds(pool, cipher, sealed, plaintext)) return hash;
    if (attempt === 0 && plaintext.length === 1) {
      const known = await findByte(pool, cipher, plaintext);
      if (known !== null) return known;
    }
  }
  throw new AloeError(
    "no_space",
    `no chunk address is left for ${plaintext.length} bytes`,
  );
}

/** The addresses of the ciphertexts of one byte. */
let byteAddresses: string[] | null = null;

/**
 * A stored chunk that reads back as this one byte. Sealing it anew each time
 * would use up the 256 addresses that ciphertexts of one byte have.
 */
async function findByte(
  pool: ChunkPool,
  cipher: ChunkCipher,
  plaintext: Uint8Array,
): Promise<string | null> {
  byteAddresses ??= Array.from({ length: 256 }, (_, byte) => chunkAddress(Uint8Array.of(byte)));
  for (const [hash, row] of await pool.get(byteAddresses, 1)) {
    const found = cipher.open({ data: row.data, nonce: row.N_c, tag: row.enc_tag });
    if (found !== null && equal(found, plaintext)) return hash;
  }
  return null;
}

/** Whether the chunk that has the address already reads back as the same bytes. */
async function holds(
  pool: ChunkPool,
  cipher: ChunkCipher,
  sealed: SealedChunk,
  plaintext: Uint8Array,
): Promise<boolean> {
  const row = (await pool.get([sealed.hash])).get(sealed.hash);
  if (row === undefined) return false;
  if (equal(row.N_c, sealed.nonce) && equal(row.enc_tag, sealed.tag)) {
    return true;
  }
  const found = cipher.open({
    data: row.data,
    nonce: row.N_c,
    tag: row.enc_tag,
  });
  return found !== null && equal(found, plaintext);
}

/**
 * A stored chunk's plaintext. It may be the row's own buffer.
 *
 * @throws {AloeError} `corrupt` when the chunk is missing, not authentic or of another length.
 */
export function openChunk(
  cipher: ChunkCipher,
  row: ChunkRow,
  label: string,
): Uint8Array {
  if (row.data === null) {
    throw new AloeError("corrupt", `${label}: a chunk of it is missing`);
  }
  const plaintext = cipher.open({
    data: row.data,
    nonce: row.N_c!,
    tag: row.enc_tag!,
  });
  if (plaintext === null) {
    throw new AloeError(
      "corrupt",
      `${label}: a chunk of it is damaged or has another key`,
    );
  }
  if (plaintext.length !== row.length) {
    throw new AloeError(
      "corrupt",
      `${label}: a chunk of it has the wrong length`,
    );
  }
  return plaintext;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
