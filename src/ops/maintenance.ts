import { counts } from "../../templates/maintenance.ts";
import { listVolumes } from "../../templates/volume.ts";
import { now } from "../clock.ts";
import { ChunkPool } from "../content/chunk_pool.ts";
import { AloeError } from "../errors.ts";
import { runtime } from "../runtime/mod.ts";
import { capability, type FileFacts, type WalState } from "../storage/capabilities.ts";
import type { Database, OpenDatabase } from "../storage/database.ts";
import type { BackupOptions } from "../storage/dialect.ts";
import type { FileInfo } from "../types.ts";

/**
 * Rebuilds the file without its free pages, so that it shrinks by the space that `purgeTrash` and
 * `pruneContent` freed. It needs as much free disk space as the file's size, and no other process
 * may be writing.
 *
 * @throws {AloeError} `busy`, `no_space`, `read_only`; `invalid` within a batch.
 */
export async function vacuum(db: Database): Promise<void> {
  if (db.readOnly) {
    throw new AloeError("read_only", `${db.path}: is open for reading only`);
  }
  await db.alone((tx) => capability(tx, "vacuum")(tx));
}

/** Returns an overview of the file. Counting reads everything except content. */
export async function fileInfo(db: Database): Promise<FileInfo> {
  return await db.read(async (tx) => {
    const file = await capability(tx, "fileFacts")(tx);
    const count = (await tx.first(counts, { now: now() }))!;
    return {
      era: file.era,
      size: file.pages * file.pageSize,
      free: file.freePages * file.pageSize,
      volumes: count.volumes ?? 0,
      mounts: count.mounts ?? 0,
      nodes: count.nodes ?? 0,
      chunks: count.chunks ?? 0,
      chunkBytes: count.chunk_bytes ?? 0,
      contentBytes: count.content_bytes ?? 0,
    };
  });
}

/** Returns the used and the reusable space of the file, in bytes. */
export async function fileRoom(db: Database): Promise<{ used: number; reusable: number }> {
  const { pages, freePages, pageSize } = await factsOf(db);
  return { used: (pages - freePages) * pageSize, reusable: freePages * pageSize };
}

/**
 * Copies the open file with SQLite's online backup: a consistent copy, even during writes. The
 * copy has the permissions of the file.
 *
 * @param destination The new file; it must not exist.
 * @throws {AloeError} `already_exists`, `no_space`, `io_error`.
 */
export async function backup(
  db: OpenDatabase,
  destination: string,
  options: BackupOptions = {},
): Promise<void> {
  try {
    // Create the file exclusively first, so that no file is ever overwritten.
    if (!await createLike(db.path, destination)) {
      throw new AloeError("already_exists", `${destination}: exists`);
    }
  } catch (error) {
    if (error instanceof AloeError) throw error;
    throw new AloeError(
      "io_error",
      `${destination}: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
  try {
    await db.backup(destination, options);
  } catch (error) {
    await runtime.remove(destination);
    throw error;
  }
}

/**
 * Creates an empty file with the permissions of another one.
 *
 * @returns False when the destination exists.
 */
async function createLike(path: string, destination: string): Promise<boolean> {
  const permissions = path === ":memory:" ? null : (await runtime.stat(path))?.permissions ?? null;
  // This process has to write to the file.
  return await runtime.create(destination, permissions === null ? null : permissions | 0o600);
}

/** The result of a checkpoint. */
export interface CheckpointReport {
  /** The number of WAL pages that are now in the file. */
  moved: number;
  /** The number of pages that have to stay in the WAL because of readers of an older state. */
  remaining: number;
}

/**
 * Moves the WAL's content into the file as far as other connections allow, without waiting for
 * them.
 *
 * @throws {AloeError} `read_only`, `no_space`, `io_error`.
 */
export async function checkpointFile(db: Database): Promise<CheckpointReport> {
  if (db.readOnly) {
    throw new AloeError("read_only", `${db.path}: is open for reading only`);
  }
  const { pages, moved } = await db.alone((tx) => capability(tx, "checkpoint")(tx));
  return { moved, remaining: pages - moved };
}

/** Returns the state of the WAL without changing it. */
export async function walState(db: Database): Promise<WalState> {
  return await db.alone((tx) => capability(tx, "walState")(tx));
}

/** The size of a file including its WAL, which is the size of a copy. */
export interface FileSize {
  /** The size of a page, in bytes. */
  pageSize: number;
  /** The number of pages. */
  pages: number;
}

/** Returns the size of the file. */
export async function fileSize(db: Database): Promise<FileSize> {
  const { pages, pageSize } = await factsOf(db);
  return { pageSize, pages };
}

/** Runs a task while the current content of the file and its WAL is not overwritten. */
export async function holdFile<T>(db: Database, task: (size: FileSize) => Promise<T>): Promise<T> {
  return await db.read(async (tx) => {
    const { pages, pageSize } = await capability(tx, "fileFacts")(tx);
    return await task({ pageSize, pages });
  });
}

/**
 * Returns the first page damage that the database finds, one line each; none when the file is
 * healthy.
 */
export async function pageCheck(db: Database): Promise<string[]> {
  return await db.query((tx) => capability(tx, "pageDamage")(tx));
}

/** Returns the size of the largest chunk that is stored, or that a volume may store, in bytes. */
export async function largestChunkBytes(db: Database): Promise<number> {
  return await db.query(async (tx) => {
    const stored = await new ChunkPool(tx).largest();
    const sizes = (await tx.all(listVolumes, {})).map((row) => Number(row.chunk_size));
    return sizes.reduce((most, size) => Math.max(most, size), stored);
  });
}

async function factsOf(db: Database): Promise<FileFacts> {
  return await db.query((tx) => capability(tx, "fileFacts")(tx));
}
