import { AloeError } from "../errors.ts";
import type { Database } from "./database.ts";
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

/** What of a file is damaged. */
export interface Damage {
  /**
   * `pages`: those of a table, or of an index of it, are no tree, and a walk through them
   * may have no end. `free_pages`: some are lost, or are free and in use. `index`: it does
   * not agree with its table. `cell`: values that a column does not take. `rows`: those of
   * a table break one of its rules.
   */
  kind: "pages" | "free_pages" | "index" | "cell" | "rows";
  /** The table, the index, or `table.column`; of free pages the first fault. */
  id: string;
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
  /**
   * Looks through the whole file, in several transactions. Where pages are no trees nothing
   * beyond them is looked at.
   */
  findDamage?(db: Database): Promise<Damage[]>;
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

/** What of a database is damaged; nothing where its backend cannot tell. */
export async function findDamage(db: Database): Promise<Damage[]> {
  const { findDamage } = await db.query((tx) => Promise.resolve(tx.capabilities));
  return await findDamage?.(db) ?? [];
}

/**
 * Refuses a database of which anything is damaged that decides what may be deleted.
 *
 * @throws {AloeError} `corrupt`.
 */
export async function refuseDamage(db: Database): Promise<void> {
  const damage = (await findDamage(db)).find(({ kind }) => kind !== "cell" && kind !== "rows");
  if (damage !== undefined) throw damageError(db.path, damage);
}

/** What a database with such damage is refused with. */
export function damageError(path: string, { kind, id }: Damage): AloeError {
  const what = kind === "pages"
    ? `the pages of table ${id} are no tree`
    : kind === "index"
    ? `index ${id} does not agree with its table`
    : id;
  return new AloeError("corrupt", `${path}: the database is damaged (${what})`);
}
