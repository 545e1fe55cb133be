import { backendOf } from "./backends.ts";
import type { OpenDatabase } from "./database.ts";
import type { Durability } from "./dialect.ts";
import type { SchemaOwner } from "./schema_guard.ts";

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
  /**
   * Whether long transactions let the event loop turn. Default true; false for a
   * thread that has nothing else to do.
   *
   * @ignore
   */
  yields?: boolean;
}

/** An object of a file that was taken out, or made anew. */
export interface RepairedObject {
  /** `trigger`, `view` or `index`. */
  type: string;
  /** Its name. */
  name: string;
  /** `rebuilt`: an index of the format that did not agree with its table, of which it was made anew. */
  done: "removed" | "rebuilt";
}

/**
 * Opens a database with volumes, creating or upgrading it as needed.
 *
 * @param target The file, `:memory:`, or a `file:` URL. A path is taken as it is: one that
 * begins with `file:` names a file whose name does.
 * @throws {AloeError} `not_found`, `corrupt`, `unsupported`, `read_only`,
 * `busy`, `io_error`, `no_space`; `invalid` where no regular file is, or beside it.
 */
export async function openDatabase(
  target: string | URL,
  options: OpenOptions = {},
): Promise<OpenDatabase> {
  const { backend, path } = backendOf(target);
  return await backend.open(path, options);
}

/**
 * Opens a database with records of another kind than volumes.
 *
 * @param target As for {@linkcode openDatabase}.
 * @param owner Says what has to be in it.
 * @throws {AloeError} What the owner throws; `busy`, `io_error`; `invalid` where no regular
 * file is, or beside it.
 */
export async function openRecords(
  target: string | URL,
  owner: SchemaOwner,
): Promise<OpenDatabase> {
  const { backend, path } = backendOf(target);
  return await backend.openRecords(path, owner);
}

/**
 * Takes out of a file what no known release writes and what holds no data:
 * triggers, views and indexes. Those of the format are made again, those too that
 * do not agree with their tables. Nothing of the file's own SQL is run.
 *
 * @param target The file.
 * @returns What was taken out, and what was rebuilt.
 * @throws {AloeError} `not_found`; `corrupt` or `unsupported` for what cannot be
 * helped in this way, and nothing is changed then.
 */
export async function repairFile(target: string | URL): Promise<RepairedObject[]> {
  const { backend, path } = backendOf(target);
  return await backend.repair(path);
}
