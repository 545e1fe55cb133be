import {
  mountState,
  NESTED_DEPTH,
  type PathValues,
  resolveById,
  resolveByPath,
  resolveDeep,
  type ResolvedRow,
  walkPath,
} from "../../templates/resolve.ts";
import { now } from "../clock.ts";
import { AloeError } from "../errors.ts";
import { mint } from "../ids.ts";
import { MAX_CHUNK_SIZE } from "../limits.ts";
import { MountHandle, mountId, type MountRef } from "../mount_handle.ts";
import { checkName, joinPath, splitPath } from "../paths.ts";
import type { Transaction } from "../storage/transaction.ts";
import type { NodeType } from "../types.ts";
import { SealedChanges } from "../sealed_changes.ts";
import { volumeWatermark, Watermarks } from "../watermark.ts";

/** A node together with the mount and volume it was reached through. */
export interface Resolved {
  /** The mount as the caller gave it. */
  mount: MountRef;
  /** The mount's id. */
  mountId: string;
  /** The container that the mount shows as `/`. */
  mountPoint: string;
  /** Whether the mount may write. */
  writable: boolean;
  /** The volume's id. */
  volume: string;
  /** The volume's root container. */
  root: string;
  /** Bytes in a full chunk. */
  chunkSize: number;
  /** The volume's encryption. */
  encryption: string;
  /** The node. */
  node: string;
  /** What it is. */
  type: NodeType;
  /** Its own name. */
  name: string;
  /** The committed version; null for a container. */
  version: number | null;
  /** The committed size, bytes; null for a container. */
  size: number | null;
  /** Whether another mount holds a lock on it. */
  locked: boolean;
  /** How the caller named it, for messages. */
  label: string;
}

/** A container and the name of a child to be. */
export interface Place {
  /** The container. */
  parent: Resolved;
  /** The child's name, checked. */
  name: string;
}

/**
 * The node that a path names.
 *
 * @throws {AloeError} `not_found`, `not_a_container`, `mount_invalid`,
 * `mount_point_archived` or `invalid`.
 */
export async function resolve(
  tx: Transaction,
  mount: MountRef,
  path: string,
): Promise<Resolved> {
  return await resolveNames(tx, mount, splitPath(path), path);
}

/** The same for a path that is already split. */
async function resolveNames(
  tx: Transaction,
  mount: MountRef,
  names: string[],
  label: string,
): Promise<Resolved> {
  const id = mountId(mount);
  const at = now();
  const row = names.length <= NESTED_DEPTH
    ? await tx.first(resolveByPath(names.length), pathValues(id, at, names))
    : await tx.first(resolveDeep, {
      mount: id,
      now: at,
      names: JSON.stringify(names),
    });
  if (row === undefined) throw await explainPath(tx, id, names, label);
  return await resolved(tx, mount, row, label);
}

/**
 * A node of the mount's volume by its id, placed or not.
 *
 * @throws {AloeError} `not_found`, `volume_mismatch`, `mount_invalid` or `mount_point_archived`.
 */
export async function resolveId(
  tx: Transaction,
  mount: MountRef,
  node: string,
): Promise<Resolved> {
  const id = mountId(mount);
  const row = await tx.first(resolveById, { mount: id, now: now(), node });
  if (row === undefined) throw await explainId(tx, id, node);
  if (row.node_volume !== row.volume_id) throw otherVolume(node);
  return await resolved(tx, mount, row, node);
}

/** A node by its path or by its id. */
export type Target = { path: string } | { node: string };

/** The node of a target. */
export function resolveTarget(
  tx: Transaction,
  mount: MountRef,
  target: Target,
): Promise<Resolved> {
  return "path" in target ? resolve(tx, mount, target.path) : resolveId(tx, mount, target.node);
}

/**
 * The container that a path's last name is to be placed in.
 *
 * @throws {AloeError} As {@linkcode resolve}; `not_found` for the mount point itself.
 */
export async function resolvePlace(
  tx: Transaction,
  mount: MountRef,
  path: string,
): Promise<Place> {
  const names = splitPath(path);
  const name = names.pop();
  if (name === undefined) {
    throw new AloeError(
      "not_found",
      `${path || "/"}: the mount point has no parent to place it in`,
    );
  }
  checkName(name);
  const parent = await resolveNames(tx, mount, names, joinPath(names));
  requireContainer(parent);
  return { parent, name };
}

/** @throws {AloeError} `not_a_container`. */
export function requireContainer(node: Resolved): void {
  if (node.type !== "container") {
    throw new AloeError("not_a_container", `${node.label}: is not a directory`);
  }
}

/** @throws {AloeError} `not_an_entry`. */
export function requireEntry(node: Resolved): void {
  if (node.type === "container") {
    throw new AloeError("not_an_entry", `${node.label}: is a directory`);
  }
}

/** @throws {AloeError} `read_only`. */
export function requireWritable(node: Resolved): void {
  if (!node.writable) {
    throw new AloeError("read_only", `${node.label}: the mount is read-only`);
  }
}

/** @throws {AloeError} `lock_held`. */
function requireUnlocked(node: Resolved): void {
  if (node.locked) {
    throw new AloeError(
      "lock_held",
      `${node.label}: another mount is writing it`,
    );
  }
}

/** @throws {AloeError} `read_only` or `lock_held`. */
export function requireChangeable(node: Resolved): void {
  requireWritable(node);
  requireUnlocked(node);
}

/** Mints a node or edge id in the volume of a resolved node. */
export function mintIn(tx: Transaction, node: Resolved): string {
  return mint(tx.extension(Watermarks).get(node.volume));
}

/** The values of a nested resolution. */
export function pathValues(
  mount: string,
  at: bigint,
  names: readonly string[],
): PathValues {
  const values: PathValues = { mount, now: at };
  for (let i = 0; i < names.length; i++) values[`n${i}`] = names[i];
  return values;
}

/** Why a path resolves to nothing. */
export async function explainPath(
  tx: Transaction,
  mount: string,
  names: string[],
  label: string,
): Promise<AloeError> {
  const invalid = await explainMount(tx, mount);
  if (invalid !== null) return invalid;
  const steps = await tx.all(walkPath, {
    mount,
    now: now(),
    names: JSON.stringify(names),
  });
  for (const step of steps.slice(1)) {
    if (step.node_id !== null) continue;
    const above = steps[step.depth - 1];
    if (above.type !== "container") {
      const file = joinPath(names.slice(0, step.depth - 1));
      return new AloeError(
        "not_a_container",
        `${label}: ${file} is not a directory`,
      );
    }
  }
  return new AloeError(
    "not_found",
    `${label || "/"}: no such file or directory`,
  );
}

/** Why an id resolves to nothing. */
export async function explainId(
  tx: Transaction,
  mount: string,
  node: string,
): Promise<AloeError> {
  return await explainMount(tx, mount) ??
    new AloeError("not_found", `${node}: no node has this id`);
}

/** An id that belongs to another volume than the mount's. */
export function otherVolume(node: string): AloeError {
  return new AloeError(
    "volume_mismatch",
    `${node}: is in another volume than the mount`,
  );
}

/** What is wrong with a mount; null when nothing is. */
async function explainMount(
  tx: Transaction,
  mount: string,
): Promise<AloeError | null> {
  const state = await tx.first(mountState, { mount, now: now() });
  if (state === undefined) {
    return new AloeError("mount_invalid", `${mount}: no such mount`);
  }
  if (state.state === "unmounted") {
    return new AloeError("mount_invalid", `${mount}: has been unmounted`);
  }
  if (!state.alive) {
    return new AloeError("mount_invalid", `${mount}: has expired`);
  }
  if (state.mount_point !== state.root_node_id && !state.placed) {
    return new AloeError(
      "mount_point_archived",
      `${mount}: its mount point was removed`,
    );
  }
  return null;
}

async function resolved(
  tx: Transaction,
  mount: MountRef,
  row: ResolvedRow,
  label: string,
): Promise<Resolved> {
  const counts = [row.chunk_size, row.size ?? 0, row.version ?? 0];
  if (row.chunk_size < 1 || row.chunk_size > MAX_CHUNK_SIZE || !counts.every(isCount)) {
    throw new AloeError("corrupt", `${label || "/"}: its sizes in the file are impossible`);
  }
  if (tx.writes && !tx.extension(Watermarks).has(row.volume_id)) {
    tx.extension(Watermarks).set(row.volume_id, await volumeWatermark(tx, row));
  }
  keepSeals(tx, mount);
  return {
    mount,
    mountId: row.mount_id,
    mountPoint: row.mount_point,
    writable: row.access === "rw",
    volume: row.volume_id,
    root: row.root_node_id!,
    chunkSize: row.chunk_size,
    encryption: row.enc_mode,
    node: row.node_id,
    type: row.type as NodeType,
    name: row.name,
    version: row.version,
    size: row.size,
    locked: Boolean(row.locked),
    label: label || "/",
  };
}

/** Has a transaction keep the tags of a mount's volume, where it is encrypted. */
export function keepSeals(tx: Transaction, mount: MountRef): void {
  if (!tx.writes || typeof mount === "string") return;
  const seals = MountHandle.sealsOf(mount);
  if (seals === null) return;
  const { keepers } = tx.extension(SealedChanges);
  if (!keepers.has(mount.volume)) keepers.set(mount.volume, seals);
}

/**
 * Checks that the content of a node of an encrypted volume is what was sealed.
 *
 * @param version A retained version; the committed one when null.
 * @throws {AloeError} `corrupt`.
 */
export async function requireSealed(
  tx: Transaction,
  { mount, node }: Pick<Resolved, "mount" | "node">,
  version: number | null = null,
): Promise<void> {
  const seals = typeof mount === "string" ? null : MountHandle.sealsOf(mount);
  if (seals === null || tx.existing(SealedChanges)?.hasTouched(node)) return;
  await seals.require(tx, node, version);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
