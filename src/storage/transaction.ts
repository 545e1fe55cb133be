import type { CompiledQuery, DatabaseConnection } from "kysely";
import type { ContentTouch, Statement, TemplateCompiler } from "../../templates/template.ts";
import { beginPart, keepPart, undoPart } from "../../templates/file.ts";
import type { StorageCapabilities } from "./capabilities.ts";
import type { StorageDialect } from "./dialect.ts";

/** What a layer above keeps for the length of one transaction. */
export interface TransactionExtension {
  /** Called before each statement that says what it changes of content. */
  beforeChange?(touch: ContentTouch): Promise<void>;
  /** Writes what is still to be written. Called once, before the commit. */
  beforeCommit?(): Promise<void>;
}

/** The class of an extension: its key, and what makes it. */
export type ExtensionClass<Extension> = new (tx: Transaction) => Extension;

/** How long statements follow one another before the event loop gets its turn, ms. */
const TURN_MS = 15;

/** What a transaction is begun for. */
export interface TransactionOptions {
  /** Whether it may write. */
  writes: boolean;
  /** Whether the event loop gets a turn now and then, between two statements. */
  yields: boolean;
}

/** An open transaction, or a connection on which each statement is its own. */
export class Transaction {
  #extensions: Map<ExtensionClass<unknown>, TransactionExtension> | null = null;
  /** The extensions that want to know of changes. */
  #observers: TransactionExtension[] | null = null;
  /** How many statements have changed the database, to tell a clean failure from a torn one. */
  changes = 0;
  /** Whether it was begun to write. */
  readonly writes: boolean;
  readonly #connection: DatabaseConnection;
  readonly #compiler: TemplateCompiler;
  readonly #dialect: StorageDialect;
  /** When the event loop is to get its turn, by `performance.now`. */
  #turnAt: number;

  /** @param dialect Of the backend that the connection is to. */
  constructor(
    connection: DatabaseConnection,
    dialect: StorageDialect,
    { writes, yields }: TransactionOptions,
  ) {
    this.writes = writes;
    this.#turnAt = yields ? performance.now() + TURN_MS : Infinity;
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
    if (this.#isLong()) await this.#turn();
    return (await this.#connection.executeQuery<R>(
      this.#bind(query, values),
    )).rows;
  }

  /** The first row of a query, if it has one. */
  async first<V, R>(query: Statement<V, R>, values: V): Promise<R | undefined> {
    if (this.#isLong()) await this.#turn();
    return (await this.#connection.executeQuery<R>(
      this.#bind(query, values),
    )).rows[0];
  }

  /** Executes a change. @returns How many rows it changed. */
  async run<V, R>(query: Statement<V, R>, values: V): Promise<number> {
    if (query.touches !== undefined && this.#observers !== null) {
      const touch = query.touches(values);
      for (const observer of this.#observers) await observer.beforeChange!(touch);
    }
    if (this.#isLong()) await this.#turn();
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

  #isLong(): boolean {
    return this.#turnAt !== Infinity && performance.now() > this.#turnAt;
  }

  /**
   * Lets timers, signals and requests run: a transaction may have any number of
   * statements, and the promises of those that are done give way to nothing else.
   */
  async #turn(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#turnAt = performance.now() + TURN_MS;
  }

  /** Drivers look at the text and its values alone. */
  #bind<V, R>(query: Statement<V, R>, values: V): CompiledQuery<R> {
    return query.bind(this.#compiler, values) as unknown as CompiledQuery<R>;
  }

  /** What an extension keeps for this transaction; made when it is first asked for. */
  extension<Extension extends TransactionExtension>(
    kind: ExtensionClass<Extension>,
  ): Extension {
    this.#extensions ??= new Map();
    let extension = this.#extensions.get(kind) as Extension | undefined;
    if (extension === undefined) {
      extension = new kind(this);
      this.#extensions.set(kind, extension);
      if (extension.beforeChange !== undefined) (this.#observers ??= []).push(extension);
    }
    return extension;
  }

  /** The same if it was asked for before. */
  existing<Extension extends TransactionExtension>(
    kind: ExtensionClass<Extension>,
  ): Extension | undefined {
    return this.#extensions?.get(kind) as Extension | undefined;
  }

  /** Has the extensions write what they hold. Called once, before the commit. */
  async flush(): Promise<void> {
    if (this.#extensions === null) return;
    for (const extension of this.#extensions.values()) await extension.beforeCommit?.();
  }
}
