import { bisect } from "./bisect.ts";

/** How many names keep a place that is not their own, to bound memory. */
const KEPT_LIMIT = 131_072;
/** How many places of removed names are remembered, at least the half of it. */
const LEFT_LIMIT = 4096;

/** A name that is listed at an earlier placement's place. */
export interface KeptPlace {
  readonly place: string;
  readonly edge: string;
  readonly name: string;
}

/**
 * The order in which the names of a directory are listed, such that a listing
 * ends, and has each name that was there at its start once, whatever is made
 * and renamed meanwhile. The kernel says nothing of a listing but the cookie
 * that it has got to, so this holds for all listings at once:
 *
 * - names that were there when the directory was first listed come last, the
 *   oldest first;
 * - those that have come since are in front of them, the newest first, so that
 *   no listing that runs gets to what is new;
 * - a name that is given anew, by a rename within the directory or over the old
 *   one, is listed where it was.
 *
 * It lasts as long as the directory is in memory, so at least as long as it is open.
 */
export class ListingOrder {
  /** Text that sorts after every placement of before the first listing. */
  readonly boundary: string;
  /** The state in which the file had no placement beyond the boundary; -1: it has. */
  withoutFresh: number;
  /** By placement. */
  readonly #kept = new Map<string, KeptPlace>();
  readonly #fresh = new KeptPart(true);
  readonly #settled = new KeptPart(false);
  /** Places of names that were removed: of late, and before. */
  #left = new Map<string, string>();
  #leftBefore = new Map<string, string>();

  /** @param generation Of the state of what is in memory. */
  constructor(boundary: string, generation: number) {
    this.boundary = boundary;
    this.withoutFresh = generation;
  }

  /** Whether a place is in the first part of listings. */
  isFresh(place: string): boolean {
    return place > this.boundary;
  }

  /** Where a placement is listed. */
  placeOf(edge: string): string {
    return this.#kept.get(edge)?.place ?? edge;
  }

  /** Whether it is listed at a place that is not its own. */
  isKept(edge: string): boolean {
    return this.#kept.has(edge);
  }

  /**
   * A name has a new placement.
   *
   * @param place Where it is listed; left out: where a removed one of the name was, if any.
   */
  placed(edge: string, name: string, place: string | undefined = this.#leftPlace(name)): void {
    this.#left.delete(name);
    this.#leftBefore.delete(name);
    if (place === undefined || this.#kept.size >= KEPT_LIMIT) return;
    const kept = { place, edge, name };
    this.#kept.set(edge, kept);
    this.#partOf(place).add(kept);
  }

  /** A placement has ended. @param left Of a name that was removed: it may come again. */
  ended(edge: string, left?: string): void {
    const kept = this.#kept.get(edge);
    if (left !== undefined) {
      this.#left.set(left, kept?.place ?? edge);
      if (this.#left.size >= LEFT_LIMIT / 2) {
        this.#leftBefore = this.#left;
        this.#left = new Map();
      }
    }
    if (kept === undefined) return;
    this.#kept.delete(edge);
    this.#partOf(kept.place).remove(kept);
  }

  /** What is listed at kept places in a part, behind a place; empty: all of it. */
  keptAfter(fresh: boolean, place: string): KeptPlace[] {
    return (fresh ? this.#fresh : this.#settled).after(place);
  }

  #partOf(place: string): KeptPart {
    return this.isFresh(place) ? this.#fresh : this.#settled;
  }

  #leftPlace(name: string): string | undefined {
    return this.#left.get(name) ?? this.#leftBefore.get(name);
  }
}

/** The kept places of a part, put in order when they are asked for. */
class KeptPart {
  readonly #isFresh: boolean;
  #places: KeptPlace[] = [];
  #isSorted = true;
  /** Of those, the ones that have ended. */
  readonly #ended = new Set<KeptPlace>();

  constructor(isFresh: boolean) {
    this.#isFresh = isFresh;
  }

  add(kept: KeptPlace): void {
    const last = this.#places.at(-1);
    if (last !== undefined && isBefore(this.#isFresh, kept.place, last.place)) {
      this.#isSorted = false;
    }
    this.#places.push(kept);
  }

  remove(kept: KeptPlace): void {
    this.#ended.add(kept);
    if (this.#ended.size * 2 > this.#places.length) this.#clean();
  }

  after(place: string): KeptPlace[] {
    if (!this.#isSorted) {
      this.#clean();
      this.#places.sort((a, b) => isBefore(this.#isFresh, a.place, b.place) ? -1 : 1);
      this.#isSorted = true;
    }
    const places = this.#places;
    const start = bisect(places.length, (i) => !isBehind(this.#isFresh, places[i].place, place));
    const behind = places.slice(start);
    return this.#ended.size === 0 ? behind : behind.filter((kept) => !this.#ended.has(kept));
  }

  #clean(): void {
    if (this.#ended.size === 0) return;
    this.#places = this.#places.filter((kept) => !this.#ended.has(kept));
    this.#ended.clear();
  }
}

/** Whether a place is listed before another one of its part. */
export function isBefore(fresh: boolean, place: string, other: string): boolean {
  return fresh ? place > other : place < other;
}

/** Whether a place is listed behind what a cookie says: the beginning of another one. */
export function isBehind(fresh: boolean, place: string, cookie: string): boolean {
  return cookie === "" || (fresh ? place < cookie : place > cookie && !place.startsWith(cookie));
}
