import { type BudgetShare, ByteBudget } from "../../src/byte_budget.ts";

/** Bytes of all large chunks that uploads fill at once. */
const room = new ByteBudget(256 * 1024 * 1024);

/** Chunks up to this size, bytes, do not count. */
const SMALL = 1024 * 1024;

/**
 * Waits for memory for the chunk that an upload fills, which is encrypted as a whole.
 * To be disposed after the last write.
 *
 * @param chunkSize Of the volume, bytes.
 */
export async function uploadRoom(chunkSize: number): Promise<BudgetShare> {
  return chunkSize <= SMALL ? { [Symbol.dispose]() {} } : await room.take(chunkSize);
}
