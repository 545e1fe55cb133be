import { namesInVolume } from "../../templates/listing.ts";
import { childByName } from "../../templates/resolve.ts";
import { AloeError } from "../errors.ts";
import { globMatcher } from "../glob.ts";
import type { MountRef } from "../mount_handle.ts";
import { requireContainer, resolveTarget, type Target } from "../resolve.ts";
import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";
import { Turns } from "../turns.ts";
import type { NodeInfo } from "../types.ts";
import { pathBelow } from "./list.ts";
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
  /** Whether there is more than was wanted. */
  truncated: boolean;
}

/** How a search is done. */
export interface SearchOptions {
  /** At most this many. */
  limit: number;
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

/**
 * Finds what is below a directory and has a text in its name, whatever its
 * case and however its accents are composed, or matches a pattern. Hidden
 * siblings are not found.
 *
 * It reads the placements of the volume page by page, each page a transaction
 * of its own, so that nobody waits for it.
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
  const { limit, signal } = options;
  const wanted = options.glob ? byPattern(text) : byText(text);
  const turns = new Turns();
  const start = await db.read(async (tx) => {
    const container = await resolveTarget(tx, mount, below);
    requireContainer(container);
    const base = await pathBelow(tx, container.node, container.mountPoint);
    if (base === null) {
      throw new AloeError("not_found", `${container.label}: is not below the mount point`);
    }
    return { ...container, base: base === "/" ? "" : base };
  });
  /** The path of each directory that was asked for, from where the search begins; null elsewhere. */
  const paths = new Map<string, string | null>([[start.node, ""]]);
  const entries: Found[] = [];
  for (let after = "";;) {
    signal?.throwIfAborted();
    const { rows, matches } = await db.read(async (tx) => {
      const rows = await tx.all(namesInVolume, {
        volume: start.volume,
        after,
        limit: PLACEMENTS_AT_ONCE,
      });
      const matches: { node: string; path: string }[] = [];
      for (const [, parent, node, name] of rows) {
        if (!wanted.name(name)) continue;
        const path = await pathOfDirectory(tx, paths, parent, start.node);
        if (path === null || !wanted.path(`${path}/${name}`.slice(1))) continue;
        const visible = await tx.first(childByName, { parent, name });
        if (visible?.node_id !== node) continue;
        matches.push({ node, path: `${path}/${name}` });
        if (entries.length + matches.length > limit) break;
      }
      return { rows, matches };
    });
    for (const { node, path } of matches) {
      if (entries.length === limit) return { entries, truncated: true };
      try {
        entries.push({ ...await statById(db, mount, node), path: start.base + path });
      } catch (error) {
        // It may have gone a moment ago.
        if (!(error instanceof AloeError && error.code === "not_found")) throw error;
      }
    }
    if (rows.length < PLACEMENTS_AT_ONCE) return { entries, truncated: false };
    after = rows[rows.length - 1][0];
    await turns.next();
  }
}

/** What is looked for: the path is asked only where the name may be wanted. */
interface Wanted {
  name(name: string): boolean;
  /** @param path From the directory on that is searched. */
  path(path: string): boolean;
}

function byText(text: string): Wanted {
  const wanted = folded(text);
  if (wanted === "") throw new AloeError("invalid", "a search needs a text");
  return { name: (name) => folded(name).includes(wanted), path: () => true };
}

function byPattern(text: string): Wanted {
  const pattern = text.replace(/^\/+|\/+$/g, "");
  if (pattern === "") throw new AloeError("invalid", "a search needs a pattern");
  const matches = globMatcher(pattern);
  return text.includes("/")
    ? { name: () => true, path: matches }
    : { name: matches, path: () => true };
}

async function pathOfDirectory(
  tx: Transaction,
  paths: Map<string, string | null>,
  directory: string,
  top: string,
): Promise<string | null> {
  let path = paths.get(directory);
  if (path === undefined) {
    path = await pathBelow(tx, directory, top);
    paths.set(directory, path);
  }
  return path;
}

/** ASCII needs no tables. */
// deno-lint-ignore no-control-regex
const ASCII = /^[\x00-\x7f]*$/;

function folded(text: string): string {
  return ASCII.test(text) ? text.toLowerCase() : text.normalize("NFKC").toLowerCase();
}
