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

/** A node to be made. Its id is minted by the caller. */
export interface NewNode {
  /** A uuid7 of the volume. */
  id: string;
  /** What it is. A device is an `entry`. */
  type: NodeType;
  /** The name of its first placement. */
  name: string;
  /** Permission bits. */
  mode: number;
  /** Owner. */
  uid: number;
  /** Group. */
  gid: number;
  /** What device it is; null when it is none. */
  device: Device | null;
  /** When it was made, s since the Unix epoch. */
  createdSec: number;
  /** The same, ns within the second. */
  createdNsec: number;
}

/** An extended attribute that is set, or removed when its value is null. */
export interface XattrChange {
  /** Whose it is. */
  node: string;
  /** Its name. */
  name: string;
  /** Its new value. */
  value: Uint8Array | null;
}

/** A placement that ends. */
export interface RemovedEdge {
  /** Its id. */
  edge: string;
  /** The container. */
  parent: string;
  /** What was placed in it. */
  node: string;
  /** Its name; without one, {@linkcode commitApart} cannot tell what belongs together. */
  name?: string;
  /** Whether it goes to the trash whatever is kept. */
  trash?: boolean;
}

/** A placement that begins. Its id is minted by the caller. */
export interface NewEdge {
  /** A uuid7 of the volume. */
  edge: string;
  /** The container. */
  parent: string;
  /** What is placed in it. */
  node: string;
  /** The placement's name. */
  name: string;
  /** Whether the node's own name follows: it has no other placement, and had another name. */
  rename: boolean;
  /** Whether it ends at once, so that the node is in the trash. */
  trash?: boolean;
}

/** All attributes of a node as they are to be. */
export interface AttributeRow {
  /** Whose they are. */
  node: string;
  /** Whether mode, owner or group differ from what is stored. */
  owner: boolean;
  /** Permission bits. */
  mode: number;
  /** Owner. */
  uid: number;
  /** Group. */
  gid: number;
  /** Time of access, s since the Unix epoch. */
  atimeSec: number;
  /** The same, ns within the second. */
  atimeNsec: number;
  /** Time of change of content, s. */
  mtimeSec: number;
  /** The same, ns within the second. */
  mtimeNsec: number;
  /** Time of change of the inode, s. */
  ctimeSec: number;
  /** The same, ns within the second. */
  ctimeNsec: number;
}

/** What a filesystem has changed since its last commit. */
export interface ChangeSet {
  /** Nodes that are made. */
  created: NewNode[];
  /** Content that changes, each node once. */
  content: ContentChange[];
  /** Extended attributes that change. */
  xattrs: XattrChange[];
  /** Placements that end. */
  edgesRemoved: RemovedEdge[];
  /** Placements that begin, after the others have ended. */
  edgesAdded: NewEdge[];
  /**
   * Applied last. Every node has to be here whose placements, name or content
   * change, as the format's triggers set its times.
   */
  attributes: AttributeRow[];
  /** Nodes without a placement, to be deleted for good. With a history, those that had one stay. */
  removed: string[];
  /** Nodes without a placement that are still in use. */
  unlinked: string[];
  /** Such nodes that have a placement again. */
  relinked: string[];
  /**
   * The committed versions of nodes that are to be deleted, as far as they are
   * known: one that others have written since goes to the trash.
   */
  versions?: ReadonlyMap<string, number>;
}

/** How {@linkcode commitChanges} commits. */
export interface CommitOptions {
  /** Whether the commit is on disk when it has settled. */
  durable: boolean;
  /** What is kept of what is overwritten and removed. */
  history: History;
  /** How many chunks that may have lost their last reference are looked at, at most. */
  reclaim: number;
  /** The watermark of the ids in the changes. Moved on when others have minted past it. */
  watermark: Watermark;
  /**
   * When the names were known to be free: they are looked at again if others
   * have committed since. Not at all when left out.
   */
  seen?: SeenNames;
  /** How long another process is waited for, ms; as the file was opened when left out. */
  patience?: number;
}

/**
 * Commits what a filesystem has changed: all of it in one transaction, or none.
 *
 * Locks of other mounts are not asked: by the time that a change comes here
 * its writer has been told that it happened.
 *
 * @returns What each node whose content changed has now.
 * @throws {NamesTaken} When others have given names that begin here.
 * @throws {AloeError} `mount_invalid`, `read_only`, `no_space`, `unsupported`,
 * `encryption_required`, `busy`, `io_error`; `mount_conflict` when content is
 * not what was expected.
 */
export async function commitChanges(
  db: Database,
  mount: MountHandle,
  changes: ChangeSet,
  options: CommitOptions,
): Promise<Map<string, ChangedContent>> {
  return await db.write(
    (tx) => applyChanges(tx, mount, changes, options),
    // A mount looks for room before it takes something; what it has taken has to be written.
    { durable: options.durable, patience: options.patience, frees: true, once: true },
  );
}

/** The same within a transaction. */
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
 * Times before 1970 with seconds and nanoseconds of one sign: of the earliest
 * ones the whole seconds alone would pass 64 bits of nanoseconds.
 */
function withOneSign(row: AttributeRow): AttributeRow {
  if (row.atimeSec >= 0 && row.mtimeSec >= 0 && row.ctimeSec >= 0) return row;
  const signed = { ...row };
  if (row.atimeSec < 0) signed.atimeSec++, signed.atimeNsec -= 1e9;
  if (row.mtimeSec < 0) signed.mtimeSec++, signed.mtimeNsec -= 1e9;
  if (row.ctimeSec < 0) signed.ctimeSec++, signed.ctimeNsec -= 1e9;
  return signed;
}

/** What a commit knows once it has begun. */
export interface CommitScope {
  /** Of its names. */
  names: NameScope;
  /** Of its content. */
  content: ContentScope;
  /** The container that the mount shows as `/`. */
  mountPoint: string;
}

/**
 * Begins a commit: checks the mount, and the names.
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
  // That it resolves to nothing is told in words by what resolves paths.
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

/** Brings both watermarks to the greater one. */
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

/** @returns The new nodes whose content row is left to the change of their content. */
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

/** Makes a node, without its content row. */
export async function createNode(tx: Transaction, volume: string, made: NewNode): Promise<void> {
  const { id: node, type, name, mode, uid, gid, device } = made;
  const times = { sec: made.createdSec, nsec: made.createdNsec };
  await tx.run(insertInode, { node, type, name, mode, uid, gid, volume, ...times });
  if (device !== null) await tx.run(insertDevice, { node, ...device });
}

/** Gives a new node empty content. */
export async function createContent(tx: Transaction, node: string): Promise<void> {
  await new ManifestStore(tx).create(node);
}
