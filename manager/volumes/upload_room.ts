import { type BudgetShare, ByteBudget } from "../../src/byte_budget.ts";

/** Bytes of all chunks that uploads are filling, where chunks are large. */
const room = new ByteBudget(256 * 1024 * 1024);

/** What every upload may have. */
const SMALL = 1024 * 1024;

/**
 * Waits for memory for the chunk that an upload fills: it is sealed as a whole.
 * To be disposed when nothing more is written.
 *
 * @param chunkSize Of the volume, bytes.
 */
export async function uploadRoom(chunkSize: number): Promise<BudgetShare> {
  return chunkSize <= SMALL ? { [Symbol.dispose]() {} } : await room.take(chunkSize);
}
