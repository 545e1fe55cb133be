import {
  deleteXattr,
  getXattr as getXattrOf,
  listXattrs as listXattrsOf,
  setAccessed,
  setMetadata as setMetadataOf,
  setMode as setModeOf,
  setModified,
  setOwner as setOwnerOf,
  setXattr as setXattrOf,
} from "../../templates/node.ts";
import { ManifestStore } from "../content/manifest_store.ts";
import { AloeError } from "../errors.ts";
import type { MountRef } from "../mount_handle.ts";
import { checkText } from "../paths.ts";
import { requireEntry, requireWritable, resolve } from "../tree/resolve.ts";
import type { Resolved } from "../tree/resolve.ts";
import type { Database, WriteOptions } from "../storage/database.ts";
import { parseMetadata } from "./stat.ts";
import type { Transaction } from "../storage/transaction.ts";
import { statById } from "../../templates/resolve.ts";
import { now } from "../clock.ts";
import { limitTime } from "../time_limits.ts";
import { checkData } from "../content/write_content.ts";

/**
 * Replaces a node's metadata. Its times do not change.
 *
 * @param metadata A map of text to text.
 * @throws {AloeError} `not_found`, `read_only`, `invalid`.
 */
export async function setMetadata(
  db: Database,
  mount: MountRef,
  path: string,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const text = metadataText(metadata);
  await change(
    db,
    mount,
    path,
    (tx, node) => tx.run(setMetadataOf, { node: node.node, metadata: text }),
  );
}

/**
 * Returns metadata as it is stored: JSON with sorted keys, so that equal maps have equal bytes.
 * Null for the empty map.
 *
 * @throws {AloeError} `invalid` when a value is not text.
 */
export function metadataText(
  metadata: Readonly<Record<string, string>>,
): string | null {
  if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata)) {
    throw new AloeError("invalid", "metadata is a map of text to text");
  }
  const entries = Object.entries(metadata);
  for (const [key, value] of entries) {
    if (
      typeof value !== "string" || !value.isWellFormed() || !key.isWellFormed()
    ) {
      throw new AloeError(
        "invalid",
        `metadata ${JSON.stringify(key)}: text is needed`,
      );
    }
  }
  if (entries.length === 0) return null;
  entries.sort(([a], [b]) => a < b ? -1 : 1);
  return JSON.stringify(Object.fromEntries(entries));
}

/**
 * Sets the modification time.
 *
 * @param at Nanoseconds since the Unix epoch. A time before 1677 or after 2262 becomes the nearest
 *   one that fits into 64 bits.
 * @throws {AloeError} `not_found`, `read_only`, `invalid`.
 */
export async function setMtime(
  db: Database,
  mount: MountRef,
  path: string,
  at: bigint,
): Promise<void> {
  const limited = storableTime(at);
  await change(
    db,
    mount,
    path,
    (tx, node) => tx.run(setModified, { node: node.node, at: limited }),
  );
}

/** Sets the access time, like {@linkcode setMtime}. */
export async function setAtime(
  db: Database,
  mount: MountRef,
  path: string,
  at: bigint,
): Promise<void> {
  const limited = storableTime(at);
  await change(
    db,
    mount,
    path,
    (tx, node) => tx.run(setAccessed, { node: node.node, at: limited }),
  );
}

/**
 * Returns the nearest time that can be stored. @throws {AloeError} `invalid` when the value is not
 * a bigint.
 */
export function storableTime(at: bigint): bigint {
  if (typeof at !== "bigint") throw new AloeError("invalid", `${at}: is not a time in nanoseconds`);
  return limitTime(at);
}

/**
 * Sets the permission bits. Updates them in the node's metadata too, where era 1 stored them, if
 * they are there.
 *
 * @param mode 0 to 0o7777.
 * @throws {AloeError} `not_found`, `read_only`, `invalid`.
 */
export async function setMode(
  db: Database,
  mount: MountRef,
  path: string,
  mode: number,
): Promise<void> {
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o7777) {
    throw new AloeError("invalid", `${mode}: permission bits are 0 to 0o7777`);
  }
  await change(db, mount, path, async (tx, node) => {
    await tx.run(setModeOf, { node: node.node, mode });
    const row = await tx.first(statById, {
      mount: node.mountId,
      now: now(),
      node: node.node,
    });
    const metadata = parseMetadata(row?.metadata ?? null, node.label);
    if (metadata.mode === undefined) return;
    metadata.mode = mode.toString(8);
    await tx.run(setMetadataOf, {
      node: node.node,
      metadata: metadataText(metadata),
    });
  });
}

/**
 * Sets owner, group or both.
 *
 * @throws {AloeError} `not_found`, `read_only`, `invalid`.
 */
export async function setOwner(
  db: Database,
  mount: MountRef,
  path: string,
  owner: { uid?: number; gid?: number },
): Promise<void> {
  for (const id of [owner.uid ?? 0, owner.gid ?? 0]) {
    if (!Number.isInteger(id) || id < 0 || id > 0xffffffff) {
      throw new AloeError("invalid", `${id}: is not a user or group id`);
    }
  }
  await change(
    db,
    mount,
    path,
    (tx, node) =>
      tx.run(setOwnerOf, {
        node: node.node,
        uid: owner.uid ?? null,
        gid: owner.gid ?? null,
      }),
  );
}

/**
 * Sets the number of versions of an entry that a content prune keeps.
 *
 * @param keep At least 1, including the committed one; null for all.
 * @throws {AloeError} `not_found`, `not_an_entry`, `read_only`, `invalid`.
 */
export async function setRetention(
  db: Database,
  mount: MountRef,
  path: string,
  keep: number | null,
): Promise<void> {
  if (keep !== null && (!Number.isSafeInteger(keep) || keep < 1)) {
    throw new AloeError("invalid", `${keep}: at least one version is kept`);
  }
  await change(db, mount, path, (tx, node) => {
    requireEntry(node);
    return new ManifestStore(tx).retain(node.node, keep);
  }, { frees: true });
}

/**
 * Returns an extended attribute.
 *
 * @returns Its value; null when the node has no attribute of that name.
 * @throws {AloeError} `not_found`.
 */
export async function getXattr(
  db: Database,
  mount: MountRef,
  path: string,
  name: string,
): Promise<Uint8Array | null> {
  return await db.read(async (tx) => {
    const { node } = await resolve(tx, mount, path);
    return (await tx.first(getXattrOf, { node, name }))?.value ?? null;
  });
}

/**
 * Returns the names of a node's extended attributes, sorted.
 *
 * @throws {AloeError} `not_found`.
 */
export async function listXattrs(
  db: Database,
  mount: MountRef,
  path: string,
): Promise<string[]> {
  return await db.read(async (tx) => {
    const { node } = await resolve(tx, mount, path);
    return (await tx.all(listXattrsOf, { node })).map((row) => row.name);
  });
}

/**
 * Sets an extended attribute.
 *
 * @throws {AloeError} `not_found`, `read_only`, `nameless`.
 */
export async function setXattr(
  db: Database,
  mount: MountRef,
  path: string,
  name: string,
  value: Uint8Array,
): Promise<void> {
  if (name === "") {
    throw new AloeError("nameless", "an extended attribute needs a name");
  }
  checkText(name, "the name of an extended attribute");
  checkData(value);
  await change(
    db,
    mount,
    path,
    (tx, node) => tx.run(setXattrOf, { node: node.node, name, value }),
  );
}

/**
 * Removes an extended attribute.
 *
 * @returns Whether it existed.
 * @throws {AloeError} `not_found`, `read_only`.
 */
export async function removeXattr(
  db: Database,
  mount: MountRef,
  path: string,
  name: string,
): Promise<boolean> {
  return await change(
    db,
    mount,
    path,
    async (tx, node) => await tx.run(deleteXattr, { node: node.node, name }) > 0,
    { frees: true },
  );
}

async function change<T>(
  db: Database,
  mount: MountRef,
  path: string,
  task: (tx: Transaction, node: Resolved) => Promise<T>,
  options: WriteOptions = {},
): Promise<T> {
  return await db.write(async (tx) => {
    const node = await resolve(tx, mount, path);
    requireWritable(node);
    return await task(tx, node);
  }, options);
}
