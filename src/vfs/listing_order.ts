import { bisect } from "./bisect.ts";

/** The number of names listed at another placement's position, to bound memory. */
const KEPT_LIMIT = 131_072;
/** The number of positions of removed names that are remembered; at least half of it are. */
const LEFT_LIMIT = 4096;

/** A name that is listed at the position of an earlier placement. */
export interface KeptPlace {
  readonly place: string;
  readonly edge: string;
  readonly name: string;
}

/**
 * The order in which a directory's names are listed. A listing ends, and contains each name that
 * existed at its start exactly once, even if names are created and renamed meanwhile. The kernel
 * passes only a cookie for the position, so the order holds for all listings at once:
 *
 * - Names that existed at the directory's first listing come last, the oldest first.
 * - Names added since then come before them, the newest first, so that a running listing never
 *   reaches new names.
 * - A name that gets a new placement, by a rename within the directory or over the old one, keeps
 *   its position.
 *
 * The order is kept as long as the directory is in memory, so at least while it is open.
 */
export class ListingOrder {
  /** Text that sorts after every placement made before the first listing. */
  readonly boundary: string;
  /** The generation in which the file had no placement beyond the boundary; -1 when it has one. */
  withoutFresh: number;
  /** Kept positions by placement. */
  readonly #kept = new Map<string, KeptPlace>();
  readonly #fresh = new KeptPart(true);
  readonly #second = new KeptPart(false);
  /** Positions of removed names: recent ones, and older ones. */
  #left = new Map<string, string>();
  #leftBefore = new Map<string, string>();

  /**
   * @param generation The generation of the state in memory.
   */
  constructor(boundary: string, generation: number) {
    this.boundary = boundary;
    this.withoutFresh = generation;
  }

  /** Returns whether a position is in the first part of listings. */
  isFresh(place: string): boolean {
    return place > this.boundary;
  }

  /** Returns the position at which a placement is listed. */
  placeOf(edge: string): string {
    return this.#kept.get(edge)?.place ?? edge;
  }

  /** Returns whether a placement is listed at another position than its own. */
  isKept(edge: string): boolean {
    return this.#kept.has(edge);
  }

  /**
   * Records a new placement of a name.
   *
   * @param place The position at which it is listed; defaults to that of a removed placement of the
   *   name, if any.
   */
  placed(edge: string, name: string, place: string | undefined = this.#leftPlace(name)): void {
    this.#left.delete(name);
    this.#leftBefore.delete(name);
    if (place === undefined || this.#kept.size >= KEPT_LIMIT) return;
    const kept = { place, edge, name };
    this.#kept.set(edge, kept);
    this.#partOf(place).add(kept);
  }

  /**
   * Records the end of a placement. @param left The name, if it was removed and may be created
   * again.
   */
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

  /** Returns the kept positions of a part after a position; empty means from the start. */
  keptAfter(fresh: boolean, place: string): KeptPlace[] {
    return (fresh ? this.#fresh : this.#second).after(place);
  }

  #partOf(place: string): KeptPart {
    return this.isFresh(place) ? this.#fresh : this.#second;
  }

  #leftPlace(name: string): string | undefined {
    return this.#left.get(name) ?? this.#leftBefore.get(name);
  }
}

/** The kept positions of one part, sorted on demand. */
class KeptPart {
  readonly #isFresh: boolean;
  #places: KeptPlace[] = [];
  #isSorted = true;
  /** Positions whose placement has ended. */
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

/** Returns whether a position is listed before another one of its part. */
export function isBefore(fresh: boolean, place: string, other: string): boolean {
  return fresh ? place > other : place < other;
}

/** Returns whether a position is listed after a cookie's, which is the start of an id. */
export function isBehind(fresh: boolean, place: string, cookie: string): boolean {
  return cookie === "" || (fresh ? place < cookie : place > cookie && !place.startsWith(cookie));
}
