import { checkFile, type FileState, upToDate } from "../../migrations/file_state.ts";
import { shadows } from "../../migrations/read_only.ts";
import { checkLists, temporaries } from "../../templates/file.ts";
import { fileFacts } from "../../templates/maintenance.ts";
import { raw } from "../../templates/template.ts";
import { AloeError } from "../errors.ts";
import { requireCompanions } from "./sqlite/companions.ts";
import { OpenDatabase, type SchemaGuard } from "./database.ts";
import { refuseDamagedTrees } from "./sqlite/page_trees.ts";
import { readState } from "./sqlite/read_state.ts";
import { type Durability, PAGE_SIZE, SqliteDialect } from "./sqlite/sqlite_dialect.ts";
import { runtime } from "../runtime/mod.ts";
import type { Transaction } from "./transaction.ts";

/** How a file is opened. */
export interface OpenOptions {
  /** Whether a missing file is created. Default true. */
  create?: boolean;
  /** Whether nothing may be written to the file, not even by recovery. Default false. */
  readOnly?: boolean;
  /**
   * `full` (the default): what was awaited is on disk, even after a power
   * cut. `normal`: a power cut may take the last moments, never consistency;
   * a crash of the process alone takes nothing.
   */
  durability?: Durability;
  /**
   * Page size of a new file, bytes: a power of two from 512 to 65,536. Default
   * 4096, at which single operations commit fastest; 16,384 suits a file that is
   * mounted, as it streams half as fast again and a mount commits many
   * operations at once.
   */
  pageSize?: number;
  /**
   * Whether a thread of its own moves what was written from the WAL to its
   * place, for long writing at full speed. Default false.
   */
  checkpointAside?: boolean;
  /**
   * A file that only holds room on the disk: it is emptied when there is none
   * left to open, or to free something in, the database.
   *
   * @ignore
   */
  reserve?: string;
  /** How long to wait for another process's transaction, ms. Default 10,000. */
  busyTimeout?: number;
}

/**
 * Opens a file, creating or upgrading it as needed.
 *
 * @param path The file, or `:memory:`. A path is taken as it is: one that begins
 * with `file:` names a file whose name does.
 * @throws {AloeError} `not_found`, `corrupt`, `unsupported`, `read_only`,
 * `busy`, `io_error`, `no_space`; `invalid` where no regular file is, or beside it.
 */
export async function openDatabase(
  path: string | URL,
  options: OpenOptions = {},
): Promise<OpenDatabase> {
  const file = path instanceof URL ? pathOf(path) : path;
  if (file === "") throw new AloeError("invalid", "an empty path is no file");
  const readOnly = options.readOnly ?? false;
  const pageSize = options.pageSize ?? PAGE_SIZE;
  if (!PAGE_SIZES.includes(pageSize)) {
    throw new AloeError("invalid", `${pageSize}: a page size is a power of two, 512 to 65536`);
  }
  const exists = file === ":memory:" || await isFile(file);
  if (file !== ":memory:") requireCompanions(file);
  if (!exists && (readOnly || options.create === false)) {
    throw new AloeError("not_found", `${file}: no such file`);
  }
  const dialect = new SqliteDialect({
    path: file,
    readOnly,
    durability: options.durability ?? "full",
    pageSize,
    checkpointAside: options.checkpointAside ?? false,
    reserve: options.reserve ?? null,
  });
  const db = new OpenDatabase(dialect, {
    path: file,
    readOnly,
    busyTimeout: options.busyTimeout ?? 10_000,
  });
  try {
    await db.connect();
    let version: number | null = null;
    const state = await db.read((tx) => {
      version = db.schemaVersion();
      return readState(tx);
    });
    if (exists && isEmpty(state) && await isSomethingElse(db, file)) throw notOurs(file);
    checkFile(state, file);
    if (state.era !== 0) await db.query((tx) => refuseDamagedTrees(tx, file, checkLists));
    if (state.era === 0 && (readOnly || (exists && options.create === false))) {
      throw new AloeError("corrupt", `${file}: is empty, not an aloelite file`);
    }
    if (readOnly) {
      await db.writeMounts((tx) => shadow(tx, state));
    } else {
      await db.prepareForWriting();
      if (!upToDate(state)) await db.write((tx) => complete(db, tx));
    }
    db.guardSchema(guardOf(db), version);
    return db;
  } catch (error) {
    await db.close();
    throw error;
  }
}

/** @throws {AloeError} `invalid` for a URL of something else than a file. */
export function pathOf(url: URL): string {
  if (url.protocol !== "file:") throw new AloeError("invalid", `${url}: is no file: URL`);
  return decodeURIComponent(url.pathname);
}

const PAGE_SIZES = [512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536];

/**
 * Whether the file is there. It is not opened to find out: when a process closes
 * a file, the locks of all of its connections to it are gone, and another
 * process may take the WAL away under them.
 *
 * @throws {AloeError} `invalid` for what is no regular file.
 */
export async function isFile(path: string): Promise<boolean> {
  try {
    const status = await runtime.stat(path);
    if (status === null) return false;
    if (status.kind === "directory") throw new AloeError("invalid", `${path}: is a directory`);
    // SQLite would wait at a FIFO for ever.
    if (status.kind !== "file") {
      throw new AloeError("invalid", `${path}: is a device, a FIFO or a socket, no file`);
    }
    return true;
  } catch (error) {
    if (error instanceof AloeError) throw error;
    throw new AloeError("io_error", `${path}: cannot be opened (${(error as Error).message})`, {
      cause: error,
    });
  }
}

/** Whether it holds what is no database: SQLite takes a few bytes, or many zeros, for an empty one. */
async function isSomethingElse(db: OpenDatabase, path: string): Promise<boolean> {
  if (path === ":memory:") return false;
  const { pages } = (await db.query((tx) => tx.first(fileFacts, {})))!;
  return pages === 0 && ((await runtime.stat(path))?.size ?? 0) > 0;
}

function notOurs(path: string): AloeError {
  return new AloeError("corrupt", `${path}: not an aloelite file`);
}

function isEmpty(state: FileState): boolean {
  return state.era === 0 && state.objects.size === 0;
}

async function shadow(tx: Transaction, { era, objects }: FileState): Promise<void> {
  const made = await tx.all(temporaries, {});
  for (const statement of shadows(era, objects, made)) await tx.run(raw(statement), {});
}

/** Makes what the file lacks. */
async function complete(db: OpenDatabase, tx: Transaction): Promise<void> {
  // Another process may have been quicker, or newer, since the first look.
  const state = await readState(tx);
  checkFile(state, db.path);
  if (upToDate(state)) return;
  // Brings Kysely along, which an up-to-date file has no need of.
  const { migrate } = await import("../../migrations/migrate.ts");
  await migrate(db.sharedDriver());
}

/** What looks at a file whose schema was changed while it is open. */
function guardOf(db: OpenDatabase): SchemaGuard {
  return {
    async compare(tx) {
      const state = await readState(tx);
      checkFile(state, db.path);
      // A file is made only at an opening.
      if (state.era === 0) throw notOurs(db.path);
      if (db.readOnly) await shadow(tx, state);
      return db.readOnly || upToDate(state);
    },
    complete: (tx) => complete(db, tx),
  };
}
