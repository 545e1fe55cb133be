import type { Driver } from "kysely";
import type { SchemaRow } from "../../migrations/check_schema.ts";
import { foreign } from "./foreign_schema.ts";
import type { Transaction } from "./transaction.ts";

/** Says whether what a file's schema has become while it is open can be worked with. */
export interface SchemaGuard {
  /**
   * Compares all of it with what is known.
   *
   * @returns Whether it is complete; when not, `complete` is called.
   * @throws {AloeError} When it has what is unknown: nothing is run then.
   */
  compare(tx: Transaction): Promise<boolean>;
  /** Makes what is missing. */
  complete(tx: Transaction): Promise<void>;
}

/** Knows what has to be in a database of its own. */
export interface SchemaOwner {
  /**
   * Refuses a database that has something else in it.
   *
   * @param rows Every object of the database. Nothing of its own SQL has been run.
   */
  check(rows: readonly SchemaRow[]): Promise<void>;
  /** Makes what is missing, in a transaction that writes. */
  migrate(driver: Driver): Promise<void>;
}

/** What a {@linkcode SchemaWatch} asks of the database that it looks after. */
export interface WatchedDatabase {
  /** The file, for messages. */
  path: string;
  /** The version of the schema, as the transaction that runs sees it. */
  version(): number | null;
  /** Runs a transaction of its own. */
  transact<T>(
    accessMode: "read only" | "read write",
    task: (tx: Transaction) => Promise<T>,
  ): Promise<T>;
  /** Turns an error of the driver into an `AloeError`. */
  translateError(error: unknown): unknown;
}

/** Knows which version of a schema was compared and found good. */
export class SchemaWatch {
  readonly #guard: SchemaGuard;
  readonly #database: WatchedDatabase;
  /** The version that was found good last; null for none. */
  #compared: number | null;

  /** @param compared The version that was found good; null for none. */
  constructor(guard: SchemaGuard, compared: number | null, database: WatchedDatabase) {
    this.#guard = guard;
    this.#compared = compared;
    this.#database = database;
  }

  /** Whether the transaction that runs sees a schema that was found good. */
  isKnown(): boolean {
    return this.#database.version() === this.#compared;
  }

  /** Has the next transaction compare the schema again. */
  forget(): void {
    this.#compared = null;
  }

  /** Compares the schema within a transaction of somebody else's. */
  async compare(tx: Transaction): Promise<void> {
    await this.#guard.compare(tx);
  }

  /**
   * Compares the schema, in a transaction that ends before any other begins, and
   * makes what is missing.
   *
   * @throws {ForeignSchemaError}
   */
  async compareAnew(): Promise<void> {
    const database = this.#database;
    this.#compared = null;
    try {
      const found = await database.transact("read only", async (tx) => {
        return await this.#guard.compare(tx) ? { version: database.version() } : null;
      });
      if (found !== null) this.#compared = found.version;
      else await database.transact("read write", (tx) => this.#guard.complete(tx));
    } catch (error) {
      throw foreign(database.translateError(error));
    }
  }
}
