import { BodyMemory, type BodyReader, type BodyShare, free } from "../http/body_memory.ts";
import type { UploadWriter } from "../../src/internal.ts";

/** Bytes of all chunks that uploads are filling. */
const room = new BodyMemory(128 * 1024 * 1024, true);

/** What an upload fills at least, bytes. */
const LEAST = 1024 * 1024;

/**
 * Writes the pieces of a body to an upload. A chunk is sealed as a whole, so what
 * has come of it is in memory; when others need that, and the body comes
 * slowly, it is stored as it is and goes on later.
 *
 * @param open Opens the upload, to go on at its end.
 * @param chunkSize Of the volume, bytes.
 * @param first What has come of the body already; taken out as it is written.
 * @param stored Called when that is done.
 * @returns Bytes of the upload; null when nothing has come.
 * @throws What reading and writing throw; what came before is stored if that is possible.
 */
export async function writePieces(
  open: () => Promise<UploadWriter>,
  chunkSize: number,
  reader: BodyReader,
  first: Uint8Array[] = [],
  stored: () => void = () => {},
): Promise<number | null> {
  let share: BodyShare | null = null;
  let writer: UploadWriter | null = null;
  let size: number | null = null;
  const pause = async () => {
    try {
      await writer?.close();
    } finally {
      size = writer?.size ?? size;
      writer = null;
      share?.[Symbol.dispose]();
      share = null;
    }
  };
  const write = async (piece: Uint8Array) => {
    share ??= await room.take(Math.max(chunkSize, LEAST));
    writer ??= await open();
    await writer.write(piece);
    free(piece);
  };
  try {
    for (let piece; (piece = first.shift()) !== undefined;) await write(piece);
    stored();
    for (let piece; (piece = await reader.read(share)) !== null;) {
      if (piece === "wanted") await pause();
      else await write(piece);
    }
  } finally {
    reader.end();
    await pause();
  }
  return size;
}
