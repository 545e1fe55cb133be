import { hasNewerChild, newestPlacement } from "../../templates/listing.ts";
import { AloeError } from "../errors.ts";
import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";

/** Which part of a listing is wanted. */
export interface ListPage {
  /**
   * Where it goes on: the edge of the last entry of the page before, or what that gave as
   * its `next`; none for the first page. A listing that goes on has what was there at its
   * first page, each once, and ends, whatever is renamed and made meanwhile.
   */
  after?: string;
  /** At most this many entries. */
  limit: number;
}

/** Where a listing goes on, and where it ends. */
export interface Position {
  /** The place of the last entry that was given; empty for none. */
  after: string;
  /** The newest placement that there was at the first page. */
  until: string;
}

/** After every id. */
const END = "\u{10ffff}";

/** Neither in an id. */
const SEPARATOR = ".";

/** A position as text: what a page may come `after`. */
export function positionText({ after, until }: Position): string {
  return `${after}${SEPARATOR}${until}`;
}

/** What {@linkcode positionText} has written; a bare id has no end. */
export function positionOf(text: string): Position {
  const at = text.indexOf(SEPARATOR);
  return at < 0
    ? { after: text, until: END }
    : { after: text.slice(0, at), until: text.slice(at + 1) };
}

/**
 * Where a page of a container begins.
 *
 * @param parent The container's id.
 * @returns The position, and whether there may be entries whose placements are newer
 * than the listing is, at the places that they had before.
 * @throws {AloeError} `invalid` for a page of no entries.
 */
export async function beginPage(
  tx: Transaction,
  db: Database,
  parent: string,
  { after, limit }: ListPage,
): Promise<Position & { changed: boolean }> {
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new AloeError("invalid", `${limit}: a page has at least one entry`);
  }
  if (after === undefined || after === "") {
    const until = (await tx.first(newestPlacement, { parent }))?.edge_id ?? "";
    return { after: "", until, changed: false };
  }
  const { after: place, until } = positionOf(pagesOf(db).get(`${parent}${after}`) ?? after);
  const changed = await tx.first(hasNewerChild, { parent, until }) !== undefined;
  return { after: place, until, changed };
}

/**
 * Notes where a page has ended, for those who go on after its last entry.
 *
 * @param edge That entry's.
 */
export function endPage(db: Database, parent: string, edge: string, position: Position): void {
  const pages = pagesOf(db);
  const key = `${parent}${edge}`;
  pages.delete(key);
  pages.set(key, positionText(position));
  if (pages.size > REMEMBERED) pages.delete(pages.keys().next().value!);
}

/** Pages whose end is known, of each open file. */
const REMEMBERED = 1000;

const ends = new WeakMap<Database, Map<string, string>>();

function pagesOf(db: Database): Map<string, string> {
  let pages = ends.get(db);
  if (pages === undefined) ends.set(db, pages = new Map());
  return pages;
}
