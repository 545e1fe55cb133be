import type { CompiledQuery, DatabaseConnection } from "kysely";
import type { Statement, TemplateCompiler } from "../../templates/template.ts";
import { beginPart, keepPart, undoPart } from "../../templates/file.ts";
import { storeWatermark } from "../../templates/volume.ts";
import type { Watermark } from "../ids.ts";

/** An open transaction, or a connection on which each statement is its own. */
export class Transaction {
  /** Watermarks of volumes in which ids were minted, stored before the commit. */
  readonly watermarks: Map<string, Watermark> = new Map();
  /** How many statements have changed the database, to tell a clean failure from a torn one. */
  changes = 0;
  /** Whether it was begun to write. */
  readonly writes: boolean;
  readonly #connection: DatabaseConnection;
  readonly #compiler: TemplateCompiler;
  readonly #translate: (error: unknown) => unknown;

  /** @param translate Gives an error of the database its place in the closed set. */
  constructor(
    connection: DatabaseConnection,
    compiler: TemplateCompiler,
    writes: boolean,
    translate: (error: unknown) => unknown,
  ) {
    this.writes = writes;
    this.#connection = connection;
    this.#compiler = compiler;
    this.#translate = translate;
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
      throw this.#translate(error);
    }
  }

  /** Drivers look at the text and its values alone. */
  #bind<V, R>(query: Statement<V, R>, values: V): CompiledQuery<R> {
    return query.bind(this.#compiler, values) as unknown as CompiledQuery<R>;
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
