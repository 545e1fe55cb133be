import { volumeNodes } from "../../templates/listing.ts";
import { ChunkPool } from "../content/chunk_pool.ts";
import type { MountRef } from "../mount_handle.ts";
import { resolve } from "../tree/resolve.ts";
import type { Database } from "../storage/database.ts";
import { yieldToEventLoop } from "../yield_to_event_loop.ts";

/** The space and nodes that a volume uses. */
export interface VolumeUsage {
  /** The size of committed content in the tree, each file once, in bytes. */
  contentBytes: number;
  /** The size of chunks that its versions refer to, each chunk once, in bytes. */
  storedBytes: number;
  /** The additional size if chunks were not shared, in bytes. */
  savedBytes: number;
  /** The size of committed content in the trash, in bytes. */
  trashBytes: number;
  /** The number of nodes in the tree. */
  nodes: number;
  /** The number of files in the tree. */
  files: number;
  /** The number of directories in the tree. */
  directories: number;
  /** The number of nodes in the trash. */
  trashNodes: number;
  /** The number of chunks that its versions refer to. */
  chunks: number;
}

/** The number of rows read by one query, which takes a few milliseconds. */
const ROWS_AT_ONCE = 1024;

/**
 * Computes the usage of the mount's volume. It reads in pages, so that other operations do not
 * wait; concurrent changes may or may not be counted.
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
