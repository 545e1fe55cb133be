import { hasNewerChild, newestPlacement } from "../../templates/listing.ts";
import { AloeError } from "../errors.ts";
import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";

/** The part of a listing to return. */
export interface ListPage {
  /**
   * The position before the page: the `edge` of the previous page's last entry, or its `next`;
   * empty for the first page. A continued listing contains each entry that existed at its first
   * page exactly once, and ends, even if entries are renamed and created meanwhile.
   */
  after?: string;
  /** The maximum number of entries. */
  limit: number;
}

/** The current position of a listing, and its end. */
export interface Position {
  /** The position of the last returned entry; empty for none. */
  after: string;
  /** The newest placement at the time of the first page. */
  until: string;
}

/** Sorts after every id. */
const END = "\u{10ffff}";

/** Separates the parts of a position; does not occur in an id. */
const SEPARATOR = ".";

/** Returns a position as text, for `after`. */
export function positionText({ after, until }: Position): string {
  return `${after}${SEPARATOR}${until}`;
}

/** Parses the text of {@linkcode positionText}; a bare id has no end. */
export function positionOf(text: string): Position {
  const at = text.indexOf(SEPARATOR);
  return at < 0
    ? { after: text, until: END }
    : { after: text.slice(0, at), until: text.slice(at + 1) };
}

/**
 * Returns where a page of a container begins.
 *
 * @param parent The container's id.
 * @returns The position, and whether entries may have placements that are newer than the listing
 *   and are listed at their earlier positions.
 * @throws {AloeError} `invalid` for a page size below 1.
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
 * Records the end of a page, for callers that continue after its last entry.
 *
 * @param edge The last entry's placement.
 */
export function endPage(db: Database, parent: string, edge: string, position: Position): void {
  const pages = pagesOf(db);
  const key = `${parent}${edge}`;
  pages.delete(key);
  pages.set(key, positionText(position));
  if (pages.size > REMEMBERED) pages.delete(pages.keys().next().value!);
}

/** The maximum number of remembered page ends for each open file. */
const REMEMBERED = 1000;

const ends = new WeakMap<Database, Map<string, string>>();

function pagesOf(db: Database): Map<string, string> {
  let pages = ends.get(db);
  if (pages === undefined) ends.set(db, pages = new Map());
  return pages;
}
