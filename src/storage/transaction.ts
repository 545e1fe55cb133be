import type { CompiledQuery, DatabaseConnection } from "kysely";
import type { Statement, TemplateCompiler } from "../../templates/template.ts";
import { storeWatermark } from "../../templates/volume.ts";
import type { Watermark } from "../ids.ts";

/** An open transaction, or a connection on which each statement is its own. */
export class Transaction {
  /** Watermarks of volumes in which ids were minted, stored before the commit. */
  readonly watermarks: Map<string, Watermark> = new Map();
  /** How many statements have changed the database, to tell a clean failure from a torn one. */
  changes = 0;
  readonly #connection: DatabaseConnection;
  readonly #compiler: TemplateCompiler;

  constructor(connection: DatabaseConnection, compiler: TemplateCompiler) {
    this.#connection = connection;
    this.#compiler = compiler;
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
