import { backup, type DatabaseSync, type StatementSync } from "node:sqlite";
import type { DatabaseConnection, QueryResult } from "kysely";
import { sqliteTemplates } from "../../../templates/sqlite.ts";
import type { TemplateCompiler } from "../../../templates/template.ts";
import { AloeError } from "../../errors.ts";
import { runtime } from "../../runtime/mod.ts";
import { Checkpointer, type WalBytes } from "./checkpointer.ts";
import { removeCompanions } from "./companions.ts";
import { dropTail, holdTail } from "./held_tail.ts";
import type { Room, StorageCapabilities } from "../capabilities.ts";
import { sqliteCapabilities } from "./capabilities.ts";
import type {
  BackupOptions,
  Durability,
  StorageDialect,
  StorageDriver,
  StorageQuery,
  StorageTransactionSettings,
} from "../dialect.ts";
import { DiskRoom, type FileState, roomOf } from "./disk_room.ts";
import { openGuarded } from "./guarded.ts";
import { sqliteFile, sqliteLocation } from "./location.ts";
import { OpenedFile } from "./opened_file.ts";
import { cannotMakeFiles, isOutOfRange, translateSqliteError } from "./sqlite_errors.ts";
import { StoredIdentity, UnknownSchema, type Watermarks, watermarksOf } from "./stored_identity.ts";

/** How a SQLite file is opened. */
export interface SqliteOptions {
  /** The database file, or `:memory:`. */
  path: string;
  /** Whether nothing may be written to it. */
  readOnly: boolean;
  /** Durability of a commit. */
  durability: Durability;
  /** Page size of a new file, bytes. */
  pageSize: number;
  /** Whether a thread of its own checkpoints the WAL. */
  checkpointAside: boolean;
  /** A file that is emptied when there is no room left; null for none. */
  reserve: string | null;
}

/**
 * Page size of new files, bytes. 16 KiB streams half as fast again, but
 * commits single operations at half the speed; 8 KiB doubles small files.
 */
export const PAGE_SIZE = 4096;

/** How a file is opened when nothing else is said. */
const DEFAULTS: Omit<SqliteOptions, "path"> = {
  readOnly: false,
  durability: "full",
  pageSize: PAGE_SIZE,
  checkpointAside: false,
  reserve: null,
};

/** Deno's built-in `node:sqlite`. */
export class SqliteDialect implements StorageDialect {
  readonly templates: TemplateCompiler = sqliteTemplates;
  readonly capabilities: StorageCapabilities = sqliteCapabilities;
  readonly #options: SqliteOptions;

  /** @param options What is left out is as {@linkcode DEFAULTS} has it. */
  constructor(options: Partial<SqliteOptions> & Pick<SqliteOptions, "path">) {
    this.#options = { ...DEFAULTS, ...options, path: sqliteLocation(options.path) };
  }

  createDriver(): SqliteDriver {
    return new SqliteDriver(this.#options);
  }

  translateError(error: unknown): unknown {
    const known = translateSqliteError(error, this.#options.path);
    if (known === error || !(known instanceof AloeError) || known.code !== "io_error") return known;
    const { path, readOnly } = this.#options;
    if (DiskRoom.isFull(path)) {
      return new AloeError("no_space", `${path}: no space left on the device`, { cause: error });
    }
    if (readOnly || isWritable(path)) return known;
    return new AloeError("read_only", `${path}: the file or its folder cannot be written`, {
      cause: error,
    });
  }
}

/** One connection, prepared statements kept for its life. */
export class SqliteDriver implements StorageDriver {
  readonly #options: SqliteOptions;
  #connection: SqliteConnection | null = null;
  #checkpointer: Checkpointer | null = null;
  #opened: OpenedFile | null = null;
  /** Of connections that are open for long. */
  #stored: StoredIdentity | null = null;
  #room: DiskRoom | null = null;
  /** Whether the file's own reserve was given up. */
  #hadTail = false;
  /** When the file had been changed last before it was opened; null when it was not there. */
  #modified: number | null = null;
  /** Bytes of a page, once it is prepared for writing. */
  #pageSize = PAGE_SIZE;
  /** Whether the transaction that runs may write. */
  #writes = false;
  /** Set while a transaction runs that has to fit on a disk that is nearly full. */
  #scarce: { before: FileState; log: number } | null = null;
  /** Why the transaction that runs may only free room. */
  #refused: unknown = null;
  /** Why nothing is written any more: the path leads to another file. */
  #lost: unknown = null;

  constructor(options: SqliteOptions) {
    this.#options = options;
  }

  // deno-lint-ignore require-await -- errors must reject, not throw
  async init(): Promise<void> {
    const { path, reserve } = this.#options;
    // The files beside it that are made need room.
    if (reserve !== null && DiskRoom.isFull(path)) emptyFile(reserve);
    if (this.#connection !== null) return;
    if (this.#holdsTail()) {
      if (dropTail(path)) this.#hadTail = true;
      this.#modified ??= modifiedAt(path);
    }
    this.#connection = openConnection(this.#options);
  }

  async acquireConnection(): Promise<SqliteConnection> {
    await this.init();
    return this.#connection!;
  }

  async beginTransaction(
    connection: DatabaseConnection,
    settings: StorageTransactionSettings,
  ): Promise<void> {
    const sqlite = connection as SqliteConnection;
    this.#writes = settings.accessMode !== "read only";
    this.#scarce = null;
    if (this.#writes) {
      await this.requireFile(sqlite);
      await this.#checkpointer?.admit(() => sqlite.walState());
      this.#admit(sqlite, settings.frees ?? false);
    }
    if (settings.accessMode === "read only") return sqlite.execute("BEGIN");
    const full = this.#options.durability === "full" &&
      settings.durable !== false;
    sqlite.setSynchronous(full ? "FULL" : "NORMAL");
    sqlite.execute("BEGIN IMMEDIATE");
  }

  schemaVersion(connection: DatabaseConnection): number {
    return (connection as SqliteConnection).schemaVersion();
  }

  #admit(sqlite: SqliteConnection, frees: boolean | "undecided"): void {
    this.#refused = null;
    if (this.#room === null) return;
    if (frees === true) return this.#room.prepare(sqlite);
    try {
      const before = this.#room.admit(sqlite);
      if (before !== null) this.#scarce = { before, log: sqlite.walState().written };
    } catch (error) {
      if (frees === false) throw error;
      this.#refused = error;
    }
  }

  room(): Room {
    return roomOf(this.#options.path);
  }

  requireRoom(): void {
    if (this.#refused !== null) throw this.#refused;
  }

  // deno-lint-ignore require-await
  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    const sqlite = connection as SqliteConnection;
    if (this.#scarce !== null) {
      this.#room!.requireFit(sqlite, this.#scarce.before, this.#scarce.log);
      this.#scarce = null;
    }
    sqlite.execute("COMMIT");
    if (!this.#writes) return;
    this.#room?.committed(sqlite);
    this.#checkpointer?.committed(sqlite.walState());
  }

  // deno-lint-ignore require-await
  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    const sqlite = connection as SqliteConnection;
    // SQLite has already rolled back after some faults, a full disk among them.
    if (sqlite.inTransaction) sqlite.execute("ROLLBACK");
  }

  async giveRoomBack(connection: DatabaseConnection): Promise<void> {
    const { path, reserve } = this.#options;
    if (reserve !== null && DiskRoom.isFull(path)) emptyFile(reserve);
    if (await this.#isThere(connection)) this.#room?.relieve(connection as SqliteConnection);
  }

  async cannotGrow(connection: DatabaseConnection): Promise<boolean> {
    if (!await this.#isThere(connection)) return false;
    return this.#room?.isLimited(connection as SqliteConnection) ?? false;
  }

  /** Whether the path, and the WAL's, still lead to what was opened. */
  async #isThere(connection: DatabaseConnection): Promise<boolean> {
    try {
      await this.requireFile(connection);
      return this.#opened?.companionsAreOurs() ?? true;
    } catch {
      return false;
    }
  }

  async requireFile(connection: DatabaseConnection): Promise<void> {
    const sqlite = connection as SqliteConnection;
    if (this.#lost === null) {
      try {
        this.#opened?.check();
        if (!await this.#stored?.isOther(() => watermarksOrNull(sqlite))) return;
        this.#lost = this.#opened!.overwritten();
        // Nothing of the WAL may get into the other database.
        await this.#checkpointer?.close();
        this.#checkpointer = null;
        if (this.#opened!.companionsAreOurs()) this.#opened!.discardWal();
      } catch (error) {
        this.#lost = error;
        await this.#letGo(sqlite);
      }
    }
    throw this.#lost;
  }

  /**
   * Leaves the lost file complete, and nothing of it beside the other one,
   * which would take its WAL for its own.
   */
  async #letGo(sqlite: SqliteConnection): Promise<void> {
    await this.#checkpointer?.close();
    this.#checkpointer = null;
    if (!this.#opened!.companionsAreOurs()) return;
    try {
      // It takes the WAL away, once all of it is in the file.
      sqlite.execute("PRAGMA journal_mode = DELETE");
      return;
    } catch {
      // Somebody else has the lost file open.
    }
    if (sqlite.emptyWal()) this.#opened!.removeCompanions();
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    await this.#checkpointer?.close();
    this.#checkpointer = null;
    const connection = this.#connection;
    if (connection === null) return;
    this.#connection = null;
    this.#opened = this.#lost === null ? null : this.#opened;
    if (this.#lost !== null && connection.inWalMode()) {
      // SQLite would take away the WAL of whatever is at the path now.
      abandoned.push(connection);
      return;
    }
    const pageSize = this.#room !== null && this.#holdsTail() ? this.#pageSize : null;
    connection.close();
    if (this.#options.readOnly) removeCompanions(this.#options.path);
    // To hold room counts as a change: a file that was only read keeps its time.
    const { path } = this.#options;
    if (pageSize === null || !this.#hadTail && modifiedAt(path) === this.#modified) return;
    holdTail(path, pageSize, this.#hadTail);
  }

  /** Whether the file itself holds room: nothing else does. */
  #holdsTail(): boolean {
    const { path, readOnly, reserve } = this.#options;
    return !readOnly && reserve === null && DiskRoom.at(path) !== null;
  }

  async whileAlone<T>(task: (connection: SqliteConnection) => Promise<T>): Promise<T | null> {
    if (this.#options.path === ":memory:") return null;
    let database: DatabaseSync | null = null;
    try {
      database = openGuarded(this.#options.path, { timeout: 0 });
      // A connection to a file with a WAL holds a lock for its whole life.
      database.prepare("PRAGMA locking_mode = EXCLUSIVE").run();
      database.prepare("SELECT 1 FROM main.sqlite_master").get();
    } catch {
      database?.close();
      return null;
    }
    const connection = new SqliteConnection(database);
    try {
      return await task(connection);
    } finally {
      connection.close();
    }
  }

  async prepareForWriting(): Promise<void> {
    const connection = await this.acquireConnection();
    const { database } = connection;
    const size = database.prepare("PRAGMA page_count").get() as {
      page_count: number;
    };
    if (size.page_count === 0) {
      connection.execute(`PRAGMA page_size = ${this.#options.pageSize}`);
    }
    // SQLite itself falls back to a rollback journal where WAL cannot work.
    const mode = database.prepare("PRAGMA journal_mode = WAL").get() as { journal_mode: string };
    const hasWal = mode.journal_mode === "wal";
    const { page_size } = database.prepare("PRAGMA page_size").get() as {
      page_size: number;
    };
    this.#pageSize = page_size;
    if (this.#options.checkpointAside) {
      connection.execute(`PRAGMA cache_size = -${LARGE_CACHE_KIB}`);
    }
    const aside = this.#options.checkpointAside && hasWal;
    // The thread may be gone, or be held up: then it is done here after all.
    const every = aside ? CHECKPOINT_AFTER_ALL_BYTES : CHECKPOINT_BYTES;
    connection.execute(`PRAGMA wal_autocheckpoint = ${Math.ceil(every / page_size)}`);
    if (aside) this.#checkpointer = new Checkpointer(this.#options.path);
    connection.execute(`PRAGMA journal_size_limit = ${JOURNAL_LIMIT_BYTES}`);
    // Not before: a new file comes to be here.
    this.#opened ??= OpenedFile.at(this.#options.path);
    if (aside && this.#opened !== null) {
      const { path } = this.#opened;
      this.#stored = await StoredIdentity.of(path, immutableUri(path));
    }
    if (!hasWal) return;
    this.#room ??= DiskRoom.at(this.#options.path);
    // Who closes the file soon gives it back anyway.
    if (aside) this.#room?.hold(connection);
  }

  async backup(destination: string, options: BackupOptions): Promise<void> {
    const { path } = this.#options;
    const own = path !== ":memory:";
    const source = own
      ? openConnection({ ...this.#options, readOnly: true }).database
      : (await this.acquireConnection()).database;
    try {
      if (own) {
        // On a snapshot: a backup begins again whenever another connection writes.
        source.prepare("BEGIN").run();
        source.prepare("SELECT 1 FROM main.sqlite_master").get();
      }
      await options.onBegin?.();
      await backup(source, sqliteFile(destination), {
        rate: options.pagesPerStep ?? 1024,
        progress: (progress) => {
          // Its one way to be cancelled is an exception from here.
          options.signal?.throwIfAborted();
          options.onProgress?.(progress);
        },
      });
    } finally {
      if (own) source.close();
    }
  }
}

async function watermarksOrNull({ database }: SqliteConnection): Promise<Watermarks | null> {
  try {
    return await watermarksOf(database);
  } catch (error) {
    if (error instanceof UnknownSchema) throw error;
    // What it reads is not its own any more.
    return null;
  }
}

/** Connections to lost files that are not closed before the process ends. */
const abandoned: SqliteConnection[] = [];

/** How long SQLite itself waits for a lock before the engine's own retry, ms. */
const BUSY_TIMEOUT_MS = 20;

/**
 * Pages kept in memory, KiB. Spilling a large transaction to the WAL is cheap;
 * this bounds a connection's memory.
 */
const CACHE_KIB = 16 * 1024;

/** The same where long transactions are usual: what does not fit is written twice. */
const LARGE_CACHE_KIB = 32 * 1024;

/**
 * WAL written between two checkpoints: four times SQLite's own, a quarter
 * more throughput of streams for stalls of 50 ms at most.
 */
const CHECKPOINT_BYTES = 16 * 1024 * 1024;

/** The same where a thread of its own checkpoints. */
const CHECKPOINT_AFTER_ALL_BYTES = 256 * 1024 * 1024;

/** A WAL that one long transaction made large is cut back to this. */
const JOURNAL_LIMIT_BYTES = 64 * 1024 * 1024;

/** False for a file that is there, and that no WAL can be made beside. */
function isWritable(path: string): boolean {
  if (path === ":memory:" || runtime.statSync(path) === null) return true;
  try {
    // To ask for the right is not enough: root has it on a disk that is read-only, too.
    runtime.removeSync(runtime.makeTempDirSync(`${path}-`));
    return true;
  } catch (error) {
    return !/^(EACCES|EPERM|EROFS)$/.test((error as { code?: string }).code ?? "");
  }
}

function modifiedAt(path: string): number | null {
  return runtime.statSync(path)?.modified ?? null;
}

/** Gives back what a file holds. */
function emptyFile(path: string): void {
  try {
    runtime.truncateSync(path);
  } catch {
    // It is not there, or may not be written.
  }
}

function openConnection(options: SqliteOptions): SqliteConnection {
  if (!options.readOnly) return connect(options, options.path);
  try {
    return connect(options, options.path);
  } catch (error) {
    // A WAL needs an index beside it, also to be read.
    if (!cannotMakeFiles(error) || !isSettled(options.path)) throw error;
    return connect(options, immutableUri(options.path));
  }
}

/** Whether the file has everything that was ever committed to it. */
function isSettled(path: string): boolean {
  return !exists(`${path}-wal`) && !exists(`${path}-journal`);
}

function exists(path: string): boolean {
  const status = runtime.statSync(path);
  return status !== null && status.size > 0;
}

/** Tells SQLite that nobody will write the file, so that it needs no locks and no index. */
function immutableUri(path: string): string {
  return `file:${path.replaceAll(/[%?#]/g, encodeURIComponent)}?immutable=1`;
}

function connect(options: SqliteOptions, location: string): SqliteConnection {
  const database = openGuarded(location, {
    readOnly: options.readOnly,
    timeout: BUSY_TIMEOUT_MS,
  });
  try {
    const pragmas = [
      `cache_size = -${CACHE_KIB}`,
      "temp_store = MEMORY",
    ];
    for (const pragma of pragmas) database.prepare(`PRAGMA ${pragma}`).run();
    // Opening reads nothing yet, so whether it can is found out here.
    if (options.readOnly) database.prepare("SELECT 1 FROM main.sqlite_master").get();
  } catch (error) {
    database.close();
    throw error;
  }
  return new SqliteConnection(database);
}

/** A connection: executes compiled queries, each prepared once. */
export class SqliteConnection implements DatabaseConnection {
  readonly database: DatabaseSync;
  readonly #statements = new Map<string, CachedStatement>();
  #synchronous = "";
  #walState: StatementSync | null = null;
  #pageCount: StatementSync | null = null;
  #freePages: StatementSync | null = null;
  #schemaVersion: StatementSync | null = null;
  #pageSize: number | null = null;

  constructor(database: DatabaseSync) {
    this.database = database;
  }

  get inTransaction(): boolean {
    return this.database.isTransaction;
  }

  // deno-lint-ignore require-await -- an async function turns throws into rejections
  async executeQuery<R>(query: StorageQuery): Promise<QueryResult<R>> {
    const cached = this.#prepare(query);
    if (cached.columns.length > 0) {
      const rows = allRows(cached.statement, query);
      if (query.arrays) return { rows: rows as R[] };
      return { rows: rows.map((row) => toObject<R>(row, cached.columns)) };
    }
    const { changes } = cached.statement.run(...query.parameters as Bindable[]);
    return { rows: [], numAffectedRows: BigInt(changes) };
  }

  async *streamQuery<R>(
    query: StorageQuery,
  ): AsyncIterableIterator<QueryResult<R>> {
    const { statement, columns } = this.#prepare(query);
    for (const row of statement.iterate(...query.parameters as Bindable[])) {
      yield { rows: [toObject<R>(row as unknown as Row, columns)] };
    }
  }

  /** A statement without values. Prepared, since `exec` throws errors without a code. */
  execute(sql: string): void {
    this.#prepare({ sql }).statement.run();
  }

  /** Whether there is a WAL. */
  inWalMode(): boolean {
    const mode = this.database.prepare("PRAGMA journal_mode").get() as { journal_mode: string };
    return mode.journal_mode === "wal";
  }

  /** What has gathered in the WAL. */
  walState(): WalBytes {
    this.#walState ??= this.database.prepare("PRAGMA wal_checkpoint(NOOP)");
    const pageSize = this.#bytesOfPage();
    const { log, checkpointed } = this.#walState.get() as { log: number; checkpointed: number };
    return { written: Math.max(0, log) * pageSize, moved: Math.max(0, checkpointed) * pageSize };
  }

  /** Pages of the file, as this connection sees it. */
  fileState(): FileState {
    this.#pageCount ??= this.database.prepare("PRAGMA page_count");
    this.#freePages ??= this.database.prepare("PRAGMA freelist_count");
    return {
      pageSize: this.#bytesOfPage(),
      pages: (this.#pageCount.get() as { page_count: number }).page_count,
      free: (this.#freePages.get() as { freelist_count: number }).freelist_count,
    };
  }

  /** A number that changes when another connection has committed. */
  dataVersion(): number {
    return (this.database.prepare("PRAGMA data_version").get() as { data_version: number })
      .data_version;
  }

  /** A number that SQLite raises whenever anybody changes the file's schema. */
  schemaVersion(): number {
    if (this.#schemaVersion === null) {
      this.#schemaVersion = this.database.prepare("PRAGMA main.schema_version");
      (this.#schemaVersion as ArrayStatement).setReturnArrays(true);
    }
    return (this.#schemaVersion.get() as unknown as [number])[0];
  }

  #bytesOfPage(): number {
    return this.#pageSize ??=
      (this.database.prepare("PRAGMA page_size").get() as { page_size: number }).page_size;
  }

  /** Moves all that is in the WAL into the file. @returns Whether that could be done. */
  emptyWal(): boolean {
    const { busy } = this.database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get() as {
      busy: number;
    };
    return busy === 0;
  }

  setSynchronous(level: "FULL" | "NORMAL"): void {
    if (level === this.#synchronous) return;
    this.execute(`PRAGMA synchronous = ${level}`);
    this.#synchronous = level;
  }

  close(): void {
    this.#statements.clear();
    this.database.close();
  }

  #prepare(query: Pick<StorageQuery, "sql" | "wide">): CachedStatement {
    let cached = this.#statements.get(query.sql);
    if (cached === undefined) {
      const statement = this.database.prepare(query.sql);
      statement.setReadBigInts(query.wide === true);
      (statement as ArrayStatement).setReturnArrays(true);
      cached = { statement, columns: statement.columns().map((column) => column.name) };
      this.#statements.set(query.sql, cached);
    }
    return cached;
  }
}

interface CachedStatement {
  statement: StatementSync;
  /** Names of what it returns; none when it only changes. */
  columns: string[];
}

/** Deno has the method; its types do not yet. */
interface ArrayStatement extends StatementSync {
  setReturnArrays(enabled: boolean): void;
}

type Row = unknown[];

/**
 * A row as an object. Those that SQLite's binding makes are dictionaries: to
 * read one costs more than to make this.
 */
function toObject<R>(row: Row, columns: string[]): R {
  const object: Record<string, unknown> = {};
  for (let i = 0; i < columns.length; i++) object[columns[i]] = row[i];
  return object as R;
}

/** All rows of a statement. */
function allRows(statement: StatementSync, { parameters, wide }: StorageQuery): Row[] {
  const all = () => statement.all(...parameters as Bindable[]) as unknown as Row[];
  try {
    return all();
  } catch (error) {
    if (wide || !isOutOfRange(error)) throw error;
  }
  // An integer that no such column has, in a damaged file: it is read as about what it is,
  // so that it spoils nothing but what is said of its own row.
  statement.setReadBigInts(true);
  try {
    return all().map((row) =>
      row.map((value) => typeof value === "bigint" ? Number(value) : value)
    );
  } finally {
    statement.setReadBigInts(false);
  }
}

type Bindable = null | number | bigint | string | Uint8Array;
