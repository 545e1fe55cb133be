import {
  commitMount,
  insertDevice,
  insertInode,
  setInodeOwner,
  setInodeTimes,
} from "../../templates/inode.ts";
import { deleteXattr, setXattr } from "../../templates/node.ts";
import { now } from "../clock.ts";
import {
  changeContent,
  type ChangedContent,
  type ContentChange,
  type ContentScope,
  type History,
} from "../content/change_content.ts";
import { cipherFor } from "../content/cipher_for.ts";
import type { Watermark } from "../ids.ts";
import type { MountHandle } from "../mount_handle.ts";
import { keepSeals, requireWritable, resolve } from "../tree/resolve.ts";
import { volumeWatermark, Watermarks } from "../watermark.ts";
import { ManifestStore } from "../content/manifest_store.ts";
import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";
import type { Device, NodeType } from "../types.ts";
import { changeNames, type NameScope } from "./commit_names.ts";
import { lookAtNames, refuseCycles, type SeenNames } from "./names_of_others.ts";
import { reclaimSome } from "../content/reclaim.ts";

export type {
  ChangedContent,
  ContentChange,
  History,
  NewChunk,
} from "../content/change_content.ts";

/** A new node. The caller mints its id. */
export interface NewNode {
  /** A uuid7 of the volume. */
  id: string;
  /** Its type. A device is an `entry`. */
  type: NodeType;
  /** The name of its first placement. */
  name: string;
  /** Permission bits. */
  mode: number;
  /** Owner. */
  uid: number;
  /** Group. */
  gid: number;
  /** The device that it represents; null for other nodes. */
  device: Device | null;
  /** The creation time, in s since the Unix epoch. */
  createdSec: number;
  /** The nanoseconds within that second. */
  createdNsec: number;
}

/** An extended attribute to set, or to remove when its value is null. */
export interface XattrChange {
  /** The node's id. */
  node: string;
  /** Its name. */
  name: string;
  /** Its new value. */
  value: Uint8Array | null;
}

/** A placement to end. */
export interface RemovedEdge {
  /** The placement's id. */
  edge: string;
  /** The container's id. */
  parent: string;
  /** The placed node's id. */
  node: string;
  /** Its name. Without it, {@linkcode commitApart} cannot group related changes. */
  name?: string;
  /** Whether it goes to the trash regardless of the history setting. */
  trash?: boolean;
}

/** A placement to create. The caller mints its id. */
export interface NewEdge {
  /** A uuid7 of the volume. */
  edge: string;
  /** The container's id. */
  parent: string;
  /** The placed node's id. */
  node: string;
  /** The placement's name. */
  name: string;
  /** Whether to rename the node too: it has no other placement, and had another name. */
  rename: boolean;
  /** Whether the placement ends immediately, so that the node is in the trash. */
  trash?: boolean;
}

/** All new attributes of a node. */
export interface AttributeRow {
  /** The node's id. */
  node: string;
  /** Whether mode, owner or group differ from the stored ones. */
  owner: boolean;
  /** Permission bits. */
  mode: number;
  /** Owner. */
  uid: number;
  /** Group. */
  gid: number;
  /** The access time, in s since the Unix epoch. */
  atimeSec: number;
  /** The nanoseconds within that second. */
  atimeNsec: number;
  /** When the content last changed, in s. */
  mtimeSec: number;
  /** The nanoseconds within that second. */
  mtimeNsec: number;
  /** When the inode last changed, in s. */
  ctimeSec: number;
  /** The nanoseconds within that second. */
  ctimeNsec: number;
}

/** The changes of a filesystem since its last commit. */
export interface ChangeSet {
  /** New nodes. */
  created: NewNode[];
  /** Changed content, at most once for each node. */
  content: ContentChange[];
  /** Changed extended attributes. */
  xattrs: XattrChange[];
  /** Placements to end. */
  edgesRemoved: RemovedEdge[];
  /** Placements to create, after the others have ended. */
  edgesAdded: NewEdge[];
  /**
   * New attributes, applied last. Must contain every node whose placements, name or content change,
   * because the format's triggers set its times.
   */
  attributes: AttributeRow[];
  /**
   * Nodes without a placement, to delete permanently. With a history, nodes that had a placement
   * stay.
   */
  removed: string[];
  /** Nodes without a placement that are still in use. */
  unlinked: string[];
  /** Nodes that were in `unlinked` and have a placement again. */
  relinked: string[];
  /**
   * The known committed versions of nodes to delete. A node that another process has written since
   * goes to the trash instead.
   */
  versions?: ReadonlyMap<string, number>;
}

/** Options of {@linkcode commitChanges}. */
export interface CommitOptions {
  /** Whether the commit is on disk when the promise resolves. */
  durable: boolean;
  /** What to keep of overwritten and removed content. */
  history: History;
  /** The maximum number of possibly unreferenced chunks to check. */
  reclaim: number;
  /** The watermark of the ids in the changes. Advanced when others have minted greater ids. */
  watermark: Watermark;
  /**
   * The state in which the names were known to be free. They are checked again if another process
   * has committed since. Omit it to skip the check.
   */
  seen?: SeenNames;
  /** How long to wait for another process, in ms; defaults to the file's setting. */
  patience?: number;
}

/**
 * Commits the changes of a filesystem in one transaction.
 *
 * Locks of other mounts are not checked: by the time of the commit, the writer was already told
 * that its change succeeded.
 *
 * @returns The new content of each node whose content changed.
 * @throws {NamesTaken} When other processes have taken the new names.
 * @throws {AloeError} `mount_invalid`, `read_only`, `no_space`, `unsupported`,
 *   `encryption_required`, `busy`, `io_error`; `mount_conflict` when the content is not the
 *   expected one.
 */
export async function commitChanges(
  db: Database,
  mount: MountHandle,
  changes: ChangeSet,
  options: CommitOptions,
): Promise<Map<string, ChangedContent>> {
  return await db.write(
    (tx) => applyChanges(tx, mount, changes, options),
    // A mount checks for space before it accepts data; accepted data must be written.
    { durable: options.durable, patience: options.patience, frees: true, once: true },
  );
}

/** Like {@linkcode commitChanges}, within a transaction. */
export async function applyChanges(
  tx: Transaction,
  mount: MountHandle,
  changes: ChangeSet,
  options: CommitOptions,
): Promise<Map<string, ChangedContent>> {
  const { names, content: scope } = await begin(tx, mount, changes, options);
  const contents = new Map<string, ChangedContent>();
  const left = await createNodes(tx, names.volume, changes);
  await changeNames(tx, names, changes);
  if (names.others !== null) await refuseCycles(tx, changes.edgesAdded);
  for (const change of changes.content) {
    const isNew = left.has(change.node);
    const content = await changeContent(tx, scope, change, options.history, isNew);
    contents.set(change.node, content);
  }
  for (const change of changes.xattrs) await changeXattr(tx, change);
  for (const row of changes.attributes) await changeAttributes(tx, row);
  if (options.reclaim > 0) await reclaimSome(tx, options.reclaim);
  return contents;
}

/** Sets or removes an extended attribute. */
export async function changeXattr(tx: Transaction, change: XattrChange): Promise<void> {
  const { node, name, value } = change;
  if (value === null) await tx.run(deleteXattr, { node, name });
  else await tx.run(setXattr, { node, name, value });
}

/** Sets the attributes of a node. */
export async function changeAttributes(tx: Transaction, row: AttributeRow): Promise<void> {
  if (row.owner) await tx.run(setInodeOwner, row);
  await tx.run(setInodeTimes, withOneSign(row));
}

/**
 * Returns times before 1970 with seconds and nanoseconds of equal sign. For the earliest times, the
 * whole seconds alone would exceed 64 bits of nanoseconds.
 */
function withOneSign(row: AttributeRow): AttributeRow {
  if (row.atimeSec >= 0 && row.mtimeSec >= 0 && row.ctimeSec >= 0) return row;
  const signed = { ...row };
  if (row.atimeSec < 0) signed.atimeSec++, signed.atimeNsec -= 1e9;
  if (row.mtimeSec < 0) signed.mtimeSec++, signed.mtimeNsec -= 1e9;
  if (row.ctimeSec < 0) signed.ctimeSec++, signed.ctimeNsec -= 1e9;
  return signed;
}

/** The state of a commit. */
export interface CommitScope {
  /** The state of its name changes. */
  names: NameScope;
  /** The state of its content changes. */
  content: ContentScope;
  /** The container that is the mount's `/`. */
  mountPoint: string;
}

/**
 * Begins a commit: checks the mount and the names.
 *
 * @throws {NamesTaken}
 */
export async function begin(
  tx: Transaction,
  mount: MountHandle,
  changes: ChangeSet,
  { watermark, history, seen }: CommitOptions,
): Promise<CommitScope> {
  const row = await tx.first(commitMount, { mount: mount.id, now: now() });
  // Resolving the root reports why the mount is invalid.
  if (row?.access !== "rw") requireWritable(await resolve(tx, mount, "/"));
  const { volume_id: volume, chunk_size: chunkSize, enc_mode: encryption } = row!;
  const stored = await volumeWatermark(tx, row!);
  meetWatermark(stored, watermark);
  tx.extension(Watermarks).set(volume, stored);
  keepSeals(tx, mount);
  const others = seen === undefined ? null : await lookAtNames(tx, changes, seen);
  return {
    names: { volume, mount: mount.id, history, others },
    content: { cipher: cipherFor({ mount, volume, encryption, label: "/" }), chunkSize },
    mountPoint: row!.mount_point,
  };
}

/** Advances the smaller watermark to the greater one. */
export function meetWatermark(stored: Watermark, ours: Watermark): void {
  if (stored.ts > ours.ts || (stored.ts === ours.ts && stored.seq > ours.seq)) {
    ours.ts = stored.ts;
    ours.seq = stored.seq;
  } else if (stored.ts !== ours.ts || stored.seq !== ours.seq) {
    stored.ts = ours.ts;
    stored.seq = ours.seq;
    stored.moved = true;
  }
}

/**
 * @returns The new nodes whose content row is created by their content change.
 */
async function createNodes(
  tx: Transaction,
  volume: string,
  { created, content }: ChangeSet,
): Promise<Set<string>> {
  const left = new Set<string>();
  if (created.length === 0) return left;
  const written = new Set(content.map((change) => change.node));
  for (const node of created) {
    await createNode(tx, volume, node);
    if (node.type === "container") continue;
    if (written.has(node.id)) left.add(node.id);
    else await createContent(tx, node.id);
  }
  return left;
}

/** Creates a node without its content row. */
export async function createNode(tx: Transaction, volume: string, made: NewNode): Promise<void> {
  const { id: node, type, name, mode, uid, gid, device } = made;
  const times = { sec: made.createdSec, nsec: made.createdNsec };
  await tx.run(insertInode, { node, type, name, mode, uid, gid, volume, ...times });
  if (device !== null) await tx.run(insertDevice, { node, ...device });
}

/** Creates empty content for a new node. */
export async function createContent(tx: Transaction, node: string): Promise<void> {
  await new ManifestStore(tx).create(node);
}
