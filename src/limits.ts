/**
 * Manifest rows that one version may have. Each chunk, of a hole too, is a row
 * in the format, about 230 bytes with its indexes: at this many a version
 * takes some 4 GB. With the default chunk size it is 16 TiB.
 */
export const MAX_CHUNKS = 2 ** 24;

/** Bytes that a chunk may have at most: SQLite keeps a row below 1,000,000,000 of them. */
export const MAX_CHUNK_SIZE: number = 512 * 1024 * 1024;

/**
 * Bytes that a name or another short text may have. The kernel's names have at most 255; this
 * limit keeps listings of any file in bounded memory.
 */
export const MAX_TEXT = 65_536;
