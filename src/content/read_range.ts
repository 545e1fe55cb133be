import { committedChunks, versionChunks } from "../../templates/content.ts";
import { AloeError } from "../errors.ts";
import type { Resolved } from "../resolve.ts";
import type { Transaction } from "../storage/transaction.ts";
import { openChunk } from "./chunk_store.ts";
import { cipherFor } from "./cipher_for.ts";

/** Chunks fetched by one query, to bound memory. */
const CHUNKS_AT_ONCE = 8;

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
  if (offset >= end) return new Uint8Array(0);
  const { chunkSize } = node;
  const first = Math.floor(offset / chunkSize);
  const last = Math.floor((end - 1) / chunkSize);
  let whole: Uint8Array | null = null;
  for (let from = first; from <= last; from += CHUNKS_AT_ONCE) {
    const to = Math.min(from + CHUNKS_AT_ONCE - 1, last);
    const rows = version === null
      ? await tx.all(committedChunks, {
        node: node.node,
        first: from,
        last: to,
      })
      : await tx.all(versionChunks, {
        node: node.node,
        version: version.version,
        first: from,
        last: to,
      });
    for (let index = from; index <= to; index++) {
      const row = rows[index - from];
      if (row?.chunk_index !== index) {
        throw new AloeError(
          "corrupt",
          `${node.label}: chunk ${index} is missing`,
        );
      }
      const chunk = openChunk(cipher, row, node.label);
      const start = index * chunkSize;
      if (chunk.length < Math.min(chunkSize, size - start)) {
        throw new AloeError(
          "corrupt",
          `${node.label}: chunk ${index} is too short`,
        );
      }
      const part = chunk.subarray(Math.max(0, offset - start), end - start);
      const only = first === last;
      if (only) whole = part.slice();
      else {(whole ??= new Uint8Array(end - offset)).set(
          part,
          Math.max(0, start - offset),
        );}
      release(row.data!);
      release(chunk);
    }
  }
  return whole!;
}

/**
 * Frees a chunk's memory at once. The engine does not know how large a blob
 * that SQLite returned is, and would let a gigabyte of them wait for collection.
 */
function release(bytes: Uint8Array): void {
  const buffer = bytes.buffer as ArrayBuffer;
  // A view of a part may share its buffer with others.
  if (!buffer.detached && bytes.byteLength === buffer.byteLength) {
    buffer.transfer(0);
  }
}
