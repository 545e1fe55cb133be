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

/** A search result. */
export interface Found extends NodeInfo {
  /** Its path from the mount point. */
  path: string;
}

/** The results of a search. */
export interface SearchResult {
  /** The results in order of placement. */
  entries: Found[];
  /** Whether further results may exist. */
  truncated: boolean;
  /** The position for a search that continues; null when there are no more results. */
  next: string | null;
}

/** Options of {@linkcode searchNames}. */
export interface SearchOptions {
  /** The maximum number of results. */
  limit: number;
  /** The `next` of an earlier search to continue. */
  after?: string;
  /** The approximate time limit in ms. Default: none. */
  timeLimit?: number;
  /**
   * Whether the text is a pattern (see {@linkcode globMatcher}). A pattern without a slash is
   * matched against names; one with a slash against paths below the directory.
   */
  glob?: boolean;
  /** Aborts the search. */
  signal?: AbortSignal;
}

/** The number of placements read by one query, which takes a few milliseconds. */
const PLACEMENTS_AT_ONCE = 2048;

/** The number of levels that one query ascends. */
const LEVELS_AT_ONCE = 512;

/**
 * The maximum length of all result paths together; in a deep tree, this limits the number of
 * results.
 */
const MOST_TEXT = 1 << 20;

/**
 * Finds nodes below a directory whose name contains a text, ignoring case and Unicode
 * normalization, or matches a pattern. Hidden siblings are not found.
 *
 * It reads the file's placements in pages, each in its own transaction, so that other operations do
 * not wait. When it stops at a limit, `next` is the position to continue from.
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

/** Returns information about a node; null when it is hidden or was just removed. */
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

/** The position of a directory; null when it is not below the searched one. */
type Place = { parent: string; name: string; depth: number } | null;

/** Positions of directories, each looked up once. */
class Ancestry {
  readonly #db: Database;
  readonly #places = new Map<string, Place>();

  /**
   * @param top The searched directory.
   */
  constructor(db: Database, top: string) {
    this.#db = db;
    this.#places.set(top, { parent: "", name: "", depth: 0 });
  }

  /** Returns the depth of a directory below the top; null when it is not below it. */
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
          // A directory that contains itself is not below the top.
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

  /** Returns the path from the top of a child of a directory whose depth is known. */
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

/** The search criteria. The path is only checked if the name matches. */
interface Wanted {
  name(name: string): boolean;
  /** The maximum number of names in a path. */
  depth: number;
  /** Whether the path has to be checked too. */
  needsPath: boolean;
  /**
   * @param path The path below the searched directory.
   */
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
  // Unless the pattern has choices or classes, a name must match the part after the last slash.
  const last = pattern.slice(pattern.lastIndexOf("/") + 1);
  const name = /[[{]/.test(pattern) ? () => true : globMatcher(last);
  return { name, depth: globDepth(pattern), needsPath: true, path };
}

/** ASCII text needs no Unicode normalization. */
// deno-lint-ignore no-control-regex
const ASCII = /^[\x00-\x7f]*$/;

function folded(text: string): string {
  return ASCII.test(text) ? text.toLowerCase() : text.normalize("NFKC").toLowerCase();
}
