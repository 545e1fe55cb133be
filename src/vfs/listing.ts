import type { InodePage, ListedInode } from "../ops/inodes.ts";
import { afterCookie, cookieOf } from "./cookies.ts";
import { ErrnoError } from "./errno.ts";
import type { Awaitable, Entry } from "./filesystem.ts";
import type { Inode } from "./inode.ts";
import { storedName } from "./namespace.ts";
import type { VolumeState } from "./volume_state.ts";

/** Rows that a listing reads at first, and at most. */
const FIRST_PAGE = 128;
const LONGEST_PAGE = 2048;

/** Rows of a listing that were read and not handed out. */
export interface ListingPage {
  /** What the rows come after. */
  after: string;
  /** With the nodes, or without where memory knows them. */
  rows: (ListedInode | { edge: string; name: string })[];
  /** What the next rows come after; null when these are the last. */
  next: string | null;
  /** Of the state, when they were read. */
  generation: number;
}

/** Lists a directory: what the file has, then what it does not have yet. */
export function readdir(
  state: VolumeState,
  directory: Inode,
  cookieHigh: number,
  cookieLow: number,
  fill: (entry: Entry) => boolean,
): Awaitable<void> {
  const { children } = directory;
  if (children === null) throw new ErrnoError("ENOTDIR");
  const after = afterCookie(cookieHigh, cookieLow);
  if (directory.born !== null || directory.nlink === 0) {
    fillAdded(directory, after, fill);
    return;
  }
  return readStored(state, directory, after, fill);
}

async function readStored(
  state: VolumeState,
  directory: Inode,
  from: string,
  fill: (entry: Entry) => boolean,
): Promise<void> {
  const children = directory.children!;
  for (let after: string = from;;) {
    let page: ListingPage | null = children.page as ListingPage | null;
    if (page === null || page.after !== after || page.generation !== state.generation) {
      const limit: number = after === ""
        ? FIRST_PAGE
        : Math.min(LONGEST_PAGE, 2 * Math.max(FIRST_PAGE, children.pageLimit));
      children.pageLimit = limit;
      page = await knownPage(state, directory, after, limit) ??
        await fullPage(state, directory, after, limit);
    }
    children.page = null;
    for (let i = 0; i < page.rows.length; i++) {
      const row = page.rows[i];
      if (children.removed.has(row.edge)) continue;
      let dentry = children.known.get(row.name);
      if (dentry === undefined || dentry === null || dentry.edge !== row.edge) {
        // A newer name of the kind is listed where it is.
        if (dentry) continue;
        if (!("id" in row)) {
          // It was let go since the names were read.
          const last: string = i === 0 ? after : afterCookieOf(page.rows[i - 1].edge);
          page = await fullPage(state, directory, last, FIRST_PAGE);
          after = last;
          i = -1;
          continue;
        }
        dentry = storedName(directory, row.name, row.edge, state.inodes.of(row));
      }
      const { high, low } = cookieOf(row.edge);
      const entry = { name: row.name, inode: dentry.inode, cookieHigh: high, cookieLow: low };
      if (!fill(entry)) {
        const last: string = i === 0 ? after : afterCookieOf(page.rows[i - 1].edge);
        children.page = { ...page, after: last, rows: page.rows.slice(i) };
        state.inodes.trim();
        return;
      }
    }
    if (page.next === null && page.rows.length > 0) {
      // Asked again from here on, as the end of a listing always is.
      const end = afterCookieOf(page.rows[page.rows.length - 1].edge);
      children.page = { ...page, after: end, rows: [] };
    }
    if (page.next === null) break;
    after = page.next;
  }
  fillAdded(directory, from, fill);
  state.inodes.trim();
}

/** A page whose nodes are all in memory; null when one is not. */
async function knownPage(
  state: VolumeState,
  directory: Inode,
  after: string,
  limit: number,
): Promise<ListingPage | null> {
  const { known, removed } = directory.children!;
  if (known.size === 0) return null;
  const rows = await state.source.names(directory.id, after, limit);
  if (rows === null) return null;
  for (const { edge, name } of rows) {
    if (known.get(name)?.edge !== edge && !removed.has(edge)) return null;
  }
  const next = rows.length < limit ? null : rows[rows.length - 1].edge;
  return { after, rows, next, generation: state.generation };
}

async function fullPage(
  state: VolumeState,
  directory: Inode,
  after: string,
  limit: number,
): Promise<ListingPage> {
  const read: InodePage = await state.source.list(directory.id, after, limit);
  return { after, rows: read.inodes, next: read.after, generation: state.generation };
}

function fillAdded(directory: Inode, after: string, fill: (entry: Entry) => boolean): void {
  for (const { name, inode, edge } of directory.children!.added) {
    if (edge <= after) continue;
    const { high, low } = cookieOf(edge);
    if (!fill({ name, inode, cookieHigh: high, cookieLow: low })) return;
  }
}

function afterCookieOf(edge: string): string {
  const { high, low } = cookieOf(edge);
  return afterCookie(high, low);
}
