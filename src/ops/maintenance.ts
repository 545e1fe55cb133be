import {
  checkpoint,
  checkpointPassively,
  quickCheck,
  temporariesInMemory,
  vacuum as vacuumFile,
  vacuumOnDisk,
  walLength,
} from "../../templates/file.ts";
import { counts, fileFacts } from "../../templates/maintenance.ts";
import { listVolumes } from "../../templates/volume.ts";
import { now } from "../clock.ts";
import { ChunkPool } from "../content/chunk_pool.ts";
import { AloeError } from "../errors.ts";
import { runtime } from "../runtime/mod.ts";
import type { Database, OpenDatabase } from "../storage/database.ts";
import type { BackupOptions } from "../storage/dialect.ts";
import type { FileInfo } from "../types.ts";

/**
 * Rebuilds the file without its free pages, so that it shrinks by what
 * `purgeTrash` and `pruneContent` freed. It needs as much space again while
 * it runs, and nobody else may be writing.
 *
 * @throws {AloeError} `busy`, `no_space`, `read_only`; `invalid` within a batch.
 */
export async function vacuum(db: Database): Promise<void> {
  if (db.readOnly) {
    throw new AloeError("read_only", `${db.path}: is open for reading only`);
  }
  await db.alone(async (tx) => {
    await tx.all(vacuumOnDisk, {});
    try {
      await tx.all(vacuumFile, {});
    } finally {
      await tx.all(temporariesInMemory, {});
    }
    await tx.all(checkpoint, {});
  });
}

/** One screen of facts about the file. Counting reads all of it but the content. */
export async function fileInfo(db: Database): Promise<FileInfo> {
  return await db.read(async (tx) => {
    const file = (await tx.first(fileFacts, {}))!;
    const count = (await tx.first(counts, { now: now() }))!;
    return {
      era: file.era,
      size: file.pages * file.page_size,
      free: file.free_pages * file.page_size,
      volumes: count.volumes ?? 0,
      mounts: count.mounts ?? 0,
      nodes: count.nodes ?? 0,
      chunks: count.chunks ?? 0,
      chunkBytes: count.chunk_bytes ?? 0,
      contentBytes: count.content_bytes ?? 0,
    };
  });
}

/** What of the file is in use, and what is free for what is written next. Bytes. */
export async function fileRoom(db: Database): Promise<{ used: number; reusable: number }> {
  const { pages, free_pages, page_size } = (await db.query((tx) => tx.first(fileFacts, {})))!;
  return { used: (pages - free_pages) * page_size, reusable: free_pages * page_size };
}

/**
 * Copies the live file by SQLite's online backup: a true snapshot, whatever
 * is written meanwhile.
 *
 * @param destination The new file. It must not exist.
 * @throws {AloeError} `already_exists`, `no_space`, `io_error`.
 */
export async function backup(
  db: OpenDatabase,
  destination: string,
  options: BackupOptions = {},
): Promise<void> {
  try {
    // Made first and exclusively, so that nothing is ever overwritten.
    if (!await runtime.create(destination)) {
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

/** What a checkpoint did. */
export interface CheckpointReport {
  /** Pages of the WAL that are in the file now. */
  moved: number;
  /** Pages that have to stay in the WAL, since somebody reads an older state. */
  remaining: number;
}

/**
 * Moves what the WAL holds into the file, as far as others let it, and waits
 * for nobody.
 *
 * @throws {AloeError} `read_only`, `no_space`, `io_error`.
 */
export async function checkpointFile(db: Database): Promise<CheckpointReport> {
  if (db.readOnly) {
    throw new AloeError("read_only", `${db.path}: is open for reading only`);
  }
  const row = await db.alone((tx) => tx.first(checkpointPassively, {}));
  // A file without a WAL answers with -1.
  const moved = Math.max(0, row?.checkpointed ?? 0);
  return { moved, remaining: Math.max(0, row?.log ?? 0) - moved };
}

/** Pages of the WAL that were committed, and how many of them are in the file too. */
export interface WalState {
  /** How many, from its beginning. */
  pages: number;
  /** The first so many. */
  moved: number;
}

/** What the WAL holds; nothing is moved. */
export async function walState(db: Database): Promise<WalState> {
  const row = await db.alone((tx) => tx.first(walLength, {}));
  // A file without a WAL answers with -1.
  return { pages: Math.max(0, row?.log ?? 0), moved: Math.max(0, row?.checkpointed ?? 0) };
}

/** How large a file is, its WAL included: what a copy would measure. */
export interface FileSize {
  /** Bytes in a page. */
  pageSize: number;
  /** How many. */
  pages: number;
}

/** How large the file is. */
export async function fileSize(db: Database): Promise<FileSize> {
  const { pages, page_size } = (await db.query((tx) => tx.first(fileFacts, {})))!;
  return { pageSize: page_size, pages };
}

/**
 * Runs a task while nothing that the file holds now is overwritten, in the file
 * or in its WAL.
 */
export async function holdFile<T>(db: Database, task: (size: FileSize) => Promise<T>): Promise<T> {
  return await db.read(async (tx) => {
    const { pages, page_size } = (await tx.first(fileFacts, {}))!;
    return await task({ pageSize: page_size, pages });
  });
}

/** The first damage of the file that SQLite sees, a line each; none when all is well. */
export async function pageCheck(db: Database): Promise<string[]> {
  const rows = await db.query((tx) => tx.all(quickCheck, {}));
  return rows.flatMap((row) => row.quick_check.split("\n"))
    .filter((line) => line !== "ok" && !line.startsWith("*** in database"));
}

/** Bytes of the largest chunk that is stored, or that a volume may store. */
export async function largestChunkBytes(db: Database): Promise<number> {
  return await db.query(async (tx) => {
    const stored = await new ChunkPool(tx).largest();
    const sizes = (await tx.all(listVolumes, {})).map((row) => Number(row.chunk_size));
    return sizes.reduce((most, size) => Math.max(most, size), stored);
  });
}
