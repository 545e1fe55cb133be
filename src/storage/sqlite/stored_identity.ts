import type { DatabaseSync } from "node:sqlite";
import { checkSchema, isTangled, type SchemaRow } from "../../../migrations/check_schema.ts";
import { storedVolumes } from "../../../templates/file.ts";
import { fileEra, fileSchema } from "../../../templates/sqlite_file.ts";
import { sqliteTemplates } from "../../../templates/sqlite.ts";
import type { Statement } from "../../../templates/template.ts";
import { isSoundWatermark } from "../../ids.ts";
import { runtime } from "../../runtime/mod.ts";
import { openGuarded } from "./guarded.ts";

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

  private constructor(path: string, location: string) {
    this.#path = path;
    this.#location = location;
    this.#seen = stateOf(path);
  }

  /**
   * @param path The file.
   * @param location The same for SQLite, as a file that nobody writes.
   */
  static async of(path: string, location: string): Promise<StoredIdentity> {
    const identity = new StoredIdentity(path, location);
    try {
      identity.#watermarks = await identity.#read();
    } catch {
      // It has nothing yet but what is in the WAL, or it is written just now.
    }
    return identity;
  }

  /**
   * @param known What the database that was opened has; null when it cannot be
   * read. It may throw `UnknownSchema`: whoever begins a transaction tells of that.
   */
  async isOther(known: () => Promise<Watermarks | null>): Promise<boolean> {
    const now = performance.now();
    if (now - this.#lookedAt < LOOK_MS) return false;
    this.#lookedAt = now;
    const state = stateOf(this.#path);
    if (state === this.#seen) return false;
    for (let i = 0; i < TRIES; i++) {
      if (!await this.#looksOther(known)) {
        this.#seen = state;
        return false;
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    return true;
  }

  async #looksOther(known: () => Promise<Watermarks | null>): Promise<boolean> {
    if (stateOf(this.#path).startsWith("0 ")) return true;
    try {
      const found = await this.#read();
      if (found.size > 0) {
        const ours = await known();
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

  async #read(): Promise<Watermarks> {
    using database = openGuarded(this.#location, { readOnly: true, timeout: 0 });
    return await watermarksOf(database);
  }
}

/** By volume, as one number; 0 for one that is none. */
export type Watermarks = Map<string, number>;

/** A database has in it what no known release writes, so that nothing of it is compiled. */
export class UnknownSchema extends Error {}

/**
 * Some volumes of a database, the oldest first.
 *
 * @throws {UnknownSchema}
 */
export async function watermarksOf(database: DatabaseSync): Promise<Watermarks> {
  const all = <R>(statement: Statement<Record<never, never>, R>) =>
    database.prepare(statement.bind(sqliteTemplates, {}).sql).all() as R[];
  // What was compared is what is read.
  database.prepare("BEGIN").run();
  try {
    const [{ user_version }] = all<{ user_version: number }>(fileEra);
    const schema = all<SchemaRow>(fileSchema);
    const faults = await checkSchema(schema, user_version);
    if (faults.length > 0 || isTangled(schema)) throw new UnknownSchema();
    return new Map(
      all(storedVolumes).map((row) => {
        const [ts, seq] = [Number(row.wm_ts), Number(row.wm_seq)];
        return [String(row.volume_id), isSoundWatermark(ts, seq) ? ts + seq / 4096 : 0];
      }),
    );
  } finally {
    if (database.isTransaction) database.prepare("ROLLBACK").run();
  }
}

function stateOf(path: string): string {
  try {
    const status = runtime.statSync(path);
    return status === null ? "" : `${status.size} ${status.modified}`;
  } catch {
    return "";
  }
}
