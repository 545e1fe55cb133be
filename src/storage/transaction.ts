import type { CompiledQuery, DatabaseConnection } from "kysely";
import type { ContentTouch, Statement, TemplateCompiler } from "../../templates/template.ts";
import { beginPart, keepPart, undoPart } from "../../templates/file.ts";
import { storeWatermark } from "../../templates/volume.ts";
import type { Watermark } from "../ids.ts";
import type { StorageCapabilities } from "./capabilities.ts";
import type { StorageDialect } from "./dialect.ts";

/** Manifest rows whose digest is one part of a tag. */
const ROWS_A_PAGE = 4096;

/** More pages of one change are looked at as a whole manifest. */
const MOST_PAGES = 64;

/** What a transaction has changed of the content of a node. */
export interface TouchedContent {
  /** Pages of the manifests of versions. */
  versions: Map<number, Set<number> | "all">;
  /** What has become of the redo log. */
  redo: "appended" | "changed" | null;
  /** Whether the node has got its first content. */
  isNew: boolean;
}

/** Keeps the tags of one encrypted volume. */
export interface SealKeeper {
  /** Checks a node of the volume. Others are not its business. @throws `corrupt`. */
  check(tx: Transaction, node: string): Promise<void>;
  /** The same for a version of it. */
  checkVersion(tx: Transaction, node: string, version: number): Promise<void>;
  /** Makes the tags of what has changed. */
  seal(tx: Transaction, touched: ReadonlyMap<string, TouchedContent>): Promise<void>;
}

/** An open transaction, or a connection on which each statement is its own. */
export class Transaction {
  /** Watermarks of volumes in which ids were minted, stored before the commit. */
  readonly watermarks: Map<string, Watermark> = new Map();
  /** What keeps the tags of encrypted volumes that the transaction works in. */
  readonly seals: Map<string, SealKeeper> = new Map();
  readonly #touched = new Map<string, TouchedContent>();
  /** How many statements have changed the database, to tell a clean failure from a torn one. */
  changes = 0;
  /** Whether it was begun to write. */
  readonly writes: boolean;
  readonly #connection: DatabaseConnection;
  readonly #compiler: TemplateCompiler;
  readonly #dialect: StorageDialect;

  /** @param dialect Of the backend that the connection is to. */
  constructor(connection: DatabaseConnection, dialect: StorageDialect, writes: boolean) {
    this.writes = writes;
    this.#connection = connection;
    this.#compiler = dialect.templates;
    this.#dialect = dialect;
  }

  /** What the backend can do beyond queries. */
  get capabilities(): StorageCapabilities {
    return this.#dialect.capabilities;
  }

  /** All rows of a query. */
  async all<V, R>(query: Statement<V, R>, values: V): Promise<R[]> {
    return (await this.#connection.executeQuery<R>(
      this.#bind(query, values),
    )).rows;
  }

  /** The first row of a query, if it has one. */
  async first<V, R>(query: Statement<V, R>, values: V): Promise<R | undefined> {
    return (await this.#connection.executeQuery<R>(
      this.#bind(query, values),
    )).rows[0];
  }

  /** Executes a change. @returns How many rows it changed. */
  async run<V, R>(query: Statement<V, R>, values: V): Promise<number> {
    if (query.touches !== undefined && this.seals.size > 0) {
      await this.#touch(query.touches(values));
    }
    this.changes++;
    const result = await this.#connection.executeQuery(
      this.#bind(query, values),
    );
    return Number(result.numAffectedRows ?? 0);
  }

  /**
   * Runs a part of the transaction that may fail alone: what it wrote is undone
   * then, and the transaction goes on.
   *
   * @throws What the part threw, translated.
   */
  async part<T>(task: () => Promise<T>): Promise<T> {
    await this.run(beginPart, {});
    try {
      const result = await task();
      await this.run(keepPart, {});
      return result;
    } catch (error) {
      // Some faults, a full disk among them, have ended the transaction already.
      await this.run(undoPart, {}).then(() => this.run(keepPart, {})).catch(() => {});
      throw this.#dialect.translateError(error);
    }
  }

  /** Drivers look at the text and its values alone. */
  #bind<V, R>(query: Statement<V, R>, values: V): CompiledQuery<R> {
    return query.bind(this.#compiler, values) as unknown as CompiledQuery<R>;
  }

  /** Whether it has changed the content of a node, whose tag is of what was there before. */
  hasTouched(node: string): boolean {
    return this.#touched.has(node);
  }

  /** Makes the tags of content that has changed. Called once, before the commit. */
  async flushSeals(): Promise<void> {
    if (this.#touched.size === 0) return;
    for (const keeper of this.seals.values()) await keeper.seal(this, this.#touched);
    this.#touched.clear();
  }

  /** Notes what is about to be changed, having checked what is there. */
  async #touch(touch: ContentTouch): Promise<void> {
    const { node, source, version, from, first, last, redo, isNew = false } = touch;
    let touched = this.#touched.get(node);
    if (touched === undefined) {
      // Its tag is made anew: what has lost its own must not get one by that.
      if (!isNew) { for (const keeper of this.seals.values()) await keeper.check(this, node); }
      touched = { versions: new Map(), redo: null, isNew: false };
      this.#touched.set(node, touched);
    }
    touched.isNew ||= isNew;
    for (const keeper of this.seals.values()) {
      if (source !== undefined && !this.#touched.has(source)) await keeper.check(this, source);
      if (from !== undefined && from > 0 && !touched.isNew) {
        await keeper.checkVersion(this, node, from);
      }
    }
    if (redo !== undefined && touched.redo !== "changed") touched.redo = redo;
    if (version === undefined) {
      if (source !== undefined) touched.versions.clear();
      return;
    }
    const pages = touched.versions.get(version);
    if (pages === "all") return;
    if (first === undefined || last === undefined || last - first >= MOST_PAGES * ROWS_A_PAGE) {
      touched.versions.set(version, "all");
      return;
    }
    const changed = pages ?? new Set();
    for (let page = Math.floor(first / ROWS_A_PAGE); page * ROWS_A_PAGE <= last; page++) {
      changed.add(page);
    }
    if (pages === undefined) touched.versions.set(version, changed);
  }

  /** Stores the watermarks that minting moved. Called once, before the commit. */
  async flushWatermarks(): Promise<void> {
    for (const [volume, mark] of this.watermarks) {
      if (!mark.moved) continue;
      await this.run(storeWatermark, { volume, ts: mark.ts, seq: mark.seq });
      mark.moved = false;
    }
  }
}
