import { ChunkPool } from "../content/chunk_pool.ts";
import { capability } from "../storage/capabilities.ts";
import type { Database } from "../storage/database.ts";
import { yieldToEventLoop } from "../yield_to_event_loop.ts";

/**
 * The use of a file's space, in bytes. All fields but the last three add up to `file`; a chunk with
 * several references counts once, for its most important use.
 */
export interface FileSpace {
  /** The database, including free pages. */
  file: number;
  /** Chunks of current file content. */
  content: number;
  /** Chunks only of older versions. */
  versions: number;
  /** Chunks only of removed files. */
  trash: number;
  /** Chunks only of unfinished uploads and writes. */
  unfinished: number;
  /** Unreferenced chunks, which a prune deletes. */
  unused: number;
  /** Names, attributes, manifests, indexes, and the unfilled parts of pages. */
  metadata: number;
  /** Free pages, which later writes reuse. */
  free: number;
  /** The additional size if chunks were not shared. */
  saved: number;
  /** The size of the log beside the file. */
  log: number;
  /** The free space of the disk; null when it is unknown. */
  disk: number | null;
}

/** The number of chunks read by one query. */
const CHUNKS_AT_ONCE = 512;

/** The uses of a chunk, the most important first, numbered as in the template. */
const USES = ["content", "versions", "trash", "unfinished", "unused"] as const;

/**
 * Computes the use of a file's space, from one consistent state with all chunks. Other calls on the
 * connection wait meanwhile.
 */
export async function fileSpace(
  db: Database,
  options: { signal?: AbortSignal } = {},
): Promise<FileSpace> {
  const { log, disk } = db.room();
  return await db.read(async (tx) => {
    const { pages, freePages, pageSize } = await capability(tx, "fileFacts")(tx);
    const used = { content: 0, versions: 0, trash: 0, unfinished: 0, unused: 0 };
    let saved = 0;
    for (let after = "";;) {
      options.signal?.throwIfAborted();
      const rows = await new ChunkPool(tx).uses(after, CHUNKS_AT_ONCE);
      for (const { bytes, references, use } of rows) {
        used[USES[use]] += bytes;
        saved += Math.max(0, references - 1) * bytes;
      }
      if (rows.length < CHUNKS_AT_ONCE) break;
      after = rows[rows.length - 1].chunk_hash;
      await yieldToEventLoop();
    }
    const free = freePages * pageSize;
    const chunks = Object.values(used).reduce((sum, bytes) => sum + bytes, 0);
    const file = pages * pageSize;
    return { file, ...used, metadata: file - free - chunks, free, saved, log, disk };
  });
}
