import { NESTED_DEPTH, readByPath } from "../../templates/resolve.ts";
import { now } from "../clock.ts";
import { openChunk } from "../content/chunk_store.ts";
import { cipherFor } from "../content/cipher_for.ts";
import { readRange as readRangeOf } from "../content/read_range.ts";
import { checkBytes, checkData, editContent, replaceContent } from "../content/write_content.ts";
import { ManifestStore } from "../content/manifest_store.ts";
import { AloeError } from "../errors.ts";
import { mountId, type MountRef } from "../mount_handle.ts";
import { splitPath } from "../paths.ts";
import {
  pathValues,
  requireChangeable,
  requireEntry,
  requireSealed,
  type Resolved,
  resolveTarget,
  type Target,
} from "../tree/resolve.ts";
import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";

/** The version of an entry to read. */
export interface VersionOption {
  /** A retained version's number. Default: the committed version. */
  version?: number;
}

/**
 * Returns an entry's whole content. Stream large entries with `openRead` instead.
 *
 * @throws {AloeError} `not_found` (also for the version), `not_an_entry`, `encryption_required`,
 *   `corrupt`, `mount_invalid`.
 */
export function readAll(
  db: Database,
  mount: MountRef,
  path: string,
  options: VersionOption = {},
): Promise<Uint8Array> {
  return read(db, mount, { path }, 0, Infinity, options);
}

/** Like {@linkcode readAll}, by node id. */
export function readAllById(
  db: Database,
  mount: MountRef,
  node: string,
  options: VersionOption = {},
): Promise<Uint8Array> {
  return read(db, mount, { node }, 0, Infinity, options);
}

/**
 * Returns a part of an entry's content.
 *
 * @param offset The start in bytes.
 * @param length The number of bytes.
 * @returns Fewer bytes at the end of the content, none beyond it.
 * @throws {AloeError} Like {@linkcode readAll}; also `invalid`.
 */
export function readRange(
  db: Database,
  mount: MountRef,
  path: string,
  offset: number,
  length: number,
  options: VersionOption = {},
): Promise<Uint8Array> {
  return read(db, mount, { path }, offset, length, options);
}

/** Like {@linkcode readRange}, by node id. */
export function readRangeById(
  db: Database,
  mount: MountRef,
  node: string,
  offset: number,
  length: number,
  options: VersionOption = {},
): Promise<Uint8Array> {
  return read(db, mount, { node }, offset, length, options);
}

async function read(
  db: Database,
  mount: MountRef,
  target: Target,
  offset: number,
  length: number,
  options: VersionOption,
): Promise<Uint8Array> {
  checkBytes(offset, "offset");
  if (length !== Infinity) checkBytes(length, "length");
  return await db.read(async (tx) => {
    if (offset === 0 && length === Infinity && options.version === undefined && "path" in target) {
      const small = await readSmall(tx, mount, target.path);
      if (small !== null) return small;
    }
    const entry = await resolveTarget(tx, mount, target);
    requireEntry(entry);
    const version = options.version === undefined
      ? null
      : await retainedVersion(tx, entry, options.version);
    const size = version?.size ?? entry.size ?? 0;
    if (size - offset > MAX_IN_MEMORY && length > MAX_IN_MEMORY) {
      throw new AloeError(
        "unsupported",
        `${entry.label}: is too large to be read at once`,
      );
    }
    return await readRangeOf(
      tx,
      entry,
      offset,
      Math.min(length, size),
      version,
    );
  });
}

/**
 * Returns the content of an entry of at most one chunk, read by one statement; null when the path
 * is something else, which the general code handles.
 */
async function readSmall(
  tx: Transaction,
  mount: MountRef,
  path: string,
): Promise<Uint8Array | null> {
  const names = splitPath(path);
  if (names.length > NESTED_DEPTH) return null;
  const values = pathValues(mountId(mount), now(), names);
  const row = await tx.first(readByPath(names.length), values);
  if (row === undefined || row.type === "container" || row.size === null) return null;
  if (row.size > row.chunk_size || row.size < 0) return null;
  const { volume_id: volume, enc_mode: encryption } = row;
  const cipher = cipherFor({ mount, volume, encryption, label: path });
  if (cipher.metadata !== null) await requireSealed(tx, { mount, node: row.node_id });
  if (row.size === 0) return new Uint8Array(0);
  const bytes = openChunk(cipher, row, path);
  if (bytes.length < row.size) throw new AloeError("corrupt", `${path}: chunk 0 is too short`);
  return bytes.length === row.size ? bytes : bytes.slice(0, row.size);
}

/** The maximum size of an array in V8, in bytes; larger content has to be streamed. */
const MAX_IN_MEMORY = 2 ** 32;

/**
 * Returns a version that can still be read.
 *
 * @throws {AloeError} `not_found` when it was never committed or is no longer retained.
 */
export async function retainedVersion(
  tx: Transaction,
  entry: Resolved,
  version: number,
): Promise<{ version: number; size: number } | null> {
  if (!Number.isSafeInteger(version) || version < 0) {
    throw new AloeError("invalid", `${version}: is not a version number`);
  }
  const row = await new ManifestStore(tx).sizes(entry.node, version);
  if (row !== undefined && row.committed === version) return null;
  const size = row?.summed_size ?? (row?.noted_size === 0 ? 0 : null);
  if (row === undefined || version > row.committed || size === null) {
    throw new AloeError(
      "not_found",
      `${entry.label}: version ${version} is not retained`,
    );
  }
  return { version, size: Number(size) };
}

/**
 * Replaces an entry's content, as a new version.
 *
 * @throws {AloeError} `not_found`, `not_an_entry`, `lock_held`, `read_only`, `encryption_required`,
 *   `unsupported`.
 */
export function writeAll(
  db: Database,
  mount: MountRef,
  path: string,
  data: Uint8Array,
): Promise<void> {
  return replace(db, mount, { path }, data);
}

/** Like {@linkcode writeAll}, by node id. */
export function writeAllById(
  db: Database,
  mount: MountRef,
  node: string,
  data: Uint8Array,
): Promise<void> {
  return replace(db, mount, { node }, data);
}

async function replace(
  db: Database,
  mount: MountRef,
  target: Target,
  data: Uint8Array,
): Promise<void> {
  await db.write(async (tx) => {
    const entry = await changeableEntry(tx, mount, target);
    await replaceContent(tx, entry, data);
  });
}

/**
 * Appends to an entry, as a new version, unless the data is empty.
 *
 * @returns The new size in bytes.
 * @throws {AloeError} Like {@linkcode writeAll}.
 */
export function append(
  db: Database,
  mount: MountRef,
  path: string,
  data: Uint8Array,
): Promise<number> {
  return patch(db, mount, { path }, null, data);
}

/** Like {@linkcode append}, by node id. */
export function appendById(
  db: Database,
  mount: MountRef,
  node: string,
  data: Uint8Array,
): Promise<number> {
  return patch(db, mount, { node }, null, data);
}

/**
 * Writes into an entry, as a new version, unless the data is empty. A gap between the old end and
 * `offset` reads as zeros.
 *
 * @param offset The start in bytes.
 * @returns The new size in bytes.
 * @throws {AloeError} Like {@linkcode writeAll}; also `invalid`.
 */
export function writeRange(
  db: Database,
  mount: MountRef,
  path: string,
  offset: number,
  data: Uint8Array,
): Promise<number> {
  return patch(db, mount, { path }, offset, data);
}

/** Like {@linkcode writeRange}, by node id. */
export function writeRangeById(
  db: Database,
  mount: MountRef,
  node: string,
  offset: number,
  data: Uint8Array,
): Promise<number> {
  return patch(db, mount, { node }, offset, data);
}

async function patch(
  db: Database,
  mount: MountRef,
  target: Target,
  at: number | null,
  data: Uint8Array,
): Promise<number> {
  checkData(data);
  if (at !== null) checkBytes(at, "offset");
  return await db.write(async (tx) => {
    const entry = await changeableEntry(tx, mount, target);
    const size = entry.size ?? 0;
    if (data.length === 0) return size;
    const offset = at ?? size;
    const newSize = Math.max(size, offset + data.length);
    await editContent(tx, entry, newSize, { offset, data });
    return newSize;
  });
}

/**
 * Sets an entry's size, as a new version, unless the size is unchanged. A larger entry is filled
 * with zeros.
 *
 * @param size The size in bytes. A hole costs one row for each chunk, so the size is limited by
 *   `MAX_CHUNKS`.
 * @throws {AloeError} Like {@linkcode writeAll}; also `invalid`.
 */
export function truncate(
  db: Database,
  mount: MountRef,
  path: string,
  size: number,
): Promise<void> {
  return resize(db, mount, { path }, size);
}

/** Like {@linkcode truncate}, by node id. */
export function truncateById(
  db: Database,
  mount: MountRef,
  node: string,
  size: number,
): Promise<void> {
  return resize(db, mount, { node }, size);
}

async function resize(
  db: Database,
  mount: MountRef,
  target: Target,
  size: number,
): Promise<void> {
  checkBytes(size, "size");
  await db.write(async (tx) => {
    const entry = await changeableEntry(tx, mount, target);
    if (size !== entry.size) await editContent(tx, entry, size, null);
  }, { frees: true });
}

/** @throws {AloeError} `not_an_entry`, `read_only`, `lock_held`. */
export async function changeableEntry(
  tx: Transaction,
  mount: MountRef,
  target: Target,
): Promise<Resolved> {
  const entry = await resolveTarget(tx, mount, target);
  requireEntry(entry);
  requireChangeable(entry);
  return entry;
}
