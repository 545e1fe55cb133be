import { AloeError } from "../../errors.ts";
import { runtime } from "../../runtime/mod.ts";

/** How often the WAL is looked at, ms: it goes less often than the file does. */
const LOOK_AT_WAL_MS = 200;

/**
 * The file that a connection was opened on. SQLite goes on with a file that
 * was moved, deleted or replaced, and with a WAL that was, and says that every
 * commit is on disk: it is, where nobody will look for it.
 */
export class OpenedFile {
  /** The file, as SQLite takes it, from the root on. */
  readonly path: string;
  readonly #file: string;
  #wal: string | null = null;
  #index: string | null = null;
  #walLookedAt = -Infinity;

  private constructor(path: string, file: string) {
    this.path = path;
    this.#file = file;
  }

  /**
   * @param path The file that was just opened, as SQLite takes it.
   * @returns Null for what is in memory, and where files have no numbers.
   */
  static at(path: string): OpenedFile | null {
    if (path === ":memory:") return null;
    const absolute = absolutePath(path);
    // Where it may be looked at without asking somebody first.
    if (!runtime.isAllowed("read", absolute, `${absolute}-wal`, `${absolute}-shm`)) return null;
    const file = identityOf(absolute);
    return file === null || file === UNKNOWN ? null : new OpenedFile(absolute, file);
  }

  /**
   * To be asked before something is written.
   *
   * @throws {AloeError} `io_error` when the path leads to another file, or
   * to none, or when the WAL is another one.
   */
  check(): void {
    const file = identityOf(this.path);
    if (file !== this.#file && file !== UNKNOWN) {
      throw this.#gone(file === null ? "was moved or deleted" : "was replaced by another one");
    }
    const now = performance.now();
    if (now - this.#walLookedAt < LOOK_AT_WAL_MS) return;
    this.#walLookedAt = now;
    if (!this.companionsAreOurs()) throw this.#gone("has lost its WAL");
  }

  /** Whether the WAL and its index, if there are such, are those that were there before. */
  companionsAreOurs(): boolean {
    const wal = identityOf(`${this.path}-wal`);
    const index = identityOf(`${this.path}-shm`);
    this.#wal ??= wal;
    this.#index ??= index;
    return [[wal, this.#wal], [index, this.#index]].every(([now, then]) =>
      now === then || now === UNKNOWN
    );
  }

  /** Why nothing is written to a file that has become another database in its place. */
  overwritten(): AloeError {
    return this.#gone("was overwritten with another one");
  }

  /**
   * Takes the WAL away, and all that is in it: a connection that ends, with its
   * thread if in no other way, would move what is there into the file.
   */
  discardWal(): void {
    try {
      runtime.truncateSync(`${this.path}-wal`);
    } catch {
      // There is none, or it may not be.
    }
    this.removeCompanions();
  }

  /** Takes the WAL and its index away, which have nothing in them that is needed. */
  removeCompanions(): void {
    for (const suffix of ["-wal", "-shm"]) {
      try {
        runtime.removeSync(`${this.path}${suffix}`);
      } catch {
        // There is none, or it may not be.
      }
    }
  }

  #gone(what: string): AloeError {
    return new AloeError(
      "io_error",
      `${this.path}: the file ${what} while it was in use: nothing is written to it any more`,
    );
  }
}

/** The folder that relative paths begin at may become another one. */
function absolutePath(path: string): string {
  if (/^([a-z]:)?[\\/]/i.test(path)) return path;
  try {
    return `${runtime.currentDirectory()}/${path}`;
  } catch {
    return path;
  }
}

/** Of a file that cannot be looked at just now. */
const UNKNOWN = "";

/** What tells a file from all others; null for none. */
function identityOf(path: string): string | null {
  try {
    const status = runtime.statSync(path);
    if (status === null) return null;
    const { device, inode } = status;
    return inode === null || inode === 0 ? UNKNOWN : `${device}:${inode}`;
  } catch {
    return UNKNOWN;
  }
}
