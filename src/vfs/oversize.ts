import type { ChunkMap } from "../internal.ts";
import { ErrnoError } from "./errno.ts";
import { contentOf, sizeLimit, truncate, write } from "./file_content.ts";
import type { Content, Inode } from "./inode.ts";
import { pathOf } from "./set_aside.ts";
import type { VolumeState } from "./volume_state.ts";

// The kernel accepts writes into its page cache without asking, up to sizes beyond our maximum.
// When it flushes them, it has padded the content before them with zeros to whole pages, because it
// assumes that file size.

/**
 * The kernel's page size, in bytes. A flush ends at a page boundary or at the kernel's file size.
 */
const PAGE = 4096;

/**
 * Writes data from the kernel's cache as far as it fits. `fsync` reports the refusal with its
 * errno; `close` can only report EIO, because the kernel stores nothing more specific.
 *
 * @throws {ErrnoError} EFBIG when a part exceeds the maximum size.
 */
export function writeCached(
  state: VolumeState,
  inode: Inode,
  offset: number,
  data: Uint8Array,
): void {
  const content = contentOf(inode);
  const limit = sizeLimit(state);
  const from = inode.size;
  let fitting = data;
  const refused = offset + data.length > limit;
  if (refused) {
    begin(state, inode, content);
    // Make the kernel use our size instead of its own after every such write.
    state.forgetInKernel(inode);
    fitting = data.subarray(0, Math.max(0, limit - offset));
  }
  if (content.oversized) fitting = withoutPadding(inode, offset, fitting);
  if (fitting.length > 0) write(state, inode, offset, fitting);
  if (inode.size > from) content.grown = { from, to: inode.size };
  if (refused) throw new ErrnoError("EFBIG");
}

function begin(state: VolumeState, inode: Inode, content: Content): void {
  if (content.oversized) return;
  content.oversized = true;
  state.options.log(`${pathOf(inode)}: a write past the largest size is refused (EFBIG)`);
  const { grown } = content;
  if (grown !== null && grown.to === inode.size && inode.size % PAGE === 0) {
    const tail = lastPage(content, state.chunks, inode.size);
    if (tail !== null) {
      const size = inode.size - zerosAtEnd(tail);
      if (size < inode.size) truncate(state, inode, Math.max(grown.from, size));
    }
  }
}

/**
 * Returns the written content of the page before an offset; null when not all of the page was
 * written.
 */
function lastPage(content: Content, chunks: ChunkMap, end: number): Uint8Array | null {
  const index = chunks.indexOf(end - 1);
  const from = end - PAGE - chunks.startOf(index);
  const chunk = content.chunks.get(index);
  if (from < 0 || chunk === undefined || !chunk.covers(from, from + PAGE)) return null;
  const page = new Uint8Array(PAGE);
  chunk.overlay(page, from);
  return page;
}

/** Removes the zeros beyond our size with which the kernel has padded a page. */
function withoutPadding(inode: Inode, offset: number, data: Uint8Array): Uint8Array {
  const end = offset + data.length;
  if (end <= inode.size || end % PAGE !== 0) return data;
  const size = Math.max(inode.size, end - zerosAtEnd(data.subarray(-PAGE)));
  return data.subarray(0, Math.max(0, size - offset));
}

/** Returns the number of zeros at the end of bytes, or 0 for a whole page of zeros. */
function zerosAtEnd(bytes: Uint8Array): number {
  let zeros = 0;
  while (zeros < bytes.length && bytes[bytes.length - 1 - zeros] === 0) zeros++;
  return zeros === PAGE ? 0 : zeros;
}
