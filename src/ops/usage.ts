import { volumeNodes } from "../../templates/listing.ts";
import { ChunkPool } from "../content/chunk_pool.ts";
import type { MountRef } from "../mount_handle.ts";
import { resolve } from "../tree/resolve.ts";
import type { Database } from "../storage/database.ts";
import { yieldToEventLoop } from "../yield_to_event_loop.ts";

/** What a volume takes. */
export interface VolumeUsage {
  /** Bytes of committed content that is in the tree, each file once. */
  contentBytes: number;
  /** Bytes of chunks that its versions refer to, each chunk once. */
  storedBytes: number;
  /** Bytes that would be stored more if each reference had a chunk of its own. */
  savedBytes: number;
  /** Bytes of committed content of what is in the trash. */
  trashBytes: number;
  /** Nodes in the tree. */
  nodes: number;
  /** Files of them. */
  files: number;
  /** Directories of them. */
  directories: number;
  /** Nodes in the trash. */
  trashNodes: number;
  /** Chunks that its versions refer to. */
  chunks: number;
}

/** Rows looked at by one query: some milliseconds. */
const ROWS_AT_ONCE = 1024;

/**
 * Adds up what the mount's volume takes. It reads page by page, so that nobody
 * waits for it; what is changed meanwhile may or may not be counted.
 *
 * @throws {AloeError} `mount_invalid`.
 */
export async function volumeUsage(
  db: Database,
  mount: MountRef,
  options: { signal?: AbortSignal } = {},
): Promise<VolumeUsage> {
  const { volume, root } = await db.read((tx) => resolve(tx, mount, "/"));
  const usage: VolumeUsage = {
    contentBytes: 0,
    storedBytes: 0,
    savedBytes: 0,
    trashBytes: 0,
    nodes: 0,
    files: 0,
    directories: 0,
    trashNodes: 0,
    chunks: 0,
  };
  for (let after = "";;) {
    options.signal?.throwIfAborted();
    const limit = ROWS_AT_ONCE;
    const rows = await db.query((tx) => tx.all(volumeNodes, { volume, after, limit }));
    for (const [node, type, size, placed, removed] of rows) {
      if (placed || node === root) {
        usage.nodes++;
        usage.contentBytes += size ?? 0;
        if (type === "container") usage.directories++;
        else if (type === "entry") usage.files++;
      } else if (removed) {
        usage.trashNodes++;
        usage.trashBytes += size ?? 0;
      }
    }
    if (rows.length < limit) break;
    after = rows[rows.length - 1][0];
    await yieldToEventLoop();
  }
  for (let after = "";;) {
    options.signal?.throwIfAborted();
    const limit = ROWS_AT_ONCE;
    const rows = await db.query((tx) => new ChunkPool(tx).references(volume, after, limit));
    for (const [, bytes, references] of rows) {
      if (references === 0) continue;
      usage.chunks++;
      usage.storedBytes += bytes;
      usage.savedBytes += (references - 1) * bytes;
    }
    if (rows.length < limit) break;
    after = rows[rows.length - 1][0];
    await yieldToEventLoop();
  }
  return usage;
}
