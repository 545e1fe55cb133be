import type { InodeRow } from "../internal.ts";
import { abandon } from "./namespace.ts";
import type { Dentry, Inode } from "./inode.ts";
import type { VolumeState } from "./volume_state.ts";

/**
 * Updates memory and the kernel's caches after commits of another process. Uncommitted local
 * changes stay; they will overwrite the other process's changes.
 */
export async function takeInChanges(state: VolumeState): Promise<void> {
  state.generation++;
  const { invalidate } = state.options;
  const seen = new Set<Inode>();
  for (const directory of [...state.inodes.all()]) {
    if (directory.children === null || directory.born !== null) continue;
    directory.children.complete = false;
    directory.children.lookahead.reach = "";
    directory.children.page = null;
    for (const dentry of [...directory.children.known.values()]) {
      if (dentry === null || !dentry.stored) continue;
      const row = await state.source.lookup(directory.id, dentry.name);
      if (row !== null && row.edge === dentry.edge && row.id === dentry.inode.id) {
        refresh(state, dentry.inode, row);
        seen.add(dentry.inode);
      } else {
        const { order } = directory.children;
        if (row !== null && row.edge !== dentry.edge) {
          order?.placed(row.edge, dentry.name, order.placeOf(dentry.edge));
          order?.ended(dentry.edge);
        }
        dropName(state, dentry);
      }
    }
    // New names may exist, so invalidate the kernel's cached listing.
    if (directory.lookups > 0) invalidate.inode(directory, 0);
  }
  for (const inode of [...state.inodes.all()]) {
    if (seen.has(inode) || inode.born !== null) continue;
    const row = await state.source.load(inode.id);
    if (row !== null) refresh(state, inode, row);
    else if (inode.nlink > 0 && !state.dirty.has(inode) && !state.logged.has(inode)) {
      // Another process deleted the node; programs that have it open must see that.
      inode.nlink = 0;
      inode.spared = true;
      if (inode.lookups > 0) invalidate.inode(inode, -1);
    }
  }
}

/**
 * Checks again inodes that another process changed while local changes were waiting. After the
 * commit, the file has both changes.
 */
export async function takeInDeferred(state: VolumeState): Promise<void> {
  for (const inode of [...state.deferred]) {
    if (state.dirty.has(inode) || state.logged.has(inode)) continue;
    state.deferred.delete(inode);
    if (state.inodes.get(inode.id) !== inode) continue;
    const row = await state.source.load(inode.id);
    // A request may have changed the inode meanwhile.
    if (row !== null) refresh(state, inode, row);
  }
}

/** Updates one inode. @returns Whether another process had changed its content. */
export async function refreshOne(state: VolumeState, inode: Inode): Promise<boolean> {
  const row = inode.born === null ? await state.source.load(inode.id) : null;
  if (row === null || inode.content === null) return false;
  const { stored, version } = inode.content;
  refresh(state, inode, row);
  return row.stored !== stored || row.version !== version;
}

/** Drops a name that now belongs to another node, or to none. */
function dropName(state: VolumeState, dentry: Dentry): void {
  const { parent, name, inode } = dentry;
  parent.children!.known.delete(name);
  inode.names.delete(dentry);
  state.options.invalidate.entry(parent, name);
  if (inode.names.size === 0) state.inodes.evictIfIdle(inode);
}

function refresh(state: VolumeState, inode: Inode, row: InodeRow): void {
  const { content } = inode;
  const theirTimes = row.mtimeSec !== inode.mtimeSec || row.mtimeNsec !== inode.mtimeNsec;
  // When content leaves another mount's log, only the content itself changes.
  const theirContent = content !== null &&
    (content.stored !== row.stored || content.version !== row.version ||
      content.loggedElsewhere || row.redo);
  const changed = row.ctimeSec !== inode.ctimeSec || row.ctimeNsec !== inode.ctimeNsec;
  if (!theirTimes && !theirContent && !changed && row.nlink === inode.nlink) return;
  if (state.dirty.has(inode) || state.logged.has(inode)) state.deferred.add(inode);
  if (inode.contentChanged || state.logged.has(inode)) {
    if (content !== null && theirContent) {
      // Local writes cover the other process's writes.
      content.stored = row.stored;
      content.version = row.version;
      content.holeBytes = state.chunks.startOf(row.holes);
      if (inode.size < row.stored) content.limit = Math.min(content.limit, inode.size);
      state.cache.drop(inode);
    }
    return;
  }
  const before = inode.size;
  // The process that removed the last name also handles the node.
  if (inode.nlink > 0 && row.nlink === 0) inode.spared = true;
  else if (row.nlink > 0) inode.spared = false;
  const modified = theirTimes || theirContent;
  const ours = state.dirty.has(inode) ? { ...inode } : null;
  state.inodes.load(inode, row);
  if (ours !== null) keepOurs(inode, ours, modified);
  if (inode.xattrChanges === null) inode.xattrs = null;
  inode.target = null;
  if (modified) state.cache.drop(inode);
  if (inode.nlink === 0 && inode.lookups === 0 && !inode.spared) abandon(state, inode);
  if (inode.lookups === 0) return;
  state.options.invalidate.inode(inode, modified ? 0 : -1);
  if (!inode.isRegular) return;
  if (inode.size > before) state.options.invalidate.grown(inode, inode.size);
  if (!modified) return;
  state.forgetInKernel(inode);
}

type Attributes = Pick<
  Inode,
  | "ownerChanged"
  | "mode"
  | "uid"
  | "gid"
  | "nlink"
  | "atimeSec"
  | "atimeNsec"
  | "mtimeSec"
  | "mtimeNsec"
  | "ctimeSec"
  | "ctimeNsec"
>;

/** Restores waiting local changes, which are newer than the file's. */
function keepOurs(inode: Inode, ours: Attributes, modified: boolean): void {
  if (ours.ownerChanged) {
    inode.mode = ours.mode;
    inode.uid = ours.uid;
    inode.gid = ours.gid;
  }
  inode.atimeSec = ours.atimeSec;
  inode.atimeNsec = ours.atimeNsec;
  if (!modified) {
    inode.mtimeSec = ours.mtimeSec;
    inode.mtimeNsec = ours.mtimeNsec;
  }
  inode.ctimeSec = ours.ctimeSec;
  inode.ctimeNsec = ours.ctimeNsec;
  // Local name changes are counted here; those of other processes are counted when the local ones
  // are committed.
  inode.nlink = ours.nlink;
}
