import { AloeError } from "../errors.ts";
import type { Room } from "./capabilities.ts";
import type { Database, WriteOptions } from "./database.ts";
import { Lane } from "./lane.ts";
import type { Transaction } from "./transaction.ts";

/** The database that a batch is of. */
export interface BatchParent extends Database {
  /**
   * Refuses where the batch that runs may only free room.
   *
   * @throws {AloeError} `no_space`.
   */
  requireRoom(): void;
}

/** Operations of one batch share its transaction. */
export class Batch implements Database {
  readonly isBatch = true;
  readonly readOnly = false;
  readonly path: string;
  readonly #parent: BatchParent;
  readonly #tx: Transaction;
  readonly #lane = new Lane();
  #ended = false;
  #torn: unknown = null;

  constructor(parent: BatchParent, tx: Transaction) {
    this.path = parent.path;
    this.#parent = parent;
    this.#tx = tx;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get current(): Database {
    return this.#ended ? this.#parent : this;
  }

  query<T>(task: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#step(task);
  }

  read<T>(task: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#step(task);
  }

  write<T>(task: (tx: Transaction) => Promise<T>, options: WriteOptions = {}): Promise<T> {
    return this.#step((tx) => {
      if (!options.frees) this.#parent.requireRoom();
      return task(tx);
    });
  }

  alone<T>(): Promise<T> {
    return Promise.reject(new AloeError("invalid", "this cannot be done within a batch"));
  }

  emptyLog(): Promise<void> {
    return this.alone();
  }

  room(): Room {
    return this.#parent.room();
  }

  extension<Extension extends Disposable>(kind: new () => Extension): Extension {
    return this.#parent.extension(kind);
  }

  /** A batch within a batch is a part of it: when it fails half-way, so does the whole. */
  async batch<T>(task: (db: Database) => Promise<T>): Promise<T> {
    const before = this.#tx.changes;
    try {
      return await task(this);
    } catch (error) {
      if (this.#tx.changes !== before) this.#torn ??= error;
      throw error;
    }
  }

  /**
   * Takes no more operations and waits for the one that is running.
   *
   * @throws What tore the batch.
   */
  async end(): Promise<void> {
    this.#ended = true;
    await this.#lane.run(() => Promise.resolve());
    if (this.#torn !== null) throw this.#torn;
  }

  #step<T>(task: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#lane.run(async () => {
      if (this.#ended) throw new AloeError("invalid", "the batch has ended");
      if (this.#torn !== null) throw this.#torn;
      const before = this.#tx.changes;
      try {
        return await task(this.#tx);
      } catch (error) {
        // An operation that failed before it wrote leaves the batch usable;
        // one that failed half-way would leave half of itself behind.
        if (this.#tx.changes !== before) this.#torn = error;
        throw error;
      }
    });
  }
}
