import { stat } from "node:fs/promises";
import type { OpenDatabase } from "../../mod.ts";
import * as internal from "../../src/internal.ts";

/** The state of a file at a moment. */
export interface FileState {
  /** The tag of its content: equal tags mean equal content; null where it is not known. */
  tag: string | null;
  /** When it was last written, seconds since the Unix epoch. */
  modified: number;
  /**
   * The same for clients. For a file that was written just now it is one second less,
   * so that If-Modified-Since finds further changes within the same second.
   */
  said: number;
  /** The state of the WAL. */
  wal: internal.WalState;
}

/** How often the state of a file that changes is read again. */
const TRIES = 8;

/** How old the last write has to be for its time to differ from the next one's, ms. */
const SETTLED = 25;

/** How long a write may be in the WAL before its time is certain to be seen, ms. */
const SHOWN = 5000;

/**
 * Identifies the content of a file without reading it: by the salts and the length of
 * its WAL, which are unique, or by the time and size of the file if the WAL is empty.
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
    const wal = await internal.walState(db);
    // The WAL may have been restarted meanwhile.
    if (await walHeader(path) !== salts) continue;
    if (wal.pages > 0) return { tag: `${salts}${wal.pages.toString(16)}`, ...when, wal };
    const again = await times(path);
    if (main === null || again?.facts !== main.facts) continue;
    const age = Date.now() - main.ms;
    if (age >= SETTLED) return { tag: main.facts, ...when, wal };
    // It could be written again within the same tick of the clock.
    await new Promise((resolve) => setTimeout(resolve, Math.min(SETTLED, SETTLED - age + 1)));
  }
  return { tag: null, ...seconds(Date.now()), wal: { pages: 0, moved: 0 } };
}

/** A unique tag. */
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
 * The header of the WAL; empty without one. The WAL can be opened and closed safely:
 * SQLite's locks are on the file and on the index, and would be lost with those.
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
  // The salts, and the checksums.
  return header.subarray(Math.min(16, length), length).toHex();
}
