import type { Inode } from "./inode.ts";

/**
 * Returns the space that an inode's content takes, in bytes: the stored content without its holes,
 * plus a whole chunk for each chunk waiting to be stored. Until a commit the value may be too
 * large, but never too small.
 */
export function allocatedBytes({ size, content }: Inode): number {
  if (content === null) return size;
  return Math.min(size, content.stored - content.holeBytes + content.waitingBytes);
}
