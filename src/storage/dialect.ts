import type { CompiledQuery, Dialect, Driver, TransactionSettings } from "kysely";

/**
 * What the engine asks of a database beyond Kysely's own `Dialect`: everything
 * that differs between SQLite bindings, or between SQLite and a server, is
 * behind this interface.
 */
export interface StorageDialect extends Dialect {
  /** The driver, with the transaction settings below. */
  createDriver(): StorageDriver;
  /** Turns an error of the driver into an `AloeError`, or returns it unchanged. */
  translateError(error: unknown): unknown;
}

/** A Kysely driver that also knows how durable a commit has to be. */
export interface StorageDriver extends Driver {
  beginTransaction(
    connection: Awaited<ReturnType<Driver["acquireConnection"]>>,
    settings: StorageTransactionSettings,
  ): Promise<void>;
  /** Called once, before the first write to a file that is ours to write. */
  prepareForWriting?(): Promise<void>;
  /** Copies the live database into a new file. */
  backup?(destination: string, options: BackupOptions): Promise<void>;
}

/** Settings of one transaction. */
export interface StorageTransactionSettings extends TransactionSettings {
  /**
   * False for a step of longer work whose last commit is durable: the commit
   * is consistent after a crash but may be lost. Default: as the database was
   * opened.
   */
  readonly durable?: boolean;
}

/** A compiled query, marked when its integers may pass 2^53. */
export interface StorageQuery extends CompiledQuery {
  /** Whether integers are returned as `bigint`. */
  readonly wide?: boolean;
}

/** How far an online backup has come. */
export interface BackupProgress {
  /** Pages of the source. */
  totalPages: number;
  /** Pages still to be copied. */
  remainingPages: number;
}

/** Options of an online backup. */
export interface BackupOptions {
  /** Pages copied between two turns of the event loop. Default 1024. */
  pagesPerStep?: number;
  /** Called after each step. */
  onProgress?: (progress: BackupProgress) => void;
  /** Stops the work. */
  signal?: AbortSignal;
}
