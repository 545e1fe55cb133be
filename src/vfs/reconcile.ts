import type { Inode } from "./inode.ts";
import { retract, toTrash } from "./name_conflicts.ts";
import type { VolumeState } from "./volume_state.ts";

/**
 * Merges uncommitted changes with those of another process. Content written here overwrites the
 * other process's content; entries added to a directory that the other process has deleted go to
 * the trash; changes to nodes that it has deleted are lost.
 */
export async function reconcile(state: VolumeState): Promise<void> {
  state.generation++;
  const gone = new Set<Inode>();
  const isGone = async (inode: Inode) => {
    if (inode.born !== null) return false;
    const row = await state.source.load(inode.id);
    if (row === null) gone.add(inode);
    else if (inode.content !== null) {
      const { content } = inode;
      content.stored = row.stored;
      content.version = row.version;
      // Stored content beyond our size is not valid. The log keeps its records until a fold of
      // their chunks drops them.
      if (inode.size < row.stored) content.limit = Math.min(content.limit, inode.size);
      for (const [index, chunk] of content.chunks) {
        chunk.unsave();
        content.unsaved.add(index);
      }
      if (content.chunks.size > 0) inode.contentChanged = true;
      state.cache.drop(inode);
    }
    return row === null;
  };
  for (const inode of new Set([...state.dirty, ...state.logged])) {
    if (!await isGone(inode)) state.touch(inode);
  }
  for (const dentry of [...state.addedNames]) {
    if (!gone.has(dentry.parent) && !gone.has(dentry.inode) && !await isGone(dentry.parent)) {
      continue;
    }
    retract(state, dentry);
    state.options.invalidate.entry(dentry.parent, dentry.name);
    if (!gone.has(dentry.inode)) toTrash(state, dentry, state.inodes.numbered(1), "deleted");
  }
  for (const dentry of [...state.trashedNames]) {
    if (gone.has(dentry.inode) || await isGone(dentry.parent)) state.trashedNames.delete(dentry);
  }
  for (const inode of gone) {
    state.dirty.delete(inode);
    state.logged.delete(inode);
    state.aside.delete(inode);
    state.dirtyBytes -= inode.xattrBytes;
    inode.xattrBytes = 0;
    inode.xattrChanges = null;
    if (inode.content !== null) {
      for (const chunk of inode.content.chunks.values()) state.dirtyBytes -= chunk.memory;
      inode.content.chunks.clear();
      inode.content.unsaved.clear();
    }
    for (const { parent, name } of inode.names) {
      parent.children?.known.delete(name);
      state.options.invalidate.entry(parent, name);
    }
    inode.names.clear();
    inode.nlink = 0;
    state.options.invalidate.inode(inode, -1);
    state.inodes.evictIfIdle(inode);
  }
}
