import { ErrnoError } from "./errno.ts";
import { contentOf, sizeLimit, truncate, write } from "./file_content.ts";
import type { Content, Inode } from "./inode.ts";
import { pathOf } from "./set_aside.ts";
import type { VolumeState } from "./volume_state.ts";

// The kernel takes writes into its cache without asking, up to sizes that no
// file of ours has. When it hands them over, what was written before has been
// filled up with zeros to whole pages, as it believes the file to be that large.

/** The kernel's pages: what it hands over of them ends at one of these, or at its own size. */
const PAGE = 4096;

/**
 * Writes what comes from the kernel's cache, as far as it fits. Of a refusal
 * `fsync` tells its caller as it is; `close` can but say EIO, as the kernel
 * keeps nothing else of it.
 *
 * @throws {ErrnoError} EFBIG when some of it is past the largest size.
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
    // It is to believe our size, not its own, after every such write.
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
    const tail = lastPage(content, state.chunkSize, inode.size);
    if (tail !== null) {
      const size = inode.size - zerosAtEnd(tail);
      if (size < inode.size) truncate(state, inode, Math.max(grown.from, size));
    }
  }
}

/** What was written of the page before an offset; null when not all of it was. */
function lastPage(content: Content, chunkSize: number, end: number): Uint8Array | null {
  const index = Math.floor((end - 1) / chunkSize);
  const from = end - PAGE - index * chunkSize;
  const chunk = content.chunks.get(index);
  if (from < 0 || chunk === undefined || !chunk.covers(from, from + PAGE)) return null;
  const page = new Uint8Array(PAGE);
  chunk.overlay(page, from);
  return page;
}

/** Leaves out the zeros that the kernel has filled a page up with, past our size. */
function withoutPadding(inode: Inode, offset: number, data: Uint8Array): Uint8Array {
  const end = offset + data.length;
  if (end <= inode.size || end % PAGE !== 0) return data;
  const size = Math.max(inode.size, end - zerosAtEnd(data.subarray(-PAGE)));
  return data.subarray(0, Math.max(0, size - offset));
}

/** How many zeros bytes end with, but for a whole page of them. */
function zerosAtEnd(bytes: Uint8Array): number {
  let zeros = 0;
  while (zeros < bytes.length && bytes[bytes.length - 1 - zeros] === 0) zeros++;
  return zeros === PAGE ? 0 : zeros;
}
