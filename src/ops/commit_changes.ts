import { insertContent } from "../../templates/content.ts";
import { archiveEdge, deleteEdgesOf, insertEdge } from "../../templates/edge.ts";
import {
  commitMount,
  deleteEdge,
  deleteLocksOnAny,
  deleteMountsAtAny,
  deleteUnlinked,
  insertDevice,
  insertInode,
  insertUnlinked,
  reachedElsewhere,
  replaceEdge,
  replaceSubdir,
  setInodeOwner,
  setInodeTimes,
  withPlacement,
  withTrash,
} from "../../templates/inode.ts";
import { deleteNodes, deleteXattr, setNodeName, setXattr } from "../../templates/node.ts";
import { orphanNodes } from "../../templates/content_change.ts";
import { noteRemoval } from "../../templates/trash.ts";
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
import { requireWritable, resolve } from "../resolve.ts";
import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";
import type { NodeType } from "../types.ts";
import type { Device } from "./inodes.ts";
import { reclaimSome } from "./reclaim.ts";

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
  return await db.write(async (tx) => {
    const { volume, scope } = await begin(tx, mount, options.watermark);
    const contents = new Map<string, ChangedContent>();
    const created = await createNodes(tx, volume, changes);
    const removed = await changeEdges(tx, volume, changes, options.history);
    for (const change of changes.content) {
      const isNew = created.has(change.node);
      const content = await changeContent(tx, scope, change, options.history, isNew);
      contents.set(change.node, content);
    }
    for (const { node, name, value } of changes.xattrs) {
      if (value === null) await tx.run(deleteXattr, { node, name });
      else await tx.run(setXattr, { node, name, value });
    }
    await deleteForGood(tx, removed);
    const unlinked = options.history === "none"
      ? changes.unlinked
      : await unplaced(tx, changes.unlinked);
    for (const node of unlinked) await tx.run(insertUnlinked, { node, mount: mount.id });
    for (const node of changes.relinked) await tx.run(deleteUnlinked, { node });
    for (const row of changes.attributes) {
      if (row.owner) await tx.run(setInodeOwner, row);
      await tx.run(setInodeTimes, withOneSign(row));
    }
    if (options.reclaim > 0) await reclaimSome(tx, options.reclaim);
    return contents;
  }, { durable: options.durable, patience: options.patience });
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

/** Checks the mount. @returns Its volume. */
async function begin(
  tx: Transaction,
  mount: MountHandle,
  watermark: Watermark,
): Promise<{ volume: string; scope: ContentScope }> {
  const row = await tx.first(commitMount, { mount: mount.id, now: now() });
  // That it resolves to nothing is told in words by what resolves paths.
  if (row?.access !== "rw") requireWritable(await resolve(tx, mount, "/"));
  const { volume_id: volume, chunk_size: chunkSize, enc_mode: encryption, wm_ts, wm_seq } = row!;
  const stored: Watermark = { ts: wm_ts, seq: wm_seq, moved: false };
  meetWatermark(stored, watermark);
  tx.watermarks.set(volume, stored);
  return {
    volume,
    scope: { cipher: cipherFor({ mount, volume, encryption, label: "/" }), chunkSize },
  };
}

/** Brings both watermarks to the greater one. */
function meetWatermark(stored: Watermark, ours: Watermark): void {
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
  for (const { id: node, type, name, mode, uid, gid, device, ...at } of created) {
    const times = { sec: at.createdSec, nsec: at.createdNsec };
    await tx.run(insertInode, { node, type, name, mode, uid, gid, volume, ...times });
    if (device !== null) await tx.run(insertDevice, { node, ...device });
    if (type === "container") continue;
    if (written.has(node)) left.add(node);
    else await tx.run(insertContent, { node, version: 0, size: 0, keep: null });
  }
  return left;
}

/**
 * Ends placements and begins others.
 *
 * @returns The nodes to be deleted.
 */
async function changeEdges(
  tx: Transaction,
  volume: string,
  changes: ChangeSet,
  history: History,
): Promise<string[]> {
  const moved = history === "none" ? moves(changes) : new Map<NewEdge, RemovedEdge>();
  const ended = new Set(moved.values());
  const removed = await removeEdges(tx, changes, ended, history);
  for (const added of changes.edgesAdded) {
    const { edge, parent: from, node, name } = added;
    const old = moved.get(added);
    if (old === undefined) {
      await tx.run(insertEdge, { edge, from, to: node, volume, name });
    } else {
      await tx.run(replaceEdge, { old: old.edge, edge, from, name });
      await tx.run(replaceSubdir, { old: old.edge, oldFrom: old.parent, edge, from });
    }
    if (added.rename) await tx.run(setNodeName, { node, name });
  }
  return removed;
}

/**
 * Placements that begin where another one of the node ends: one row is changed
 * then, which costs a third of a row that goes and one that comes.
 */
function moves({ edgesRemoved, edgesAdded }: ChangeSet): Map<NewEdge, RemovedEdge> {
  const found = new Map<NewEdge, RemovedEdge>();
  if (edgesRemoved.length === 0 || edgesAdded.length === 0) return found;
  const ended = new Map(edgesRemoved.map((edge) => [edge.node, edge]));
  for (const added of edgesAdded) {
    const old = ended.get(added.node);
    if (old === undefined) continue;
    found.set(added, old);
    ended.delete(added.node);
  }
  return found;
}

/**
 * Ends placements. Without a history those of nodes to be deleted are left to
 * {@linkcode deleteForGood}, and a directory that something was removed from
 * goes to the trash itself, lest that could not be brought back.
 *
 * @param moved Those whose row becomes another placement of their node.
 * @returns The nodes to be deleted.
 */
async function removeEdges(
  tx: Transaction,
  { edgesRemoved, removed, unlinked }: ChangeSet,
  moved: ReadonlySet<RemovedEdge>,
  history: History,
): Promise<string[]> {
  if (history !== "none") {
    // One time for all, so that a tree that went at once is one item of the trash.
    const at = now();
    for (const { edge } of edgesRemoved) await archive(tx, edge, at);
    return await unplaced(tx, removed);
  }
  const doomed = new Set(removed);
  const nameless = new Set([...removed, ...unlinked]);
  const filled = new Set<string>();
  for (const { node_id, named } of await elsewhere(tx, [...nameless], edgesRemoved)) {
    // It goes on under a name that another process gave it, or with what that put into it.
    doomed.delete(node_id);
    if (!named) filled.add(node_id);
  }
  const kept = await trashKeepers(tx, edgesRemoved, nameless, filled);
  const at = kept.size > 0 ? now() : 0n;
  for (const each of edgesRemoved) {
    if (moved.has(each)) continue;
    const { edge, node } = each;
    if (kept.has(node)) await archive(tx, edge, at);
    else if (!doomed.has(node)) await tx.run(deleteEdge, { edge });
  }
  return removed.filter((node) => doomed.has(node) && !kept.has(node));
}

/** The nodes to be deleted that others have named, or put something into, meanwhile. */
async function elsewhere(
  tx: Transaction,
  removed: readonly string[],
  edgesRemoved: readonly RemovedEdge[],
): Promise<{ node_id: string; named: unknown }[]> {
  const edges = JSON.stringify(edgesRemoved.map(({ edge }) => edge));
  const found: { node_id: string; named: unknown }[] = [];
  for (const nodes of parts(removed)) {
    for (const { node_id, named } of await tx.all(reachedElsewhere, { nodes, edges })) {
      found.push({ node_id, named });
    }
  }
  return found;
}

async function archive(tx: Transaction, edge: string, at: bigint): Promise<void> {
  await tx.run(noteRemoval, { edge, at });
  await tx.run(archiveEdge, { edge });
}

/**
 * Those of the nodes to be deleted that have something in the trash, or such a directory in them.
 *
 * @param filled Those that have something else in them.
 */
async function trashKeepers(
  tx: Transaction,
  edgesRemoved: readonly RemovedEdge[],
  doomed: ReadonlySet<string>,
  filled: ReadonlySet<string>,
): Promise<Set<string>> {
  const kept = new Set<string>(filled);
  for (const nodes of parts([...doomed])) {
    for (const row of await tx.all(withTrash, { nodes })) kept.add(row.node_id);
  }
  if (kept.size === 0) return kept;
  const above = new Map(edgesRemoved.map(({ node, parent }) => [node, parent]));
  for (const node of kept) {
    const parent = above.get(node);
    if (parent !== undefined && doomed.has(parent)) kept.add(parent);
  }
  return kept;
}

/** Those of some nodes that have no placement, not even one that has ended. */
async function unplaced(tx: Transaction, nodes: readonly string[]): Promise<string[]> {
  const placed = new Set<string>();
  for (const part of parts(nodes)) {
    for (const row of await tx.all(withPlacement, { nodes: part })) placed.add(row.node_id);
  }
  return nodes.filter((node) => !placed.has(node));
}

/** Deletes nodes with every row that refers to them. Their chunks are noted for reclaiming. */
export async function deleteForGood(tx: Transaction, nodes: readonly string[]): Promise<void> {
  for (const part of parts(nodes)) await tx.run(deleteEdgesOf, { nodes: part });
  for (const part of parts(nodes)) {
    await tx.run(deleteLocksOnAny, { nodes: part });
    await tx.run(deleteMountsAtAny, { nodes: part });
    await tx.run(orphanNodes, { nodes: part });
    await tx.run(deleteNodes, { nodes: part });
  }
}

/** Ids in one JSON array: a statement's values are bounded. */
const NODES_AT_ONCE = 5000;

function parts(nodes: readonly string[]): string[] {
  const found: string[] = [];
  for (let at = 0; at < nodes.length; at += NODES_AT_ONCE) {
    found.push(JSON.stringify(nodes.slice(at, at + NODES_AT_ONCE)));
  }
  return found;
}
