import { countOrphanChunks, deleteOrphanChunks } from "../../templates/content.ts";
import type { Transaction } from "../storage/transaction.ts";

/**
 * Deletes the chunks that no manifest refers to.
 *
 * @returns How many there were, and their stored bytes.
 */
export async function dropOrphanChunks(
  tx: Transaction,
): Promise<{ chunks: number; bytes: number }> {
  const { chunks, bytes } = (await tx.first(countOrphanChunks, {}))!;
  if (chunks > 0) await tx.run(deleteOrphanChunks, {});
  return { chunks, bytes: bytes ?? 0 };
}
