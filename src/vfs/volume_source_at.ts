import type { MountHandle } from "../mount_handle.ts";
import {
  listInodesAt,
  loadInodeAt,
  lookupInodeAt,
  readChunk,
  readVersionChunks,
} from "../internal.ts";
import type { Database } from "../ops.ts";
import { type VolumeSource, xattrsOf } from "./volume_source.ts";

/**
 * Returns a past state of the volume, as far as its history reaches.
 *
 * @param at Nanoseconds since the Unix epoch.
 */
export function sourceAt(db: Database, mount: MountHandle, at: bigint): VolumeSource {
  const versionOf = async (node: string) => (await loadInodeAt(db, mount, node, at))?.version ?? 0;
  const chunks = async (node: string, first: number, last: number) =>
    await readVersionChunks(db, mount, node, await versionOf(node), first, last);
  return {
    load: (node) => loadInodeAt(db, mount, node, at),
    lookup: (parent, name) => lookupInodeAt(db, mount, parent, name, at),
    list: (parent, after, limit) => listInodesAt(db, mount, parent, after, limit, at),
    names: () => Promise.resolve(null),
    // A past state gets no new names.
    newest: () => Promise.resolve({ inodes: [], after: null, hidden: 0 }),
    newestNames: () => Promise.resolve(null),
    // Nothing is removed from a past state, so the check is not needed.
    hasChildren: () => Promise.resolve(true),
    chunks,
    hashes: chunks,
    chunk: (hash) => readChunk(db, mount, hash),
    xattrs: (node) => xattrsOf(db, mount, node),
  };
}
