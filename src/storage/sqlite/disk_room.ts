import { AloeError } from "../../errors.ts";
import { runtime } from "../../runtime/mod.ts";
import type { Room } from "../capabilities.ts";

/** How long plenty counts as plenty, ms. */
const FRESH_MS = 250;

/** Bytes from which on a disk is not looked at before each transaction. */
const PLENTY = 2 ** 30;

/** Bytes below which a WAL is emptied before each transaction: it takes what the next one needs. */
const CROWDED = 16 * 2 ** 20;

/** Bytes that writers leave on a disk: a removal needs some, and so does moving the WAL. */
const RESERVE = 2 * 2 ** 20;

/** The part of a small disk that is left at most. */
const RESERVE_PART = 20;

/** The same where the file itself has room, so that only the WAL grows. */
const RESERVE_WITHIN = RESERVE / 8;

/** What a transaction writes beside content, bytes: pages of indexes. */
const OVERHEAD = 64 * 1024;

/** Bytes of a frame of the WAL beside its page, and of the WAL's header. */
const FRAME_HEADER = 24;
const WAL_HEADER = 32;

/**
 * Bytes that a WAL has behind its end where room is scarce, so that removals find
 * them when somebody else has filled the disk.
 */
const HELD = 2 ** 20;

/** What a connection tells of its file. */
export interface FileState {
  /** Bytes of a page. */
  pageSize: number;
  /** Pages of the file, those included that are in the WAL only. */
  pages: number;
  /** Of which nothing is in so many. */
  free: number;
}

/** What the room is asked through: a connection of SQLite's. */
export interface RoomConnection {
  /** The state that the connection sees. */
  fileState(): FileState;
  /** Bytes in the WAL: in all, and those that are in the file too. Not in a transaction. */
  walState(): { written: number; moved: number };
  /** A number that changes when another connection has committed. */
  dataVersion(): number;
  /** Moves the WAL into the file and empties it, as far as others let it. */
  emptyWal(): boolean;
  /** A statement without values. */
  execute(sql: string): void;
}

/**
 * The room on the disk that has a file. Nobody can remove anything from a file
 * when a disk is so full that neither the WAL can grow nor what is in it be
 * moved to its place. So writers leave some, and a transaction that did not
 * fit gives back what the WAL has of it.
 */
export class DiskRoom {
  readonly #path: string;
  #plentyUntil = -Infinity;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Whether not even the files beside a database can be made. */
  static isFull(path: string): boolean {
    const room = DiskRoom.at(path);
    const disk = room === null ? null : room.#disk();
    return disk !== null && disk.available < OVERHEAD;
  }

  /** @returns Null for what is in memory, and where the disk may not be looked at. */
  static at(path: string): DiskRoom | null {
    if (path === ":memory:") return null;
    const allowed = runtime.isAllowed("statfs", path) && runtime.isAllowed("read", path) &&
      runtime.isAllowed("write", `${path}-wal`);
    return allowed ? new DiskRoom(path) : null;
  }

  /**
   * To be asked before a transaction begins that may make the file larger.
   *
   * @returns The file as it is before, where there is so little room that
   * {@linkcode requireFit} has to be asked at its end; null where there is plenty.
   * @throws {AloeError} `no_space` when no more than the reserve is left.
   */
  admit(connection: RoomConnection): FileState | null {
    const now = performance.now();
    if (now < this.#plentyUntil) return null;
    const disk = this.#disk();
    if (disk === null || disk.available >= PLENTY) {
      this.#plentyUntil = now + FRESH_MS;
      return null;
    }
    const before = connection.fileState();
    const crowded = disk.available < CROWDED && connection.walState().written > 0;
    if (!crowded && this.#isEnough(before, disk)) return before;
    this.relieve(connection);
    if (this.#isEnough(connection.fileState(), this.#disk()!)) return connection.fileState();
    throw this.#full();
  }

  /** The same before a transaction that frees room: it is never refused. */
  prepare(connection: RoomConnection): void {
    const now = performance.now();
    if (now < this.#plentyUntil) return;
    const disk = this.#disk();
    if (disk === null || disk.available >= PLENTY) {
      this.#plentyUntil = now + FRESH_MS;
      return;
    }
    // Many of them would else fill what is left with what the WAL holds of them.
    const { written } = connection.walState();
    if (disk.available < CROWDED && written > HELD / 2) this.relieve(connection);
  }

  /** To be told of each commit: what is held behind the WAL's end is, even when nobody writes. */
  committed(connection: RoomConnection): void {
    if (performance.now() < this.#plentyUntil) return;
    const { written } = connection.walState();
    const used = usedBy(written, connection.fileState().pageSize);
    if (sizeOf(`${this.#path}-wal`) < used + HELD / 2) this.hold(connection);
  }

  #isEnough(state: FileState, disk: Disk): boolean {
    const within = state.free * state.pageSize >= RESERVE;
    return disk.available - this.#growth(state) >= (within ? RESERVE_WITHIN : disk.reserve);
  }

  /**
   * To be asked before a transaction is committed: once it is in the WAL, it
   * has to find room in the file too.
   *
   * @param before What {@linkcode admit} has returned.
   * @param log Bytes of the WAL that were in use then.
   * @throws {AloeError} `no_space`: it has to be rolled back.
   */
  requireFit(connection: RoomConnection, before: FileState, log: number): void {
    const disk = this.#disk();
    if (disk === null) return;
    const after = connection.fileState();
    const grown = Math.max(0, after.pages - before.pages);
    const filled = Math.max(0, before.free - after.free);
    if (grown + filled === 0) return;
    const { pageSize } = after;
    const written = log + (grown + filled) * (pageSize + FRAME_HEADER) + OVERHEAD;
    const logGrowth = Math.max(0, written - sizeOf(`${this.#path}-wal`));
    const reserve = grown > 0 ? disk.reserve / 2 : RESERVE_WITHIN / 2;
    if (disk.available - logGrowth - this.#growth(after) < reserve) throw this.#full();
  }

  /**
   * Gives back what the WAL takes: the pages of a transaction that was rolled
   * back, and those that the file has room for.
   */
  relieve(connection: RoomConnection): void {
    try {
      this.#sizeLog(connection, (used, now) => Math.min(now, used + HELD));
    } catch {
      // Somebody else writes, or it may not be.
    }
    const disk = this.#disk();
    // A part of it in the file would take the room that a removal needs in the WAL.
    if (disk === null || this.#growth(connection.fileState()) > disk.available) return;
    try {
      connection.emptyWal();
    } catch {
      // Somebody else was quicker to take the room: it stays in the WAL.
    }
    this.hold(connection);
  }

  /** Lets the WAL be longer than it needs to be, while there is room. */
  hold(connection: RoomConnection): void {
    try {
      this.#sizeLog(connection, (used, now) => Math.max(now, used + HELD));
    } catch {
      // There is none, or somebody else writes.
    }
  }

  /**
   * Whether a file here cannot grow, though the disk is not full: a quota, or a
   * limit of the process.
   */
  isLimited(connection: RoomConnection): boolean {
    let size = 0;
    try {
      this.#sizeLog(connection, (used, now) => size = Math.max(used, now) + OVERHEAD);
      this.#sizeLog(connection, (used) => Math.max(used, size - OVERHEAD));
      return false;
    } catch (error) {
      return LIMITS.test((error as Error).message);
    }
  }

  /**
   * Makes the WAL as long as it is to be. Only who may write now knows that
   * nothing behind its last commit is needed.
   */
  #sizeLog(connection: RoomConnection, length: (used: number, now: number) => number): void {
    const wal = `${this.#path}-wal`;
    const version = connection.dataVersion();
    const { pageSize } = connection.fileState();
    const { written } = connection.walState();
    connection.execute("BEGIN IMMEDIATE");
    try {
      if (connection.dataVersion() !== version) return;
      const used = usedBy(written, pageSize);
      const now = sizeOf(wal);
      const wanted = length(used, now);
      if (wanted < now) runtime.truncateSync(wal, wanted);
      else if (wanted > now) runtime.extendSync(wal, now, wanted);
    } finally {
      connection.execute("ROLLBACK");
    }
  }

  /** Bytes that the file grows by when all that is in the WAL is moved. */
  #growth({ pages, pageSize }: FileState): number {
    return Math.max(0, pages * pageSize - sizeOf(this.#path));
  }

  #disk(): Disk | null {
    try {
      const { available, total } = runtime.diskSpace(this.#path);
      return { available, reserve: Math.min(RESERVE, total / RESERVE_PART) };
    } catch {
      return null;
    }
  }

  #full(): AloeError {
    return new AloeError("no_space", `${this.#path}: no space left on the device`);
  }
}

interface Disk {
  available: number;
  reserve: number;
}

/** What the system says when a file may not grow: ENOSPC, EDQUOT, EFBIG. */
const LIMITS = /os error (28|122|27)\b/;

/** Bytes of a WAL that holds so many bytes of pages. */
function usedBy(written: number, pageSize: number): number {
  return written === 0 ? 0 : WAL_HEADER + written / pageSize * (pageSize + FRAME_HEADER);
}

function sizeOf(path: string): number {
  try {
    return runtime.statSync(path)?.size ?? 0;
  } catch {
    return 0;
  }
}

/** Bytes of the log beside a file, and those that its disk has left; null where that is not known. */
export function roomOf(path: string): Room {
  if (DiskRoom.at(path) === null) return { log: 0, held: 0, disk: null };
  const log = sizeOf(`${path}-wal`);
  try {
    return { log, held: HELD, disk: runtime.diskSpace(path).available };
  } catch {
    return { log, held: HELD, disk: null };
  }
}
