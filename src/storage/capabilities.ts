import { AloeError } from "../errors.ts";
import type { Transaction } from "./transaction.ts";

/** What a database says of the file that has it. */
export interface FileFacts {
  /** The era that the file is of. */
  era: number;
  /** Bytes of a page. */
  pageSize: number;
  /** Pages of the file, those included that are in its log only. */
  pages: number;
  /** Of which nothing is in so many. */
  freePages: number;
}

/** Pages of the WAL that were committed, and how many of them are in the file too. */
export interface WalState {
  /** How many, from its beginning. */
  pages: number;
  /** The first so many. */
  moved: number;
}

/** The room of a file on its disk, bytes. */
export interface Room {
  /** What the log beside the file takes. */
  log: number;
  /** Of which so much is, or may become, room that is held for removals. */
  held: number;
  /** What the disk has left; null where that is not known. */
  disk: number | null;
}

/**
 * What a backend can do beyond queries and transactions: what is left out, it
 * cannot. Each is called with a transaction, or, where it says so, with what
 * `Database.alone` gives.
 */
export interface StorageCapabilities {
  /** The file's own facts: its size and what of it is free. */
  fileFacts?(tx: Transaction): Promise<FileFacts>;
  /** A number that another one replaces whenever another connection has committed. */
  changeCounter?(tx: Transaction): Promise<number>;
  /** Rebuilds the file without its free pages. Alone. */
  vacuum?(tx: Transaction): Promise<void>;
  /** Moves of the log what nobody is reading any more into the file. Alone. */
  checkpoint?(tx: Transaction): Promise<WalState>;
  /** What the log holds; nothing is moved. Alone. */
  walState?(tx: Transaction): Promise<WalState>;
  /** The first damage of the file's pages, a line each; none when all is well. */
  pageDamage?(tx: Transaction): Promise<string[]>;
  /** Tables that must not be read, since a walk through their pages may never end. */
  damagedTables?(tx: Transaction): Promise<string[]>;
}

/**
 * A capability that an operation cannot do without.
 *
 * @throws {AloeError} `unsupported` when the backend has it not.
 */
export function capability<Name extends keyof StorageCapabilities>(
  tx: Transaction,
  name: Name,
): NonNullable<StorageCapabilities[Name]> {
  const found = tx.capabilities[name];
  if (found === undefined) {
    throw new AloeError("unsupported", `this kind of database has no \`${name}\``);
  }
  return found as NonNullable<StorageCapabilities[Name]>;
}

/**
 * Refuses a database that has a table whose rows may never end.
 *
 * @param path The file, for the message.
 * @throws {AloeError} `corrupt`.
 */
export async function refuseDamagedTables(tx: Transaction, path: string): Promise<void> {
  const [table] = await tx.capabilities.damagedTables?.(tx) ?? [];
  if (table !== undefined) throw damagedTable(path, table);
}

/** What a database with such a table is refused with. */
export function damagedTable(path: string, table: string): AloeError {
  return new AloeError(
    "corrupt",
    `${path}: the database is damaged (the pages of table ${table} are no tree)`,
  );
}
