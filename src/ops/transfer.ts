import { insertDevice } from "../../templates/inode.ts";
import { deleteLock } from "../../templates/lock.ts";
import { endMount } from "../../templates/mount.ts";
import {
  insertWholeNode,
  listXattrs,
  setMetadata,
  setMode,
  setModified,
  setOwner,
  setXattr,
} from "../../templates/node.ts";
import { setVolumeName } from "../../templates/volume.ts";
import { ChunkMap } from "../content/chunk_map.ts";
import { Chunker } from "../content/chunker.ts";
import { storeChunk } from "../content/chunk_store.ts";
import { cipherFor } from "../content/cipher_for.ts";
import { readRange } from "../content/read_range.ts";
import { reclaimAll } from "../content/reclaim.ts";
import { checkSize } from "../content/write_content.ts";
import { takeLock } from "../content/write_lock.ts";
import { plainCipher } from "../crypto/chunk_cipher.ts";
import { ManifestStore } from "../content/manifest_store.ts";
import { AloeError } from "../errors.ts";
import { uuid7 } from "../ids.ts";
import type { MountRef } from "../mount_handle.ts";
import { resolve, type Resolved } from "../tree/resolve.ts";
import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";
import type { VolumeInfo } from "../types.ts";
import { mintCopies } from "./copy.ts";
import { placeNode } from "./create.ts";
import { mount as mountVolume, renewMount, unmount } from "./mounts.ts";
import { deleteVolumeRows, MARK_TTL, markIncomplete } from "./remove_volume.ts";
import { type CreateVolumeOptions, getVolume, listVolumes, makeVolume } from "./volumes.ts";
import { deviceOf } from "./stat.ts";
import { readSubtree } from "./subtree.ts";

/** The progress of a transfer. */
export interface TransferProgress {
  /** Completed nodes. */
  nodes: number;
  /** All nodes. */
  totalNodes: number;
  /** Completed content bytes. */
  bytes: number;
  /** All content bytes. */
  totalBytes: number;
}

/** The parameters of the new volume, and callbacks. */
export interface TransferOptions extends CreateVolumeOptions {
  /** Called on progress. */
  onProgress?: (progress: TransferProgress) => void;
  /** Aborts the transfer; the incomplete volume is removed. */
  signal?: AbortSignal;
}

/**
 * Forks the visible tree of a mount into a new volume of the same file, without its history.
 * Between plain volumes chunks are shared, so a fork costs rows, not content. An encrypted volume
 * has its own key, so its content is encrypted again.
 *
 * @returns The new volume.
 * @throws {AloeError} `encryption_required`, `invalid`, `corrupt`, `read_only`.
 */
export function forkVolume(
  db: Database,
  source: MountRef,
  options: TransferOptions = {},
): Promise<VolumeInfo> {
  return transfer(db, source, db, options);
}

/**
 * Copies the visible tree of a mount into a new volume of this or another file, with times,
 * metadata, attributes, retention and hard links, but without its history. Each file is copied in
 * the state that is committed when it is its turn. The volume gets its name when it is complete.
 *
 * @param target The file that receives the volume.
 * @param options The name defaults to that of the source.
 * @returns The new volume.
 * @throws {AloeError} Like {@linkcode forkVolume}; also `busy` when a file changed and its old
 *   version was pruned during the copy.
 */
export async function copyVolume(
  db: Database,
  source: MountRef,
  target: Database,
  options: TransferOptions = {},
): Promise<VolumeInfo> {
  const top = await db.read((tx) => resolve(tx, source, "/"));
  const from = await getVolume(db, top.volume);
  return await transfer(db, source, target, {
    ...options,
    name: options.name ?? from.name ?? undefined,
  });
}

async function transfer(
  db: Database,
  source: MountRef,
  target: Database,
  options: TransferOptions,
): Promise<VolumeInfo> {
  const { name, unique, chunkSize, pin, encryption } = options;
  const top = await db.read((tx) => resolve(tx, source, "/"));
  cipherFor(top);
  const taken = async () => (await listVolumes(target)).some((each) => each.name === name);
  if (unique && name !== undefined && await taken()) {
    throw new AloeError("already_exists", `a volume named ${JSON.stringify(name)} exists`);
  }
  // The mark in the file shows that the volume is incomplete, in case the process is killed.
  const mark = uuid7();
  const volume = await makeVolume(target, {
    chunkSize: chunkSize ?? top.chunkSize,
    pin,
    encryption,
  }, async (tx, { id, root }) => {
    await markIncomplete(tx, { id, root }, mark);
  });
  const renewing = setInterval(() => {
    renewMount(target.current, mark, MARK_TTL, { expired: true }).catch(() => {});
  }, MARK_TTL / 3);
  try {
    const mount = await mountVolume(target, volume.id, { pin });
    try {
      await new Transfer(db, top, target, mount, options).run();
    } finally {
      await unmount(target, mount);
    }
    await target.write(async (tx) => {
      // The mark was deleted as abandoned, because this process was suspended.
      if (await tx.run(endMount, { mount: mark }) === 0) {
        throw new AloeError("busy", "the new volume was abandoned while it was created");
      }
      if (name !== undefined) await tx.run(setVolumeName, { volume: volume.id, name });
    });
    return { ...volume, name: name ?? null };
  } catch (error) {
    await target.write((tx) => deleteVolumeRows(tx, volume.id), { frees: true });
    await reclaimAll(target);
    throw error;
  } finally {
    clearInterval(renewing);
  }
}

/** Nodes made by one transaction. */
const NODES_AT_ONCE = 500;
/** The approximate number of content bytes stored by one transaction. */
const BYTES_AT_ONCE = 16 * 1024 * 1024;

/** A row of a subtree. */
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
  device: string | null;
}

/** Copies one volume into another. */
class Transfer {
  readonly #source: Database;
  readonly #top: Resolved;
  readonly #target: Database;
  readonly #mount: MountRef;
  readonly #options: TransferOptions;
  /** New node ids by old ones. */
  #copies = new Map<string, string>();
  readonly #progress: TransferProgress = { nodes: 0, totalNodes: 0, bytes: 0, totalBytes: 0 };

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
    const rows: SourceRow[] = await this.#source.read((tx) => readSubtree(tx, this.#top));
    const nodes = new Map(rows.map((row) => [row.node_id, row]));
    this.#progress.totalNodes = nodes.size;
    for (const row of nodes.values()) this.#progress.totalBytes += Number(row.size ?? 0);
    this.#copies = await this.#target.write(async (tx) => {
      const root = await resolve(tx, this.#mount, "/");
      return mintCopies(tx, root, rows).set(this.#top.node, root.node);
    });
    const made = new Set<string>();
    for (let at = 0; at < rows.length; at += NODES_AT_ONCE) {
      this.#options.signal?.throwIfAborted();
      await this.#makeNodes(rows.slice(at, at + NODES_AT_ONCE), made);
    }
    for (const row of nodes.values()) {
      if (row.type === "container") continue;
      if (Number(row.size) > 0) await this.#copyContent(row);
      else this.#report(1, 0);
    }
  }

  async #makeNodes(rows: SourceRow[], made: Set<string>): Promise<void> {
    // Read before the target is locked, because two files may be copied into each other.
    const xattrs = new Map<string, Xattr[]>();
    for (const { node_id: node } of rows) {
      if (made.has(node) || xattrs.has(node)) continue;
      xattrs.set(node, await this.#source.query((tx) => tx.all(listXattrs, { node })));
    }
    let containers = 0;
    await this.#target.write(async (tx) => {
      const root = await resolve(tx, this.#mount, "/");
      for (const row of rows) {
        const node = this.#copies.get(row.node_id)!;
        if (!made.has(row.node_id)) {
          made.add(row.node_id);
          if (row.type === "container") containers++;
          await this.#makeNode(tx, root, row, xattrs.get(row.node_id)!);
        }
        if (row.parent_id === null) continue;
        const parent = { ...root, node: this.#copies.get(row.parent_id)! };
        await placeNode(tx, { parent, name: row.edge_name! }, node);
      }
    });
    this.#report(containers, 0);
  }

  async #makeNode(
    tx: Transaction,
    root: Resolved,
    row: SourceRow,
    xattrs: Xattr[],
  ): Promise<void> {
    const node = this.#copies.get(row.node_id)!;
    if (row.parent_id === null) await setRootAttributes(tx, node, row);
    else {
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
    }
    for (const { name, value } of xattrs) await tx.run(setXattr, { node, name, value });
    const device = deviceOf(row.device);
    if (device !== null) await tx.run(insertDevice, { node, ...device });
    if (row.type !== "container") {
      const keep = numberOrNull(row.retention_keep);
      await new ManifestStore(tx).create(node, 0, 0, keep);
    }
  }

  async #copyContent(row: SourceRow): Promise<void> {
    this.#options.signal?.throwIfAborted();
    const root = await this.#target.query((tx) => resolve(tx, this.#mount, "/"));
    const entry = { ...root, node: this.#copies.get(row.node_id)!, label: row.name };
    if (this.#canShare(entry)) await this.#shareChunks(row, entry.node);
    else await this.#streamChunks(row, entry);
  }

  /**
   * Returns whether chunks can be shared: plain chunks of one size have the same addresses in all
   * volumes of a file.
   */
  #canShare(entry: Resolved): boolean {
    return this.#source === this.#target && entry.chunkSize === this.#top.chunkSize &&
      cipherFor(this.#top) === plainCipher && cipherFor(entry) === plainCipher;
  }

  /** Shares chunks in one transaction, so that no prune can run in between. */
  async #shareChunks(row: SourceRow, node: string): Promise<void> {
    const size = await this.#target.write(async (tx) => {
      const manifests = new ManifestStore(tx);
      const state = (await manifests.state(row.node_id))!;
      await manifests.copyRows(row.node_id, node);
      await this.#commit(tx, row, node, state);
      return state.size;
    });
    this.#report(1, size);
  }

  async #streamChunks(row: SourceRow, entry: Resolved): Promise<void> {
    const source: Resolved = { ...this.#top, node: row.node_id, label: row.name };
    const version = await this.#source.query((tx) => new ManifestStore(tx).state(row.node_id));
    const { size } = version!;
    checkSize(size, entry);
    // A prune deletes unfinished versions without a lock.
    const lock = await this.#target.write((tx) => takeLock(tx, entry, null));
    const chunks = new ChunkMap(entry.chunkSize);
    const chunker = new Chunker(chunks);
    const step = chunker.batch(BYTES_AT_ONCE);
    for (let at = 0; at < size; at += step) {
      this.#options.signal?.throwIfAborted();
      const bytes = await this.#source.read((tx) => readRange(tx, source, at, step, version!))
        .catch((error) => this.#explain(error, row, version!.version));
      await this.#target.write(async (tx) => {
        const manifests = new ManifestStore(tx);
        for (const { index, data } of chunker.cut(bytes, chunks.indexOf(at))) {
          const hash = await storeChunk(tx, cipherFor(entry), data);
          await manifests.add(entry.node, version!.version, index, hash);
        }
      }, { durable: false });
      this.#report(0, bytes.length);
    }
    await this.#target.write(async (tx) => {
      await this.#commit(tx, row, entry.node, version!);
      await tx.run(deleteLock, { lock });
    });
    this.#report(1, 0);
  }

  /** Reports a missing chunk as `busy` when its version was pruned, because that is no damage. */
  async #explain(error: unknown, row: SourceRow, version: number): Promise<never> {
    const left = await this.#source.query((tx) =>
      new ManifestStore(tx).page(row.node_id, version, 0, 1)
    );
    if (left.length > 0) throw error;
    throw new AloeError("busy", `${row.name}: was changed and pruned while it was copied`, {
      cause: error,
    });
  }

  async #commit(
    tx: Transaction,
    row: SourceRow,
    node: string,
    { version, size }: { version: number; size: number },
  ): Promise<void> {
    await new ManifestStore(tx).commit(node, version, size);
    // The commit of the copy must not change the file's time.
    await tx.run(setModified, { node, at: row.modified_at ?? row.created_at });
  }

  #report(nodes: number, bytes: number): void {
    this.#progress.nodes += nodes;
    this.#progress.bytes += bytes;
    this.#options.onProgress?.({ ...this.#progress });
  }
}

/** An extended attribute. */
interface Xattr {
  name: string;
  value: Uint8Array;
}

/** Sets the attributes of the new volume's root to those of the source's top. */
async function setRootAttributes(tx: Transaction, node: string, row: SourceRow): Promise<void> {
  await tx.run(setMetadata, { node, metadata: row.metadata });
  if (row.mode !== null) await tx.run(setMode, { node, mode: Number(row.mode) });
  await tx.run(setOwner, { node, uid: numberOrNull(row.uid), gid: numberOrNull(row.gid) });
  await tx.run(setModified, { node, at: row.modified_at ?? row.created_at });
}

function numberOrNull(value: number | bigint | null): number | null {
  return value === null ? null : Number(value);
}
