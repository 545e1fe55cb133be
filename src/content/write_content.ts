import { AloeError } from "../errors.ts";
import { MAX_CHUNKS } from "../limits.ts";
import type { Resolved } from "../tree/resolve.ts";
import type { Transaction } from "../storage/transaction.ts";
import { ChunkMap } from "./chunk_map.ts";
import { Chunker } from "./chunker.ts";
import { storeChunk } from "./chunk_store.ts";
import { cipherFor } from "./cipher_for.ts";
import { ManifestStore } from "./manifest_store.ts";
import { readRange } from "./read_range.ts";

/** Bytes to be written at an offset. */
export interface Patch {
  /** Bytes from the start. */
  offset: number;
  /** What is to be there. */
  data: Uint8Array;
}

/**
 * Replaces an entry's content.
 *
 * @throws {AloeError} `unsupported` when it is too large, `encryption_required`.
 */
export async function replaceContent(
  tx: Transaction,
  node: Resolved,
  data: Uint8Array,
): Promise<void> {
  checkData(data);
  checkSize(data.length, node);
  const manifests = new ManifestStore(tx);
  const version = await manifests.nextVersion(node.node);
  await writeChunks(tx, node, version, data);
  await manifests.commit(node.node, version, data.length);
}

/** Writes all the chunks of a version, and their manifest rows. */
export async function writeChunks(
  tx: Transaction,
  node: Resolved,
  version: number,
  data: Uint8Array,
): Promise<void> {
  const manifests = new ManifestStore(tx);
  const cipher = cipherFor(node);
  for (const { index, data: chunk } of new Chunker(new ChunkMap(node.chunkSize)).cut(data)) {
    const hash = await storeChunk(tx, cipher, chunk);
    await manifests.add(node.node, version, index, hash);
  }
}

/**
 * Makes a new version that differs from the committed one by its size and at
 * most one patch. Chunks that stay as they are are carried by reference; what
 * lies between the old end and the patch reads as zeros.
 *
 * @param newSize Bytes of the new version.
 * @param patch Within `newSize`.
 * @throws {AloeError} `unsupported` when it is too large, `encryption_required`, `corrupt`.
 */
export async function editContent(
  tx: Transaction,
  node: Resolved,
  newSize: number,
  patch: Patch | null,
): Promise<void> {
  if (patch !== null) checkData(patch.data);
  checkSize(newSize, node);
  const cipher = cipherFor(node);
  const chunks = new ChunkMap(node.chunkSize);
  const oldSize = node.size ?? 0;
  const manifests = new ManifestStore(tx);
  const version = await manifests.nextVersion(node.node);
  const write = async (index: number, chunk: Uint8Array) => {
    const hash = await storeChunk(tx, cipher, chunk);
    await manifests.add(node.node, version, index, hash);
  };

  // What changes: the patch, all that is past the old end, and a last chunk cut short.
  const kept = Math.min(oldSize, newSize);
  const from = patch === null ? kept : Math.min(patch.offset, kept);
  const to = newSize > oldSize
    ? newSize
    : patch === null
    ? newSize
    : patch.offset + patch.data.length;
  const first = chunks.indexOf(from);
  const last = chunks.count(to) - 1;

  // Whole chunks of zeros between the old end and the patch are one shared row.
  const holeEnd = patch === null ? newSize : Math.min(patch.offset, newSize);
  const firstZero = Math.max(first, chunks.count(oldSize));
  const lastZero = chunks.indexOf(holeEnd) - 1;
  const hole = newSize > oldSize && firstZero <= lastZero;
  if (hole) {
    const hash = await storeChunk(tx, cipher, new Uint8Array(chunks.chunkSize));
    const zeros = { node: node.node, version, first: firstZero, last: lastZero };
    await manifests.addRun(zeros, hash);
  }
  for (let index = first; index <= last; index++) {
    if (hole && index === firstZero) index = lastZero + 1;
    if (index > last) break;
    await write(index, await patchedChunk(tx, node, newSize, patch, index));
  }
  await carry(manifests, node, version, 0, first - 1);
  await carry(manifests, node, version, last + 1, chunks.count(newSize) - 1);
  await manifests.commit(node.node, version, newSize);
}

/** One chunk of the new version: the old bytes, zeros, and the patch over both. */
async function patchedChunk(
  tx: Transaction,
  node: Resolved,
  newSize: number,
  patch: Patch | null,
  index: number,
): Promise<Uint8Array> {
  const chunks = new ChunkMap(node.chunkSize);
  const start = chunks.startOf(index);
  const length = chunks.lengthOf(index, newSize);
  const end = start + length;
  const over = patch?.data.subarray(
    Math.max(0, start - patch.offset),
    Math.max(0, end - patch.offset),
  );
  if (over?.length === length) return over;
  const chunk = new Uint8Array(length);
  if (start < (node.size ?? 0)) {
    chunk.set(await readRange(tx, node, start, length));
  }
  if (over !== undefined && over.length > 0) {
    chunk.set(over, Math.max(0, patch!.offset - start));
  }
  return chunk;
}

async function carry(
  manifests: ManifestStore,
  node: Resolved,
  to: number,
  first: number,
  last: number,
): Promise<void> {
  if (first > last || node.version === null) return;
  await manifests.carry(node.node, node.version, to, first, last);
}

/** @throws {AloeError} `unsupported` when a version of this size would have too many chunks. */
export function checkSize(size: number, node: Resolved): void {
  if (size > new ChunkMap(node.chunkSize).limit) {
    throw new AloeError(
      "unsupported",
      `${node.label}: ${size} bytes are more than ${MAX_CHUNKS} chunks of ${node.chunkSize}`,
    );
  }
}

/** @throws {AloeError} `invalid` unless the data is bytes. */
export function checkData(data: Uint8Array): void {
  if (!(data instanceof Uint8Array)) {
    throw new AloeError("invalid", "content is a Uint8Array of bytes");
  }
}

/** @throws {AloeError} `invalid` unless the value is a whole number of bytes. */
export function checkBytes(value: number, what: string): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new AloeError(
      "invalid",
      `${what}: ${value} is not a whole number of bytes`,
    );
  }
}
