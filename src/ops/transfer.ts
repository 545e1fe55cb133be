import {
  commitVersion,
  insertContent,
  insertManifestRow,
  manifestPage,
} from "../../templates/content.ts";
import { subtree } from "../../templates/edge.ts";
import {
  insertWholeNode,
  listXattrs,
  setMetadata,
  setMode,
  setModified,
  setOwner,
  setXattr,
} from "../../templates/node.ts";
import { storeChunk } from "../content/chunk_store.ts";
import { cipherFor } from "../content/cipher_for.ts";
import { readRange } from "../content/read_range.ts";
import { plainCipher } from "../crypto/chunk_cipher.ts";
import type { MountRef } from "../mount_handle.ts";
import { mintIn, type Place, resolve, type Resolved } from "../resolve.ts";
import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";
import type { VolumeInfo } from "../types.ts";
import { placeNode } from "./create.ts";
import { mount as mountVolume, unmount } from "./mounts.ts";
import { createVolume, type CreateVolumeOptions, getVolume, removeVolume } from "./volumes.ts";

/** How far a transfer has come. */
export interface TransferProgress {
  /** Nodes done. */
  nodes: number;
  /** Nodes in all. */
  totalNodes: number;
  /** Content bytes done. */
  bytes: number;
  /** Content bytes in all. */
  totalBytes: number;
}

/** What a transferred volume is to be, and how the work is watched. */
export interface TransferOptions extends CreateVolumeOptions {
  /** Called as content is done. */
  onProgress?: (progress: TransferProgress) => void;
  /** Stops the work; what was made of the new volume is removed. */
  signal?: AbortSignal;
}

/**
 * Forks what a mount shows into a new volume of the same file: the tree as it
 * is now, without its history. Between plain volumes the chunks are shared,
 * so a fork costs rows, not content; an encrypted volume has a key of its
 * own, so its content is sealed anew.
 *
 * @returns The new volume.
 * @throws {AloeError} `encryption_required`, `invalid`, `corrupt`, `read_only`.
 */
export function forkVolume(
  db: Database,
  source: MountRef,
  options: TransferOptions = {},
): Promise<VolumeInfo> {
  return copyVolume(db, source, db, options);
}

/**
 * Copies what a mount shows into a new volume, of another file or the same:
 * the tree as it is now, with its times, metadata, attributes, retention and
 * hard links, without its history.
 *
 * The tree is read in one snapshot of its shape; content that changes
 * meanwhile is taken in the version that the snapshot saw.
 *
 * @param target The file that gets the volume.
 * @returns The new volume.
 * @throws {AloeError} As {@linkcode forkVolume}.
 */
export async function copyVolume(
  db: Database,
  source: MountRef,
  target: Database,
  options: TransferOptions = {},
): Promise<VolumeInfo> {
  const top = await db.read((tx) => resolve(tx, source, "/"));
  cipherFor(top);
  const from = await getVolume(db, top.volume);
  const volume = await createVolume(target, {
    name: options.name ?? from.name ?? undefined,
    chunkSize: options.chunkSize ?? from.chunkSize,
    pin: options.pin,
    encryption: options.encryption,
    unique: options.unique,
  });
  try {
    const mount = await mountVolume(target, volume.id, { pin: options.pin });
    try {
      await new Transfer(db, top, target, mount, options).run();
    } finally {
      await unmount(target, mount);
    }
    return volume;
  } catch (error) {
    await removeVolume(target, volume.id);
    throw error;
  }
}

/** Nodes made by one transaction. */
const NODES_AT_ONCE = 500;
/** Content bytes stored by one transaction, about. */
const BYTES_AT_ONCE = 16 * 1024 * 1024;

/** A row of {@linkcode subtree}. */
interface SourceRow {
  node_id: string;
  parent_id: string | null;
  edge_name: string | null;
  type: string;
  name: string;
  created_at: bigint;
  modified_at: bigint | null;
  atime: bigint | null;
  mode: number | bigint | null;
  uid: number | bigint | null;
  gid: number | bigint | null;
  metadata: string | null;
  version: number | bigint | null;
  size: number | bigint | null;
  retention_keep: number | bigint | null;
}

/** One volume being copied into another. */
class Transfer {
  readonly #source: Database;
  readonly #top: Resolved;
  readonly #target: Database;
  readonly #mount: MountRef;
  readonly #options: TransferOptions;
  /** New ids by old ones: a second placement of a node is a hard link. */
  readonly #copies = new Map<string, string>();
  readonly #progress: TransferProgress = {
    nodes: 0,
    totalNodes: 0,
    bytes: 0,
    totalBytes: 0,
  };

  constructor(
    source: Database,
    top: Resolved,
    target: Database,
    mount: MountRef,
    options: TransferOptions,
  ) {
    this.#source = source;
    this.#top = top;
    this.#target = target;
    this.#mount = mount;
    this.#options = options;
  }

  async run(): Promise<void> {
    const rows: SourceRow[] = await this.#source.read((tx) =>
      tx.all(subtree, { node: this.#top.node })
    );
    this.#progress.totalNodes = rows.length;
    this.#progress.totalBytes = rows.reduce(
      (sum, row) => sum + Number(row.size ?? 0),
      0,
    );
    const contents: SourceRow[] = [];
    for (let at = 0; at < rows.length; at += NODES_AT_ONCE) {
      this.#options.signal?.throwIfAborted();
      await this.#target.write(async (tx) => {
        const root = await resolve(tx, this.#mount, "/");
        for (const row of rows.slice(at, at + NODES_AT_ONCE)) {
          if (await this.#makeNode(tx, root, row)) contents.push(row);
        }
      });
    }
    for (const row of contents) await this.#copyContent(row);
    this.#report(0);
  }

  /** @returns Whether it is a new node with content to be copied. */
  async #makeNode(
    tx: Transaction,
    root: Resolved,
    row: SourceRow,
  ): Promise<boolean> {
    if (row.parent_id === null) {
      this.#copies.set(row.node_id, root.node);
      await this.#dressRoot(tx, root.node, row);
      return false;
    }
    const place: Place = {
      parent: { ...root, node: this.#copies.get(row.parent_id)! },
      name: row.edge_name!,
    };
    const known = this.#copies.get(row.node_id);
    if (known !== undefined) {
      await placeNode(tx, place, known);
      return false;
    }
    const node = mintIn(tx, root);
    this.#copies.set(row.node_id, node);
    await tx.run(insertWholeNode, {
      node,
      type: row.type,
      name: row.edge_name!,
      createdAt: row.created_at,
      modifiedAt: row.modified_at ?? row.created_at,
      volume: root.volume,
      metadata: row.metadata,
      uid: numberOrNull(row.uid),
      gid: numberOrNull(row.gid),
      mode: numberOrNull(row.mode),
      atime: row.atime,
    });
    await this.#copyXattrs(tx, row.node_id, node);
    if (row.type !== "container") {
      const keep = numberOrNull(row.retention_keep);
      await tx.run(insertContent, { node, version: 0, size: 0, keep });
    }
    await placeNode(tx, place, node);
    this.#progress.nodes++;
    return row.type !== "container" && Number(row.size) > 0;
  }

  /** The root exists already: it gets what the source's top says of itself. */
  async #dressRoot(
    tx: Transaction,
    node: string,
    row: SourceRow,
  ): Promise<void> {
    await tx.run(setMetadata, { node, metadata: row.metadata });
    if (row.mode !== null) {
      await tx.run(setMode, { node, mode: Number(row.mode) });
    }
    await tx.run(setOwner, {
      node,
      uid: numberOrNull(row.uid),
      gid: numberOrNull(row.gid),
    });
    await this.#copyXattrs(tx, row.node_id, node);
    await tx.run(setModified, { node, at: row.modified_at ?? row.created_at });
    this.#progress.nodes++;
  }

  async #copyXattrs(tx: Transaction, from: string, to: string): Promise<void> {
    const read = (source: Transaction) => source.all(listXattrs, { node: from });
    const rows = this.#sameFile ? await read(tx) : await this.#source.query(read);
    for (const { name, value } of rows) {
      await tx.run(setXattr, { node: to, name, value });
    }
  }

  get #sameFile(): boolean {
    return this.#source === this.#target;
  }

  async #copyContent(row: SourceRow): Promise<void> {
    const entry = await this.#target.query((tx) =>
      resolve(tx, this.#mount, "/").then((root) => ({
        ...root,
        node: this.#copies.get(row.node_id)!,
        label: row.name,
      }))
    );
    const size = Number(row.size);
    if (this.#canShare(entry)) await this.#shareChunks(row, entry.node);
    else await this.#streamChunks(row, entry, size);
    await this.#target.write(async (tx) => {
      const version = Number(row.version);
      await tx.run(commitVersion, { node: entry.node, version, size });
      // The commit is no change of the file: it keeps the time that it had.
      await tx.run(setModified, {
        node: entry.node,
        at: row.modified_at ?? row.created_at,
      });
    });
  }

  /** Plain chunks of one size have the same addresses in every volume of a file. */
  #canShare(entry: Resolved): boolean {
    return this.#sameFile && entry.chunkSize === this.#top.chunkSize &&
      cipherFor(this.#top) === plainCipher && cipherFor(entry) === plainCipher;
  }

  async #shareChunks(row: SourceRow, node: string): Promise<void> {
    const version = Number(row.version);
    const limit = 10_000;
    for (let first = 0;;) {
      this.#options.signal?.throwIfAborted();
      const page = await this.#target.write(async (tx) => {
        const chunks = await tx.all(manifestPage, {
          node: row.node_id,
          version,
          first,
          limit,
        });
        for (const { chunk_index: index, chunk_hash: hash } of chunks) {
          await tx.run(insertManifestRow, { node, version, index, hash });
        }
        return chunks;
      }, { durable: false });
      this.#report(page.reduce((sum, chunk) => sum + (chunk.length ?? 0), 0));
      if (page.length < limit) return;
      first = page[page.length - 1].chunk_index + 1;
    }
  }

  async #streamChunks(
    row: SourceRow,
    entry: Resolved,
    size: number,
  ): Promise<void> {
    const source: Resolved = {
      ...this.#top,
      node: row.node_id,
      size,
      label: row.name,
    };
    const version = { version: Number(row.version), size };
    const step = Math.max(1, Math.floor(BYTES_AT_ONCE / entry.chunkSize)) *
      entry.chunkSize;
    for (let at = 0; at < size; at += step) {
      this.#options.signal?.throwIfAborted();
      const bytes = await this.#source.read((tx) => readRange(tx, source, at, step, version));
      await this.#target.write(async (tx) => {
        for (let from = 0; from < bytes.length; from += entry.chunkSize) {
          const chunk = bytes.subarray(from, from + entry.chunkSize);
          const hash = await storeChunk(tx, cipherFor(entry), chunk);
          const index = (at + from) / entry.chunkSize;
          await tx.run(insertManifestRow, {
            node: entry.node,
            version: version.version,
            index,
            hash,
          });
        }
      }, { durable: false });
      this.#report(bytes.length);
    }
  }

  #report(bytes: number): void {
    this.#progress.bytes += bytes;
    this.#options.onProgress?.({ ...this.#progress });
  }
}

function numberOrNull(value: number | bigint | null): number | null {
  return value === null ? null : Number(value);
}
