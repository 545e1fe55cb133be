import type { MountHandle } from "../mount_handle.ts";
import {
  chunkHashes,
  getInodeXattr,
  hasChildren,
  type InodePage,
  type InodeRow,
  listInodeNames,
  listInodes,
  listInodeXattrs,
  listNewestInodeNames,
  listNewestInodes,
  loadInode,
  lookupInode,
  type PlacedInode,
  readChunk,
  readStoredChunks,
  type StoredBytes,
} from "../internal.ts";
import type { Database } from "../ops.ts";

/** Reads the stored state of a mounted volume, current or past. */
export interface VolumeSource {
  /** Returns a node by its id. */
  load(node: string): Promise<InodeRow | null>;
  /** Returns the visible child of a name. */
  lookup(parent: string, name: string): Promise<PlacedInode | null>;
  /** Returns a page of a listing. */
  list(parent: string, after: string, limit: number): Promise<InodePage>;
  /** Returns only the names of such a page, which is faster; null when that is not supported. */
  names(
    parent: string,
    after: string,
    limit: number,
  ): Promise<{ edge: string; name: string }[] | null>;
  /** Returns a page of a listing in reverse: placements between two, the newest first. */
  newest(parent: string, after: string, before: string, limit: number): Promise<InodePage>;
  /** Returns only the names of such a page, which is faster; null when that is not supported. */
  newestNames(
    parent: string,
    after: string,
    before: string,
    limit: number,
  ): Promise<{ edge: string; name: string }[] | null>;
  /** Returns whether a container has a child other than some placements. */
  hasChildren(parent: string, except: string[]): Promise<boolean>;
  /** Returns the plaintext of chunks `first` to `last`. */
  chunks(node: string, first: number, last: number): Promise<StoredBytes[]>;
  /** Returns the addresses of chunks `first` to `last`. */
  hashes(node: string, first: number, last: number): Promise<{ index: number; hash: string }[]>;
  /** Returns a chunk by its address. */
  chunk(hash: string): Promise<Uint8Array>;
  /** Returns all extended attributes of a node. */
  xattrs(node: string): Promise<Map<string, Uint8Array>>;
}

/** Returns the current state of the volume. */
export function currentSource(db: Database, mount: MountHandle): VolumeSource {
  return {
    load: (node) => loadInode(db, mount, node),
    lookup: (parent, name) => lookupInode(db, mount, parent, name),
    list: (parent, after, limit) => listInodes(db, mount, parent, after, limit),
    names: (parent, after, limit) => listInodeNames(db, mount, parent, after, limit),
    newest: (parent, after, before, limit) =>
      listNewestInodes(db, mount, parent, after, before, limit),
    newestNames: (parent, after, before, limit) =>
      listNewestInodeNames(db, mount, parent, after, before, limit),
    hasChildren: (parent, except) => hasChildren(db, mount, parent, except),
    chunks: (node, first, last) => readStoredChunks(db, mount, node, first, last),
    hashes: (node, first, last) => chunkHashes(db, mount, node, first, last),
    chunk: (hash) => readChunk(db, mount, hash),
    xattrs: (node) => xattrsOf(db, mount, node),
  };
}

/** Returns all extended attributes of a node. */
export async function xattrsOf(
  db: Database,
  mount: MountHandle,
  node: string,
): Promise<Map<string, Uint8Array>> {
  const xattrs = new Map<string, Uint8Array>();
  for (const name of await listInodeXattrs(db, mount, node)) {
    const value = await getInodeXattr(db, mount, node, name);
    if (value !== null) xattrs.set(name, value);
  }
  return xattrs;
}
