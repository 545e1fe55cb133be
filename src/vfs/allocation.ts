import type { Inode } from "./inode.ts";

/**
 * How much room the content of an inode takes, bytes: what is stored without
 * its holes, and whole chunks where something waits to be stored. Until a
 * commit it can be too much, and never is too little.
 */
export function allocatedBytes({ size, content }: Inode): number {
  if (content === null) return size;
  return Math.min(size, content.stored - content.holeBytes + content.waitingBytes);
}
