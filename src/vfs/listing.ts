import type { InodePage, ListedInode } from "../ops/inodes.ts";
import { afterWatermark, COUNTED } from "../ids.ts";
import { cookieOf, positionOf } from "./cookies.ts";
import { ErrnoError } from "./errno.ts";
import type { Awaitable, Entry } from "./filesystem.ts";
import type { Dentry, Inode } from "./inode.ts";
import { isBefore, isBehind, ListingOrder } from "./listing_order.ts";
import { storedName } from "./namespace.ts";
import type { VolumeState } from "./volume_state.ts";

/** Rows that a listing reads at first, and at most. */
const FIRST_PAGE = 128;
const LONGEST_PAGE = 2048;

/** Rows of a listing that were read and not handed out. */
export interface ListingPage {
  /** The part of the listing. */
  fresh: boolean;
  /** What the rows come behind, as a cookie says it. */
  place: string;
  /** With the nodes, or without where memory knows them. */
  rows: (ListedInode | { edge: string; name: string })[];
  /** What the next rows come behind; null when these are the last. */
  next: string | null;
  /** Of the state, when they were read. */
  generation: number;
}

/** A name that is not among the rows at its place. */
interface ExtraName {
  readonly place: string;
  readonly edge: string;
  readonly name: string;
}

/** Hands one name of a directory out; false when there is no room for it. */
type Emit = (dentry: Dentry, place: string) => boolean;

/** Lists a directory: what the file has and what it does not have yet, in the directory's order. */
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

/** A directory that the file has nothing of. */
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

/** @returns Whether there was room for all of the part. */
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
  /** What was handed out last. */
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
        // A newer name of the kind is listed where it is.
        if (dentry) continue;
        if (!("id" in row)) {
          // It was let go since the names were read.
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
      // Asked again from here on, as the end of a listing always is.
      children.page = { ...page, place: last, rows: [] };
    }
    place = page.next;
  }
  return true;
}

/** The names that a part has behind a place besides the file's own rows, as they are listed. */
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

/** Null when others have ended it. */
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

/** What of an id is in its cookie: time and counter. */
function startOf(place: string): string {
  return place.slice(0, COUNTED);
}

/** The rows behind a place: those left of the last request, or more of the file's. */
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

/** A page whose nodes are all in memory; null when one is not. */
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

/** The second part ends where the first one begins. */
function pageOf(page: ListingPage, boundary: string): ListingPage {
  const { fresh, rows, next } = page;
  if (next !== null) page.next = !fresh && next > boundary ? null : startOf(next);
  if (!fresh && rows.length > 0 && rows[rows.length - 1].edge > boundary) {
    page.rows = rows.filter(({ edge }) => edge < boundary);
    page.next = null;
  }
  return page;
}

/** Text that sorts after the placement of a cookie and before the next one. */
function afterText(place: string): string {
  return place === "" ? "" : `${place}-g`;
}

/** Text that sorts before the placement of a cookie and after the one before. */
function beforeText(place: string): string {
  return place === "" ? "g" : place;
}
