import { deleteNodes, insertNode, setModified } from "../../templates/node.ts";
import { childByName } from "../../templates/resolve.ts";
import {
  deleteUpload,
  expiredUploads,
  insertUpload,
  renewNode,
  setUploadLength,
  uploadsOf,
} from "../../templates/upload.ts";
import { now } from "../clock.ts";
import { ChunkMap } from "../content/chunk_map.ts";
import { hashPage, pageCount, tagOf } from "../content/content_tag.ts";
import { cipherFor } from "../content/cipher_for.ts";
import { ManifestStore } from "../content/manifest_store.ts";
import { readRange } from "../content/read_range.ts";
import { UPLOAD_VERSION, UploadWriter } from "../content/upload_writer.ts";
import { replaceContent } from "../content/write_content.ts";
import { AloeError } from "../errors.ts";
import type { MountRef } from "../mount_handle.ts";
import { joinPath, splitPath } from "../paths.ts";
import {
  mintIn,
  type Place,
  requireChangeable,
  requireContainer,
  requireWritable,
  resolve,
  type Resolved,
  resolveId,
} from "../tree/resolve.ts";
import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";
import { yieldToEventLoop } from "../yield_to_event_loop.ts";
import { storableTime } from "./attributes.ts";
import { freeName, type OnConflict, type Outcome } from "./conflict.ts";
import { deleteForGood } from "./delete_for_good.ts";
import { placeNew, placeNode } from "./create.ts";

/** The state of an upload. */
export interface UploadInfo {
  /** Its id. */
  id: string;
  /** The number of received bytes. */
  size: number;
  /** The final number of bytes; null while it is unknown. */
  length: number | null;
  /** The note given at the start. */
  note: string;
  /** When it was started, in ns. */
  createdAt: bigint;
  /** When it expires unless more data arrives, in ns. */
  expiresAt: bigint;
}

/** Options of {@linkcode beginUpload}. */
export interface UploadOptions {
  /** The final number of bytes; may be set later. */
  length?: number | null;
  /** Text for the code that finishes the upload. Like names, it is not encrypted. */
  note?: string;
  /** How long the upload is kept without new data, in ms. */
  ttl: number;
}

/** The current state of a file that is to be written. */
export interface CurrentContent {
  /** The node's id. */
  node: string;
  /** The committed version. */
  version: number;
  /** The size in bytes. */
  size: number;
  /** The tag of its content, as in a snapshot. */
  tag: string;
}

/** Options of {@linkcode putFile} and {@linkcode finishUpload}. */
export interface PutFileOptions {
  /** Whether to create missing parent directories. Default false. */
  parents?: boolean;
  /** The modification time in ns, limited to the storable range. Default: now. */
  modifiedAt?: bigint;
  /**
   * Called in the transaction before anything is written, with the existing file or null. Throws to
   * refuse the write.
   */
  condition?: (current: CurrentContent | null) => void;
  /** Called before an existing file gets new content; throws to refuse it. */
  over?: (current: { node: string }) => void;
  /**
   * How to handle an existing name, in the transaction that writes. Default `replace`: a file gets
   * a new version; any other node is refused.
   */
  onConflict?: OnConflict;
}

/** The result of a write. */
export interface PutFileResult {
  /** The file's node id. */
  node: string;
  /** The new version. */
  version: number;
  /** The size in bytes. */
  size: number;
  /** Whether the file was created. */
  created: boolean;
  /** The file's path; differs from the requested one after a rename. */
  path: string;
  /** The result. For a skipped file, the other fields describe the existing node. */
  outcome: Outcome;
  /** The replaced version; null for none. */
  replaced: number | null;
}

/**
 * Starts an upload: content that is invisible until it is finished. It survives the process, and is
 * encrypted if its volume is.
 *
 * @throws {AloeError} `read_only`, `mount_invalid`, `encryption_required`, `invalid`.
 */
export async function beginUpload(
  db: Database,
  mount: MountRef,
  options: UploadOptions,
): Promise<UploadInfo> {
  const { length = null, note = "" } = options;
  checkLength(length);
  const ttl = BigInt(Math.ceil(options.ttl)) * 1_000_000n;
  return await db.write(async (tx) => {
    const top = await resolve(tx, mount, "/");
    requireWritable(top);
    cipherFor(top);
    const id = mintIn(tx, top);
    const createdAt = now();
    const expiresAt = createdAt + ttl;
    await tx.run(insertNode, {
      node: id,
      type: "entry",
      name: "upload",
      createdAt,
      modifiedAt: createdAt,
      volume: top.volume,
    });
    await new ManifestStore(tx).create(id, UPLOAD_VERSION);
    await tx.run(insertUpload, { node: id, length, note, createdAt, expiresAt });
    return { id, size: 0, length, note, createdAt, expiresAt };
  }, { durable: false });
}

/** Returns the unfinished uploads of the mount's volume, oldest first. */
export async function listUploads(db: Database, mount: MountRef): Promise<UploadInfo[]> {
  return await db.read(async (tx) => {
    const { volume } = await resolve(tx, mount, "/");
    return (await tx.all(uploadsOf, { volume, node: null })).map(uploadInfo);
  });
}

/**
 * Returns an upload.
 *
 * @throws {AloeError} `not_found` when it was finished, dropped or has expired.
 */
export async function getUpload(db: Database, mount: MountRef, id: string): Promise<UploadInfo> {
  return await db.read((tx) => uploadOf(tx, mount, id));
}

/**
 * Sets the final length of an upload, once.
 *
 * @throws {AloeError} `not_found`; `invalid` when another length was set before, or more bytes were
 *   received.
 */
export async function setLengthOfUpload(
  db: Database,
  mount: MountRef,
  id: string,
  length: number,
): Promise<void> {
  checkLength(length);
  await db.write(async (tx) => {
    requireWritable(await resolve(tx, mount, "/"));
    const upload = await uploadOf(tx, mount, id);
    if (upload.length === length) return;
    if (upload.length !== null || upload.size > length) {
      throw new AloeError("invalid", `${id}: has another length`);
    }
    await tx.run(setUploadLength, { node: id, length });
  });
}

/**
 * Opens an upload for appending.
 *
 * @param options `ttl`: how long it is kept after each step, in ms; `limit`: its maximum size in
 *   bytes.
 * @throws {AloeError} `not_found`, `encryption_required`, `read_only`.
 */
export async function openUpload(
  db: Database,
  mount: MountRef,
  id: string,
  options: { ttl: number; limit?: number },
): Promise<UploadWriter> {
  return await db.read(async (tx) => {
    const { length } = await uploadOf(tx, mount, id);
    const entry = await resolveId(tx, mount, id);
    requireWritable(entry);
    cipherFor(entry);
    const size = entry.size ?? 0;
    const from = size - new ChunkMap(entry.chunkSize).partial(size);
    const tail = await readRange(tx, entry, from, size - from);
    const limit = Math.min(length ?? Infinity, options.limit ?? Infinity);
    return new UploadWriter(db, entry, tail, limit, options.ttl);
  });
}

/**
 * Drops an upload.
 *
 * @throws {AloeError} `not_found`, `read_only`.
 */
export async function dropUpload(db: Database, mount: MountRef, id: string): Promise<void> {
  await db.write(async (tx) => {
    requireWritable(await resolve(tx, mount, "/"));
    await uploadOf(tx, mount, id, true);
    await deleteForGood(tx, [id]);
  }, { durable: false, frees: true });
}

/**
 * Deletes expired uploads; their chunks are left to `reclaimChunks`.
 *
 * @param limit The maximum number.
 * @returns The number of deleted uploads.
 */
export async function dropExpiredUploads(db: Database, limit: number): Promise<number> {
  return await db.write(async (tx) => {
    const nodes = (await tx.all(expiredUploads, { now: now(), limit })).map((row) => row.node_id);
    await deleteForGood(tx, nodes);
    return nodes.length;
  }, { frees: true });
}

/**
 * Makes an upload the content of a file in one transaction: of a new file, or as the next version
 * of an existing one. No bytes are copied.
 *
 * @throws {AloeError} `not_found` for the upload or a missing directory, `not_a_container`,
 *   `not_an_entry`, `lock_held`, `read_only`; `invalid` when the upload is incomplete; also the
 *   condition's error.
 */
export async function finishUpload(
  db: Database,
  mount: MountRef,
  id: string,
  path: string,
  options: PutFileOptions = {},
): Promise<PutFileResult> {
  const modifiedAt = storedTime(options);
  return await db.write(async (tx) => {
    const upload = await uploadOf(tx, mount, id);
    if (upload.length !== null && upload.size !== upload.length) {
      throw new AloeError(
        "invalid",
        `${id}: ${upload.size} of ${upload.length} bytes were received`,
      );
    }
    const goal = await target(tx, mount, path, options);
    const { place, current } = goal;
    if (goal.outcome === "skipped") {
      await deleteForGood(tx, [id]);
      return skippedResult(goal);
    }
    const { size } = upload;
    const facts = { path: goal.path, outcome: goal.outcome, replaced: current?.version ?? null };
    if (current === null) {
      await tx.run(deleteUpload, { node: id });
      const at = now();
      await tx.run(renewNode, { node: id, name: place!.name, at });
      await tx.run(setModified, { node: id, at: modifiedAt ?? at });
      await placeNode(tx, place!, id);
      return { node: id, version: UPLOAD_VERSION, size, created: true, ...facts };
    }
    const { node } = current;
    const manifests = new ManifestStore(tx);
    const version = await manifests.nextVersion(node);
    await moveRows(manifests, id, node, version, new ChunkMap(current.chunkSize).count(size));
    await manifests.commit(node, version, size);
    await tx.run(deleteNodes, { nodes: JSON.stringify([id]) });
    if (modifiedAt !== undefined) await tx.run(setModified, { node, at: modifiedAt });
    return { node, version, size, created: false, ...facts };
  });
}

/**
 * Writes a file from memory in one transaction.
 *
 * @throws {AloeError} Like {@linkcode finishUpload}; also `encryption_required`, `unsupported`.
 */
export async function putFile(
  db: Database,
  mount: MountRef,
  path: string,
  data: Uint8Array,
  options: PutFileOptions = {},
): Promise<PutFileResult> {
  const modifiedAt = storedTime(options);
  return await db.write(async (tx) => {
    const goal = await target(tx, mount, path, options);
    if (goal.outcome === "skipped") return skippedResult(goal);
    const { place, current } = goal;
    const size = data.length;
    const facts = { path: goal.path, outcome: goal.outcome, replaced: current?.version ?? null };
    let result: PutFileResult;
    if (current === null) {
      const node = await placeNew(tx, place!, "entry", data);
      result = { node, version: size > 0 ? 1 : 0, size, created: true, ...facts };
    } else {
      await replaceContent(tx, current, data);
      const { version } = await resolveId(tx, mount, current.node);
      result = { node: current.node, version: version!, size, created: false, ...facts };
    }
    if (modifiedAt !== undefined) await tx.run(setModified, { node: result.node, at: modifiedAt });
    return result;
  });
}

function storedTime({ modifiedAt }: PutFileOptions): bigint | undefined {
  return modifiedAt === undefined ? undefined : storableTime(modifiedAt);
}

/** The target of a write: an existing node or a free place. */
interface WriteTarget {
  /** The free place; null when a node exists. */
  place: Place | null;
  /** The existing node; null for a free place. */
  current: Resolved | null;
  path: string;
  outcome: Outcome;
}

async function target(
  tx: Transaction,
  mount: MountRef,
  path: string,
  { parents = false, condition, over, onConflict = "replace" }: PutFileOptions,
): Promise<WriteTarget> {
  const names = splitPath(path);
  const name = names.pop();
  if (name === undefined) throw new AloeError("not_an_entry", "/: is a directory");
  const known: { parent: Resolved; missing: string[] } = parents
    ? await deepest(tx, mount, names)
    : { parent: await resolve(tx, mount, joinPath(names)), missing: [] };
  let { parent } = known;
  requireContainer(parent);
  requireWritable(parent);
  const existing = known.missing.length > 0
    ? undefined
    : await tx.first(childByName, { parent: parent.node, name });
  if (existing !== undefined) {
    const current = { ...await resolveId(tx, mount, existing.node_id), label: path };
    const isEntry = existing.type === "entry";
    if (onConflict === "replace") {
      if (!isEntry) {
        const what = existing.type === "container" ? "directory" : existing.type;
        throw new AloeError("not_an_entry", `${path}: is a ${what}`);
      }
      requireChangeable(current);
    }
    if (condition !== undefined) condition(isEntry ? await currentContent(tx, current) : null);
    if (onConflict === "skip") return { place: null, current, path, outcome: "skipped" };
    if (onConflict === "rename") {
      const free = await freeName(tx, parent.node, name);
      const at = joinPath([...names, free]);
      return { place: { parent, name: free }, current: null, path: at, outcome: "renamed" };
    }
    if (onConflict === "fail") throw new AloeError("already_exists", `${path}: exists`);
    over?.(current);
    return { place: null, current, path, outcome: "replaced" };
  }
  condition?.(null);
  for (const missing of known.missing) {
    const node = await placeNew(tx, { parent, name: missing }, "container");
    parent = { ...parent, node, type: "container", name: missing };
  }
  return {
    place: { parent, name },
    current: null,
    path: joinPath([...names, name]),
    outcome: "created",
  };
}

/** Returns the result for an existing node that stays unchanged. */
function skippedResult({ current, path, outcome }: WriteTarget): PutFileResult {
  const { node, version, size } = current!;
  return {
    node,
    version: version ?? 0,
    size: size ?? 0,
    created: false,
    path,
    outcome,
    replaced: null,
  };
}

/** Returns the deepest existing directory of a path, and the names below it. */
async function deepest(
  tx: Transaction,
  mount: MountRef,
  names: string[],
): Promise<{ parent: Resolved; missing: string[] }> {
  let parent = await resolve(tx, mount, "/");
  for (let depth = 0; depth < names.length; depth++) {
    const child = await tx.first(childByName, { parent: parent.node, name: names[depth] });
    if (child === undefined) return { parent, missing: names.slice(depth) };
    const label = joinPath(names.slice(0, depth + 1));
    parent = { ...await resolveId(tx, mount, child.node_id), label };
    requireContainer(parent);
  }
  return { parent, missing: [] };
}

async function currentContent(tx: Transaction, entry: Resolved): Promise<CurrentContent> {
  const { node, chunkSize, label } = entry;
  const version = entry.version ?? 0;
  const size = entry.size ?? 0;
  const pages: string[] = [];
  const count = pageCount(size, chunkSize);
  for (let number = 0; number < count; number++) {
    const page = await hashPage(tx, { node, version, size, chunkSize, label }, number);
    pages.push(page.digest);
    await yieldToEventLoop();
  }
  return { node, version, size, tag: tagOf(size, pages) };
}

/** The number of manifest rows moved by one statement, which takes a few milliseconds. */
const ROWS_AT_ONCE = 1024;

async function moveRows(
  manifests: ManifestStore,
  from: string,
  to: string,
  newVersion: number,
  rows: number,
): Promise<void> {
  for (let first = 0; first < rows; first += ROWS_AT_ONCE) {
    const last = first + ROWS_AT_ONCE - 1;
    await manifests.move({ node: from, version: UPLOAD_VERSION, first, last }, to, newVersion);
    await yieldToEventLoop();
  }
}

async function uploadOf(
  tx: Transaction,
  mount: MountRef,
  id: string,
  evenExpired = false,
): Promise<UploadInfo> {
  const { volume } = await resolve(tx, mount, "/");
  const row = await tx.first(uploadsOf, { volume, node: id });
  if (row === undefined || (!evenExpired && row.expires_at <= now())) {
    throw new AloeError("not_found", `${id}: no such upload`);
  }
  return uploadInfo(row);
}

function uploadInfo(row: {
  node_id: string;
  size: number | bigint;
  length: number | bigint | null;
  note: string;
  created_at: bigint;
  expires_at: bigint;
}): UploadInfo {
  return {
    id: row.node_id,
    size: Number(row.size),
    length: row.length === null ? null : Number(row.length),
    note: row.note,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}

function checkLength(length: number | null): void {
  if (length === null) return;
  if (!Number.isSafeInteger(length) || length < 0) {
    throw new AloeError("invalid", `${length}: is not a whole number of bytes`);
  }
}
