import type { NamesTaken, TakenName } from "../ops/names_of_others.ts";
import type { Dentry, Inode } from "./inode.ts";
import { abandon, displace, find, place, storedName } from "./namespace.ts";
import { pathOfName } from "./set_aside.ts";
import type { VolumeState } from "./volume_state.ts";

/**
 * Brings the names that wait to be committed in line with those that others
 * have given meanwhile, so that no name has two nodes: directories become one,
 * a directory goes before anything else, and of two files the one that was
 * changed last keeps the name. The other one goes to the trash.
 */
export async function settleNames(
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
    // Of several the first one is visible.
    if (seen.has(key)) continue;
    seen.add(key);
    const ours = addedName(state, each);
    const row = ours === null ? null : await state.source.load(each.node);
    // One that is gone again is no conflict any more.
    if (ours === null || row === null) continue;
    await settleName(state, ours, each.edge, state.inodes.of(row));
    await removeHidden(state, ours, each, taken);
  }
}

function addedName(state: VolumeState, { parent, name }: TakenName): Dentry | null {
  const dentry = state.inodes.get(parent)?.children?.known.get(name);
  return dentry != null && !dentry.stored ? dentry : null;
}

/** @param edge The placement that the file has of the name, of `theirs`. */
async function settleName(
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
    tell(state, parent, name, "theirs");
  }
  state.options.invalidate.entry(parent, name);
  state.options.invalidate.inode(parent, 0);
}

/** Where ours keeps the name, what was hidden by theirs goes to the trash with it. */
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

/** Whether an inode was changed after another one; of two at once the younger one. */
function isLater(inode: Inode, other: Inode): boolean {
  const difference = inode.ctimeSec - other.ctimeSec || inode.ctimeNsec - other.ctimeNsec;
  return difference > 0 || (difference === 0 && inode.id > other.id);
}

/** Takes a name back that the file does not have yet. */
export function retract(state: VolumeState, dentry: Dentry): void {
  const { parent, name, inode } = dentry;
  const children = parent.children!;
  state.addedNames.delete(dentry);
  children.added.delete(dentry);
  if (children.known.get(name) === dentry) children.known.delete(name);
  inode.names.delete(dentry);
}

/** A name in the file goes to the trash with what has it. */
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
 * What has lost a name by what others did goes to the trash, unless it has
 * another name.
 *
 * @param directory The one that it is remembered to be from.
 * @param reason Whether others have given the name, or deleted its directory.
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
  if (reason === "given") tell(state, directory, name, "ours");
  else {
    const path = pathOfName(ours.parent, name);
    state.options.log(`${path}: another process deleted its directory: it is in the trash`);
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

function tell(state: VolumeState, parent: Inode, name: string, loser: "ours" | "theirs"): void {
  const whose = loser === "ours" ? "what was made here" : "what that made";
  state.options.log(
    `${pathOfName(parent, name)}: another process gave the name too: ${whose} is in the trash`,
  );
}

/** A directory that others have moved was in memory where it had been. */
function leaveOldPlace(state: VolumeState, directory: Inode): void {
  for (const dentry of [...directory.names]) {
    const { known } = dentry.parent.children!;
    if (known.get(dentry.name) === dentry) known.delete(dentry.name);
    directory.names.delete(dentry);
    state.options.invalidate.entry(dentry.parent, dentry.name);
  }
}

/**
 * Makes a directory of ours, which has no name any more, part of one that the
 * file has: what is in it goes there, and who uses ours uses that.
 */
async function join(state: VolumeState, ours: Inode, theirs: Inode): Promise<void> {
  await loadChildren(state, ours);
  for (const dentry of [...ours.children!.known.values()]) {
    if (dentry !== null) await moveInto(state, dentry, theirs);
  }
  if (ours.born !== null) abandon(state, ours);
  state.inodes.redirect(ours, theirs);
  if (ours.born !== null) return;
  // Its node goes to the trash: others may be about to put something into it.
  state.inodes.add(ours);
  for (const dentry of state.removedNames) if (dentry.inode === ours) dentry.trash = true;
  ours.nlink = 0;
  ours.spared = true;
  state.touch(ours);
}

/** Has all names of a directory in memory. */
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

/** Moves a name into another directory, or what it names into what has the name there. */
async function moveInto(state: VolumeState, dentry: Dentry, to: Inode): Promise<void> {
  const { inode, name } = dentry;
  const there = await find(state, to, name);
  if (there === null) return relocate(state, dentry, to);
  displace(state, dentry);
  if (there.inode === inode) {
    // It has one name less, or is a directory that was here twice.
    if (!inode.isDirectory) {
      inode.nlink = Math.max(1, inode.nlink - 1);
      state.options.invalidate.inode(inode, -1);
    }
  } else if (there.inode.isDirectory) {
    if (inode.isDirectory) await join(state, inode, there.inode);
    else toTrash(state, dentry, to);
  } else if (!inode.isDirectory && isLater(there.inode, inode)) {
    toTrash(state, dentry, to);
  } else {
    if (there.stored) {
      const { known } = to.children!;
      if (known.get(name) === there) known.delete(name);
      removeTheirs(state, Object.assign(there, { trash: true }));
      tell(state, to, name, "theirs");
    } else {
      retract(state, there);
      toTrash(state, there, to);
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

/** Takes a move back of a directory that others have moved, or what it went into: they were first. */
async function yieldMove(state: VolumeState, dentry: Dentry): Promise<void> {
  const { parent, name, inode } = dentry;
  retract(state, dentry);
  parent.nlink--;
  const row = await state.source.load(inode.id);
  if (row !== null) inode.nlink = row.nlink;
  state.options.invalidate.inode(inode, -1);
  state.options.log(
    `${pathOfName(parent, name)}: not moved there: another process has moved directories too`,
  );
  state.options.invalidate.entry(parent, name);
  state.options.invalidate.inode(parent, 0);
}

/** Gives a directory the place again that it has in the file. */
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
  else await settleName(state, taken, edge, directory);
  state.options.invalidate.entry(parent, name);
}
