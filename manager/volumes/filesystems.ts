import { AloeError, AloeLite, type EncryptionMode, type Pin, type VolumeInfo } from "../../mod.ts";
import { MOUNTED } from "../../fuse/mod.ts";
import * as internal from "../../src/internal.ts";
import * as records from "../../src/registry/mod.ts";
import { databaseFiles } from "../../src/side_files.ts";
import { within } from "../within.ts";
import type { FilesystemFacts, VolumeFacts } from "./facts.ts";
import { type FileLease, OpenFile, OpenFiles, PRINCIPAL } from "./open_files.ts";
import { tighten } from "./root_folder.ts";

/** A new volume. */
export interface NewVolume {
  name: string;
  /** Encrypts the volume. */
  pin?: Pin;
  /** The mode of encryption; convergent by default. */
  encryption?: Exclude<EncryptionMode, "none">;
  /** Bytes of a full chunk. */
  chunkSize?: number;
  /** Its filesystem; a new one by default. */
  fsId?: string;
}

/** What filesystems need. */
export interface FilesystemsOptions {
  root: string;
  registry: records.Registry;
  idleMs: number;
  most: number;
  log: (line: string) => void;
  /** Reports damaged pages of a file that was put into the folder, a line each. */
  inspect: (path: string) => Promise<string[]>;
  /** Is called with the number of open filesystems. */
  count?: (open: number) => void;
}

/** The aloelite files below the root: opened on demand, closed when idle. */
export class Filesystems {
  readonly #options: FilesystemsOptions;
  readonly #files: OpenFiles;
  readonly #records = new Map<string, records.FilesystemRecord>();
  readonly #volumes = new Map<string, Contents>();
  /** The filesystem of each volume, as it was last found. */
  readonly #homes = new Map<string, string>();
  #scanned = "";
  #scanning: Promise<void> | null = null;
  /** Until when requests wait for the scan, by `performance.now`. */
  #waitUntil = 0;
  /** Signatures of the files that were refused, by name. */
  readonly #refused = new Map<string, string>();
  /** Called before a volume is removed, to end its uses. */
  readonly beforeRemoval: Set<(volume: string) => Promise<void>> = new Set();

  private constructor(options: FilesystemsOptions) {
    this.#options = options;
    this.#files = new OpenFiles({
      idleMs: options.idleMs,
      most: options.most,
      open: (id) => this.#open(id),
      closing: (id, file) => this.#closing(id, file),
      count: options.count,
      replaced: (id) => options.log(`filesystem ${id}: its file was replaced while it was open`),
    });
  }

  /** Reads the records, completes what a crash has interrupted, and scans for files. */
  static async open(options: FilesystemsOptions): Promise<Filesystems> {
    const all = new Filesystems(options);
    await Deno.remove(all.temporary, { recursive: true }).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
    for (const folder of [all.folder, all.temporary]) {
      await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    }
    await all.#recover();
    await all.#scan();
    return all;
  }

  /** The folder of the files. */
  get folder(): string {
    return `${this.#options.root}/filesystems`;
  }

  /** The folder for temporary files; emptied at start. */
  get temporary(): string {
    return `${this.#options.root}/tmp`;
  }

  /** Every filesystem, oldest first. */
  async list(): Promise<FilesystemFacts[]> {
    await this.#scan();
    const ready = [...this.#records.values()].filter((record) => record.state === "ready");
    return await Promise.all(ready.map((record) => this.#facts(record)));
  }

  /**
   * One filesystem.
   *
   * @throws {AloeError} `not_found`.
   */
  async get(id: string): Promise<FilesystemFacts> {
    return await this.#facts(this.#record(id));
  }

  /** Every volume of the files that can be read. */
  async volumes(): Promise<VolumeFacts[]> {
    await this.#scan();
    const all = new Map<string, VolumeFacts>();
    const damaged = new Set<string>();
    for (const { id, state } of [...this.#records.values()]) {
      if (state !== "ready") continue;
      for (const volume of await this.#volumesOrNone(id, damaged)) {
        // A copy of a file has the same volumes. They belong to the older file.
        if (!all.has(volume.id)) all.set(volume.id, volume);
      }
    }
    // A request for a volume of a damaged file gets the damage as its answer.
    for (const [id, fsId] of this.#homes) if (!damaged.has(fsId)) this.#homes.delete(id);
    for (const { id, fsId } of all.values()) this.#homes.set(id, fsId);
    return [...all.values()];
  }

  /**
   * One volume.
   *
   * @throws {AloeError} `not_found`; `corrupt` or `unsupported` when its file has
   * become so since the volume was found.
   */
  async volume(id: string): Promise<VolumeFacts> {
    const home = this.#homes.get(id);
    if (home !== undefined && this.#records.get(home)?.state === "ready") {
      const volumes = await this.volumesOf(home).catch((error) => {
        if (isDamage(error) || !isUnreadable(error)) throw error;
        return [];
      });
      const found = volumes.find((volume) => volume.id === id);
      if (found !== undefined) return found;
    }
    const found = (await this.volumes()).find((volume) => volume.id === id);
    if (found === undefined) throw new AloeError("not_found", `${id}: no such volume`);
    return found;
  }

  /**
   * The volumes of a filesystem, oldest first.
   *
   * @throws {AloeError} `not_found`, and what reading the file throws.
   */
  async volumesOf(id: string): Promise<VolumeFacts[]> {
    return (await this.#contentsOf(id)).volumes;
  }

  /**
   * Free bytes within a filesystem's file, which further writes use first.
   *
   * @throws {AloeError} As {@linkcode volumesOf}.
   */
  async freeBytes(id: string): Promise<number> {
    return (await this.#contentsOf(id)).freeBytes;
  }

  async #contentsOf(id: string): Promise<Contents> {
    this.#record(id);
    const known = this.#volumes.get(id);
    // Reading the change counter is expensive, so that others' changes are seen with a delay.
    if (known !== undefined && performance.now() < known.freshUntil) return known;
    if (known !== undefined && !this.#files.isOpen(id)) {
      if (known.signature !== null && known.signature === await signature(this.#path(id))) {
        return known;
      }
    }
    using lease = await this.lease(id);
    const { reader } = lease.file;
    const counter = await internal.changeCounter(reader.db);
    const freshUntil = performance.now() + FRESH_MS;
    if (known !== undefined && known.file === lease.file && known.counter === counter) {
      known.freshUntil = freshUntil;
      return known;
    }
    const volumes = (await reader.volumes()).map((volume) => volumeFacts(id, volume));
    const { reusable: freeBytes } = await internal.fileRoom(reader.db);
    const { file } = lease;
    const found = { volumes, freeBytes, file, counter, signature: null, freshUntil };
    this.#volumes.set(id, found);
    return found;
  }

  /** Whether a filesystem's file is open. */
  isOpen(id: string): boolean {
    return this.#files.isOpen(id);
  }

  /** Runs a task with a filesystem that is open for writing. */
  async use<T>(id: string, task: (fs: AloeLite) => Promise<T>): Promise<T> {
    using lease = await this.lease(id);
    try {
      return await task(await lease.file.writer());
    } finally {
      this.#outdate(id);
    }
  }

  /** Has the volumes of a filesystem read again. */
  #outdate(id: string): void {
    const known = this.#volumes.get(id);
    if (known !== undefined) known.freshUntil = 0;
  }

  /** Keeps a filesystem open for writing until the result is disposed. */
  async hold(id: string): Promise<{ fs: AloeLite } & Disposable> {
    const lease = await this.lease(id);
    try {
      const fs = await lease.file.writer();
      return { fs, [Symbol.dispose]: () => lease[Symbol.dispose]() };
    } catch (error) {
      lease[Symbol.dispose]();
      throw error;
    }
  }

  /** Keeps a filesystem open, with its shared mounts, until the lease is disposed. */
  async lease(id: string): Promise<FileLease> {
    this.#record(id);
    return await this.#files.lease(id);
  }

  /** The file of a filesystem if it is open. It may be closed at any moment. */
  opened(id: string): Promise<OpenFile> | null {
    return this.#files.opened(id);
  }

  /**
   * Makes a volume; without `fsId` in a new file.
   *
   * @throws {AloeError} `not_found` for an unknown filesystem, and as `AloeLite.createVolume`.
   */
  async createVolume(options: NewVolume): Promise<VolumeFacts> {
    const { fsId, name, pin, encryption, chunkSize = MOUNTED.chunkSize } = options;
    const make = (fs: AloeLite) =>
      fs.createVolume({
        name,
        chunkSize,
        ...(pin === undefined ? {} : { pin }),
        ...(encryption === undefined ? {} : { encryption }),
      });
    if (fsId !== undefined) {
      const volume = volumeFacts(fsId, await this.use(fsId, make));
      this.#homes.set(volume.id, fsId);
      return volume;
    }
    const id = newId();
    const path = `${this.folder}/${id}${ENDING}`;
    await this.#addRecord(id, `${id}${ENDING}`, name);
    try {
      await using fs = await AloeLite.open(path, { pageSize: MOUNTED.pageSize });
      await tighten(path);
      const volume = volumeFacts(id, await make(fs));
      await this.#setState(id, "ready");
      this.#homes.set(volume.id, id);
      return volume;
    } catch (error) {
      await removeFile(path);
      await this.#dropRecord(id);
      throw error;
    }
  }

  /**
   * Imports an aloelite file by moving it here from a path on the same disk.
   *
   * @throws {AloeError} `corrupt`, `unsupported`; `already_exists` when one of its
   * volumes is here already.
   */
  async import(path: string, name: string): Promise<FilesystemFacts> {
    await using fs = await AloeLite.open(path, { create: false });
    const volumes = await fs.volumes();
    await fs.close();
    const here = new Map((await this.volumes()).map((volume) => [volume.id, volume.fsId]));
    for (const { id } of volumes) {
      const home = here.get(id);
      if (home === undefined) continue;
      throw new AloeError("already_exists", `volume ${id} is in filesystem ${home} already`);
    }
    const id = newId();
    await this.#addRecord(id, `${id}${ENDING}`, name);
    try {
      await Deno.rename(path, `${this.folder}/${id}${ENDING}`);
      await tighten(`${this.folder}/${id}${ENDING}`);
      await this.#setState(id, "ready");
    } catch (error) {
      await this.#dropRecord(id);
      throw error;
    }
    return await this.get(id);
  }

  /**
   * Renames a filesystem.
   *
   * @throws {AloeError} `not_found`.
   */
  async rename(id: string, name: string): Promise<FilesystemFacts> {
    const record = this.#record(id);
    await records.renameFilesystem(this.#options.registry, id, name);
    record.name = name;
    return await this.#facts(record);
  }

  /**
   * Deletes a volume irreversibly, and its file with the last one.
   *
   * @throws {AloeError} `not_found`; `mount_conflict` while another process has it mounted.
   */
  async removeVolume(id: string): Promise<void> {
    const { fsId } = await this.volume(id);
    await this.#release(id);
    await this.#files.removeWhenIdle(fsId, async (file) => {
      await file.endMounts(id);
      const fs = await file.writer();
      if ((await fs.volumes()).some((volume) => volume.id !== id)) {
        await fs.removeVolume(id);
        return false;
      }
      await refuseMounted(fs);
      await this.#removeFile(fsId);
      return true;
    });
    this.#outdate(fsId);
    this.#homes.delete(id);
  }

  /**
   * Deletes a filesystem with all of its volumes, or the record of one whose file is
   * missing.
   *
   * @throws {AloeError} `not_found`; `mount_conflict` while another process has a volume mounted.
   */
  async remove(id: string): Promise<void> {
    const { missing, path } = await this.get(id);
    if (missing) return await this.#removeFile(id);
    let volumes: VolumeFacts[];
    try {
      volumes = await this.volumesOf(id);
    } catch (error) {
      // A file that cannot be read is in use by nobody.
      if (!isUnreadable(error)) throw error;
      this.#options.log(`deleting ${path}, which cannot be read (${error.code})`);
      return await this.#removeFile(id);
    }
    for (const volume of volumes) await this.#release(volume.id);
    await this.#files.removeWhenIdle(id, async (file) => {
      await file.endMounts();
      await refuseMounted(await file.writer());
      await this.#removeFile(id);
      return true;
    });
    for (const volume of volumes) this.#homes.delete(volume.id);
  }

  /** Closes every file when its users are done, or after the time, ms. */
  async close(patience = 5000): Promise<void> {
    await this.#files.close(patience);
  }

  async #release(volume: string): Promise<void> {
    for (const hook of this.beforeRemoval) await hook(volume);
  }

  #record(id: string): records.FilesystemRecord {
    const record = this.#records.get(id);
    if (record === undefined || record.state !== "ready") {
      throw new AloeError("not_found", `${id}: no such filesystem`);
    }
    return record;
  }

  #path(id: string): string {
    return `${this.folder}/${this.#records.get(id)!.fileName}`;
  }

  async #facts(record: records.FilesystemRecord): Promise<FilesystemFacts> {
    const { id, name, createdAt } = record;
    const path = this.#path(id);
    return { id, name, path, createdAt, missing: !await isFile(path) };
  }

  async #volumesOrNone(id: string, damaged: Set<string>): Promise<VolumeFacts[]> {
    try {
      return await this.volumesOf(id);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      if (isDamage(error)) damaged.add(id);
      return [];
    }
  }

  async #open(id: string): Promise<OpenFile> {
    const file = await OpenFile.open(this.#path(id));
    try {
      await endStaleMounts(await file.writer());
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Keeps the cached volumes of a file that is closed, if they are current. */
  async #closing(id: string, file: OpenFile): Promise<() => Promise<void>> {
    const known = this.#volumes.get(id);
    const valid = known?.file === file &&
      known.counter === await internal.changeCounter(file.reader.db).catch(() => null);
    return async () => {
      if (!valid || !this.#records.has(id)) return;
      known.file = null;
      known.freshUntil = 0;
      known.signature = await signature(this.#path(id));
    };
  }

  async #addRecord(id: string, fileName: string, name: string): Promise<void> {
    const createdAt = BigInt(Date.now()) * 1_000_000n;
    const record = { id, fileName, name, createdAt, state: "creating" as const };
    await records.addFilesystem(this.#options.registry, record);
    this.#records.set(id, record);
  }

  async #setState(id: string, state: records.FilesystemState): Promise<void> {
    await records.setFilesystemState(this.#options.registry, id, state);
    this.#records.get(id)!.state = state;
  }

  async #dropRecord(id: string): Promise<void> {
    await records.forgetFilesystem(this.#options.registry, id);
    this.#records.delete(id);
    this.#volumes.delete(id);
  }

  /** Deletes a file so that the next start completes it after a crash. */
  async #removeFile(id: string): Promise<void> {
    await this.#setState(id, "deleting");
    await removeFile(this.#path(id));
    await this.#dropRecord(id);
  }

  /** Reads the records and completes what the last run was doing when it ended. */
  async #recover(): Promise<void> {
    for (const record of await records.listFilesystems(this.#options.registry)) {
      this.#records.set(record.id, record);
      const path = this.#path(record.id);
      if (record.state === "deleting") {
        await removeFile(path);
        await this.#dropRecord(record.id);
      } else if (record.state === "creating") {
        if (await hasVolumes(path)) await this.#setState(record.id, "ready");
        else {
          await removeFile(path);
          await this.#dropRecord(record.id);
        }
      } else if (!await isFile(path)) {
        this.#options.log(`filesystem ${record.id} (${record.name}): its file is missing`);
      }
    }
  }

  /** Adopts files that were put into the folder. */
  async #scan(): Promise<void> {
    const { mtime } = await Deno.stat(this.folder);
    const now = `${mtime?.getTime()}`;
    if (now === this.#scanned) return;
    if (this.#scanning === null) {
      this.#waitUntil = performance.now() + SCAN_WAIT_MS;
      this.#scanning = this.#adopt().then((settled) => {
        this.#scanned = settled ? now : "";
      }).finally(() => {
        this.#scanning = null;
      });
    }
    // A file that is large, or hangs, is inspected while requests go on.
    await within(Math.max(0, this.#waitUntil - performance.now()), this.#scanning);
  }

  /** @returns Whether every file could be judged. */
  async #adopt(): Promise<boolean> {
    let settled = true;
    const known = new Set([...this.#records.values()].map((record) => record.fileName));
    for await (const { name, isFile } of Deno.readDir(this.folder)) {
      const match = ADOPTED.exec(name);
      if (!isFile || match === null || known.has(name)) continue;
      const path = `${this.folder}/${name}`;
      if (!await isComplete(path)) {
        // It may still be being copied.
        settled = false;
        continue;
      }
      const sound = await this.#isSound(name);
      if (sound === null) settled = false;
      if (!sound) continue;
      const hex = /^[0-9a-f]{32}$/.test(match[1]) && !this.#records.has(match[1]);
      const id = hex ? match[1] : newId();
      const createdAt = BigInt(Date.now()) * 1_000_000n;
      const record = { id, fileName: name, name: match[1], createdAt, state: "ready" as const };
      await records.addFilesystem(this.#options.registry, record);
      this.#records.set(id, record);
      this.#options.log(`found ${name}: filesystem ${id}`);
    }
    return settled;
  }

  /**
   * Whether the pages of a file that was put into the folder are undamaged. A file with
   * a cycle of pages would block the event loop forever.
   *
   * @returns Null when it has to be inspected again.
   */
  async #isSound(name: string): Promise<boolean | null> {
    const path = `${this.folder}/${name}`;
    const looked = await signature(path);
    if (looked === null) return null;
    if (this.#refused.get(name) === looked) return false;
    try {
      const faults = await this.#options.inspect(path);
      if (faults.length === 0) return true;
      this.#options.log(`${name} is damaged and is not taken in: ${faults[0]}`);
    } catch (error) {
      if (!(error instanceof AloeError)) throw error;
      if (error.code === "busy") return null;
      // Other faults are reported when the file is opened.
      if (error.code !== "io_error") return true;
      this.#options.log(`${name} is not taken in: ${error.message}`);
    }
    this.#refused.set(name, await signature(path) ?? looked);
    return false;
  }
}

interface Contents {
  volumes: VolumeFacts[];
  /** Free bytes within the file. */
  freeBytes: number;
  /** The open file that they were read from, and its change counter then. */
  file: OpenFile | null;
  counter: number;
  /** The signature of the closed file. */
  signature: string | null;
  /** Until when they are assumed to be current, by `performance.now`. */
  freshUntil: number;
}

/** How long requests wait for a scan of the folder, ms. */
const SCAN_WAIT_MS = 10_000;

/** The delay with which another process's change of a volume is seen at most, ms. */
const FRESH_MS = 20;

/** The extension of a file that the manager creates. */
const ENDING = ".aloe";

/** File names that may be adopted: a name and an extension. */
const ADOPTED = /^(.+)\.(?:aloe|fs|sqlite|db)$/;

/** Codes of errors for which the volumes of a file cannot be read. */
const UNREADABLE: ReadonlySet<string> = new Set([
  "not_found",
  "corrupt",
  "unsupported",
  "io_error",
  "invalid",
]);

/** Whether a file is missing, or cannot be read. */
function isUnreadable(error: unknown): error is AloeError {
  return error instanceof AloeError && UNREADABLE.has(error.code);
}

/** Whether a file is damaged or unsupported. */
function isDamage(error: unknown): boolean {
  return error instanceof AloeError && ["corrupt", "unsupported"].includes(error.code);
}

function newId(): string {
  return crypto.randomUUID().replaceAll("-", "");
}

function volumeFacts(fsId: string, volume: VolumeInfo): VolumeFacts {
  const { id, name, encryption, chunkSize, createdAt } = volume;
  return { id, fsId, name, encrypted: encryption !== "none", encryption, chunkSize, createdAt };
}

/** Ends the mounts that an earlier run of the manager has left. */
async function endStaleMounts(fs: AloeLite): Promise<void> {
  for (const mount of await fs.mounts()) {
    if (mount.principal === PRINCIPAL) await fs.unmount(mount.id);
  }
}

async function refuseMounted(fs: AloeLite): Promise<void> {
  const [mount] = await fs.mounts();
  if (mount === undefined) return;
  const { id, volume } = mount;
  throw new AloeError("mount_conflict", `volume ${volume} is mounted by another process (${id})`);
}

async function hasVolumes(path: string): Promise<boolean> {
  if (!await isFile(path)) return false;
  try {
    await using fs = await AloeLite.open(path, { readOnly: true });
    return (await fs.volumes()).length > 0;
  } catch (error) {
    if (error instanceof AloeError) return false;
    throw error;
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Whether a SQLite file has all the pages that its header counts. Not to be used for a
 * file that this process has open: closing it here would drop the process's locks.
 */
async function isComplete(path: string): Promise<boolean> {
  using file = await Deno.open(path);
  const head = new Uint8Array(100);
  if (await file.read(head) !== head.length) return false;
  if (new TextDecoder().decode(head.subarray(0, 16)) !== "SQLite format 3\0") return false;
  const view = new DataView(head.buffer);
  const pageSize = view.getUint16(16) === 1 ? 65_536 : view.getUint16(16);
  return (await file.stat()).size >= view.getUint32(28) * pageSize;
}

/** Removes a database with its side files. */
async function removeFile(path: string): Promise<void> {
  // The database last: while it exists, an interrupted removal is noticed.
  for (const each of databaseFiles(path).reverse()) {
    try {
      await Deno.remove(each);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

/** Sizes and times of a file and its WAL; null when it is not there. */
async function signature(path: string): Promise<string | null> {
  const parts: (number | null)[] = [];
  for (const name of [path, `${path}-wal`]) {
    try {
      const { ino, size, mtime } = await Deno.stat(name);
      parts.push(ino, size, mtime?.getTime() ?? null);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      if (name === path) return null;
    }
  }
  return parts.join(" ");
}
