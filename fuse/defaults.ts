/**
 * How a file and a volume are best made that are to be mounted. A write to a
 * part of a chunk rewrites the chunk, sooner or later, and a cold read of a few
 * bytes reads all of one, so chunks are shorter than elsewhere; pages are longer,
 * as a mount commits many operations at once.
 */
export const MOUNTED: {
  /** Of a new file: bytes in a page of the database. */
  readonly pageSize: number;
  /** Of a new volume: bytes in a full chunk. */
  readonly chunkSize: number;
} = { pageSize: 16 * 1024, chunkSize: 64 * 1024 };
