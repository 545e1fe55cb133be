import { ChunkPool } from "../content/chunk_pool.ts";
import { capability } from "../storage/capabilities.ts";
import type { Database } from "../storage/database.ts";
import { yieldToEventLoop } from "../yield_to_event_loop.ts";

/**
 * What takes how much of a file, in bytes. All but the last three add up to
 * `file`: a chunk that is referred to often counts once, where it is needed most.
 */
export interface FileSpace {
  /** The database, free pages included. */
  file: number;
  /** Chunks of files as they are now. */
  content: number;
  /** Chunks that only older versions have. */
  versions: number;
  /** Chunks that only removed files have. */
  trash: number;
  /** Chunks that only uploads and writes have that are not finished. */
  unfinished: number;
  /** Chunks that nothing refers to: a prune deletes them. */
  unused: number;
  /** Names, attributes, manifests, indexes, and what of pages is not filled. */
  metadata: number;
  /** Pages in which nothing is: what is written next takes them. */
  free: number;
  /** What would be stored more if each reference had a chunk of its own. */
  saved: number;
  /** The log beside the file, which goes into it. */
  log: number;
  /** What the disk has left; null where that is not known. */
  disk: number | null;
}

/** Chunks looked at by one query. */
const CHUNKS_AT_ONCE = 512;

/** What a chunk is needed for, most needed first, as the template numbers it. */
const USES = ["content", "versions", "trash", "unfinished", "unused"] as const;

/**
 * Adds up what takes the file's bytes: one state of it, of which each chunk is
 * looked at. Other calls on the same connection wait meanwhile.
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
