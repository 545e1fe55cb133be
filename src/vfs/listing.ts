import type { InodePage, ListedInode } from "../internal.ts";
import { afterWatermark, COUNTED } from "../ids.ts";
import { cookieOf, positionOf } from "./cookies.ts";
import { ErrnoError } from "./errno.ts";
import type { Awaitable, Entry } from "./filesystem.ts";
import type { Dentry, Inode } from "./inode.ts";
import { isBefore, isBehind, ListingOrder } from "./listing_order.ts";
import { storedName } from "./namespace.ts";
import type { VolumeState } from "./volume_state.ts";

/** The number of rows on the first page of a listing, and on the longest one. */
const FIRST_PAGE = 128;
const LONGEST_PAGE = 2048;

/** Rows that a listing has read but not returned yet. */
export interface ListingPage {
  /** Whether the page is of the first part of the listing. */
  fresh: boolean;
  /** The position before the rows, as in a cookie. */
  place: string;
  /** Rows with their nodes, or without them when they are in memory. */
  rows: (ListedInode | { edge: string; name: string })[];
  /** The position before the next rows; null when these are the last. */
  next: string | null;
  /** The generation of the state when the rows were read. */
  generation: number;
}

/** A name that is not among the rows at its listing position. */
interface ExtraName {
  readonly place: string;
  readonly edge: string;
  readonly name: string;
}

/** Returns one name of a directory to the listing; false when it has no room. */
type Emit = (dentry: Dentry, place: string) => boolean;

/** Lists a directory, both stored and new names, in the directory's order. */
export function readdir(
  state: VolumeState,
  directory: Inode,
  cookieHigh: number,
  cookieLow: number,
  fill: (entry: Entry) => boolean,
): Awaitable<void> {
  const { children } = directory;
  if (children === null) throw new ErrnoError("ENOTDIR");
  children.order ??= new ListingOrder(afterWatermark(state.watermark), state.generation);
  const { fresh, place } = positionOf(cookieHigh, cookieLow);
  if (directory.born !== null || directory.nlink === 0) {
    listAdded(directory, fresh, place, fill);
    return;
  }
  return listStored(state, directory, fresh, place, fill);
}

/** Lists a directory that the file does not have yet. */
function listAdded(
  directory: Inode,
  fresh: boolean,
  place: string,
  fill: (entry: Entry) => boolean,
): void {
  const { known } = directory.children!;
  const list = (fresh: boolean, place: string): boolean => {
    const emit = emitter(fresh, fill);
    return extraNames(directory, fresh, place).every((extra) => {
      const dentry = known.get(extra.name);
      return dentry?.edge !== extra.edge || emit(dentry, extra.place);
    });
  };
  if (fresh && !list(true, place)) return;
  list(false, fresh ? "" : place);
}

async function listStored(
  state: VolumeState,
  directory: Inode,
  fresh: boolean,
  place: string,
  fill: (entry: Entry) => boolean,
): Promise<void> {
  const room = !fresh || await listPart(state, directory, true, place, fill);
  if (room) await listPart(state, directory, false, fresh ? "" : place, fill);
  state.inodes.trim();
}

/**
 * @returns Whether there was room for the whole part.
 */
async function listPart(
  state: VolumeState,
  directory: Inode,
  fresh: boolean,
  from: string,
  fill: (entry: Entry) => boolean,
): Promise<boolean> {
  const children = directory.children!;
  const order = children.order!;
  const extras = extraNames(directory, fresh, from);
  const emit = emitter(fresh, fill);
  /** The position of the last returned name. */
  let last = from;
  let nextExtra = 0;
  const emitExtras = async (before: string | null): Promise<boolean> => {
    for (; nextExtra < extras.length; nextExtra++) {
      const extra = extras[nextExtra];
      if (before !== null && !isBefore(fresh, extra.place, before)) return true;
      const dentry = await extraDentry(state, directory, extra);
      if (dentry === null) continue;
      if (!emit(dentry, extra.place)) return false;
      last = startOf(extra.place);
    }
    return true;
  };
  for (let place: string | null = from; place !== null;) {
    let page: ListingPage = await takePage(state, directory, fresh, place);
    const rest = (i: number) => {
      children.page = { ...page, place: last, rows: page.rows.slice(i) };
      return false;
    };
    for (let i = 0; i < page.rows.length; i++) {
      const row = page.rows[i];
      if (children.removed.has(row.edge) || order.isKept(row.edge)) continue;
      if (!await emitExtras(row.edge)) return rest(i);
      let dentry = children.known.get(row.name);
      if (dentry === undefined || dentry === null || dentry.edge !== row.edge) {
        // A newer placement of the name is listed at its own position.
        if (dentry) continue;
        if (!("id" in row)) {
          // The inode was evicted since the names were read.
          page = await fullPage(state, directory, fresh, last, FIRST_PAGE);
          i = -1;
          continue;
        }
        dentry = storedName(directory, row.name, row.edge, state.inodes.of(row));
      }
      if (!emit(dentry, row.edge)) return rest(i);
      last = startOf(row.edge);
    }
    if (page.next === null && !await emitExtras(null)) return rest(page.rows.length);
    if (page.next === null && !fresh && last !== "") {
      // The kernel asks once more after the last entry, so keep an empty last page.
      children.page = { ...page, place: last, rows: [] };
    }
    place = page.next;
  }
  return true;
}

/**
 * Returns the names of a part after a position that are not the file's own rows, in listing order.
 */
function extraNames(directory: Inode, fresh: boolean, place: string): readonly ExtraName[] {
  const { added, order } = directory.children!;
  const kept = order!.keptAfter(fresh, place);
  const own: ExtraName[] = [];
  for (const { edge, name } of added) {
    if (order!.isFresh(edge) !== fresh || order!.isKept(edge)) continue;
    if (isBehind(fresh, edge, place)) own.push({ place: edge, edge, name });
  }
  if (fresh) own.reverse();
  if (kept.length === 0) return own;
  if (own.length === 0) return kept;
  return [...kept, ...own].sort((a, b) => isBefore(fresh, a.place, b.place) ? -1 : 1);
}

/** Returns the dentry of an extra name; null when another process has removed it. */
async function extraDentry(
  state: VolumeState,
  directory: Inode,
  { name, edge }: ExtraName,
): Promise<Dentry | null> {
  const { known, order } = directory.children!;
  const dentry = known.get(name);
  if (dentry?.edge === edge) return dentry;
  const row = dentry === undefined ? await state.source.lookup(directory.id, name) : null;
  if (row?.edge === edge) return storedName(directory, name, edge, state.inodes.of(row));
  order!.ended(edge);
  return null;
}

function emitter(fresh: boolean, fill: (entry: Entry) => boolean): Emit {
  return ({ name, inode }, place) => {
    const { high, low } = cookieOf(place, fresh);
    return fill({ name, inode, cookieHigh: high, cookieLow: low });
  };
}

/** Returns the part of an id that its cookie holds: time and counter. */
function startOf(place: string): string {
  return place.slice(0, COUNTED);
}

/** Returns the rows after a position: the rest of the last page, or a new page from the file. */
async function takePage(
  state: VolumeState,
  directory: Inode,
  fresh: boolean,
  place: string,
): Promise<ListingPage> {
  const { generation } = state;
  const children = directory.children!;
  const left = children.page;
  if (
    left !== null && left.fresh === fresh && left.place === place &&
    left.generation === generation
  ) {
    children.page = null;
    return left;
  }
  const order = children.order!;
  if (fresh && order.withoutFresh === generation) {
    return { fresh, place, rows: [], next: null, generation };
  }
  children.page = null;
  const limit = place === ""
    ? FIRST_PAGE
    : Math.min(LONGEST_PAGE, 2 * Math.max(FIRST_PAGE, children.pageLimit));
  children.pageLimit = limit;
  const page = await knownPage(state, directory, fresh, place, limit) ??
    await fullPage(state, directory, fresh, place, limit);
  if (fresh && place === "" && page.rows.length === 0 && page.next === null) {
    order.withoutFresh = generation;
  }
  return page;
}

/** Returns a page whose nodes are all in memory; null when one is not. */
async function knownPage(
  state: VolumeState,
  directory: Inode,
  fresh: boolean,
  place: string,
  limit: number,
): Promise<ListingPage | null> {
  const { known, removed, order } = directory.children!;
  if (known.size === 0) return null;
  const { generation } = state;
  const { boundary } = order!;
  const rows = fresh
    ? await state.source.newestNames(directory.id, boundary, beforeText(place), limit)
    : await state.source.names(directory.id, afterText(place), limit);
  if (rows === null) return null;
  for (const { edge, name } of rows) {
    if (known.get(name)?.edge !== edge && !removed.has(edge)) return null;
  }
  const next = rows.length < limit ? null : rows[rows.length - 1].edge;
  return pageOf({ fresh, place, rows, next, generation }, boundary);
}

async function fullPage(
  state: VolumeState,
  directory: Inode,
  fresh: boolean,
  place: string,
  limit: number,
): Promise<ListingPage> {
  const { generation } = state;
  const { boundary } = directory.children!.order!;
  const read: InodePage = fresh
    ? await state.source.newest(directory.id, boundary, beforeText(place), limit)
    : await state.source.list(directory.id, afterText(place), limit);
  const { inodes: rows, after: next } = read;
  return pageOf({ fresh, place, rows, next, generation }, boundary);
}

/** Cuts a page of the second part at the boundary, where the first part begins. */
function pageOf(page: ListingPage, boundary: string): ListingPage {
  const { fresh, rows, next } = page;
  if (next !== null) page.next = !fresh && next > boundary ? null : startOf(next);
  if (!fresh && rows.length > 0 && rows[rows.length - 1].edge > boundary) {
    page.rows = rows.filter(({ edge }) => edge < boundary);
    page.next = null;
  }
  return page;
}

/** Returns text that sorts after the placement of a cookie and before the next one. */
function afterText(place: string): string {
  return place === "" ? "" : `${place}-g`;
}

/** Returns text that sorts before the placement of a cookie and after the previous one. */
function beforeText(place: string): string {
  return place === "" ? "g" : place;
}
