import { NESTED_DEPTH, statById as byId, statByPath, statDeep } from "../../templates/resolve.ts";
import type { StatRow } from "../../templates/resolve.ts";
import { now } from "../clock.ts";
import { AloeError } from "../errors.ts";
import { mountId, type MountRef } from "../mount_handle.ts";
import { splitPath } from "../paths.ts";
import { explainId, explainPath, otherVolume, pathValues } from "../tree/resolve.ts";
import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";
import type { Device, NodeInfo, NodeType } from "../types.ts";

/**
 * Returns information about the node at a path.
 *
 * @throws {AloeError} `not_found`, `not_a_container`, `mount_invalid`.
 */
export async function stat(
  db: Database,
  mount: MountRef,
  path: string,
): Promise<NodeInfo> {
  const names = splitPath(path);
  return await db.query(async (tx) => {
    const row = await statRow(tx, mountId(mount), names);
    if (row === undefined) {
      throw await explainPath(tx, mountId(mount), names, path);
    }
    return nodeInfo(row, names.at(-1) ?? row.name);
  });
}

/**
 * Returns information about a node of the mount's volume, placed or not.
 *
 * @throws {AloeError} `not_found`, `volume_mismatch`, `mount_invalid`.
 */
export async function statById(
  db: Database,
  mount: MountRef,
  node: string,
): Promise<NodeInfo> {
  return await db.query(async (tx) => {
    const row = await tx.first(byId, {
      mount: mountId(mount),
      now: now(),
      node,
    });
    if (row === undefined) throw await explainId(tx, mountId(mount), node);
    if (row.node_volume !== row.mount_volume) throw otherVolume(node);
    return nodeInfo(row as unknown as StatRow, row.name);
  });
}

/**
 * Returns whether a path exists.
 *
 * @throws {AloeError} `mount_invalid`, `mount_point_archived`, `invalid`.
 */
export async function exists(
  db: Database,
  mount: MountRef,
  path: string,
): Promise<boolean> {
  try {
    await stat(db, mount, path);
    return true;
  } catch (error) {
    if (!(error instanceof AloeError)) throw error;
    if (error.code === "not_found" || error.code === "not_a_container") {
      return false;
    }
    throw error;
  }
}

function statRow(
  tx: Transaction,
  mount: string,
  names: string[],
): Promise<StatRow | undefined> {
  const at = now();
  return names.length <= NESTED_DEPTH
    ? tx.first(statByPath(names.length), pathValues(mount, at, names))
    : tx.first(statDeep, {
      mount,
      now: at,
      names: JSON.stringify(names),
    }) as Promise<
      StatRow | undefined
    >;
}

/** Converts a row to the public type. */
function nodeInfo(
  row: Omit<StatRow, "mount_volume">,
  name: string,
): NodeInfo {
  const modifiedAt = row.modified_at ?? row.created_at;
  const metadata = parseMetadata(row.metadata, name);
  return {
    id: row.node_id,
    type: row.type as NodeType,
    device: deviceOf(row.device),
    name,
    volume: row.node_volume,
    createdAt: row.created_at,
    modifiedAt,
    atime: row.atime ?? modifiedAt,
    ctime: row.ctime ?? modifiedAt,
    size: row.size === null ? null : Number(row.size),
    version: row.version === null ? null : Number(row.version),
    retention: row.retention_keep === null ? null : Number(row.retention_keep),
    mode: row.mode === null ? modeOf(metadata) : Number(row.mode),
    uid: row.uid === null ? null : Number(row.uid),
    gid: row.gid === null ? null : Number(row.gid),
    nlink: Math.max(1, Number(row.nlink)),
    metadata,
  };
}

/** Parses a device as the templates encode it; null for none. */
export function deviceOf(text: string | null): Device | null {
  if (text === null) return null;
  const [kind, major, minor] = text.split(" ");
  return { kind: kind as Device["kind"], major: Number(major), minor: Number(minor) };
}

/**
 * Parses stored metadata.
 *
 * @throws {AloeError} `corrupt` unless it is a map of text to text.
 */
export function parseMetadata(text: string | null, label: string): Record<string, string> {
  if (text === null) return {};
  const map: unknown = JSON.parse(text);
  const isMap = typeof map === "object" && map !== null && !Array.isArray(map);
  if (!isMap || !Object.values(map).every((value) => typeof value === "string")) {
    throw new AloeError("corrupt", `${label}: its metadata is not a map of text`);
  }
  return map as Record<string, string>;
}

/** Parses permission bits from the metadata, where era 1 stored them as octal text. */
function modeOf(metadata: Record<string, string>): number | null {
  return /^[0-7]{1,4}$/.test(metadata.mode ?? "") ? parseInt(metadata.mode, 8) : null;
}
