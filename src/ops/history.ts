import { LAST_ROW, ManifestStore } from "../content/manifest_store.ts";
import type { MountRef } from "../mount_handle.ts";
import { requireEntry, resolveTarget, type Target } from "../tree/resolve.ts";
import type { Database } from "../storage/database.ts";
import type { VersionInfo } from "../types.ts";
import { changeableEntry, retainedVersion } from "./content.ts";

/**
 * Returns the readable versions of an entry, newest first.
 *
 * @throws {AloeError} `not_found`, `not_an_entry`.
 */
export function history(
  db: Database,
  mount: MountRef,
  path: string,
): Promise<VersionInfo[]> {
  return historyOf(db, mount, { path });
}

/** Like {@linkcode history}, by node id. */
export function historyById(
  db: Database,
  mount: MountRef,
  node: string,
): Promise<VersionInfo[]> {
  return historyOf(db, mount, { node });
}

async function historyOf(
  db: Database,
  mount: MountRef,
  target: Target,
): Promise<VersionInfo[]> {
  return await db.read(async (tx) => {
    const entry = await resolveTarget(tx, mount, target);
    requireEntry(entry);
    const rows = await new ManifestStore(tx).versions(entry.node);
    return rows.map((row) => {
      const version = Number(row.version);
      const current = version === entry.version;
      const size = current ? entry.size : row.summed_size ?? row.noted_size ?? 0;
      // No trigger recorded the time of this version: use the node's creation for the first
      // version, and its last change for the current one.
      const guessed = version <= 1 ? row.created_at : current ? row.modified_at : null;
      return {
        version,
        size: Number(size),
        committedAt: row.committed_at ?? guessed,
        current,
      };
    });
  });
}

/**
 * Makes an old version the current one, as a new version. Its chunks are shared, not copied.
 *
 * @returns The new version's number.
 * @throws {AloeError} `not_found` when the version is not retained; `not_an_entry`, `lock_held`,
 *   `read_only`.
 */
export function restoreVersion(
  db: Database,
  mount: MountRef,
  path: string,
  version: number,
): Promise<number> {
  return restoreTarget(db, mount, { path }, version);
}

/** Like {@linkcode restoreVersion}, by node id. */
export function restoreVersionById(
  db: Database,
  mount: MountRef,
  node: string,
  version: number,
): Promise<number> {
  return restoreTarget(db, mount, { node }, version);
}

async function restoreTarget(
  db: Database,
  mount: MountRef,
  target: Target,
  version: number,
): Promise<number> {
  return await db.write(async (tx) => {
    const entry = await changeableEntry(tx, mount, target);
    const old = await retainedVersion(tx, entry, version);
    if (old === null) return version;
    const manifests = new ManifestStore(tx);
    const next = await manifests.nextVersion(entry.node);
    await manifests.carry(entry.node, version, next, 0, LAST_ROW);
    await manifests.commit(entry.node, next, old.size);
    return next;
  });
}
