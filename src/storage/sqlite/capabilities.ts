import {
  checkpoint,
  checkpointPassively,
  dataVersion,
  fileFacts,
  temporariesInMemory,
  vacuum,
  vacuumOnDisk,
  walLength,
} from "../../../templates/sqlite_file.ts";
import type { StorageCapabilities, WalState } from "../capabilities.ts";
import { findDamage, pageDamage } from "./damage.ts";

/** What SQLite can do beyond queries and transactions. */
export const sqliteCapabilities: StorageCapabilities = {
  async fileFacts(tx) {
    const { era, pages, page_size, free_pages } = (await tx.first(fileFacts, {}))!;
    return { era, pages, pageSize: page_size, freePages: free_pages };
  },

  async changeCounter(tx) {
    return (await tx.first(dataVersion, {}))!.version;
  },

  async vacuum(tx) {
    await tx.all(vacuumOnDisk, {});
    try {
      await tx.all(vacuum, {});
    } finally {
      await tx.all(temporariesInMemory, {});
    }
    await tx.all(checkpoint, {});
  },

  async checkpoint(tx) {
    return walStateOf(await tx.first(checkpointPassively, {}));
  },

  async walState(tx) {
    return walStateOf(await tx.first(walLength, {}));
  },

  pageDamage,

  findDamage,
};

/** A file without a WAL answers with -1. */
function walStateOf(row: { log: number; checkpointed: number } | undefined): WalState {
  return { pages: Math.max(0, row?.log ?? 0), moved: Math.max(0, row?.checkpointed ?? 0) };
}
