import type { ChangedContent } from "../internal.ts";
import type { ContentPlan } from "./commit.ts";
import type { Dentry, Inode } from "./inode.ts";
import { type FailedParts, noteAside } from "./set_aside.ts";
import type { VolumeState } from "./volume_state.ts";

/** After this time without new log records, everything logged is folded, in ms. */
export const QUIET_MS = 300;

/** Marks the committed changes as stored, except for failed parts. */
export function markStored(
  state: VolumeState,
  inodes: Inode[],
  plans: ContentPlan[],
  contents: ReadonlyMap<string, ChangedContent>,
  aside: FailedParts,
  now: number,
): void {
  state.dirty.clear();
  state.due = Infinity;
  markNames(state, aside);
  for (const plan of plans) {
    if (!aside.has(plan.inode, "content")) {
      markContent(state, plan, contents.get(plan.inode.id)!, now);
    }
  }
  for (const inode of inodes) {
    if (aside.of(inode) === undefined) markInode(state, inode);
    else markPartly(state, inode, aside);
  }
  if (aside.size + state.aside.size > 0) {
    noteAside(state, aside, new Set(plans.map(({ inode }) => inode)), now);
  }
  if (state.logged.size > 0) state.due = Math.min(state.due, now + QUIET_MS);
}

function markNames(state: VolumeState, aside: FailedParts): void {
  const lost = (dentry: Dentry) => aside.has(dentry.inode, "names");
  const removed = aside.size === 0 ? [] : [...state.removedNames].filter(lost);
  const added = aside.size === 0 ? [] : [...state.addedNames].filter(lost);
  const trashed = aside.size === 0 ? [] : [...state.trashedNames].filter(lost);
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
  state.trashedNames.clear();
  for (const dentry of removed) {
    const children = dentry.parent.children!;
    state.removedNames.add(dentry);
    children.removed.add(dentry.edge);
    children.removedNames.add(dentry.name);
    if (!children.known.has(dentry.name)) children.known.set(dentry.name, null);
  }
  for (const dentry of added) {
    dentry.stored = false;
    state.addedNames.add(dentry);
    dentry.parent.children!.added.add(dentry);
  }
  for (const dentry of trashed) state.trashedNames.add(dentry);
}

function markInode(state: VolumeState, inode: Inode): void {
  const gone = inode.nlink === 0;
  inode.born = null;
  inode.timesChanged = inode.ownerChanged = false;
  inode.contentChanged = false;
  if (inode.xattrChanges !== null) {
    inode.xattrChanges = null;
    state.dirtyBytes -= inode.xattrBytes;
    inode.xattrBytes = 0;
    // Attributes may be large, so drop them; they are loaded again on demand.
    inode.xattrs = null;
  }
  inode.listedUnlinked = gone && !inode.spared;
  if (gone && inode.lookups === 0) state.inodes.remove(inode);
  else state.inodes.evictIfIdle(inode);
}

/** Marks the stored parts of an inode of which another part failed. */
function markPartly(state: VolumeState, inode: Inode, aside: FailedParts): void {
  if (aside.has(inode, "existence")) return;
  inode.born = null;
  if (!aside.has(inode, "attributes")) inode.timesChanged = inode.ownerChanged = false;
  if (!aside.has(inode, "content")) inode.contentChanged = false;
  for (const [name, value] of inode.xattrChanges ?? []) {
    if (aside.hasXattr(inode, name)) continue;
    inode.xattrChanges!.delete(name);
    const length = value?.length ?? 0;
    state.dirtyBytes -= length;
    inode.xattrBytes -= length;
  }
  if (!aside.has(inode, "names")) inode.listedUnlinked = inode.nlink === 0 && !inode.spared;
  // The format sets times when a name is added.
  else inode.timesChanged = true;
}

function markContent(
  state: VolumeState,
  plan: ContentPlan,
  { version, holes }: ChangedContent,
  now: number,
): void {
  const { inode, content, change } = plan;
  const { stored, holeBytes } = content;
  content.version = version;
  content.holeBytes = state.chunks.startOf(holes);
  content.stored = change.stored;
  content.limit = Infinity;
  // The kernel requests a file's block count when it is closed, not when it is synced, so
  // invalidate it.
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
      // The chunk was logged as a whole, so its base no longer matters.
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
    state.inodes.evictIfIdle(inode);
  }
}
