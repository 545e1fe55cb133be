import { stat } from "node:fs/promises";
import type { OpenDatabase } from "../../mod.ts";
import * as ops from "../../src/ops.ts";

/** Which content a file has at a moment. */
export interface FileState {
  /** Equal ones are equal content; null where that cannot be told just now. */
  tag: string | null;
  /** When it was last written, seconds since the Unix epoch. */
  modified: number;
  /**
   * The same for clients. Of a file that was written a moment ago it is the
   * second before: who asks later whether it was changed since is told of what
   * came in the same second.
   */
  said: number;
  /** What the WAL held. */
  wal: ops.WalState;
}

/** Looks at a file that does not hold still. */
const TRIES = 8;

/** How old the last write to a file has to be for its time to tell it from the next one, ms. */
const SETTLED = 25;

/** How long a write may lie in the WAL before it is seen, for certain, ms. */
const SHOWN = 5000;

/**
 * Tells which content a file has, without reading it. While the WAL holds
 * something that is its salts, which no other WAL has, and its length; else the
 * file itself is all there is, and its time and size tell.
 *
 * @param path The file.
 * @param db A connection to it.
 */
export async function fileState(path: string, db: OpenDatabase): Promise<FileState> {
  for (let i = 0; i < TRIES; i++) {
    const main = await times(path);
    const log = await times(`${path}-wal`);
    const when = seconds(Math.max(main?.ms ?? 0, log?.ms ?? 0));
    const salts = await walHeader(path);
    const wal = await ops.walState(db);
    // Begun anew meanwhile?
    if (await walHeader(path) !== salts) continue;
    if (wal.pages > 0) return { tag: `${salts}${wal.pages.toString(16)}`, ...when, wal };
    const again = await times(path);
    if (main === null || again?.facts !== main.facts) continue;
    const age = Date.now() - main.ms;
    if (age >= SETTLED) return { tag: main.facts, ...when, wal };
    // In the same tick of the clock it could be written again.
    await new Promise((resolve) => setTimeout(resolve, Math.min(SETTLED, SETTLED - age + 1)));
  }
  return { tag: null, ...seconds(Date.now()), wal: { pages: 0, moved: 0 } };
}

/** A tag that no content has had. */
export function newTag(): string {
  return crypto.randomUUID().replaceAll("-", "");
}

function seconds(ms: number): { modified: number; said: number } {
  const modified = Math.floor(ms / 1000);
  return { modified, said: Date.now() - ms < SHOWN ? modified - 1 : modified };
}

async function times(path: string): Promise<{ facts: string; ms: number } | null> {
  try {
    const { ino, size, mtimeNs } = await stat(path, { bigint: true });
    const facts = [ino, size, mtimeNs].map((part) => part.toString(16)).join("-");
    return { facts, ms: Number(mtimeNs / 1_000_000n) };
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return null;
    throw error;
  }
}

/**
 * The header of the WAL; empty without one. Only of the WAL: SQLite's locks are
 * on the file and its index, and would go if this process opened and closed those.
 */
async function walHeader(path: string): Promise<string> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(`${path}-wal`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
  using _ = file;
  const header = new Uint8Array(32);
  const length = await file.read(header) ?? 0;
  // The salts, and the sums over them and the rest.
  return header.subarray(Math.min(16, length), length).toHex();
}
