import { childByName } from "../../templates/resolve.ts";
import { ChunkMap } from "../content/chunk_map.ts";
import { cipherFor } from "../content/cipher_for.ts";
import { ReadDescriptor } from "../content/read_descriptor.ts";
import { readRange } from "../content/read_range.ts";
import { WriteDescriptor } from "../content/write_descriptor.ts";
import { takeLock } from "../content/write_lock.ts";
import type { MountRef } from "../mount_handle.ts";
import { splitPath } from "../paths.ts";
import {
  requireEntry,
  type Resolved,
  resolvePlace,
  resolveTarget,
  type Target,
} from "../tree/resolve.ts";
import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";
import type { WriteMode } from "../types.ts";
import { changeableEntry, retainedVersion, type VersionOption } from "./content.ts";
import { placeNew } from "./create.ts";

/**
 * Opens an entry for reading.
 *
 * @param options `version` binds the descriptor to a retained version.
 * @throws {AloeError} `not_found`, `not_an_entry`, `encryption_required`.
 */
export function openRead(
  db: Database,
  mount: MountRef,
  path: string,
  options: VersionOption = {},
): Promise<ReadDescriptor> {
  return openReadTarget(db, mount, { path }, options);
}

/** Like {@linkcode openRead}, by node id. */
export function openReadById(
  db: Database,
  mount: MountRef,
  node: string,
  options: VersionOption = {},
): Promise<ReadDescriptor> {
  return openReadTarget(db, mount, { node }, options);
}

async function openReadTarget(
  db: Database,
  mount: MountRef,
  target: Target,
  options: VersionOption,
): Promise<ReadDescriptor> {
  return await db.read(async (tx) => {
    const entry = await resolveTarget(tx, mount, target);
    requireEntry(entry);
    cipherFor(entry);
    const bound = options.version === undefined
      ? null
      : await retainedVersion(tx, entry, options.version) ??
        { version: entry.version!, size: entry.size! };
    return new ReadDescriptor(db, entry, bound);
  });
}

/**
 * Opens an entry for writing and locks it for this mount. A missing entry is created; it is empty
 * until the descriptor is closed.
 *
 * @param mode `truncate` (the default) replaces the content, `append` continues at its end.
 * @throws {AloeError} `not_found`, `not_an_entry`, `lock_held`, `read_only`, `encryption_required`.
 */
export async function openWrite(
  db: Database,
  mount: MountRef,
  path: string,
  mode: WriteMode = "truncate",
): Promise<WriteDescriptor> {
  return await db.write(async (tx) => {
    if (splitPath(path).length > 0) {
      const place = await resolvePlace(tx, mount, path);
      const existing = await tx.first(childByName, {
        parent: place.parent.node,
        name: place.name,
      });
      if (existing === undefined) await placeNew(tx, place, "entry");
    }
    return await openLocked(
      db,
      tx,
      await changeableEntry(tx, mount, { path }),
      mode,
    );
  });
}

/** Like {@linkcode openWrite}, by node id; the entry must exist. */
export async function openWriteById(
  db: Database,
  mount: MountRef,
  node: string,
  mode: WriteMode = "truncate",
): Promise<WriteDescriptor> {
  return await db.write(async (tx) =>
    await openLocked(db, tx, await changeableEntry(tx, mount, { node }), mode)
  );
}

async function openLocked(
  db: Database,
  tx: Transaction,
  entry: Resolved,
  mode: WriteMode,
): Promise<WriteDescriptor> {
  cipherFor(entry);
  const kept = mode === "append" ? entry.size ?? 0 : 0;
  const chunks = new ChunkMap(entry.chunkSize);
  const carried = chunks.indexOf(kept);
  const from = chunks.startOf(carried);
  const start = await readRange(tx, entry, from, kept - from);
  const lock = await takeLock(tx, entry, null);
  return new WriteDescriptor(db, entry, lock, carried, start);
}
