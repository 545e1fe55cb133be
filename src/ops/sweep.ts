import { ChunkPool } from "../content/chunk_pool.ts";
import type { Database } from "../storage/database.ts";
import { inPieces } from "./in_pieces.ts";

/** Deletes the chunks that nothing refers to by small transactions. */
export async function deleteUnreferencedInPieces(
  db: Database,
): Promise<{ chunks: number; bytes: number }> {
  const sum = { chunks: 0, bytes: 0 };
  let after = "";
  await inPieces(
    db,
    (tx, limit) => new ChunkPool(tx).deleteSomeUnreferenced(after, limit),
    ({ chunks, bytes, last }) => {
      sum.chunks += chunks;
      sum.bytes += bytes;
      after = last ?? after;
      return last !== null;
    },
  );
  return sum;
}
