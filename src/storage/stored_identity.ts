import { DatabaseSync } from "node:sqlite";
import { storedVolumes } from "../../templates/file.ts";
import { sqliteTemplates } from "../../templates/sqlite.ts";
import { isSoundWatermark } from "../ids.ts";
import { runtime } from "../runtime/mod.ts";

/** How often a file that is written to is looked into, ms. */
const LOOK_MS = 1000;

/** A checkpoint may be going on: so often it is looked again, and how long after, ms. */
const TRIES = 4;
const PAUSE_MS = 50;

/** `SQLITE_NOTADB`. */
const NOT_A_DATABASE = 26;

/**
 * Tells whether a file has become another database in its place, as `cp` over
 * it makes it: its number stays. What the WAL has hides that, so the file's own
 * pages are read, without the WAL, whenever somebody has written to them. An
 * older copy of the same database is another one too: its watermarks are lower
 * than what the pages had.
 */
export class StoredIdentity {
  readonly #path: string;
  readonly #location: string;
  #seen: string;
  #watermarks: Watermarks = new Map();
  #lookedAt = -Infinity;

  /**
   * @param path The file.
   * @param location The same for SQLite, as a file that nobody writes.
   */
  constructor(path: string, location: string) {
    this.#path = path;
    this.#location = location;
    this.#seen = stateOf(path);
    try {
      this.#watermarks = this.#read();
    } catch {
      // It has nothing yet but what is in the WAL, or it is written just now.
    }
  }

  /** @param known What the database that was opened has; null when it cannot be read. */
  async isOther(known: () => Watermarks | null): Promise<boolean> {
    const now = performance.now();
    if (now - this.#lookedAt < LOOK_MS) return false;
    this.#lookedAt = now;
    const state = stateOf(this.#path);
    if (state === this.#seen) return false;
    for (let i = 0; i < TRIES; i++) {
      if (!this.#looksOther(known)) {
        this.#seen = state;
        return false;
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    return true;
  }

  #looksOther(known: () => Watermarks | null): boolean {
    if (stateOf(this.#path).startsWith("0 ")) return true;
    try {
      const found = this.#read();
      if (found.size > 0) {
        const ours = known();
        if (ours === null || ![...found.keys()].some((volume) => ours.has(volume))) return true;
      }
      for (const [volume, mark] of found) {
        if (mark < (this.#watermarks.get(volume) ?? 0)) return true;
      }
      this.#watermarks = found;
      return false;
    } catch (error) {
      // A file whose pages are being written cannot be read just now.
      return (error as { errcode?: number }).errcode === NOT_A_DATABASE;
    }
  }

  #read(): Watermarks {
    using database = new DatabaseSync(this.#location, { readOnly: true });
    return watermarksOf(database);
  }
}

/** By volume, as one number; 0 for one that is none. */
export type Watermarks = Map<string, number>;

/** Some volumes of a database, the oldest first. */
export function watermarksOf(database: DatabaseSync): Watermarks {
  const { sql } = storedVolumes.bind(sqliteTemplates, {});
  const rows = database.prepare(sql).all();
  return new Map(rows.map((row) => {
    const [ts, seq] = [Number(row.wm_ts), Number(row.wm_seq)];
    return [String(row.volume_id), isSoundWatermark(ts, seq) ? ts + seq / 4096 : 0];
  }));
}

function stateOf(path: string): string {
  try {
    const status = runtime.statSync(path);
    return status === null ? "" : `${status.size} ${status.modified}`;
  } catch {
    return "";
  }
}
