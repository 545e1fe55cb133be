import type { NamesTaken, TakenName } from "../internal.ts";
import type { Dentry, Inode } from "./inode.ts";
import { abandon, displace, find, place, storedName } from "./namespace.ts";
import { pathOfName } from "./set_aside.ts";
import type { VolumeState } from "./volume_state.ts";

/**
 * Resolves conflicts between uncommitted names and names that another process has created
 * meanwhile, so that no name has two nodes. Two directories are merged; a directory wins over any
 * other node; of two files, the one changed last keeps the name. The other one goes to the trash.
 */
export async function resolveNameConflicts(
  state: VolumeState,
  { taken, moved, within }: NamesTaken,
): Promise<void> {
  state.generation++;
  for (const dentry of [...state.addedNames]) {
    const { id } = dentry.inode;
    if (!moved.includes(id) && !within.includes(id)) continue;
    await yieldMove(state, dentry);
    if (within.includes(id)) await moveBack(state, dentry.inode);
  }
  const seen = new Set<string>();
  for (const each of taken) {
    const key = `${each.parent}/${each.name}`;
    // Of several nodes with one name, the first one is visible.
    if (seen.has(key)) continue;
    seen.add(key);
    const ours = addedName(state, each);
    const row = ours === null ? null : await state.source.load(each.node);
    // The conflict is over if the other node no longer exists.
    if (ours === null || row === null) continue;
    await resolveConflict(state, ours, each.edge, state.inodes.of(row));
    await removeHidden(state, ours, each, taken);
  }
}

function addedName(state: VolumeState, { parent, name }: TakenName): Dentry | null {
  const dentry = state.inodes.get(parent)?.children?.known.get(name);
  return dentry != null && !dentry.stored ? dentry : null;
}

/**
 * @param edge The file's placement of the name, which belongs to `theirs`.
 */
async function resolveConflict(
  state: VolumeState,
  ours: Dentry,
  edge: string,
  theirs: Inode,
): Promise<void> {
  const { parent, name } = ours;
  if (theirs === ours.inode) {
    retract(state, ours);
    storedName(parent, name, edge, theirs);
  } else if (theirs.isDirectory) {
    retract(state, ours);
    leaveOldPlace(state, theirs);
    storedName(parent, name, edge, theirs);
    if (ours.inode.isDirectory) await join(state, ours.inode, theirs);
    else toTrash(state, ours, parent);
  } else if (!ours.inode.isDirectory && isLater(theirs, ours.inode)) {
    retract(state, ours);
    storedName(parent, name, edge, theirs);
    toTrash(state, ours, parent);
  } else {
    removeTheirs(state, { ...ours, edge, inode: theirs, stored: true, trash: true });
    logConflict(state, parent, name, "theirs");
  }
  state.options.invalidate.entry(parent, name);
  state.options.invalidate.inode(parent, 0);
}

/** When the local node keeps the name, nodes hidden by the other one go to the trash too. */
async function removeHidden(
  state: VolumeState,
  ours: Dentry,
  first: TakenName,
  taken: readonly TakenName[],
): Promise<void> {
  if (!state.addedNames.has(ours)) return;
  for (const each of taken) {
    if (each.parent !== first.parent || each.name !== first.name) continue;
    if (each === first || each.container) continue;
    const row = await state.source.load(each.node);
    if (row === null) continue;
    const inode = state.inodes.of(row);
    removeTheirs(state, { ...ours, edge: each.edge, inode, stored: true, trash: true });
  }
}

/**
 * Returns whether an inode was changed after another one; at equal times, whether it is younger.
 */
function isLater(inode: Inode, other: Inode): boolean {
  const difference = inode.ctimeSec - other.ctimeSec || inode.ctimeNsec - other.ctimeNsec;
  return difference > 0 || (difference === 0 && inode.id > other.id);
}

/** Removes a name that the file does not have yet. */
export function retract(state: VolumeState, dentry: Dentry): void {
  const { parent, name, inode } = dentry;
  const children = parent.children!;
  state.addedNames.delete(dentry);
  children.added.delete(dentry);
  if (children.known.get(name) === dentry) children.known.delete(name);
  inode.names.delete(dentry);
}

/** Moves a stored name and its node to the trash. */
function removeTheirs(state: VolumeState, dentry: Dentry): void {
  const { parent, name, inode } = dentry;
  const children = parent.children!;
  children.removed.add(dentry.edge);
  children.removedNames.add(name);
  state.removedNames.add(dentry);
  inode.names.delete(dentry);
  loseLink(state, inode);
}

function loseLink(state: VolumeState, inode: Inode): void {
  inode.nlink = inode.isDirectory ? 0 : Math.max(0, inode.nlink - 1);
  if (inode.nlink === 0) inode.spared = true;
  state.options.invalidate.inode(inode, -1);
}

/**
 * Moves a node that has lost its name to another process into the trash, unless it has another
 * name.
 *
 * @param directory The directory that the trash records as its origin.
 * @param reason Whether another process has taken the name, or deleted its directory.
 */
export function toTrash(
  state: VolumeState,
  ours: Dentry,
  directory: Inode,
  reason: "given" | "deleted" = "given",
): void {
  const { name, inode } = ours;
  loseLink(state, inode);
  inode.changed(state.options.clock());
  state.touch(inode);
  if (reason === "given") logConflict(state, directory, name, "ours");
  else {
    const path = pathOfName(ours.parent, name);
    state.options.log(`${path}: another process deleted its directory; it was moved to the trash`);
  }
  if (inode.nlink > 0 && !inode.isDirectory) return;
  const edge = ours.stored ? state.mint() : ours.edge;
  state.trashedNames.add({
    parent: directory,
    name,
    inode,
    edge,
    stored: false,
    moved: false,
    trash: true,
  });
}

function logConflict(
  state: VolumeState,
  parent: Inode,
  name: string,
  loser: "ours" | "theirs",
): void {
  const whose = loser === "ours" ? "the entry of this mount" : "the other one";
  state.options.log(
    `${
      pathOfName(parent, name)
    }: another process created the name too; ${whose} was moved to the trash`,
  );
}

/** Drops the old position of a directory that another process has moved. */
function leaveOldPlace(state: VolumeState, directory: Inode): void {
  for (const dentry of [...directory.names]) {
    const { known } = dentry.parent.children!;
    if (known.get(dentry.name) === dentry) known.delete(dentry.name);
    directory.names.delete(dentry);
    state.options.invalidate.entry(dentry.parent, dentry.name);
  }
}

/**
 * Merges a local directory, which has no name any more, into a stored one: its entries move there,
 * and its users continue with the stored one.
 */
async function join(state: VolumeState, ours: Inode, theirs: Inode): Promise<void> {
  await loadChildren(state, ours);
  for (const dentry of [...ours.children!.known.values()]) {
    if (dentry !== null) await moveInto(state, dentry, theirs);
  }
  if (ours.born !== null) abandon(state, ours);
  state.inodes.redirect(ours, theirs);
  if (ours.born !== null) return;
  // Its node goes to the trash, because another process may be adding entries to it.
  state.inodes.add(ours);
  for (const dentry of state.removedNames) if (dentry.inode === ours) dentry.trash = true;
  ours.nlink = 0;
  ours.spared = true;
  state.touch(ours);
}

/** Loads all names of a directory into memory. */
async function loadChildren(state: VolumeState, directory: Inode): Promise<void> {
  const children = directory.children!;
  for (let after: string | null = ""; !children.complete && after !== null;) {
    const page = await state.source.list(directory.id, after, NAMES_AT_ONCE);
    for (const row of page.inodes) {
      if (children.known.has(row.name) || children.removed.has(row.edge)) continue;
      storedName(directory, row.name, row.edge, state.inodes.of(row));
    }
    after = page.after;
  }
}

const NAMES_AT_ONCE = 1024;

/** Moves a name into another directory, or merges its node with the existing node of that name. */
async function moveInto(state: VolumeState, dentry: Dentry, to: Inode): Promise<void> {
  const { inode, name } = dentry;
  const existing = await find(state, to, name);
  if (existing === null) return relocate(state, dentry, to);
  displace(state, dentry);
  if (existing.inode === inode) {
    // The node loses one name, or is a directory that was here twice.
    if (!inode.isDirectory) {
      inode.nlink = Math.max(1, inode.nlink - 1);
      state.options.invalidate.inode(inode, -1);
    }
  } else if (existing.inode.isDirectory) {
    if (inode.isDirectory) await join(state, inode, existing.inode);
    else toTrash(state, dentry, to);
  } else if (!inode.isDirectory && isLater(existing.inode, inode)) {
    toTrash(state, dentry, to);
  } else {
    if (existing.stored) {
      const { known } = to.children!;
      if (known.get(name) === existing) known.delete(name);
      removeTheirs(state, Object.assign(existing, { trash: true }));
      logConflict(state, to, name, "theirs");
    } else {
      retract(state, existing);
      toTrash(state, existing, to);
    }
    addAgain(state, dentry, to);
  }
  state.options.invalidate.entry(to, name);
}

function relocate(state: VolumeState, dentry: Dentry, to: Inode): void {
  displace(state, dentry);
  addAgain(state, dentry, to);
}

function addAgain(state: VolumeState, dentry: Dentry, to: Inode): void {
  const { inode, name } = dentry;
  if (inode.isDirectory) {
    dentry.parent.nlink--;
    to.nlink++;
  }
  state.options.invalidate.inode(to, 0);
  place(state, to, name, inode, dentry.moved || dentry.stored);
  state.touch(inode);
}

/** Reverts the move of a directory, or of its target, that another process has moved first. */
async function yieldMove(state: VolumeState, dentry: Dentry): Promise<void> {
  const { parent, name, inode } = dentry;
  retract(state, dentry);
  parent.nlink--;
  const row = await state.source.load(inode.id);
  if (row !== null) inode.nlink = row.nlink;
  state.options.invalidate.inode(inode, -1);
  state.options.log(
    `${pathOfName(parent, name)}: not moved; another process has moved directories too`,
  );
  state.options.invalidate.entry(parent, name);
  state.options.invalidate.inode(parent, 0);
}

/** Restores a directory's position in the file. */
async function moveBack(state: VolumeState, directory: Inode): Promise<void> {
  const old = [...state.removedNames].find(({ inode }) => inode === directory);
  if (old === undefined) return;
  const { parent, name, edge } = old;
  const children = parent.children!;
  state.removedNames.delete(old);
  children.removed.delete(edge);
  const others = [...state.removedNames];
  if (!others.some((each) => each.parent === parent && each.name === name)) {
    children.removedNames.delete(name);
  }
  parent.nlink++;
  state.options.invalidate.inode(parent, 0);
  const taken = children.known.get(name);
  if (taken == null || taken.stored) storedName(parent, name, edge, directory);
  else await resolveConflict(state, taken, edge, directory);
  state.options.invalidate.entry(parent, name);
}
