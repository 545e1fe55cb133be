import { bisect } from "./bisect.ts";

/** How many names keep a place that is not their own, to bound memory. */
const KEPT_LIMIT = 65_536;
/** How many places of removed names are remembered. */
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
  /** The same as they are listed. */
  readonly #fresh: KeptPlace[] = [];
  readonly #settled: KeptPlace[] = [];
  /** Places of names that were removed, the longest so first. */
  readonly #left = new Map<string, string>();

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
  placed(edge: string, name: string, place: string | undefined = this.#left.get(name)): void {
    this.#left.delete(name);
    if (place === undefined) return;
    if (this.#kept.size >= KEPT_LIMIT) {
      const [oldest] = this.#kept.keys();
      this.ended(oldest);
    }
    const kept = { place, edge, name };
    this.#kept.set(edge, kept);
    const part = this.#partOf(place);
    part.splice(this.#indexIn(part, place), 0, kept);
  }

  /** A placement has ended. @param left Of a name that was removed: it may come again. */
  ended(edge: string, left?: string): void {
    const kept = this.#kept.get(edge);
    if (left !== undefined) {
      this.#left.delete(left);
      this.#left.set(left, kept?.place ?? edge);
      if (this.#left.size > LEFT_LIMIT) this.#left.delete(this.#left.keys().next().value!);
    }
    if (kept === undefined) return;
    this.#kept.delete(edge);
    const part = this.#partOf(kept.place);
    part.splice(this.#indexIn(part, kept.place), 1);
  }

  /** What is listed at kept places in a part, behind a place; empty: all of it. */
  keptAfter(fresh: boolean, place: string): KeptPlace[] {
    const part = fresh ? this.#fresh : this.#settled;
    if (place === "" || part.length === 0) return part.slice();
    return part.slice(bisect(part.length, (i) => !isBehind(fresh, part[i].place, place)));
  }

  #partOf(place: string): KeptPlace[] {
    return this.isFresh(place) ? this.#fresh : this.#settled;
  }

  #indexIn(part: KeptPlace[], place: string): number {
    const fresh = part === this.#fresh;
    return bisect(part.length, (i) => isBefore(fresh, part[i].place, place));
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
