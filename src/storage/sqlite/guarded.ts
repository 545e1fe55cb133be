import { DatabaseSync } from "node:sqlite";

/** How a connection is opened. */
export interface GuardedOptions {
  /** Whether nothing may be written. Default false. */
  readOnly?: boolean;
  /** How long SQLite itself waits for a lock, ms. */
  timeout: number;
}

/**
 * Opens a connection that trusts nothing in the file: functions with effects
 * are not called for it, the schema cannot be written as a table, and what one
 * statement may take is bounded.
 *
 * @param location The file, as SQLite takes it.
 */
export function openGuarded(location: string, options: GuardedOptions): DatabaseSync {
  const database = new DatabaseSync(location, {
    readOnly: options.readOnly ?? false,
    enableForeignKeyConstraints: true,
    timeout: options.timeout,
  }) as GuardedDatabase;
  try {
    database.enableDefensive(true);
    Object.assign(database.limits, LIMITS);
    limitAttached(database);
    // The option above is lost on a read-only connection.
    if (options.readOnly) database.prepare(`PRAGMA busy_timeout = ${options.timeout}`).run();
    database.prepare("PRAGMA trusted_schema = OFF").run();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** One database beside the file: a vacuum needs it. */
function limitAttached(database: GuardedDatabase): void {
  try {
    database.limits.attach = 1;
  } catch {
    // Without full permissions the runtime lets nothing be attached at all.
  }
}

/** The runtime has these; its types do not yet. */
interface GuardedDatabase extends DatabaseSync {
  enableDefensive(active: boolean): void;
  readonly limits: Record<string, number>;
}

/** What our own statements stay far below. */
const LIMITS = {
  /** Bytes of a value or a row: a chunk has 512 MiB at most. */
  length: 640 * 1024 * 1024,
  /** Bytes of a statement. */
  sqlLength: 1024 * 1024,
  exprDepth: 200,
  compoundSelect: 50,
  /** Instructions of a compiled statement. */
  vdbeOp: 100_000,
  /** Triggers and foreign keys that one change sets off, one after the other. */
  triggerDepth: 32,
};
