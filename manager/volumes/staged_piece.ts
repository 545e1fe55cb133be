import { createHash, type Hash } from "node:crypto";
import * as internal from "../../src/internal.ts";
import * as ops from "../../src/ops.ts";
import type { Access } from "./access.ts";
import { Problem } from "../http/problem.ts";
import { BodyReader } from "../http/body_memory.ts";
import { writePieces } from "./upload_room.ts";

/** Bytes of a piece that are held in memory until its checksum is verified. */
const SMALL = 64 * 1024;

/** How long a piece is kept that a crash has left, ms. */
const LEFT_BEHIND_MS = 60 * 60_000;

/** The checksum of a piece. */
export interface Checksum {
  algorithm: string;
  digest: string;
}

/** A piece whose checksum was verified. To be disposed after use. */
export interface StagedPiece extends AsyncDisposable {
  /** Its bytes. */
  pieces(): AsyncIterable<Uint8Array>;
}

/**
 * Receives a piece of an upload and verifies its checksum. Until then a large piece is
 * stored in the volume as an upload of its own, encrypted like all content, so that
 * slow pieces take no memory.
 *
 * @throws {Problem} 460 for a wrong checksum; nothing of the piece is kept.
 */
export async function stagePiece(
  { fs: { db }, mount: { handle }, volume }: Access,
  pieces: AsyncIterable<Uint8Array>,
  { algorithm, digest }: Checksum,
): Promise<StagedPiece> {
  const hash = createHash(algorithm);
  const reader = new BodyReader(hashed(pieces, hash));
  const small: Uint8Array[] = [];
  let size = 0;
  let id: string | null = null;
  const drop = async () => {
    if (id === null) return;
    await internal.dropUpload(db, handle, id);
    while (await internal.reclaimChunks(db, 256) === 256);
  };
  try {
    let piece: Uint8Array | null = null;
    while (size <= SMALL && (piece = await reader.read(null) as Uint8Array | null) !== null) {
      small.push(piece);
      size += piece.length;
    }
    if (piece !== null) {
      const begun = await internal.beginUpload(db, handle, { ttl: LEFT_BEHIND_MS });
      id = begun.id;
      const open = () => internal.openUpload(db, handle, begun.id, { ttl: LEFT_BEHIND_MS });
      await writePieces(open, volume.chunkSize, reader, small);
    }
    if (hash.digest("base64") !== digest) {
      throw new Problem(460, "invalid", "the checksum does not match: nothing was kept");
    }
  } catch (error) {
    reader.end();
    // It expires by itself if the file cannot be written now.
    await drop().catch(() => {});
    throw error;
  }
  const node = id;
  return {
    pieces: async function* () {
      if (node === null) yield* small;
      else yield* (await ops.openReadById(db, handle, node)).readable;
    },
    [Symbol.asyncDispose]: drop,
  };
}

async function* hashed(
  pieces: AsyncIterable<Uint8Array>,
  hash: Hash,
): AsyncGenerator<Uint8Array, void> {
  for await (const piece of pieces) {
    hash.update(piece);
    yield piece;
  }
}
