import type { CompiledQuery, DatabaseConnection, Driver, TransactionSettings } from "kysely";
import type { TemplateCompiler } from "../../templates/template.ts";
import type { Room, StorageCapabilities } from "./capabilities.ts";

/** When a commit is safe: `full` on disk at once, `normal` consistent after any crash. */
export type Durability = "full" | "normal";

/**
 * What the engine asks of a database: everything that differs between SQLite
 * bindings, or between SQLite and a server, is behind this interface. The
 * driver is Kysely's; the templates are compiled by a Kysely dialect's query
 * compiler, here or ahead of time.
 */
export interface StorageDialect {
  /** The driver, with the transaction settings below. */
  createDriver(): StorageDriver;
  /** Gives templates their text. */
  readonly templates: TemplateCompiler;
  /** What it can do beyond queries and transactions. */
  readonly capabilities: StorageCapabilities;
  /** Turns an error of the driver into an `AloeError`, or returns it unchanged. */
  translateError(error: unknown): unknown;
}

/** A Kysely driver that also knows how durable a commit has to be. */
export interface StorageDriver extends Driver {
  /**
   * Runs a task when no connection to the file is open, and lets none be opened
   * meanwhile.
   *
   * @returns What the task did; null when it was not run.
   */
  whileAlone?<T>(task: (connection: DatabaseConnection) => Promise<T>): Promise<T | null>;
  /**
   * Throws when the path of the file leads to another one by now, or to none:
   * nothing of the open one is left beside the other then.
   */
  requireFile?(connection: DatabaseConnection): Promise<void>;
  /**
   * To be asked by a part that frees no room of a transaction that began undecided.
   *
   * @throws `no_space`.
   */
  requireRoom?(connection: DatabaseConnection): void;
  /**
   * A number that another one replaces when anybody changes the schema: as the
   * transaction that runs sees it.
   */
  schemaVersion?(connection: DatabaseConnection): number;
  /** The room that the database has on its disk, looked at now. */
  room?(): Room;
  /** Gives back what a transaction took that the disk had no room for. */
  giveRoomBack?(connection: DatabaseConnection): Promise<void>;
  /** Whether a write has failed since the file must not grow: a quota, or a limit. */
  cannotGrow?(connection: DatabaseConnection): Promise<boolean>;
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
  /**
   * Whether it frees room, and may take what is kept for that; undecided where
   * its parts tell, each with `requireRoom` unless it frees. Default false.
   */
  readonly frees?: boolean | "undecided";
}

/** What a connection is given to execute, marked when its integers may pass 2^53. */
export interface StorageQuery extends Pick<CompiledQuery, "sql" | "parameters"> {
  /** Whether integers are returned as `bigint`. */
  readonly wide?: boolean;
  /** Whether rows are returned as arrays of their columns. */
  readonly arrays?: boolean;
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
  /** Awaited when it is settled which state is copied, and before anything is. */
  onBegin?: () => Promise<void>;
  /** Called after each step. */
  onProgress?: (progress: BackupProgress) => void;
  /** Stops the work. */
  signal?: AbortSignal;
}
