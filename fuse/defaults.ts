/**
 * Defaults for a new file and volume that are to be mounted. A write to part of a chunk eventually
 * rewrites the whole chunk, and a cold read of a few bytes reads a whole chunk, so chunks are
 * smaller than elsewhere. Pages are larger, because a mount commits many operations at once.
 */
export const MOUNTED: {
  /** The page size of a new file, in bytes. */
  readonly pageSize: number;
  /** The size of a full chunk of a new volume, in bytes. */
  readonly chunkSize: number;
} = { pageSize: 16 * 1024, chunkSize: 64 * 1024 };
