import { placements } from "../../templates/edge.ts";
import { mountedVolume } from "../../templates/inode.ts";
import { newestOfAll, placementsAfter, placementsThen } from "../../templates/listing.ts";
import { childByName } from "../../templates/resolve.ts";
import { AloeError } from "../errors.ts";
import { globDepth, globMatcher } from "../glob.ts";
import { atWatermark } from "../ids.ts";
import { mountId, type MountRef } from "../mount_handle.ts";
import { requireContainer, resolveTarget, type Target } from "../tree/resolve.ts";
import type { Database } from "../storage/database.ts";
import { yieldToEventLoop } from "../yield_to_event_loop.ts";
import type { NodeInfo } from "../types.ts";
import { volumeWatermark } from "../watermark.ts";
import { pathBelow } from "./list.ts";
import { positionOf, positionText } from "./listing_page.ts";
import { statById } from "./stat.ts";

/** Something that was found. */
export interface Found extends NodeInfo {
  /** Its path from the mount point. */
  path: string;
}

/** What a search came to. */
export interface SearchResult {
  /** What was found, in the order of being placed. */
  entries: Found[];
  /** Whether there may be more than was wanted. */
  truncated: boolean;
  /** What a search for the rest comes after; null when there is none. */
  next: string | null;
}

/** How a search is done. */
export interface SearchOptions {
  /** At most this many. */
  limit: number;
  /** Goes on where another one has ended: its `next`. */
  after?: string;
  /** How long it may take, about, ms; as long as it takes when left out. */
  timeLimit?: number;
  /**
   * Whether the text is a pattern (see {@linkcode globMatcher}): one without a slash
   * is matched with the names, one with a slash with the paths from the directory on.
   */
  glob?: boolean;
  /** Ends the search. */
  signal?: AbortSignal;
}

/** Placements looked at by one query: some milliseconds. */
const PLACEMENTS_AT_ONCE = 2048;

/** Levels that one query climbs. */
const LEVELS_AT_ONCE = 512;

/** Characters of all paths of an answer: in a deep tree few are as long as many elsewhere. */
const MOST_TEXT = 1 << 20;

/**
 * Finds what is below a directory and has a text in its name, whatever its
 * case and however its accents are composed, or matches a pattern. Hidden
 * siblings are not found.
 *
 * It reads the placements of the file page by page, each page a transaction
 * of its own, so that nobody waits for it. Where the limit, the time, or the
 * room for paths ends it, `next` tells where to go on.
 *
 * @throws {AloeError} `not_found`, `not_a_container`, `mount_invalid`; `invalid` for an empty text.
 */
export async function searchNames(
  db: Database,
  mount: MountRef,
  below: Target,
  text: string,
  options: SearchOptions,
): Promise<SearchResult> {
  const { limit, signal, timeLimit = Infinity } = options;
  const wanted = options.glob ? byPattern(text) : byText(text);
  const end = performance.now() + timeLimit;
  const start = await db.read(async (tx) => {
    const container = await resolveTarget(tx, mount, below);
    requireContainer(container);
    const base = await pathBelow(tx, container.node, container.mountPoint);
    if (base === null) {
      throw new AloeError("not_found", `${container.label}: is not below the mount point`);
    }
    const volume = (await tx.first(mountedVolume, { mount: mountId(mount) }))!;
    const newest = atWatermark(await volumeWatermark(tx, volume));
    return { ...container, newest, base: base === "/" ? "" : base };
  });
  const tree = new Ancestry(db, start.node);
  const entries: Found[] = [];
  let room = MOST_TEXT;
  const position = options.after === undefined
    ? { after: "", until: start.newest }
    : positionOf(options.after);
  const { until } = position;
  for (let { after } = position;;) {
    const page = { after, until, limit: PLACEMENTS_AT_ONCE };
    const rows = await db.query(async (tx) => {
      const last = await tx.first(newestOfAll, {});
      return await tx.all((last?.edge_id ?? "") > until ? placementsThen : placementsAfter, page);
    });
    for (const [place, parent, node, name, volume, archived] of rows) {
      signal?.throwIfAborted();
      await yieldToEventLoop();
      if (archived === 0 && volume === start.volume && wanted.name(name)) {
        const depth = await tree.depthOf(parent);
        if (depth !== null && depth < wanted.depth) {
          const path = wanted.needsPath ? tree.pathOf(parent, name) : null;
          if (path === null || wanted.path(path)) {
            const found = await visible(db, mount, parent, name, node);
            if (found !== null) {
              const whole = `${start.base}/${path ?? tree.pathOf(parent, name)}`;
              if (entries.length === limit || (room < whole.length && entries.length > 0)) {
                return { entries, truncated: true, next: positionText({ after, until }) };
              }
              room -= whole.length;
              entries.push({ ...found, path: whole });
            }
          }
        }
      }
      after = place;
      if (performance.now() > end) {
        return { entries, truncated: true, next: positionText({ after, until }) };
      }
    }
    if (rows.length < PLACEMENTS_AT_ONCE) return { entries, truncated: false, next: null };
  }
}

/** What is known of a node; null when another one hides it, or it has gone a moment ago. */
async function visible(
  db: Database,
  mount: MountRef,
  parent: string,
  name: string,
  node: string,
): Promise<NodeInfo | null> {
  const child = await db.query((tx) => tx.first(childByName, { parent, name }));
  if (child?.node_id !== node) return null;
  try {
    return await statById(db, mount, node);
  } catch (error) {
    if (error instanceof AloeError && error.code === "not_found") return null;
    throw error;
  }
}

/** A directory whose place is known: null when it is not below the one that is searched. */
type Place = { parent: string; name: string; depth: number } | null;

/** Where directories are, each of which is looked up once. */
class Ancestry {
  readonly #db: Database;
  readonly #places = new Map<string, Place>();

  /** @param top The directory that is searched. */
  constructor(db: Database, top: string) {
    this.#db = db;
    this.#places.set(top, { parent: "", name: "", depth: 0 });
  }

  /** How far a directory is below the top; null when it is not. */
  async depthOf(directory: string): Promise<number | null> {
    const known = this.#places.get(directory);
    if (known !== undefined) return known?.depth ?? null;
    const chain: { node: string; parent: string; name: string }[] = [];
    const within = new Set<string>();
    let node: string | null = directory;
    while (node !== null && !this.#places.has(node)) {
      const from: string = node;
      node = await this.#db.query(async (tx) => {
        let at: string | null = from;
        for (let i = 0; i < LEVELS_AT_ONCE && at !== null && !this.#places.has(at); i++) {
          // A directory that is in itself is in no other.
          if (within.has(at)) return null;
          within.add(at);
          const place: { from_id: string; name: string } | undefined =
            (await tx.all(placements, { node: at })).at(-1);
          chain.push({ node: at, parent: place?.from_id ?? "", name: place?.name ?? "" });
          at = place?.from_id ?? null;
        }
        return at;
      });
      await yieldToEventLoop();
    }
    let above: Place = node === null ? null : this.#places.get(node)!;
    for (const { node, parent, name } of chain.reverse()) {
      above = above === null ? null : { parent, name, depth: above.depth + 1 };
      this.#places.set(node, above);
    }
    return above?.depth ?? null;
  }

  /** The path of a child of a directory whose depth was asked for, from the top on. */
  pathOf(directory: string, name: string): string {
    const names = [name];
    let place = this.#places.get(directory)!;
    while (place !== null && place.depth > 0) {
      names.push(place.name);
      place = this.#places.get(place.parent)!;
    }
    return names.reverse().join("/");
  }
}

/** What is looked for: the path is asked only where the name may be wanted. */
interface Wanted {
  name(name: string): boolean;
  /** Names of a path, at most. */
  depth: number;
  /** Whether the path matters too. */
  needsPath: boolean;
  /** @param path From the directory on that is searched. */
  path(path: string): boolean;
}

const ANYWHERE = { depth: Infinity, needsPath: false, path: () => true };

function byText(text: string): Wanted {
  const wanted = folded(text);
  if (wanted === "") throw new AloeError("invalid", "a search needs a text");
  return { name: (name) => folded(name).includes(wanted), ...ANYWHERE };
}

function byPattern(text: string): Wanted {
  const pattern = text.replace(/^\/+|\/+$/g, "");
  if (pattern === "") throw new AloeError("invalid", "a search needs a pattern");
  const path = globMatcher(pattern);
  if (!text.includes("/")) return { name: path, ...ANYWHERE };
  // Without choices and classes a name has to match what is after the last slash.
  const last = pattern.slice(pattern.lastIndexOf("/") + 1);
  const name = /[[{]/.test(pattern) ? () => true : globMatcher(last);
  return { name, depth: globDepth(pattern), needsPath: true, path };
}

/** ASCII needs no tables. */
// deno-lint-ignore no-control-regex
const ASCII = /^[\x00-\x7f]*$/;

function folded(text: string): string {
  return ASCII.test(text) ? text.toLowerCase() : text.normalize("NFKC").toLowerCase();
}
