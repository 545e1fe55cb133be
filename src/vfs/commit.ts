import { AloeError } from "../errors.ts";
import {
  type ChangedContent,
  type ChangeSet,
  Chunker,
  type ChunkMap,
  commitApart,
  commitChanges,
  type CommitOptions,
  commitRemovals,
  type ContentChange,
  isOfOnePart,
  NamesTaken,
  type NewChunk,
} from "../internal.ts";
import type { DirtyChunk } from "./dirty_chunk.ts";
import { plaintext } from "./file_content.ts";
import {
  type Content,
  type Inode,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFSOCK,
} from "./inode.ts";
import { splitDevice } from "./inode_table.ts";
import { resolveNameConflicts } from "./name_conflicts.ts";
import { reconcile } from "./reconcile.ts";
import { FailedParts } from "./set_aside.ts";
import { markStored, QUIET_MS } from "./settle.ts";
import type { VolumeState } from "./volume_state.ts";

/** Every commit folds chunks up to this size, in bytes, because a log record would cost as much. */
const SHORT = 8 * 1024;

/** A durable commit folds a chunk if at least this part of it was written. */
const FOLD_PART = 1 / 4;

/** Log records larger than this many chunk sizes cost more than a fold. */
const LOG_PART = 4;

/** A chunk is folded after this time even while it is still being logged, in ms. */
const FOLD_AFTER_MS = 4000;

/** The size of logged chunks from which on even fresh ones are folded, in bytes. */
const LOGGED_LIMIT = 16 * 2 ** 20;

/** The number of partly written chunks that one commit may fold, to bound the pause. */
const FOLDS_AT_ONCE = 256;

/** The number of folds while other chunks are being logged, so that a sync does not wait long. */
const FOLDS_WHILE_BUSY = 64;

/** The number of manifest rows of holes that one commit may add, to bound the pause. */
const HOLES_AT_ONCE = 16_384;

/** The number of possibly unreferenced chunks that one commit checks. */
const RECLAIM_AT_ONCE = 256;

/** The changes of one inode's content in one commit. */
export interface ContentPlan {
  inode: Inode;
  content: Content;
  change: ContentChange;
  /** Chunks that the pool holds after the commit, with their plaintext where it was written. */
  folded: Map<number, Uint8Array | null>;
  /** Chunks that the log holds after the commit. */
  logged: number[];
}

/**
 * Writes all changes to the file in one transaction, so that the state after a crash is always one
 * that existed. A part of an inode that cannot be stored waits in `state.aside` and does not
 * prevent other changes from being stored.
 *
 * @param durable Whether the changes are on disk when the promise resolves.
 * @param patience How long to wait for another process, in ms; defaults to the file's setting.
 * @throws {AloeError} When the file cannot be written; the changes stay in memory, and the next
 *   commit retries.
 */
export async function commit(
  state: VolumeState,
  durable: boolean,
  patience?: number,
): Promise<void> {
  let apart = state.aside.size > 0;
  let conflicts = 0;
  let reconciled = 0;
  let divide = true;
  for (;;) {
    try {
      if (await commitOnce(state, { durable, patience, apart, divide })) return;
      divide = false;
    } catch (error) {
      if (error instanceof NamesTaken && conflicts++ < CONFLICT_ROUNDS) {
        await resolveNameConflicts(state, error);
      } else if (error instanceof AloeError && error.code === "mount_conflict") {
        if (reconciled++ === CONFLICT_ROUNDS) throw error;
        await reconcile(state);
      } else if (!apart && isOfOnePart(error)) {
        // Other processes may have deleted inodes of this commit.
        await reconcile(state);
        apart = true;
      } else throw error;
    }
  }
}

/** How often a commit is retried after a conflict with changes of other processes. */
const CONFLICT_ROUNDS = 100;

/** How {@linkcode commitOnce} commits. */
interface CommitMode {
  durable: boolean;
  patience: number | undefined;
  /** Whether each part may fail alone. */
  apart: boolean;
  /** Whether what is only removed goes first where the disk has no room for all at once. */
  divide: boolean;
}

/** @returns False when room was made only, and all else is to be committed yet. */
async function commitOnce(
  state: VolumeState,
  { durable, patience, apart, divide }: CommitMode,
): Promise<boolean> {
  if (state.dirty.size === 0 && !(durable && state.volatile) && state.logged.size === 0) {
    state.due = Infinity;
    return true;
  }
  const now = performance.now();
  const inodes = [...state.dirty];
  const changes: ChangeSet = {
    created: [],
    content: [],
    xattrs: [],
    edgesRemoved: [],
    edgesAdded: [],
    attributes: [],
    removed: [],
    unlinked: [],
    relinked: [],
    versions: new Map(),
  };
  const aside = new FailedParts();
  const plans: ContentPlan[] = [];
  const pressed = state.dirtyBytes > LOGGED_LIMIT;
  const quiet = now - state.loggedAt >= QUIET_MS;
  const folds = pressed || quiet ? FOLDS_AT_ONCE : FOLDS_WHILE_BUSY;
  const pace: Pace = { now, durable, pressed, quiet, folds };
  for (const inode of inodes) await describe(state, inode, pace, changes, plans, aside);
  if (!durable) await foldLogged(state, pace, inodes, changes, plans, aside);
  if (!durable && inodes.length === 0 && plans.length === 0) {
    state.due = now + QUIET_MS;
    return true;
  }
  // A sync of earlier commits needs a new commit; minting an id makes it non-empty.
  if (inodes.length === 0 && plans.length === 0) state.mint();
  for (const { edge, parent, inode, name, trash } of state.removedNames) {
    changes.edgesRemoved.push({ edge, parent: parent.id, node: inode.id, name, trash });
  }
  for (const { edge, parent, inode, name, moved, trash } of state.addedNames) {
    const rename = moved && (inode.isDirectory || inode.nlink === 1);
    changes.edgesAdded.push({ edge, parent: parent.id, node: inode.id, name, rename, trash });
  }
  for (const { edge, parent, inode, name, trash } of state.trashedNames) {
    const [from, node] = [parent.id, inode.id];
    changes.edgesAdded.push({ edge, parent: from, node, name, rename: false, trash });
  }
  const options: CommitOptions = {
    durable,
    history: state.options.history,
    reclaim: durable ? 0 : RECLAIM_AT_ONCE + 2 * changes.content.length,
    watermark: state.watermark,
    seen: state.seen,
    patience,
  };
  let contents: Map<string, ChangedContent>;
  try {
    if (apart) {
      const result = await commitApart(state.db, state.mount, changes, options);
      contents = result.contents;
      for (const each of result.aside) aside.add(each);
    } else {
      contents = await commitChanges(state.db, state.mount, changes, options);
    }
  } catch (error) {
    state.full = error instanceof AloeError && error.code === "no_space";
    // Retry soon, but not immediately.
    state.due = performance.now() + 1000;
    if (!divide || !state.full || isOfOnePart(error)) throw error;
    // After a crash something may be gone that was removed after what is not written yet.
    if (await commitRemovals(state.db, state.mount, changes, options)) return false;
    throw error;
  }
  state.full = false;
  state.volatile = !durable;
  state.counts.commits++;
  state.generation++;
  markStored(state, inodes, plans, contents, aside, now);
  return true;
}

/** The limits of one commit. */
interface Pace {
  /** The time, in ms of the monotonic clock. */
  now: number;
  /** Whether a caller waits for durability. */
  durable: boolean;
  /** Whether to empty the log even of fresh records. */
  pressed: boolean;
  /** Whether nothing was logged recently. */
  quiet: boolean;
  /** The number of partly written chunks that may still be folded. */
  folds: number;
}

/** Adds the changes of one inode to a change set. */
async function describe(
  state: VolumeState,
  inode: Inode,
  pace: Pace,
  changes: ChangeSet,
  plans: ContentPlan[],
  aside: FailedParts,
): Promise<void> {
  const gone = inode.nlink === 0 && !inode.spared;
  if (gone && inode.lookups === 0) {
    if (inode.born !== null) return;
    changes.removed.push(inode.id);
    if (inode.content !== null) {
      (changes.versions as Map<string, number>).set(inode.id, inode.content.version);
    }
    return;
  }
  if (inode.born !== null) {
    changes.created.push({
      id: inode.id,
      type: nodeType(inode),
      name: nameOf(inode),
      mode: inode.mode & 0o7777,
      uid: inode.uid,
      gid: inode.gid,
      device: deviceOf(inode),
      createdSec: inode.born.sec,
      createdNsec: inode.born.nsec,
    });
  }
  if (gone && !inode.listedUnlinked) changes.unlinked.push(inode.id);
  if (!gone && inode.listedUnlinked) changes.relinked.push(inode.id);
  let plan: ContentPlan | null = null;
  if (inode.content !== null && inode.contentChanged) {
    plan = await planIfPossible(state, inode, inode.content, pace, aside);
    if (plan !== null) {
      plans.push(plan);
      changes.content.push(plan.change);
    }
  } else if (inode.born !== null && inode.target !== null) {
    changes.content.push(targetContent(inode, inode.target, state.chunks));
  }
  for (const [name, value] of inode.xattrChanges ?? []) {
    changes.xattrs.push({ node: inode.id, name, value });
  }
  if (inode.born !== null || inode.timesChanged || inode.ownerChanged) {
    describeAttributes(inode, changes);
  } else if (plan !== null && makesVersion(state, plan.change)) {
    describeAttributes(inode, changes);
  }
}

/** Returns whether a content change creates a new version, for which the format sets the times. */
function makesVersion(state: VolumeState, change: ContentChange): boolean {
  const inPlace = change.keep === null ? state.options.history === "none" : change.keep === 1;
  return !inPlace || change.expected?.version === 0;
}

function targetContent(inode: Inode, target: Uint8Array, map: ChunkMap): ContentChange {
  const chunks: NewChunk[] = [...new Chunker(map).cut(target)];
  return {
    node: inode.id,
    keep: null,
    keepRows: 0,
    holes: [],
    chunks,
    stored: target.length,
    redo: [],
    folded: [],
    size: target.length,
  };
}

/** Returns the plan of an inode's content; null when the content it is based on is damaged. */
async function planIfPossible(
  state: VolumeState,
  inode: Inode,
  content: Content,
  pace: Pace,
  aside: FailedParts,
): Promise<ContentPlan | null> {
  try {
    return await planContent(state, inode, content, pace);
  } catch (error) {
    if (!isOfOnePart(error)) throw error;
    aside.add({ node: inode.id, part: "content", error });
    return null;
  }
}

/** Decides which chunks of a file go to the pool and which to the log. */
async function planContent(
  state: VolumeState,
  inode: Inode,
  content: Content,
  pace: Pace,
): Promise<ContentPlan> {
  const { chunkSize } = state;
  const { durable } = pace;
  const { size } = inode;
  const { valid } = content;
  const rows = state.chunks.count(valid);
  const tail = state.chunks.partial(valid) === 0 ? -1 : rows - 1;
  const cut = content.limit < content.stored;

  const lengthOf = (index: number) => state.chunks.lengthOf(index, size);
  const grows = size > valid;
  const isGrowth = (index: number) => index >= rows || (grows && index === tail);
  const wantsFold = (index: number) => {
    const chunk = content.chunks.get(index)!;
    if (chunk.rebased) return true;
    if (!chunk.unsaved) return isDue(chunk, pace) && pace.folds-- > 0;
    const length = lengthOf(index);
    if (length <= SHORT || chunk.unsavedBytes >= length * FOLD_PART) return true;
    if (chunk.loggedBytes > LOG_PART * chunkSize) return true;
    // A chunk that is written repeatedly stays in the log meanwhile.
    if (durable || (chunk.logged && !isDue(chunk, pace))) return false;
    return pace.folds-- > 0;
  };

  // A sync considers only new chunks, because the log may be very large.
  const few = durable && !grows && !cut;
  const indexes = [...few ? content.unsaved : content.chunks.keys()].sort((a, b) => a - b);
  const fold = new Set<number>();
  for (const index of indexes) {
    if (!isGrowth(index) && wantsFold(index)) fold.add(index);
  }
  const growth = indexes.filter(isGrowth);
  const foldGrowth = size < content.stored || cut || !durable ||
    (grows && growth.length === 0) || growth.some(wantsFold);

  // The size up to which the file's own rows reach afterwards, without gaps.
  let stored = content.valid;
  const holes: { first: number; last: number }[] = [];
  if (foldGrowth) {
    stored = size;
    let budget = HOLES_AT_ONCE;
    let next = rows;
    const wanted = state.chunks.count(size);
    for (const index of [...growth.filter((i) => i >= rows), wanted]) {
      if (index > next) {
        // The last chunk of a hole, if it is not full, is stored like any other chunk.
        const last = index === wanted && state.chunks.partial(size) !== 0 ? index - 2 : index - 1;
        const end = Math.min(last, next + budget - 1);
        if (end >= next) holes.push({ first: next, last: end });
        budget -= Math.max(0, end - next + 1);
        if (end < last) {
          stored = state.chunks.startOf(end + 1);
          break;
        }
        if (last < index - 1) fold.add(index - 1);
      }
      next = index + 1;
    }
    const reach = state.chunks.count(stored);
    for (const index of growth) if (index < reach) fold.add(index);
    if (tail !== -1 && (grows || cut)) fold.add(tail);
  }

  const change: ContentChange = {
    node: inode.id,
    keep: content.keep,
    ...(inode.born === null
      ? { expected: { version: content.version, stored: content.stored } }
      : {}),
    keepRows: cut ? rows : Math.min(rows, state.chunks.count(size)),
    holes,
    chunks: [],
    stored,
    redo: [],
    folded: [],
    size,
  };
  const plan: ContentPlan = { inode, content, change, folded: new Map(), logged: [] };
  for (const index of [...fold].sort((a, b) => a - b)) {
    const length = state.chunks.lengthOf(index, stored);
    const chunk = content.chunks.get(index);
    const reference = referenceTo(chunk, length, chunkSize);
    if (reference !== null) {
      change.chunks.push({ index, hash: reference });
      plan.folded.set(index, null);
    } else if (chunk?.base === "zeros" && !chunk.written && length === chunkSize) {
      const run = change.holes.at(-1);
      if (run?.last === index - 1) run.last = index;
      else change.holes.push({ first: index, last: index });
      plan.folded.set(index, null);
    } else {
      const data = await plaintext(state, inode, index, length);
      change.chunks.push({ index, data } satisfies NewChunk);
      plan.folded.set(index, data);
    }
  }
  for (const index of indexes) {
    const chunk = content.chunks.get(index)!;
    if (fold.has(index) || !chunk.unsaved) continue;
    if (chunk.rebased) {
      // The chunk is beyond a hole that is too long for one commit, so its base cannot be logged.
      const data = await plaintext(state, inode, index, lengthOf(index));
      change.redo.push({ index, start: 0, data });
    } else {
      for (const range of chunk.unsavedRanges()) change.redo.push({ index, ...range });
    }
    plan.logged.push(index);
  }
  change.folded = [...new Set([...fold, ...content.stale])].filter((i) => content.logged.has(i));
  return plan;
}

function referenceTo(
  chunk: DirtyChunk | undefined,
  length: number,
  chunkSize: number,
): string | null {
  if (chunk === undefined || typeof chunk.base === "string" || chunk.written) return null;
  return length === chunkSize && chunk.limit >= chunkSize ? chunk.base.hash : null;
}

/** Returns whether a logged chunk should leave the log. */
function isDue(chunk: DirtyChunk, pace: Pace): boolean {
  if (pace.durable) return false;
  return pace.pressed || pace.quiet || pace.now - chunk.firstLoggedAt >= FOLD_AFTER_MS;
}

/** Adds chunks that are only in the log, once they were not written for a while. */
async function foldLogged(
  state: VolumeState,
  pace: Pace,
  described: Inode[],
  changes: ChangeSet,
  plans: ContentPlan[],
  aside: FailedParts,
): Promise<void> {
  const skip = new Set(described);
  for (const inode of state.logged) {
    if (skip.has(inode) && inode.contentChanged) continue;
    const waiting = state.aside.get(inode);
    if (waiting !== undefined && pace.now < waiting.retryAt) continue;
    const content = inode.content!;
    const due = content.stored !== inode.size ||
      [...content.chunks.values()].some((chunk) => isDue(chunk, pace));
    if (!due || pace.folds <= 0) continue;
    const plan = await planIfPossible(state, inode, content, pace, aside);
    if (plan === null) continue;
    plans.push(plan);
    changes.content.push(plan.change);
    if (!skip.has(inode) && makesVersion(state, plan.change)) describeAttributes(inode, changes);
  }
}

/** Adds all attributes, because the format's triggers set times on every write. */
function describeAttributes(inode: Inode, changes: ChangeSet): void {
  changes.attributes.push({
    node: inode.id,
    owner: inode.ownerChanged && inode.born === null,
    mode: inode.mode & 0o7777,
    uid: inode.uid,
    gid: inode.gid,
    atimeSec: inode.atimeSec,
    atimeNsec: inode.atimeNsec,
    mtimeSec: inode.mtimeSec,
    mtimeNsec: inode.mtimeNsec,
    ctimeSec: inode.ctimeSec,
    ctimeNsec: inode.ctimeNsec,
  });
}

function nodeType(inode: Inode): "container" | "entry" | "symlink" | "fifo" | "socket" {
  switch (inode.mode & S_IFMT) {
    case S_IFDIR:
      return "container";
    case S_IFLNK:
      return "symlink";
    case S_IFIFO:
      return "fifo";
    case S_IFSOCK:
      return "socket";
    default:
      return "entry";
  }
}

function nameOf(inode: Inode): string {
  for (const { name } of inode.names) return name;
  return "unlinked";
}

function deviceOf(inode: Inode) {
  const type = inode.mode & S_IFMT;
  if (type !== S_IFCHR && type !== S_IFBLK) return null;
  return {
    kind: type === S_IFCHR ? "char" as const : "block" as const,
    ...splitDevice(inode.rdev),
  };
}
