/** The status of a file. */
export interface FileStatus {
  /** The size in bytes. */
  size: number;
  /** When the content was changed, in ms since 1970; null when it is unknown. */
  modified: number | null;
  kind: "file" | "directory" | "symlink" | "other";
  /** The nine permission bits; null where files have none. */
  permissions: number | null;
  device: number;
  /** The inode number; null where files have none. */
  inode: number | null;
}

/** The space of the disk that holds a path. */
export interface DiskSpace {
  /** The number of bytes that an unprivileged user can still write. */
  available: number;
  /** The size of the whole disk, in bytes. */
  total: number;
}

/** The kinds of access to a path that may need a permission. */
export type Access = "read" | "write" | "statfs";

/**
 * The runtime functions that the library needs in addition to web standards and `node:` modules.
 * Paths and errors are those of the runtime's own functions, unless stated otherwise.
 */
export interface Runtime {
  /** Whether file names follow the rules of Windows. */
  readonly windows: boolean;
  /** Returns the base of relative paths. */
  currentDirectory(): string;
  /** Returns whether the paths may be accessed without a permission prompt. */
  isAllowed(access: Access, ...paths: string[]): boolean;
  /**
   * @returns Null when the path does not exist.
   */
  stat(path: string): Promise<FileStatus | null>;
  /**
   * @returns Null when the path does not exist.
   */
  statSync(path: string): FileStatus | null;
  /** Like `statSync`, but does not follow a symbolic link. */
  lstatSync(path: string): FileStatus | null;
  /** Returns the target of a symbolic link. */
  readLinkSync(path: string): string;
  /**
   * @throws {Error} When the space is unknown.
   */
  diskSpace(path: string): DiskSpace;
  /**
   * Creates a directory with a unique name.
   *
   * @param prefix The start of its path.
   * @returns Its path.
   */
  makeTempDirSync(prefix: string): string;
  /**
   * Creates an empty file.
   *
   * @param permissions The most that its permissions may be, before the umask; default 0666.
   * @returns False when the path exists.
   */
  create(path: string, permissions?: number | null): Promise<boolean>;
  remove(path: string): Promise<void>;
  removeSync(path: string): void;
  /** Truncates a file. @param length The new size in bytes; default 0. */
  truncateSync(path: string, length?: number): void;
  /**
   * Appends zeros, for which the disk allocates space, unlike for a hole. When not all of them fit,
   * the file is truncated to its old size.
   *
   * @param from The file's size in bytes.
   * @param to The new size in bytes.
   */
  extendSync(path: string, from: number, to: number): void;
  /**
   * Reserves disk space behind a file's end without changing its size. Undefined when the runtime
   * does not support it.
   *
   * @param bytes The number of bytes behind the file's `size`.
   * @returns Whether the space is reserved.
   */
  holdBehindEnd?(path: string, size: number, bytes: number): boolean;
  /** Releases the reserved space. @param size The file's size, which stays. */
  dropBehindEnd?(path: string, size: number): boolean;
  /** Lets the process end while a timer runs. */
  unref(timer: ReturnType<typeof setTimeout>): void;
  /** Starts a module on a thread. @param name Its name in messages. */
  startWorker(module: URL, name: string): Worker;
}
