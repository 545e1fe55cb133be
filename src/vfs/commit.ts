import { AloeError } from "../errors.ts";
import {
  type ChangedContent,
  type ChangeSet,
  commitChanges,
  type ContentChange,
  type NewChunk,
} from "../ops/commit_changes.ts";
import type { DirtyChunk } from "./dirty_chunk.ts";
import { reconcile } from "./reconcile.ts";
import { DamagedContent, plaintext } from "./file_content.ts";
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
import type { VolumeState } from "./volume_state.ts";

/** Chunks this short are folded by every commit: a log record would cost as much. */
const SHORT = 8 * 1024;

/** A commit that must be durable folds what was written for at least this part of a chunk. */
const FOLD_PART = 1 / 4;

/** Records of this many times its size are more than a chunk's fold costs. */
const LOG_PART = 4;

/** When nothing was logged for this long, all that is logged is folded, ms. */
const QUIET_MS = 300;

/** However much is being logged, a chunk is folded after this long, ms. */
const FOLD_AFTER_MS = 4000;

/** Bytes in the log's chunks above which they are folded however fresh they are. */
const LOGGED_LIMIT = 16 * 2 ** 20;

/** Chunks of which only a part was written that one commit folds, to bound the pause. */
const FOLDS_AT_ONCE = 256;

/** The same while others are being logged: who writes and syncs is not to wait long. */
const FOLDS_WHILE_BUSY = 64;

/** Manifest rows of holes that one commit adds, to bound the pause. */
const HOLES_AT_ONCE = 16_384;

/** Chunks that may have lost their last reference that one commit looks at. */
const RECLAIM_AT_ONCE = 256;

/** What one commit does with the content of one inode. */
interface ContentPlan {
  inode: Inode;
  content: Content;
  change: ContentChange;
  /** Chunks that the pool has afterwards, with their plaintext where it was written. */
  folded: Map<number, Uint8Array | null>;
  /** Chunks that the log has afterwards. */
  logged: number[];
}

/**
 * Writes everything that has changed to the file, in one transaction: what is
 * there after a crash is a state that was.
 *
 * @param durable Whether it is on disk when this settles.
 * @param patience How long another process is waited for, ms; as the file was
 * opened when left out.
 * @throws {AloeError} When the file cannot be written; nothing is lost then,
 * and the next commit tries again.
 */
export async function commit(
  state: VolumeState,
  durable: boolean,
  patience?: number,
): Promise<void> {
  try {
    await commitOnce(state, durable, patience);
  } catch (error) {
    if (!(error instanceof AloeError) || !CONFLICTS.includes(error.code)) throw error;
    await reconcile(state);
    await commitOnce(state, durable, patience);
  }
}

/** When content that is based on something damaged is tried again, ms. */
const DAMAGED_MS = 60_000;

/** What a commit fails with when another process has taken something from under it. */
const CONFLICTS = ["mount_conflict", "corrupt", "invalid"];

async function commitOnce(
  state: VolumeState,
  durable: boolean,
  patience?: number,
): Promise<void> {
  if (state.dirty.size === 0 && !(durable && state.volatile) && state.logged.size === 0) {
    state.due = Infinity;
    return;
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
  };
  const plans: ContentPlan[] = [];
  const pressed = state.dirtyBytes > LOGGED_LIMIT;
  const quiet = now - state.loggedAt >= QUIET_MS;
  const folds = pressed || quiet ? FOLDS_AT_ONCE : FOLDS_WHILE_BUSY;
  const pace: Pace = { now, durable, pressed, quiet, folds };
  for (const inode of inodes) await describe(state, inode, pace, changes, plans);
  if (!durable) await foldLogged(state, pace, inodes, changes, plans);
  if (!durable && inodes.length === 0 && plans.length === 0) {
    state.due = now + QUIET_MS;
    return;
  }
  // To sync earlier commits, there has to be one more: an id is spent for it.
  if (inodes.length === 0 && plans.length === 0) state.mint();
  for (const { edge, parent, inode } of state.removedNames) {
    changes.edgesRemoved.push({ edge, parent: parent.id, node: inode.id });
  }
  for (const { edge, parent, inode, name, moved } of state.addedNames) {
    const rename = moved && (inode.isDirectory || inode.nlink === 1);
    changes.edgesAdded.push({ edge, parent: parent.id, node: inode.id, name, rename });
  }
  let contents: Map<string, ChangedContent>;
  try {
    contents = await commitChanges(state.db, state.mount, changes, {
      durable,
      history: state.options.history,
      reclaim: durable ? 0 : RECLAIM_AT_ONCE + 2 * changes.content.length,
      watermark: state.watermark,
      patience,
    });
  } catch (error) {
    state.full = error instanceof AloeError && error.code === "no_space";
    // Again soon, but not at once.
    state.due = now + 1000;
    throw error;
  }
  state.full = false;
  state.volatile = !durable;
  state.counts.commits++;
  state.generation++;
  settle(state, inodes, plans, contents, now);
}

/** How much one commit does. */
interface Pace {
  /** Ms of the monotonic clock. */
  now: number;
  /** Whether somebody waits for the disk. */
  durable: boolean;
  /** Whether the log is to be emptied however fresh its records are. */
  pressed: boolean;
  /** Whether nothing has been logged for a while. */
  quiet: boolean;
  /** Chunks of which only a part was written that may still be folded. */
  folds: number;
}

/** Adds what one inode has to a change set. */
async function describe(
  state: VolumeState,
  inode: Inode,
  pace: Pace,
  changes: ChangeSet,
  plans: ContentPlan[],
): Promise<void> {
  const gone = inode.nlink === 0;
  if (gone && inode.lookups === 0) {
    if (inode.born === null) changes.removed.push(inode.id);
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
  if (inode.content !== null && inode.contentChanged) {
    const plan = await planUnlessDamaged(state, inode, inode.content, pace);
    if (plan !== null) {
      plans.push(plan);
      changes.content.push(plan.change);
    }
  } else if (inode.born !== null && inode.target !== null) {
    changes.content.push(targetContent(inode, inode.target, state.chunkSize));
  }
  for (const [name, value] of inode.xattrChanges ?? []) {
    changes.xattrs.push({ node: inode.id, name, value });
  }
  if (inode.born !== null || inode.timesChanged || inode.ownerChanged) {
    describeAttributes(inode, changes);
  } else if (inode.contentChanged && !state.damaged.has(inode)) {
    if (makesVersion(state, changes.content.at(-1)!)) describeAttributes(inode, changes);
  }
}

/** Whether a change of content ends in another version: the format then sets the times. */
function makesVersion(state: VolumeState, change: ContentChange): boolean {
  const inPlace = change.keep === null ? state.options.history === "none" : change.keep === 1;
  return !inPlace || change.expected?.version === 0;
}

function targetContent(inode: Inode, target: Uint8Array, chunkSize: number): ContentChange {
  const chunks: NewChunk[] = [];
  for (let index = 0; index * chunkSize < target.length; index++) {
    chunks.push({ index, data: target.subarray(index * chunkSize, (index + 1) * chunkSize) });
  }
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

/** Null when the content cannot be committed: the others' is, all the same. */
async function planUnlessDamaged(
  state: VolumeState,
  inode: Inode,
  content: Content,
  pace: Pace,
): Promise<ContentPlan | null> {
  try {
    const plan = await planContent(state, inode, content, pace);
    state.damaged.delete(inode);
    return plan;
  } catch (error) {
    const damaged = error instanceof DamagedContent ||
      (error instanceof AloeError && error.code === "corrupt");
    if (!damaged) throw error;
    if (!state.damaged.has(inode)) state.options.log(`not written back: ${error.message}`);
    state.damaged.add(inode);
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
  const rows = Math.ceil(valid / chunkSize);
  const tail = valid % chunkSize === 0 ? -1 : rows - 1;
  const cut = content.limit < content.stored;

  const lengthOf = (index: number) => Math.min(chunkSize, size - index * chunkSize);
  const grows = size > valid;
  const isGrowth = (index: number) => index >= rows || (grows && index === tail);
  const wantsFold = (index: number) => {
    const chunk = content.chunks.get(index)!;
    if (chunk.rebased) return true;
    if (!chunk.unsaved) return isDue(chunk, pace) && pace.folds-- > 0;
    const length = lengthOf(index);
    if (length <= SHORT || chunk.unsavedBytes >= length * FOLD_PART) return true;
    if (chunk.loggedBytes > LOG_PART * chunkSize) return true;
    // What is written over and over stays in the log while it is.
    if (durable || (chunk.logged && !isDue(chunk, pace))) return false;
    return pace.folds-- > 0;
  };

  // A sync looks at what is new only: of the log there can be very much.
  const few = durable && !grows && !cut;
  const indexes = [...few ? content.unsaved : content.chunks.keys()].sort((a, b) => a - b);
  const fold = new Set<number>();
  for (const index of indexes) {
    if (!isGrowth(index) && wantsFold(index)) fold.add(index);
  }
  const growth = indexes.filter(isGrowth);
  const foldGrowth = size < content.stored || cut || !durable ||
    (grows && growth.length === 0) || growth.some(wantsFold);

  // How far the file's own rows reach afterwards, without gaps.
  let stored = content.valid;
  const holes: { first: number; last: number }[] = [];
  if (foldGrowth) {
    stored = size;
    let budget = HOLES_AT_ONCE;
    let next = rows;
    const wanted = Math.ceil(size / chunkSize);
    for (const index of [...growth.filter((i) => i >= rows), wanted]) {
      if (index > next) {
        // A hole's last chunk that is not a full one is stored like any other.
        const last = index === wanted && size % chunkSize !== 0 ? index - 2 : index - 1;
        const end = Math.min(last, next + budget - 1);
        if (end >= next) holes.push({ first: next, last: end });
        budget -= Math.max(0, end - next + 1);
        if (end < last) {
          stored = (end + 1) * chunkSize;
          break;
        }
        if (last < index - 1) fold.add(index - 1);
      }
      next = index + 1;
    }
    const reach = Math.ceil(stored / chunkSize);
    for (const index of growth) if (index < reach) fold.add(index);
    if (tail !== -1 && (grows || cut)) fold.add(tail);
  }

  const change: ContentChange = {
    node: inode.id,
    keep: content.keep,
    ...(inode.born === null
      ? { expected: { version: content.version, stored: content.stored } }
      : {}),
    keepRows: cut ? rows : Math.min(rows, Math.ceil(size / chunkSize)),
    holes,
    chunks: [],
    stored,
    redo: [],
    folded: [],
    size,
  };
  const plan: ContentPlan = { inode, content, change, folded: new Map(), logged: [] };
  for (const index of [...fold].sort((a, b) => a - b)) {
    const length = Math.min(chunkSize, stored - index * chunkSize);
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
      // Beyond a hole that is too long for one commit: its base cannot be logged.
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

/** Whether a logged chunk should leave the log. */
function isDue(chunk: DirtyChunk, pace: Pace): boolean {
  if (pace.durable) return false;
  return pace.pressed || pace.quiet || pace.now - chunk.firstLoggedAt >= FOLD_AFTER_MS;
}

/** Adds chunks that only the log has, once they have been left alone for a while. */
async function foldLogged(
  state: VolumeState,
  pace: Pace,
  described: Inode[],
  changes: ChangeSet,
  plans: ContentPlan[],
): Promise<void> {
  const skip = new Set(described);
  for (const inode of state.logged) {
    if (skip.has(inode) && inode.contentChanged) continue;
    const content = inode.content!;
    const due = content.stored !== inode.size ||
      [...content.chunks.values()].some((chunk) => isDue(chunk, pace));
    if (!due || pace.folds <= 0) continue;
    const plan = await planUnlessDamaged(state, inode, content, pace);
    if (plan === null) continue;
    plans.push(plan);
    changes.content.push(plan.change);
    if (!skip.has(inode) && makesVersion(state, plan.change)) describeAttributes(inode, changes);
  }
}

/** All attributes: the format's triggers set times whenever anything is written. */
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

/** Notes that the file has everything that was described. */
function settle(
  state: VolumeState,
  inodes: Inode[],
  plans: ContentPlan[],
  contents: ReadonlyMap<string, ChangedContent>,
  now: number,
): void {
  state.dirty.clear();
  state.due = Infinity;
  for (const dentry of state.removedNames) {
    const children = dentry.parent.children!;
    for (const name of children.removedNames) {
      if (children.known.get(name) === null) children.known.delete(name);
    }
    children.removed.clear();
    children.removedNames.clear();
  }
  state.removedNames.clear();
  for (const dentry of state.addedNames) {
    dentry.stored = true;
    dentry.parent.children!.added.clear();
  }
  state.addedNames.clear();
  for (const plan of plans) {
    settleContent(state, plan, contents.get(plan.inode.id)!, now);
  }
  for (const inode of inodes) {
    const gone = inode.nlink === 0;
    inode.born = null;
    inode.timesChanged = inode.ownerChanged = false;
    if (!state.damaged.has(inode)) inode.contentChanged = false;
    if (inode.xattrChanges !== null) {
      inode.xattrChanges = null;
      state.dirtyBytes -= inode.xattrBytes;
      inode.xattrBytes = 0;
      // They can be long: what is wanted again is asked for again.
      inode.xattrs = null;
    }
    inode.listedUnlinked = gone;
    if (gone && inode.lookups === 0) state.inodes.remove(inode);
    else state.inodes.settle(inode);
  }
  for (const inode of state.damaged) {
    if (inode.nlink === 0 && inode.lookups === 0) state.damaged.delete(inode);
    else state.touch(inode, DAMAGED_MS);
  }
  if (state.logged.size > 0) state.due = Math.min(state.due, now + QUIET_MS);
}

function settleContent(
  state: VolumeState,
  plan: ContentPlan,
  { version, holes }: ChangedContent,
  now: number,
): void {
  const { inode, content, change } = plan;
  const { stored, holeBytes } = content;
  content.version = version;
  content.holeBytes = holes * state.chunkSize;
  content.stored = change.stored;
  content.limit = Infinity;
  // The kernel asks again how much room a file takes when it is closed, not when it is synced.
  const sparse = holeBytes + content.holeBytes > 0;
  if (sparse && inode.lookups > 0 && content.stored - content.holeBytes !== stored - holeBytes) {
    state.options.invalidate.inode(inode, -1);
  }
  inode.contentChanged = false;
  for (const index of change.folded as number[]) content.logged.delete(index);
  content.stale.clear();
  for (const [index, data] of plan.folded) {
    const chunk = content.chunks.get(index);
    if (chunk !== undefined) state.dirtyBytes -= chunk.memory;
    content.chunks.delete(index);
    content.unsaved.delete(index);
    if (data !== null) {
      state.cache.put(inode, index, data.length === data.buffer.byteLength ? data : data.slice());
    } else state.cache.drop(inode, index);
  }
  for (const index of plan.logged) {
    const chunk = content.chunks.get(index)!;
    if (chunk.rebased) {
      // Logged whole: what lies under it does not matter any more.
      const record = change.redo.find((each) => each.index === index)!;
      state.dirtyBytes -= chunk.memory;
      chunk.rebase("zeros");
      chunk.write(0, record.data);
      chunk.rebased = false;
      state.dirtyBytes += chunk.memory;
    }
    chunk.saved(now);
    content.unsaved.delete(index);
    content.logged.add(index);
    state.loggedAt = now;
  }
  if (content.chunks.size > 0 || content.stored !== inode.size) state.logged.add(inode);
  else {
    state.logged.delete(inode);
    state.inodes.settle(inode);
  }
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
