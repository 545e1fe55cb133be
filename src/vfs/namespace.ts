import { ErrnoError } from "./errno.ts";
import {
  type Awaitable,
  type Caller,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  RENAME_WHITEOUT,
} from "./filesystem.ts";
import {
  Children,
  Content,
  type Dentry,
  Inode,
  live,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_ISGID,
} from "./inode.ts";
import { addName } from "./inode_table.ts";
import type { VolumeState } from "./volume_state.ts";

/** Returns the visible placement of a name; null when there is none. */
export function find(state: VolumeState, parent: Inode, name: string): Awaitable<Dentry | null> {
  const children = childrenOf(parent);
  const known = children.known.get(name);
  if (known !== undefined) {
    children.lookahead.used();
    return known;
  }
  if (children.complete) return null;
  return findStored(state, parent, name);
}

async function findStored(
  state: VolumeState,
  parent: Inode,
  name: string,
): Promise<Dentry | null> {
  const row = await state.source.lookup(parent.id, name);
  const dentry = row === null ? null : storedName(parent, name, row.edge, state.inodes.of(row));
  const edge = row?.edge ?? null;
  const ahead = parent.children!.lookahead.missed(edge);
  if (ahead !== null) await readAhead(state, parent, edge, ahead);
  return dentry;
}

/** Reads names of a directory that are likely to be looked up next. */
async function readAhead(
  state: VolumeState,
  parent: Inode,
  edge: string | null,
  { after, count }: { after: string; count: number },
): Promise<void> {
  const children = parent.children!;
  const { known, removed, lookahead } = children;
  const { generation } = state;
  const page = await state.source.list(parent.id, after, count);
  if (generation !== state.generation) return;
  let added = 0;
  for (const row of page.inodes) {
    if (known.has(row.name) || removed.has(row.edge)) continue;
    storedName(parent, row.name, row.edge, state.inodes.of(row));
    added++;
  }
  // A hidden name appears when the one that hides it is removed.
  const inOrder = after === lookahead.reach && page.hidden === 0;
  if (inOrder && page.after === null) children.complete = true;
  const far = edge !== null && page.after !== null && edge > page.after;
  lookahead.read(added, after, inOrder && !far ? page.after : null);
}

/** Adds a name from the file. */
export function storedName(parent: Inode, name: string, edge: string, inode: Inode): Dentry {
  const dentry: Dentry = { parent, name, inode, edge, stored: true, moved: false, trash: false };
  addName(dentry);
  return dentry;
}

function childrenOf(directory: Inode): Children {
  if (directory.children === null) throw new ErrnoError("ENOTDIR");
  // The directory was removed but is still a working directory.
  return directory.children;
}

/** Runs a task with a value that may have to be awaited. */
export function then<T, R>(value: Awaitable<T>, task: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(task) : task(value);
}

/** The owner of a new inode. */
type Owner = Pick<Caller, "uid" | "gid">;

/** Returns a new inode that has no name yet. */
function makeInode(state: VolumeState, parent: Inode, mode: number, caller: Owner): Inode {
  const inode = new Inode(state.mint());
  const at = state.options.clock();
  inode.born = at;
  inode.mode = mode;
  inode.uid = caller.uid;
  inode.gid = caller.gid;
  if ((parent.mode & S_ISGID) !== 0) {
    inode.gid = parent.gid;
    if ((mode & S_IFMT) === S_IFDIR) inode.mode |= S_ISGID;
  }
  inode.atimeSec = at.sec;
  inode.atimeNsec = at.nsec;
  inode.modified(at);
  inode.xattrs = new Map();
  if ((mode & S_IFMT) === S_IFREG) inode.content = new Content(0, null);
  state.inodes.add(inode);
  state.touch(inode);
  return inode;
}

/**
 * Gives an inode a name, which must be free.
 *
 * @param listedAt The earlier placement at whose position the name is listed.
 */
export function place(
  state: VolumeState,
  parent: Inode,
  name: string,
  inode: Inode,
  moved: boolean,
  listedAt?: string,
): void {
  const edge = state.mint();
  const dentry: Dentry = { parent, name, inode, edge, stored: false, moved, trash: false };
  addName(dentry);
  parent.children!.added.add(dentry);
  parent.children!.order?.placed(edge, name, listedAt);
  state.addedNames.add(dentry);
  parent.modified(state.options.clock());
  state.touch(parent);
}

/**
 * Removes a name. The caller adjusts the inode's link count.
 *
 * @param renamed Whether the node, or the next node of the name, keeps the position in listings.
 */
export function displace(state: VolumeState, dentry: Dentry, renamed: boolean = false): void {
  const { parent, inode } = dentry;
  const children = parent.children!;
  inode.names.delete(dentry);
  children.order?.ended(dentry.edge, renamed ? undefined : dentry.name);
  if (dentry.stored) {
    children.removed.add(dentry.edge);
    children.removedNames.add(dentry.name);
    state.removedNames.add(dentry);
    if (children.known.get(dentry.name) === dentry) children.known.set(dentry.name, null);
  } else {
    children.added.delete(dentry);
    state.addedNames.delete(dentry);
    if (children.known.get(dentry.name) === dentry) {
      // The file may still have another node of this name.
      if (children.removedNames.has(dentry.name)) children.known.set(dentry.name, null);
      else children.known.delete(dentry.name);
    }
  }
  parent.modified(state.options.clock());
  state.touch(parent);
}

/** Records that an inode has lost a name. */
function unlinked(state: VolumeState, inode: Inode): void {
  inode.changed(state.options.clock());
  state.touch(inode);
  if (inode.nlink > 0 || inode.lookups > 0) return;
  abandon(state, inode);
}

/** Drops waiting changes of an inode that nobody can reach any more. */
export function abandon(state: VolumeState, inode: Inode): void {
  const { content } = inode;
  state.aside.delete(inode);
  if (content !== null) {
    for (const chunk of content.chunks.values()) state.dirtyBytes -= chunk.memory;
    content.chunks.clear();
    content.unsaved.clear();
    state.logged.delete(inode);
  }
  state.dirtyBytes -= inode.xattrBytes;
  inode.xattrBytes = 0;
  inode.xattrChanges = null;
  state.cache.drop(inode);
  if (inode.born === null) {
    state.touch(inode);
  } else {
    state.dirty.delete(inode);
    state.inodes.remove(inode);
  }
}

/** Creates a node other than a directory or a link. */
export function mknod(
  state: VolumeState,
  parent: Inode,
  name: string,
  mode: number,
  rdev: number,
  caller: Caller,
): Awaitable<Inode> {
  return create(state, parent, name, (parent) => {
    const type = mode & S_IFMT;
    const inode = makeInode(state, parent, type === 0 ? mode | S_IFREG : mode, caller);
    if (type === S_IFCHR || type === S_IFBLK) inode.rdev = rdev;
    return inode;
  });
}

/** Creates a directory. */
export function mkdir(
  state: VolumeState,
  parent: Inode,
  name: string,
  mode: number,
  caller: Caller,
): Awaitable<Inode> {
  return create(state, parent, name, (parent) => {
    const inode = makeInode(state, parent, S_IFDIR | (mode & 0o7777), caller);
    inode.children = new Children(true);
    inode.nlink = 2;
    inode.size = 4096;
    parent.nlink++;
    return inode;
  });
}

/** Creates a symbolic link. */
export function symlink(
  state: VolumeState,
  parent: Inode,
  name: string,
  target: Uint8Array,
  caller: Caller,
): Awaitable<Inode> {
  return create(state, parent, name, (parent) => {
    const inode = makeInode(state, parent, S_IFLNK | 0o777, caller);
    inode.target = target.slice();
    inode.size = target.length;
    return inode;
  });
}

function create(
  state: VolumeState,
  above: Inode,
  name: string,
  make: (parent: Inode) => Inode,
): Awaitable<Inode> {
  state.requireWritable();
  const parent = live(above);
  return then(find(state, parent, name), (taken) => {
    if (taken !== null) throw new ErrnoError("EEXIST");
    if (parent.nlink === 0) throw new ErrnoError("ENOENT");
    const inode = make(parent);
    place(state, parent, name, inode, false);
    return inode;
  });
}

/** Creates a file without a name. */
export function tmpfile(state: VolumeState, parent: Inode, mode: number, caller: Caller): Inode {
  state.requireWritable();
  const inode = makeInode(state, live(parent), S_IFREG | (mode & 0o7777), caller);
  inode.nlink = 0;
  return inode;
}

/** Adds a name to an inode. */
export function link(
  state: VolumeState,
  inode: Inode,
  above: Inode,
  name: string,
): Awaitable<void> {
  state.requireWritable();
  const parent = live(above);
  if (inode.isDirectory) throw new ErrnoError("EPERM");
  return then(find(state, parent, name), (taken) => {
    if (taken !== null) throw new ErrnoError("EEXIST");
    if (parent.nlink === 0) throw new ErrnoError("ENOENT");
    inode.nlink++;
    inode.spared = false;
    inode.changed(state.options.clock());
    state.touch(inode);
    place(state, parent, name, inode, false);
  });
}

/** Removes a name of a node other than a directory. */
export function unlink(state: VolumeState, parent: Inode, name: string): Awaitable<void> {
  state.requireWritable();
  return then(find(state, parent, name), (dentry) => {
    if (dentry === null) throw new ErrnoError("ENOENT");
    if (dentry.inode.isDirectory) throw new ErrnoError("EISDIR");
    displace(state, dentry);
    dentry.inode.nlink = Math.max(0, dentry.inode.nlink - 1);
    unlinked(state, dentry.inode);
  });
}

/** Removes an empty directory. */
export function rmdir(state: VolumeState, parent: Inode, name: string): Awaitable<void> {
  state.requireWritable();
  return then(find(state, parent, name), (dentry) => {
    if (dentry === null) throw new ErrnoError("ENOENT");
    return then(requireEmpty(state, dentry.inode), () => {
      displace(state, dentry);
      removeDirectory(state, parent, dentry.inode);
    });
  });
}

function removeDirectory(state: VolumeState, parent: Inode, directory: Inode): void {
  parent.nlink--;
  directory.nlink = 0;
  directory.children!.complete = true;
  unlinked(state, directory);
}

/** @throws {ErrnoError} ENOTDIR, ENOTEMPTY. */
function requireEmpty(state: VolumeState, directory: Inode): Awaitable<void> {
  const children = childrenOf(directory);
  for (const dentry of children.known.values()) {
    if (dentry !== null) throw new ErrnoError("ENOTEMPTY");
  }
  if (children.complete) return;
  return state.source.hasChildren(directory.id, [...children.removed]).then((any) => {
    if (any) throw new ErrnoError("ENOTEMPTY");
  });
}

/**
 * Renames a node.
 *
 * @param flags The flags of `renameat2`.
 * @param caller The owner of a whiteout.
 */
export function rename(
  state: VolumeState,
  parent: Inode,
  name: string,
  newParent: Inode,
  newName: string,
  flags: number,
  caller: Owner,
): Awaitable<void> {
  state.requireWritable();
  const known = RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT;
  const exchanges = (flags & RENAME_EXCHANGE) !== 0;
  if ((flags & ~known) !== 0 || (exchanges && flags !== RENAME_EXCHANGE)) {
    throw new ErrnoError("EINVAL");
  }
  const whiteout = (flags & RENAME_WHITEOUT) !== 0 ? caller : null;
  return then(
    find(state, parent, name),
    (from) =>
      then(find(state, newParent, newName), (to) => {
        if (from === null) throw new ErrnoError("ENOENT");
        if (newParent.nlink === 0) throw new ErrnoError("ENOENT");
        if (isBelow(newParent, from.inode)) throw new ErrnoError("EINVAL");
        if (exchanges) {
          if (to === null) throw new ErrnoError("ENOENT");
          if (isBelow(parent, to.inode)) throw new ErrnoError("EINVAL");
          return exchange(state, from, to);
        }
        if (to === null) return move(state, from, newParent, newName, { whiteout });
        if ((flags & RENAME_NOREPLACE) !== 0) throw new ErrnoError("EEXIST");
        if (to.inode === from.inode) return;
        return replace(state, from, to, whiteout);
      }),
  );
}

function replace(
  state: VolumeState,
  from: Dentry,
  to: Dentry,
  whiteout: Owner | null,
): Awaitable<void> {
  const directory = from.inode.isDirectory;
  if (to.inode.isDirectory && !directory) throw new ErrnoError("EISDIR");
  if (!to.inode.isDirectory && directory) throw new ErrnoError("ENOTDIR");
  return then(directory ? requireEmpty(state, to.inode) : undefined, () => {
    const place = placeOf(to);
    displace(state, to, true);
    if (directory) {
      removeDirectory(state, to.parent, to.inode);
    } else {
      to.inode.nlink = Math.max(0, to.inode.nlink - 1);
      unlinked(state, to.inode);
    }
    move(state, from, to.parent, to.name, { replaced: place, whiteout });
  });
}

/** Returns the position of a name in listings. */
function placeOf({ parent, edge }: Dentry): string | undefined {
  return parent.children!.order?.placeOf(edge);
}

function move(
  state: VolumeState,
  from: Dentry,
  parent: Inode,
  name: string,
  { replaced, whiteout }: {
    /** The listing position of the node that had the name. */
    replaced?: string;
    /** The owner of the whiteout to leave behind; null for none. */
    whiteout: Owner | null;
  },
): void {
  const keeps = whiteout === null && parent === from.parent && replaced === undefined;
  const listedAt = keeps ? placeOf(from) : replaced;
  displace(state, from, keeps);
  if (from.inode.isDirectory) {
    from.parent.nlink--;
    parent.nlink++;
  }
  place(state, parent, name, from.inode, true, listedAt);
  from.inode.changed(state.options.clock());
  state.touch(from.inode);
  // A whiteout: it tells an overlay that the lower name is deleted.
  if (whiteout !== null) {
    place(state, from.parent, from.name, makeInode(state, from.parent, S_IFCHR, whiteout), false);
  }
}

function exchange(state: VolumeState, from: Dentry, to: Dentry): void {
  if (from === to) return;
  const places = [placeOf(to), placeOf(from)];
  displace(state, from, true);
  displace(state, to, true);
  for (const [dentry, other] of [[from, to], [to, from]]) {
    if (dentry.inode.isDirectory) {
      dentry.parent.nlink--;
      other.parent.nlink++;
    }
    place(state, other.parent, other.name, dentry.inode, true, places.shift());
    dentry.inode.changed(state.options.clock());
    state.touch(dentry.inode);
  }
}

/** Returns whether a directory is another one or below it. */
function isBelow(directory: Inode, top: Inode): boolean {
  // A damaged file may have a directory that contains itself.
  const passed = new Set<Inode>();
  for (let at: Inode | undefined = directory; at !== undefined; at = parentOf(at)) {
    if (at === top) return true;
    if (passed.has(at)) return false;
    passed.add(at);
  }
  return false;
}

/** Returns a directory's parent; undefined for the root. */
export function parentOf(directory: Inode): Inode | undefined {
  for (const { parent } of directory.names) return parent;
  return undefined;
}
