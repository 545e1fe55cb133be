import { AloeError } from "../errors.ts";
import { requireSealed, type Resolved } from "../tree/resolve.ts";
import type { Transaction } from "../storage/transaction.ts";
import { ChunkMap } from "./chunk_map.ts";
import { handOver, release } from "./chunk_memory.ts";
import { openChunk } from "./chunk_store.ts";
import { cipherFor } from "./cipher_for.ts";
import { loadingRoom } from "./kept_chunks.ts";
import { ManifestStore } from "./manifest_store.ts";

/** Chunks fetched by one query, and bytes of them beyond the first, to bound memory. */
const CHUNKS_AT_ONCE = 8;
const BYTES_AT_ONCE = 8 * 1024 * 1024;

/**
 * Reads a range of an entry.
 *
 * @param offset Bytes from the start.
 * @param length Bytes wanted.
 * @param version A retained version with its size; the committed one when null.
 * @returns The bytes there are: fewer at the end, none past it.
 * @throws {AloeError} `corrupt` or `encryption_required`.
 */
export async function readRange(
  tx: Transaction,
  node: Resolved,
  offset: number,
  length: number,
  version: { version: number; size: number } | null = null,
): Promise<Uint8Array> {
  const cipher = cipherFor(node);
  const size = version?.size ?? node.size ?? 0;
  const end = Math.min(offset + length, size);
  // Before the size is believed: it may be what was changed.
  await requireSealed(tx, node, version?.version);
  if (offset >= end) return new Uint8Array(0);
  const chunks = new ChunkMap(node.chunkSize);
  const first = chunks.indexOf(offset);
  const last = chunks.indexOf(end - 1);
  const manifests = new ManifestStore(tx);
  let whole: Uint8Array | null = null;
  const step = Math.max(1, Math.min(CHUNKS_AT_ONCE, chunks.indexOf(BYTES_AT_ONCE)));
  for (let from = first; from <= last; from += step) {
    const to = Math.min(from + step - 1, last);
    using _room = await loadingRoom(Math.min(chunks.startOf(to - from + 1), size));
    const rows = version === null
      ? await manifests.committedChunks(node.node, from, to)
      : await manifests.chunks(node.node, version.version, from, to);
    for (let index = from; index <= to; index++) {
      const row = rows[index - from];
      if (row?.index !== index) {
        throw new AloeError("corrupt", `${node.label}: chunk ${index} is missing`);
      }
      const chunk = openChunk(cipher, row, node.label);
      const start = chunks.startOf(index);
      if (chunk.length < chunks.lengthOf(index, size)) {
        throw new AloeError("corrupt", `${node.label}: chunk ${index} is too short`);
      }
      if (chunk !== row.data) release(row.data!);
      const begin = Math.max(0, offset - start);
      const stop = Math.min(chunk.length, end - start);
      if (first === last && begin === 0 && stop === chunk.length) return handOver(chunk);
      whole ??= new Uint8Array(end - offset);
      whole.set(chunk.subarray(begin, stop), Math.max(0, start - offset));
      release(chunk);
    }
  }
  return whole!;
}
