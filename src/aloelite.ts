import { AloeError } from "./errors.ts";
import { type KeepAlive, Mount } from "./mount.ts";
import * as ops from "./ops.ts";
import { runtime } from "./runtime/mod.ts";
import type { Database, OpenDatabase } from "./storage/database.ts";
import type {
  Anomaly,
  ContentPruneReport,
  FileInfo,
  MountInfo,
  Pin,
  PruneReport,
  PurgeReport,
  VolumeInfo,
} from "./types.ts";

/** Options of {@linkcode AloeLite.mount}. */
export interface OpenMountOptions extends ops.MountOptions {
  /** Renews the `ttl` periodically while the handle is open. Default false. */
  keepAlive?: boolean;
}

/** Options for opening an existing mount. */
export interface AttachOptions {
  /** The PIN of an encrypted volume. */
  pin?: Pin;
  /** The token of a handle that was created in this process, instead of the PIN. */
  token?: Uint8Array;
}

/**
 * An open file with its volumes.
 *
 * @example
 * ```ts
 * import { AloeLite } from "@aloelite/aloelite";
 *
 * await using fs = await AloeLite.open(":memory:");
 * const volume = await fs.createVolume({ name: "secret", pin: "1234" });
 * await using mount = await fs.mount("secret", { pin: "1234" });
 * await mount.put("/note.txt", "for nobody else");
 * console.assert(volume.encryption === "convergent");
 * ```
 */
export class AloeLite implements AsyncDisposable {
  readonly #db: OpenDatabase;

  private constructor(db: OpenDatabase) {
    this.#db = db;
  }

  /**
   * Opens a file; creates it when it is missing.
   *
   * @param path The file, or `:memory:` for one that exists until it is closed.
   * @throws {AloeError} `not_found` when it is missing and must not be created; `corrupt` when it
   *   is not an aloelite file; `unsupported` when its era is newer; `read_only`, `busy`,
   *   `io_error`, `no_space`.
   */
  static async open(
    path: string | URL,
    options: ops.OpenOptions = {},
  ): Promise<AloeLite> {
    return new AloeLite(await ops.openDatabase(path, options));
  }

  /**
   * Removes unknown objects that {@linkcode open} refuses and that hold no data: triggers, views
   * and indexes. Rebuilds the format's indexes that disagree with their tables.
   *
   * @param path The file; it must not be open anywhere.
   * @returns The removed and the rebuilt objects.
   * @throws {AloeError} `not_found`; `corrupt` or `unsupported` when this cannot repair the file,
   *   which is then unchanged.
   */
  static repair(path: string | URL): Promise<ops.RepairedObject[]> {
    return ops.repairFile(path);
  }

  /** The database, for the functions of the `ops` module. */
  get db(): OpenDatabase {
    return this.#db;
  }

  /** The file's path. */
  get path(): string {
    return this.#db.path;
  }

  /** Whether the file is open read-only. */
  get readOnly(): boolean {
    return this.#db.readOnly;
  }

  /** Creates a volume; a PIN makes it encrypted. */
  createVolume(options: ops.CreateVolumeOptions = {}): Promise<VolumeInfo> {
    return ops.createVolume(this.#db, options);
  }

  /** Returns all volumes, oldest first. */
  volumes(): Promise<VolumeInfo[]> {
    return ops.listVolumes(this.#db);
  }

  /** Returns a volume by name or id; without an argument, the only one. */
  volume(nameOrId?: string): Promise<VolumeInfo> {
    return ops.getVolume(this.#db, nameOrId);
  }

  /** Renames a volume; null removes its name. */
  renameVolume(nameOrId: string, name: string | null): Promise<void> {
    return ops.renameVolume(this.#db, nameOrId, name);
  }

  /** Deletes a volume and its contents permanently. */
  removeVolume(nameOrId: string): Promise<PurgeReport> {
    return ops.removeVolume(this.#db, nameOrId);
  }

  /** Replaces an encrypted volume's PIN. */
  changePin(nameOrId: string, oldPin: Pin, newPin: Pin): Promise<void> {
    return ops.changePin(this.#db, nameOrId, oldPin, newPin);
  }

  /** Checks an encrypted volume's PIN; throws `bad_key` when it is wrong. */
  checkPin(nameOrId: string, pin: Pin): Promise<void> {
    return ops.checkPin(this.#db, nameOrId, pin);
  }

  /** Mounts a volume by name or id; without a name, the only one. */
  async mount(
    nameOrId?: string,
    options: OpenMountOptions = {},
  ): Promise<Mount> {
    const { keepAlive, ...rest } = options;
    if (keepAlive && rest.ttl === undefined) {
      throw new AloeError(
        "invalid",
        "only a mount with a time to live is kept alive",
      );
    }
    const { id } = await this.volume(nameOrId);
    const handle = await ops.mount(this.#db, id, rest);
    return new Mount(
      this.#db,
      handle,
      keepAlive ? renewing(this.#db, handle.id, rest.ttl!) : null,
    );
  }

  /** Returns a handle for an existing mount of this or another process. */
  async attach(mountId: string, options: AttachOptions = {}): Promise<Mount> {
    return new Mount(this.#db, await ops.attach(this.#db, mountId, options));
  }

  /** Returns the valid mounts; with `all`, also ended ones. */
  async mounts(
    options: { volume?: string; all?: boolean } = {},
  ): Promise<MountInfo[]> {
    const volume = options.volume === undefined
      ? undefined
      : (await this.volume(options.volume)).id;
    return await ops.listMounts(this.#db, { volume, all: options.all });
  }

  /** Ends a mount of any process. */
  unmount(mountId: string): Promise<void> {
    return ops.unmount(this.#db, mountId);
  }

  /**
   * Runs several operations in one transaction.
   *
   * @param task The operations; they use `tx.use(mount)` instead of their mounts.
   */
  batch<T>(task: (tx: Batch) => Promise<T>): Promise<T> {
    return this.#db.batch((db) => task(new Batch(db)));
  }

  /** Forks the visible content of a mount into a new volume of this file. */
  fork(mount: Mount, options: ops.TransferOptions = {}): Promise<VolumeInfo> {
    return ops.forkVolume(this.#db, mount.handle, options);
  }

  /** Copies the visible content of a mount into a new volume of another file. */
  exportTo(
    mount: Mount,
    target: AloeLite,
    options: ops.TransferOptions = {},
  ): Promise<VolumeInfo> {
    return ops.copyVolume(this.#db, mount.handle, target.#db, options);
  }

  /** Copies the open file to a new one with SQLite's online backup. */
  backup(destination: string, options: ops.BackupOptions = {}): Promise<void> {
    return ops.backup(this.#db, destination, options);
  }

  /** Returns faults in the file's structure; none when it is healthy. */
  health(): Promise<Anomaly[]> {
    return ops.healthCheck(this.#db);
  }

  /** Returns the first damaged pages of the file, one line each; none when it is healthy. */
  pageCheck(): Promise<string[]> {
    return ops.pageCheck(this.#db);
  }

  /** Deletes everything that cannot be reached or restored. */
  async prune(options: { volume?: string } = {}): Promise<PruneReport> {
    return await ops.prune(this.#db, await this.#pruneOptions(options));
  }

  /** Deletes versions beyond retention, and chunks that only they used. */
  async pruneContent(
    options: { volume?: string } = {},
  ): Promise<ContentPruneReport> {
    return await ops.pruneContent(this.#db, await this.#pruneOptions(options));
  }

  async #pruneOptions(options: { volume?: string }): Promise<ops.PruneOptions> {
    if (options.volume === undefined) return {};
    return { volume: (await this.volume(options.volume)).id };
  }

  /** Rebuilds the file without its free pages. */
  vacuum(): Promise<void> {
    return ops.vacuum(this.#db);
  }

  /** Returns how the file's space is used. */
  space(): Promise<ops.FileSpace> {
    return ops.fileSpace(this.#db);
  }

  /** Returns an overview of the file. */
  info(): Promise<FileInfo> {
    return ops.fileInfo(this.#db);
  }

  /** Closes the file. Mounts that were not ended stay valid. */
  close(): Promise<void> {
    return this.#db.close();
  }

  /** Closes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** The argument of the task of {@linkcode AloeLite.batch}. */
export class Batch {
  /** The database, for the functions of the `ops` module. */
  readonly db: Database;

  /**
   * @ignore `AloeLite.batch` creates batches.
   */
  constructor(db: Database) {
    this.db = db;
  }

  /** Returns a mount for use in this batch. */
  use(mount: Mount): Mount {
    return mount.within(this.db);
  }
}

function renewing(db: Database, mount: string, ttl: number): KeepAlive {
  const timer = setInterval(() => {
    // The mount's next operation reports a failed renewal.
    ops.renewMount(db, mount, ttl).catch(() => {});
    // A timer beyond 2^31 ms would fire immediately.
  }, Math.min(ttl / 3, 2 ** 31 - 1));
  // The timer must not keep the process alive.
  runtime.unref(timer);
  return { stop: () => clearInterval(timer) };
}
