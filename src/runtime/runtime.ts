/** What is known of a file without opening it. */
export interface FileStatus {
  /** Bytes. */
  size: number;
  /** When its content was changed, ms since 1970; null where that is not known. */
  modified: number | null;
  kind: "file" | "directory" | "symlink" | "other";
  device: number;
  /** Its number on the device; null where files have none. */
  inode: number | null;
}

/** Space of the disk that holds a path. */
export interface DiskSpace {
  /** Bytes that an unprivileged user may still write. */
  available: number;
  /** Bytes of the whole disk. */
  total: number;
}

/** What a runtime may have to be allowed to do with a path. */
export type Access = "read" | "write" | "statfs";

/**
 * What the library needs of a runtime beyond the standards of the web and the
 * `node:` modules. Paths are those of the runtime's own functions, and so are
 * the errors, unless a function tells another.
 */
export interface Runtime {
  /** Whether names follow the rules of Windows. */
  readonly windows: boolean;
  /** The directory that relative paths begin at. */
  currentDirectory(): string;
  /** Whether every path may be used so, without asking somebody first. */
  isAllowed(access: Access, ...paths: string[]): boolean;
  /** @returns Null when nothing is there. */
  stat(path: string): Promise<FileStatus | null>;
  /** @returns Null when nothing is there. */
  statSync(path: string): FileStatus | null;
  /** Like `statSync`, of a symbolic link itself. */
  lstatSync(path: string): FileStatus | null;
  /** What a symbolic link says. */
  readLinkSync(path: string): string;
  /** @throws {Error} When the space cannot be told. */
  diskSpace(path: string): DiskSpace;
  /**
   * Creates a directory of a new name.
   *
   * @param prefix What its path begins with.
   * @returns Its path.
   */
  makeTempDirSync(prefix: string): string;
  /** Creates an empty file. @returns Whether it did: false when something is there. */
  create(path: string): Promise<boolean>;
  remove(path: string): Promise<void>;
  removeSync(path: string): void;
  /** Cuts a file. @param length Bytes that stay, 0 by default. */
  truncateSync(path: string, length?: number): void;
  /**
   * Appends zeros, for which the disk gives room, unlike for a hole. What was
   * appended is cut off again when not all of it fits.
   *
   * @param from Bytes that the file has.
   * @param to Bytes that it is to have.
   */
  extendSync(path: string, from: number, to: number): void;
  /**
   * Has the disk keep room for a file behind its end, where nobody sees it. Left
   * out where a runtime cannot.
   *
   * @param bytes So many behind the file's `size`.
   * @returns Whether it does.
   */
  holdBehindEnd?(path: string, size: number, bytes: number): boolean;
  /** Gives that room back. @param size What the file has, which stays. */
  dropBehindEnd?(path: string, size: number): boolean;
  /** Lets the process end though a timer runs. */
  unref(timer: ReturnType<typeof setTimeout>): void;
  /** Starts a module on a thread of its own. @param name What it is called in messages. */
  startWorker(module: URL, name: string): Worker;
}
