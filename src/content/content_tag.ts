import { sha256Hex } from "../crypto/sha256.ts";
import { AloeError } from "../errors.ts";
import type { Transaction } from "../storage/transaction.ts";
import { ChunkMap } from "./chunk_map.ts";
import { ManifestStore } from "./manifest_store.ts";

/** Chunks whose addresses are digested together. */
export const CHUNKS_A_PAGE = 4096;

/** Digits of an address. */
const DIGITS = 64;

const encoder = new TextEncoder();

/** What identifies the bytes of a version: digests of its chunks' addresses, a page each. */
export interface Fingerprint {
  /** One digest for {@linkcode CHUNKS_A_PAGE} chunks each. */
  pages: string[];
  /** Of all of them: equal tags are equal bytes. */
  tag: string;
}

/** The addresses of a page of a version's chunks. */
export class HashPage {
  /** The index of its first chunk. */
  readonly first: number;
  /** Their digest. */
  readonly digest: string;
  readonly #hashes: string;

  constructor(first: number, hashes: string) {
    this.first = first;
    this.#hashes = hashes;
    this.digest = sha256Hex(encoder.encode(hashes));
  }

  /** A chunk's address. */
  at(index: number): string {
    const from = (index - this.first) * DIGITS;
    return this.#hashes.slice(from, from + DIGITS);
  }

  /** Whether a chunk has an address. */
  has(index: number, hash: string): boolean {
    return this.#hashes.startsWith(hash, (index - this.first) * DIGITS);
  }
}

/**
 * Reads a page of addresses.
 *
 * @param page Its number.
 * @param size Of the version, bytes.
 * @throws {AloeError} `corrupt` when there are not as many as there have to be.
 */
export async function hashPage(
  tx: Transaction,
  version: { node: string; version: number; size: number; chunkSize: number; label: string },
  page: number,
): Promise<HashPage> {
  const chunks = new ChunkMap(version.chunkSize).count(version.size);
  const first = page * CHUNKS_A_PAGE;
  const last = Math.min(chunks, first + CHUNKS_A_PAGE) - 1;
  const { node } = version;
  const rows = { node, version: version.version, first, last };
  const hashes = await new ManifestStore(tx).joinedHashes(rows);
  if (hashes.length !== (last - first + 1) * DIGITS) {
    throw new AloeError("corrupt", `${version.label}: chunks of it are missing`);
  }
  return new HashPage(first, hashes);
}

/** How many such pages the manifest of a version has. */
export function pageCount(size: number, chunkSize: number): number {
  return Math.ceil(new ChunkMap(chunkSize).count(size) / CHUNKS_A_PAGE);
}

/** The tag of a version whose pages have these digests. */
export function tagOf(size: number, pages: readonly string[]): string {
  return sha256Hex(encoder.encode(`${size} ${pages.join(" ")}`)).slice(0, 32);
}
