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
  rows: ListedInode[];
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
  for (let after: string | null = from; after !== null;) {
    let page = children.page as ListingPage | null;
    if (page === null || page.after !== after || page.generation !== state.generation) {
      const limit = after === ""
        ? FIRST_PAGE
        : Math.min(LONGEST_PAGE, 2 * Math.max(FIRST_PAGE, children.pageLimit));
      children.pageLimit = limit;
      const read: InodePage = await state.source.list(directory.id, after, limit);
      page = {
        after,
        rows: read.inodes,
        next: read.after,
        generation: state.generation,
      };
    }
    children.page = null;
    for (let i = 0; i < page.rows.length; i++) {
      const row = page.rows[i];
      if (children.removed.has(row.edge)) continue;
      let dentry = children.known.get(row.name);
      if (dentry === undefined || dentry === null || dentry.edge !== row.edge) {
        // A newer name of the kind is listed where it is.
        if (dentry) continue;
        dentry = storedName(directory, row.name, row.edge, state.inodes.of(row));
      }
      const { high, low } = cookieOf(row.edge);
      const entry = { name: row.name, inode: dentry.inode, cookieHigh: high, cookieLow: low };
      if (!fill(entry)) {
        const last = i === 0 ? after : afterCookieOf(page.rows[i - 1].edge);
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
    after = page.next;
  }
  fillAdded(directory, from, fill);
  state.inodes.trim();
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
