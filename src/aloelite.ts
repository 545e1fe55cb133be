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

/** How {@linkcode AloeLite.mount} mounts. */
export interface MountVolumeOptions extends ops.MountOptions {
  /** Renews the `ttl` by a timer while the handle is open. Default false. */
  keepAlive?: boolean;
}

/** What opens a mount that exists. */
export interface AttachOptions {
  /** The PIN of an encrypted volume. */
  pin?: Pin;
  /** Or the token of a handle that was made in this process. */
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
   * Opens a file, creating it when it is missing.
   *
   * @param path The file, or `:memory:` for one that is gone when it is closed.
   * @throws {AloeError} `not_found` when it is missing and not to be created;
   * `corrupt` when it is no aloelite file; `unsupported` when it is of a newer
   * era; `read_only`, `busy`, `io_error`, `no_space`.
   */
  static async open(
    path: string | URL,
    options: ops.OpenOptions = {},
  ): Promise<AloeLite> {
    return new AloeLite(await ops.openDatabase(path, options));
  }

  /**
   * Takes out of a file what {@linkcode open} refuses as unknown and what holds
   * no data: triggers, views and indexes.
   *
   * @param path The file; nobody may have it open.
   * @returns What was taken out.
   * @throws {AloeError} `not_found`; `corrupt` or `unsupported` for what cannot be
   * helped in this way, and nothing is changed then.
   */
  static repair(path: string | URL): Promise<ops.RemovedObject[]> {
    return ops.repairFile(path);
  }

  /** What the functions of the `ops` module take. */
  get db(): OpenDatabase {
    return this.#db;
  }

  /** The file. */
  get path(): string {
    return this.#db.path;
  }

  /** Whether nothing may be written to it. */
  get readOnly(): boolean {
    return this.#db.readOnly;
  }

  /** Creates a volume; a PIN makes it an encrypted one. */
  createVolume(options: ops.CreateVolumeOptions = {}): Promise<VolumeInfo> {
    return ops.createVolume(this.#db, options);
  }

  /** Every volume, oldest first. */
  volumes(): Promise<VolumeInfo[]> {
    return ops.listVolumes(this.#db);
  }

  /** A volume by name or id; without either, the only one. */
  volume(nameOrId?: string): Promise<VolumeInfo> {
    return ops.getVolume(this.#db, nameOrId);
  }

  /** Names a volume; null takes its name away. */
  renameVolume(nameOrId: string, name: string | null): Promise<void> {
    return ops.renameVolume(this.#db, nameOrId, name);
  }

  /** Deletes a volume with all that is in it, for good. */
  removeVolume(nameOrId: string): Promise<PurgeReport> {
    return ops.removeVolume(this.#db, nameOrId);
  }

  /** Replaces an encrypted volume's PIN. */
  changePin(nameOrId: string, oldPin: Pin, newPin: Pin): Promise<void> {
    return ops.changePin(this.#db, nameOrId, oldPin, newPin);
  }

  /** Checks an encrypted volume's PIN; throws `bad_key` for a wrong one. */
  checkPin(nameOrId: string, pin: Pin): Promise<void> {
    return ops.checkPin(this.#db, nameOrId, pin);
  }

  /** Mounts a volume by name or id; without either, the only one. */
  async mount(
    nameOrId?: string,
    options: MountVolumeOptions = {},
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

  /** A handle for a mount that exists, made here or by another process. */
  async attach(mountId: string, options: AttachOptions = {}): Promise<Mount> {
    return new Mount(this.#db, await ops.attach(this.#db, mountId, options));
  }

  /** The valid mounts; with `all`, the ended ones too. */
  async mounts(
    options: { volume?: string; all?: boolean } = {},
  ): Promise<MountInfo[]> {
    const volume = options.volume === undefined
      ? undefined
      : (await this.volume(options.volume)).id;
    return await ops.listMounts(this.#db, { volume, all: options.all });
  }

  /** Ends a mount, whoever made it. */
  unmount(mountId: string): Promise<void> {
    return ops.unmount(this.#db, mountId);
  }

  /**
   * Many operations, one commit, all or nothing.
   *
   * @param task Uses `tx.use(mount)` in place of its mounts.
   */
  batch<T>(task: (tx: Batch) => Promise<T>): Promise<T> {
    return this.#db.batch((db) => task(new Batch(db)));
  }

  /** Forks what a mount shows into a new volume of this file. */
  fork(mount: Mount, options: ops.TransferOptions = {}): Promise<VolumeInfo> {
    return ops.forkVolume(this.#db, mount.handle, options);
  }

  /** Copies what a mount shows into a new volume of another file. */
  exportTo(
    mount: Mount,
    target: AloeLite,
    options: ops.TransferOptions = {},
  ): Promise<VolumeInfo> {
    return ops.copyVolume(this.#db, mount.handle, target.#db, options);
  }

  /** Copies the live file to a new one by SQLite's online backup. */
  backup(destination: string, options: ops.BackupOptions = {}): Promise<void> {
    return ops.backup(this.#db, destination, options);
  }

  /** Faults in the shape of the file; none when all is well. */
  health(): Promise<Anomaly[]> {
    return ops.healthCheck(this.#db);
  }

  /** The first damage of the file's pages, a line each; none when all is well. */
  pageCheck(): Promise<string[]> {
    return ops.pageCheck(this.#db);
  }

  /** Deletes what nobody can reach or bring back. */
  async prune(options: { volume?: string } = {}): Promise<PruneReport> {
    return await ops.prune(this.#db, await this.#pruneOptions(options));
  }

  /** Deletes versions that retention gave up, and the chunks that only they had. */
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

  /** What takes how much of the file. */
  space(): Promise<ops.FileSpace> {
    return ops.fileSpace(this.#db);
  }

  /** One screen of facts. */
  info(): Promise<FileInfo> {
    return ops.fileInfo(this.#db);
  }

  /** Closes the file. Mounts that were not ended stay valid in it. */
  close(): Promise<void> {
    return this.#db.close();
  }

  /** Closes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** What the task of {@linkcode AloeLite.batch} is given. */
export class Batch {
  /** What the functions of the `ops` module take. */
  readonly db: Database;

  /** @ignore Batches come from `AloeLite.batch`. */
  constructor(db: Database) {
    this.db = db;
  }

  /** A mount of the file, within this batch. */
  use(mount: Mount): Mount {
    return mount.within(this.db);
  }
}

function renewing(db: Database, mount: string, ttl: number): KeepAlive {
  const timer = setInterval(() => {
    // A mount that cannot be renewed now says so at its next operation.
    ops.renewMount(db, mount, ttl).catch(() => {});
    // A timer past 2^31 ms would fire at once.
  }, Math.min(ttl / 3, 2 ** 31 - 1));
  // Being kept alive is no reason for the process to live.
  runtime.unref(timer);
  return { stop: () => clearInterval(timer) };
}
