import type { AsyncLocalStorage } from "node:async_hooks";
import type { DatabaseConnection, Driver } from "kysely";
import { AloeError } from "../errors.ts";
import type {
  BackupOptions,
  StorageDialect,
  StorageDriver,
  StorageTransactionSettings,
} from "./dialect.ts";
import { Batch } from "./batch.ts";
import type { Room } from "./capabilities.ts";
import { Lane } from "./lane.ts";
import { type SchemaGuard, SchemaWatch } from "./schema_guard.ts";
import { Transaction } from "./transaction.ts";

/** How an operation may want its transaction. */
export interface WriteOptions {
  /** False for a step of longer work whose last commit is durable. */
  durable?: boolean;
  /** How long another process is waited for, ms; as the database was opened when left out. */
  patience?: number;
  /**
   * True for what frees room, or hardly takes any: it may use what is kept on a
   * full disk for that, and is run a second time when that has to be made first.
   */
  frees?: boolean;
  /**
   * True for what writes only into tables of which a read-only connection has
   * temporary ones of its own: it may do so, too.
   */
  temporary?: boolean;
  /** Whether it is not to be run a second time. */
  once?: boolean;
}

/**
 * What operations are given: an open file, or a batch within one. Operations
 * ask it for a transaction and know neither the driver nor the dialect.
 */
export interface Database {
  /** Whether nothing may be written. */
  readonly readOnly: boolean;
  /** The file, for messages. */
  readonly path: string;
  /** Whether it is a batch: all operations are one transaction. */
  readonly isBatch: boolean;
  /**
   * What a layer above keeps for as long as the database is open; made when it is
   * first asked for, disposed of at the end.
   *
   * @ignore
   */
  extension<Extension extends Disposable>(kind: new () => Extension): Extension;
  /**
   * Runs statements that need no common snapshot, one in most cases.
   *
   * @ignore
   */
  query<T>(task: (tx: Transaction) => Promise<T>): Promise<T>;
  /**
   * Runs several statements on one snapshot.
   *
   * @ignore
   */
  read<T>(task: (tx: Transaction) => Promise<T>): Promise<T>;
  /**
   * Runs one transaction that writes: all of it happens, or none.
   *
   * @ignore
   */
  write<T>(
    task: (tx: Transaction) => Promise<T>,
    options?: WriteOptions,
  ): Promise<T>;
  /**
   * Runs statements that cannot be within a transaction. Not for a batch.
   *
   * @ignore
   */
  alone<T>(task: (tx: Transaction) => Promise<T>): Promise<T>;
  /**
   * Moves the WAL into the file and gives its room back, as far as others and
   * the disk let it. Not for a batch.
   *
   * @ignore
   */
  emptyLog(): Promise<void>;
  /**
   * Bytes of the log beside the file, and those that its disk has left.
   *
   * @ignore
   */
  room(): Room;
  /**
   * Itself; of a batch that has ended, the database that it was of. What
   * outlives a batch, an open descriptor for one, goes on with that.
   *
   * @ignore
   */
  readonly current: Database;
  /** Runs many operations as one transaction; within a batch it joins that. */
  batch<T>(task: (db: Database) => Promise<T>, options?: WriteOptions): Promise<T>;
}

/** A {@linkcode Database} that owns its connection. */
export class OpenDatabase implements Database {
  readonly isBatch = false;
  readonly readOnly: boolean;
  readonly path: string;
  readonly #extensions = new Map<new () => Disposable, Disposable>();
  readonly #dialect: StorageDialect;
  readonly #driver: StorageDriver;
  readonly #busyTimeout: number;
  readonly #yields: boolean;
  readonly #lane = new Lane();
  /**
   * Marks the call chain of a batch, to tell misuse from waiting. Loading it
   * takes 5 ms, so only the first batch does.
   */
  #inBatch: AsyncLocalStorage<Batch> | null = null;
  #connection: DatabaseConnection | null = null;
  /** Null while the file is being opened. */
  #schema: SchemaWatch | null = null;

  /** @ignore Databases come from `openDatabase`. */
  constructor(
    dialect: StorageDialect,
    options: { path: string; readOnly: boolean; busyTimeout: number; yields?: boolean | undefined },
  ) {
    this.path = options.path;
    this.readOnly = options.readOnly;
    this.#busyTimeout = options.busyTimeout;
    this.#yields = options.yields ?? true;
    this.#dialect = dialect;
    this.#driver = dialect.createDriver();
  }

  /**
   * Opens the connection.
   *
   * @ignore
   */
  async connect(): Promise<void> {
    await this.#retryWhileBusy(async () => {
      await this.#driver.init();
      this.#connection = await this.#driver.acquireConnection();
    });
  }

  /**
   * Settles what must be settled before the first write: page size, journal.
   *
   * @ignore
   */
  async prepareForWriting(): Promise<void> {
    await this.#inLane(() =>
      this.#retryWhileBusy(async () => await this.#driver.prepareForWriting?.())
    );
  }

  /**
   * From now on nothing of the file is compiled after anybody has changed its
   * schema, before that was compared again.
   *
   * @param guard What compares it.
   * @param compared The version of the schema that was found good; null for none.
   * @ignore
   */
  guardSchema(guard: SchemaGuard, compared: number | null): void {
    this.#schema = new SchemaWatch(guard, compared, {
      path: this.path,
      version: () => this.schemaVersion(),
      transact: (accessMode, task) => this.#transactPlainly(accessMode, task),
      translateError: (error) => this.#dialect.translateError(error),
    });
  }

  /**
   * The version of the schema, as the transaction that runs sees it; null where
   * there is no such number.
   *
   * @ignore
   */
  schemaVersion(): number | null {
    return this.#driver.schemaVersion?.(this.#open()) ?? null;
  }

  /**
   * A driver that hands out this connection and leaves its transaction alone.
   *
   * @ignore
   */
  sharedDriver(): Driver {
    const connection = this.#open();
    const nothing = () => Promise.resolve();
    return {
      init: nothing,
      acquireConnection: () => Promise.resolve(connection),
      beginTransaction: nothing,
      commitTransaction: nothing,
      rollbackTransaction: nothing,
      releaseConnection: nothing,
      destroy: nothing,
    };
  }

  /** @ignore */
  query<T>(task: (tx: Transaction) => Promise<T>): Promise<T> {
    // Only in a transaction is it certain by which schema a statement is run.
    return this.read(task);
  }

  /** @ignore */
  read<T>(task: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#inLane(() => this.#transact(task, "read only", {}));
  }

  /** @ignore */
  write<T>(task: (tx: Transaction) => Promise<T>, options: WriteOptions = {}): Promise<T> {
    if (this.readOnly && !options.temporary) return Promise.reject(readOnlyError(this.path));
    const access = this.readOnly ? "read only" : "read write";
    return this.#inLane(() => this.#transact(task, access, options));
  }

  /** @ignore */
  async alone<T>(task: (tx: Transaction) => Promise<T>): Promise<T> {
    // A checkpoint is a write to the file.
    await this.#requireFile();
    return await this.#inLane(async () => {
      // The nearest to it: what is run here uses no trigger and no view.
      await this.#transact(() => Promise.resolve(), "read only", {});
      return await this.#retryWhileBusy(() => task(this.#transaction(this.#open(), false)));
    });
  }

  /** @ignore */
  extension<Extension extends Disposable>(kind: new () => Extension): Extension {
    let extension = this.#extensions.get(kind) as Extension | undefined;
    if (extension === undefined) {
      extension = new kind();
      this.#extensions.set(kind, extension);
    }
    return extension;
  }

  /** @ignore */
  get current(): Database {
    return this;
  }

  batch<T>(task: (db: Database) => Promise<T>, options: WriteOptions = {}): Promise<T> {
    if (this.readOnly) return Promise.reject(readOnlyError(this.path));
    const run = async (tx: Transaction) => {
      this.#inBatch ??= new (await import("node:async_hooks")).AsyncLocalStorage<Batch>();
      const batch = new Batch(this, tx);
      try {
        return await this.#inBatch.run(batch, () => task(batch));
      } finally {
        await batch.end();
      }
    };
    // What is in it decides whether it needs room.
    const settings = { frees: "undecided" as const, ...options };
    return this.#inLane(() => this.#transact(run, "read write", settings));
  }

  /**
   * Refuses where the batch that runs may only free room.
   *
   * @throws {AloeError} `no_space`.
   * @ignore
   */
  requireRoom(): void {
    this.#driver.requireRoom?.(this.#open());
  }

  /** Copies the live database into a new file. */
  async backup(destination: string, options: BackupOptions): Promise<void> {
    const driver = this.#driver;
    if (!driver.backup) throw new AloeError("unsupported", "this database has no backup");
    await this.#inLane(async () => {
      this.#open();
      await driver.backup?.(destination, options);
    });
  }

  /**
   * Whether the path leads to another file by now, or to none. Nothing is
   * written then, and nothing stays beside the other file.
   *
   * @ignore
   */
  async isLost(): Promise<boolean> {
    try {
      await this.#requireFile();
      return false;
    } catch {
      return true;
    }
  }

  /**
   * Looks into the file when nobody else has it open: neither another process
   * nor another connection of this one.
   *
   * @returns What was found; null when somebody has it open.
   * @ignore
   */
  async whileAlone<T>(task: (tx: Transaction) => Promise<T>): Promise<T | null> {
    const driver = this.#driver;
    if (!driver.whileAlone) return null;
    return await this.#inLane(async () => {
      this.#open();
      let result: T | null = null;
      try {
        // Its own connection would be in the way.
        await driver.destroy();
        result = await driver.whileAlone!(async (connection) => {
          const tx = this.#transaction(connection, false);
          await this.#schema?.compare(tx);
          return await task(tx);
        });
      } finally {
        this.#connection = null;
        // Somebody else may have been waiting to look, too.
        await this.#retryWhileBusy(async () => {
          this.#connection = await driver.acquireConnection();
          await driver.prepareForWriting?.();
          // It has read the schema anew.
          this.#schema?.forget();
        });
      }
      return result;
    });
  }

  /** Whether there is a connection. */
  get isOpen(): boolean {
    return this.#connection !== null;
  }

  /** Waits for what is running and closes the connection. */
  async close(): Promise<void> {
    if (this.#connection === null) return;
    await this.#inLane(async () => {
      this.#connection = null;
      for (const extension of this.#extensions.values()) extension[Symbol.dispose]();
      this.#extensions.clear();
      await this.#driver.destroy();
    });
  }

  async #requireFile(): Promise<void> {
    await this.#inLane(async () => await this.#driver.requireFile?.(this.#open()));
  }

  async #inLane<T>(task: () => Promise<T>): Promise<T> {
    const batch = this.#inBatch?.getStore();
    if (this.#lane.busy && batch !== undefined && !batch.ended) {
      throw new AloeError("invalid", "within a batch, call the batch's own handle");
    }
    try {
      return await this.#lane.run(task);
    } catch (error) {
      throw this.#dialect.translateError(error);
    }
  }

  #transaction(connection: DatabaseConnection, writes: boolean): Transaction {
    return new Transaction(connection, this.#dialect, { writes, yields: this.#yields });
  }

  #open(): DatabaseConnection {
    if (this.#connection === null) throw new AloeError("invalid", `${this.path}: is closed`);
    return this.#connection;
  }

  async #transact<T>(
    task: (tx: Transaction) => Promise<T>,
    accessMode: "read only" | "read write",
    options: Omit<WriteOptions, "frees"> & { frees?: boolean | "undecided" },
  ): Promise<T> {
    const connection = this.#open();
    const settings = { accessMode, durable: options.durable, frees: options.frees };
    const run = async () => {
      try {
        const tx = this.#transaction(connection, accessMode === "read write");
        const result = await task(tx);
        await tx.flush();
        await this.#retryWhileBusy(() => this.#driver.commitTransaction(connection));
        return result;
      } catch (error) {
        await this.#driver.rollbackTransaction(connection);
        throw error;
      }
    };
    const begin = () => this.#begin(connection, settings);
    if (accessMode === "read only") {
      // Nothing is locked before the first statement, so the whole is tried again.
      return await this.#retryWhileBusy(() => begin().then(run));
    }
    for (let again = options.frees === true && !options.once;; again = false) {
      try {
        await this.#retryWhileBusy(begin, options.patience);
        return await run();
      } catch (error) {
        const fault = await this.#giveRoomBack(connection, this.#dialect.translateError(error));
        if (!again || !isFull(fault)) throw fault;
      }
    }
  }

  /** Begins a transaction that sees a schema which is known to be good. */
  async #begin(
    connection: DatabaseConnection,
    settings: StorageTransactionSettings,
  ): Promise<void> {
    for (let i = 0; i < SCHEMA_CHANGES; i++) {
      await this.#driver.beginTransaction(connection, settings);
      if (this.#schema === null) return;
      try {
        if (this.#schema.isKnown()) return;
      } catch (error) {
        await this.#driver.rollbackTransaction(connection);
        throw error;
      }
      await this.#driver.rollbackTransaction(connection);
      await this.#schema.compareAnew();
    }
    throw new AloeError("busy", `${this.path}: its schema is being changed; try again`);
  }

  /** A transaction of its own that looks at nothing but what its task does. */
  async #transactPlainly<T>(accessMode: "read only" | "read write", task: Task<T>): Promise<T> {
    const connection = this.#open();
    await this.#driver.beginTransaction(connection, { accessMode, frees: true });
    try {
      const result = await task(this.#transaction(connection, accessMode === "read write"));
      await this.#driver.commitTransaction(connection);
      return result;
    } catch (error) {
      await this.#driver.rollbackTransaction(connection);
      throw error;
    }
  }

  /** @ignore */
  room(): Room {
    return this.#driver.room?.() ?? NO_ROOM_KNOWN;
  }

  /** @ignore */
  async emptyLog(): Promise<void> {
    await this.#inLane(async () => await this.#driver.giveRoomBack?.(this.#open()));
  }

  /** What a transaction failed with; where the disk had no room for it, that is given back. */
  async #giveRoomBack(connection: DatabaseConnection, fault: unknown): Promise<unknown> {
    if (isWriteFault(fault) && await this.#driver.cannotGrow?.(connection)) {
      fault = new AloeError(
        "no_space",
        `${this.path}: no space left on the device (a quota, or a limit)`,
        { cause: fault },
      );
    }
    if (isFull(fault)) await this.#driver.giveRoomBack?.(connection);
    return fault;
  }

  /** A driver may block the thread while it waits, so it waits briefly and we wait here. */
  async #retryWhileBusy<T>(
    attempt: () => Promise<T>,
    patience: number = this.#busyTimeout,
  ): Promise<T> {
    let deadline = 0;
    for (let pause = 1;; pause = Math.min(pause * 2, 50)) {
      try {
        return await attempt();
      } catch (error) {
        const known = this.#dialect.translateError(error);
        if (!(known instanceof AloeError && known.code === "busy")) throw known;
        deadline ||= performance.now() + patience;
        if (performance.now() > deadline) throw known;
        await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())));
      }
    }
  }
}

type Task<T> = (tx: Transaction) => Promise<T>;

/** How often a schema may change while one transaction is about to begin. */
const SCHEMA_CHANGES = 100;

/** Of a backend that cannot tell. */
const NO_ROOM_KNOWN: Room = { log: 0, held: 0, disk: null };

function isFull(error: unknown): boolean {
  return error instanceof AloeError && error.code === "no_space";
}

function isWriteFault(error: unknown): boolean {
  return error instanceof AloeError && error.code === "io_error";
}

function readOnlyError(path: string): AloeError {
  return new AloeError("read_only", `${path}: is open for reading only`);
}
