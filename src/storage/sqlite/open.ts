import { checkFile, type FileState, upToDate } from "../../../migrations/file_state.ts";
import { shadows } from "../../../migrations/read_only.ts";
import { fileFacts, temporaries } from "../../../templates/sqlite_file.ts";
import { raw } from "../../../templates/template.ts";
import { AloeError } from "../../errors.ts";
import { runtime } from "../../runtime/mod.ts";
import { OpenDatabase } from "../database.ts";
import type { OpenOptions } from "../open.ts";
import type { SchemaGuard } from "../schema_guard.ts";
import type { Transaction } from "../transaction.ts";
import { requireCompanions } from "./companions.ts";
import { refuseDamagedLists } from "./damage.ts";
import { isFile } from "./location.ts";
import { readState } from "./read_state.ts";
import { PAGE_SIZE, SqliteDialect } from "./sqlite_dialect.ts";
import { translateOpeningError } from "./sqlite_errors.ts";

/**
 * Opens a file with volumes, creating or upgrading it as needed.
 *
 * @param file The file, or `:memory:`.
 * @throws {AloeError} `not_found`, `corrupt`, `unsupported`, `read_only`,
 * `busy`, `io_error`, `no_space`; `invalid` where no regular file is, or beside it.
 */
export async function openFile(file: string, options: OpenOptions): Promise<OpenDatabase> {
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
    yields: options.yields,
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
    if (state.era !== 0) await db.query((tx) => refuseDamagedLists(tx, file));
    if (state.era === 0 && (readOnly || (exists && options.create === false))) {
      throw new AloeError("corrupt", `${file}: is empty, not an aloelite file`);
    }
    if (readOnly) {
      await db.write((tx) => shadow(tx, state), { frees: true, temporary: true });
    } else {
      await db.prepareForWriting();
      if (!upToDate(state)) await db.write((tx) => complete(db, tx));
    }
    db.guardSchema(guardOf(db), version);
    return db;
  } catch (error) {
    await db.close();
    throw translateOpeningError(error, file);
  }
}

const PAGE_SIZES = [512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536];

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
  const { migrate } = await import("../../../migrations/migrate.ts");
  try {
    await migrate(db.sharedDriver());
  } catch (error) {
    throw translateOpeningError(error, db.path);
  }
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
