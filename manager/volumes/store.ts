import type { AloeLite, Mount } from "../../mod.ts";
import { AloeError } from "../../src/errors.ts";
import * as internal from "../../src/internal.ts";
import * as ops from "../../src/ops.ts";
import { BodyMemory, BodyReader, type BodyShare } from "../http/body_memory.ts";
import { writePieces } from "./upload_room.ts";

/** Content up to this size is written from memory, in one transaction. */
const SMALL = 1024 * 1024;

/** Bytes of all content that is kept until it is written in this way. */
const memory = new BodyMemory(64 * 1024 * 1024, true);

/** What every content may have besides, bytes. */
const FREE = 64 * 1024;

/** How long content is kept that a crash has left, ms. */
const LEFT_BEHIND_MS = 60 * 60_000;

/** Where content is written. */
export interface Destination {
  fs: AloeLite;
  mount: Mount;
  path: string;
  /** Bytes of a full chunk there. */
  chunkSize: number;
}

/**
 * Writes a file from pieces, in bounded memory: all of it or nothing. When the pieces
 * end early, what was written is dropped.
 *
 * @throws {AloeError} As `finishUpload`; what the pieces and the condition throw.
 */
export async function storeFile(
  { fs, mount, path, chunkSize }: Destination,
  pieces: AsyncIterable<Uint8Array>,
  options: internal.PutFileOptions = {},
): Promise<internal.PutFileResult> {
  const { db } = fs;
  const { handle } = mount;
  const reader = new BodyReader(pieces);
  const small: Uint8Array[] = [];
  let size = 0;
  let upload: string | null = null;
  let share: BodyShare | null = null;
  try {
    for (let piece; size <= SMALL && (piece = await reader.read(share)) !== "wanted";) {
      if (piece === null) {
        return await internal.putFile(db, handle, path, joined(small, size), options);
      }
      small.push(piece);
      size += piece.length;
      if (size > FREE) share ??= await memory.take(SMALL);
    }
    const { id } = await internal.beginUpload(db, handle, { ttl: LEFT_BEHIND_MS });
    upload = id;
    const open = () => internal.openUpload(db, handle, id, { ttl: LEFT_BEHIND_MS });
    await writePieces(open, chunkSize, reader, small, () => share?.[Symbol.dispose]());
    return await internal.finishUpload(db, handle, id, path, options);
  } catch (error) {
    if (upload !== null) await drop(db, handle, upload);
    throw error;
  } finally {
    reader.end();
    share?.[Symbol.dispose]();
  }
}

async function drop(db: ops.Database, mount: ops.MountHandle, upload: string): Promise<void> {
  try {
    await internal.dropUpload(db, mount, upload);
    await internal.reclaimAll(db);
  } catch (error) {
    // It expires by itself if the file cannot be written now.
    if (!(error instanceof AloeError)) throw error;
  }
}

function joined(pieces: Uint8Array[], size: number): Uint8Array {
  if (pieces.length === 1) return pieces[0];
  const all = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** Fails where writing would fail at its end, before any content is received. */
export async function checkBeforeBody(
  { fs, mount, path }: Omit<Destination, "chunkSize">,
  options: internal.PutFileOptions,
): Promise<void> {
  const { db } = fs;
  const { handle } = mount;
  let current: internal.CurrentContent | null = null;
  try {
    current = await internal.openSnapshot(db, handle, { path });
    if (options.onConflict === "fail") throw new AloeError("already_exists", `${path}: exists`);
  } catch (error) {
    if (!(error instanceof AloeError)) throw error;
    if (error.code === "not_an_entry") {
      if (options.onConflict === "fail") throw new AloeError("already_exists", `${path}: exists`);
      if (options.onConflict !== "replace" && options.onConflict !== undefined) return;
    }
    if (error.code !== "not_found") throw error;
    const parent = path.slice(0, path.lastIndexOf("/"));
    if (!options.parents) {
      const { type } = await ops.stat(db, handle, parent);
      if (type !== "container") {
        throw new AloeError("not_a_container", `${parent}: is not a directory`);
      }
    }
  }
  options.condition?.(current);
}
