import { AloeError } from "../../src/errors.ts";
import * as records from "../../src/registry/mod.ts";
import { attachDirectly } from "../volumes/direct_mount.ts";
import type { VolumeFacts } from "../volumes/facts.ts";
import { clear, MountProcess } from "./mount_process.ts";
import { hasSource, noKey, type PinSources } from "./pin_source.ts";
import { PRINCIPAL } from "../volumes/open_files.ts";
import { type Check, NEEDED, preflight } from "./preflight.ts";
import { Problem } from "../http/problem.ts";
import type { Filesystems } from "../volumes/filesystems.ts";
import type { Publisher } from "../volumes/feed_events.ts";
import type { Settings } from "../settings.ts";
import { sweep } from "./stale_mounts.ts";

export type { Check } from "./preflight.ts";

/** How a volume is mounted. */
export interface MountStatus {
  volume: string;
  frontend: "fuse" | "direct" | null;
  mounted: boolean;
  ready: boolean;
  mountpoint: string | null;
  host_path: string | null;
  auto_mount: boolean;
}

/** How a volume is to be mounted. */
export interface MountRequest {
  mode: "fuse" | "direct";
  persist: boolean;
  /** Whether the directory may have entries, which the mount hides; not at a restart. */
  nonEmpty?: boolean;
  /** The PIN of an encrypted volume; it is not stored. */
  pin?: string;
  /** The variable with the PIN. */
  pinEnv?: string;
  /** The file with the PIN. */
  pinFile?: string;
}

/** Mounts volumes, and supervises their mounts. */
export interface Mounts {
  /** How a volume is mounted now. */
  status(volume: string): MountStatus;
  /**
   * Mounts a volume.
   *
   * @throws {Problem} 409 `already_mounted`, `not_empty`; 503 `not_ready` when it does not answer in
   * time, in which case it is removed; 400 `encryption_required`.
   * @throws {AloeError} `bad_key`.
   */
  mount(volume: VolumeFacts, request: MountRequest): Promise<MountStatus>;
  /**
   * Unmounts a volume, lazily if it is in use. It is no longer persistent.
   *
   * @throws {Problem} 404 `not_mounted`.
   */
  unmount(volumeId: string): Promise<void>;
  /**
   * Ends a mount that a file records, of any program. The mounts of this manager are
   * ended by `unmount`.
   *
   * @param force Also when the record has an expiry, which its program may be renewing.
   * @throws {Problem} 404 `not_found`; 409 `mount_conflict`.
   */
  endRecord(volume: VolumeFacts, mount: string, force: boolean): Promise<void>;
  /** Removes what an earlier run has left, and restores the persistent mounts. */
  restore(): Promise<void>;
  /** Checks what mounting needs. */
  preflight(): Promise<Check[]>;
  /** Unmounts all; the next start restores the persistent mounts. */
  close(): Promise<void>;
}

/** The delays before a mount that died is restarted, ms; after the last one it is abandoned. */
const RESTART_DELAYS_MS = [200, 1000, 4000, 15_000, 30_000];

/** How long a mount has to run for its failures to be forgotten, ms. */
const STABLE_MS = 60_000;

/** What mounts need. */
export interface MountsOptions {
  settings: Pick<Settings, "root" | "hostRoot" | "fuse">;
  /** Stores the persistent mounts. */
  registry: records.Registry;
  filesystems: Pick<Filesystems, "get" | "lease" | "use" | "volume">;
  /** PINs that are stored on the host. */
  pins: Pick<PinSources, "read">;
  /** Publishes mounts and unmounts. */
  feed: Pick<Publisher, "publish">;
  /** Moves the WAL of a file into the file. */
  checkpoint: (path: string) => Promise<unknown>;
  /** Takes a line of the log. */
  log: (line: string) => void;
}

/** The mounts of a manager. */
export function createMounts(options: MountsOptions): Mounts {
  return new Supervisor(options);
}

interface MountEntry {
  volume: VolumeFacts;
  record: records.MountRecord;
  ready: boolean;
  /** Its process; null between two of them. */
  process: MountProcess | null;
  /** What a direct mount holds. */
  direct: AsyncDisposable | null;
  /** Failures in a row. */
  failures: number;
  since: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

class Supervisor implements Mounts {
  readonly #options: MountsOptions;
  readonly #entries = new Map<string, MountEntry>();
  /** Volumes whose mounts are persistent, whether they are mounted or not. */
  readonly #persistent = new Set<string>();
  /** The last operation of each volume: they run one at a time. */
  readonly #queues = new Map<string, Promise<unknown>>();
  #closed = false;

  constructor(options: MountsOptions) {
    this.#options = options;
  }

  status(volume: string): MountStatus {
    const entry = this.#entries.get(volume);
    const mountpoint = entry?.record.mountpoint ?? null;
    return {
      volume,
      frontend: entry?.record.mode ?? null,
      mounted: entry?.ready ?? false,
      ready: entry?.ready ?? false,
      mountpoint,
      host_path: this.#hostPath(mountpoint),
      auto_mount: this.#persistent.has(volume),
    };
  }

  preflight(): Promise<Check[]> {
    return preflight(this.#options.settings);
  }

  mount(volume: VolumeFacts, request: MountRequest): Promise<MountStatus> {
    return this.#enqueue(volume.id, async () => {
      if (this.#closed) throw new AloeError("busy", "the manager is stopping");
      if (this.#entries.has(volume.id)) {
        throw new Problem(409, "already_mounted", "the volume is mounted already");
      }
      const pin = await this.#pinOf(volume, request);
      try {
        const entry = this.#addEntry(volume, request);
        await (request.mode === "direct"
          ? this.#attach(entry, pin)
          : this.#firstStart(entry, pin, request.nonEmpty ?? false));
        if (request.persist) await this.#persist(entry);
      } finally {
        pin?.fill(0);
      }
      this.#publish("mounted", volume);
      return this.status(volume.id);
    });
  }

  /** Records a mount as persistent, or removes it. */
  async #persist(entry: MountEntry): Promise<void> {
    const { registry } = this.#options;
    entry.record.persist = true;
    try {
      await records.recordMount(registry, entry.record);
    } catch (error) {
      await this.#end(entry);
      await records.forgetMount(registry, entry.volume.id);
      throw error;
    }
    this.#persistent.add(entry.volume.id);
  }

  unmount(volumeId: string): Promise<void> {
    return this.#enqueue(volumeId, async () => {
      const entry = this.#entries.get(volumeId);
      if (entry === undefined && !this.#persistent.has(volumeId)) {
        throw new Problem(404, "not_mounted", "the volume is not mounted");
      }
      this.#persistent.delete(volumeId);
      if (entry !== undefined) await this.#end(entry);
      await records.forgetMount(this.#options.registry, volumeId);
      if (entry !== undefined) this.#publish("unmounted", entry.volume);
    });
  }

  endRecord(volume: VolumeFacts, id: string, force: boolean): Promise<void> {
    return this.#enqueue(volume.id, async () => {
      const { filesystems } = this.#options;
      const ownMountpoint = this.#entries.get(volume.id)?.record.mountpoint ?? null;
      await filesystems.use(volume.fsId, async (fs) => {
        const found = (await fs.mounts({ volume: volume.id })).find((mount) => mount.id === id);
        if (found === undefined) {
          throw new Problem(404, "not_found", "the volume has no such mount");
        }
        const { principal, expiresAt } = found;
        if (
          principal === PRINCIPAL ||
          (ownMountpoint !== null && principal === `fuse:${ownMountpoint}`)
        ) {
          throw new Problem(409, "mount_conflict", "this manager has it mounted: unmount it");
        }
        if (expiresAt !== null && !force) {
          const detail = "the record expires unless a program still uses it: end it with force=1";
          throw new Problem(409, "mount_conflict", detail);
        }
        await fs.unmount(id);
      });
    });
  }

  async restore(): Promise<void> {
    const { registry, filesystems, log } = this.#options;
    await Deno.mkdir(this.#folder, { recursive: true, mode: 0o755 });
    const alive = Deno.build.os === "linux" ? await sweep(this.#folder, log) : new Set<string>();
    const restored: Promise<void>[] = [];
    for (const record of await records.listMounts(registry)) {
      const volume = await filesystems.volume(record.volume).catch(() => null);
      if (volume !== null && record.mountpoint !== null && !alive.has(record.mountpoint)) {
        await this.#endRecords(volume, record.mountpoint);
      }
      if (!record.persist || volume === null) {
        await records.forgetMount(registry, record.volume);
        continue;
      }
      this.#persistent.add(volume.id);
      const { mode, persist, pinEnv, pinFile } = record;
      const request = { mode, persist, pinEnv: pinEnv ?? undefined, pinFile: pinFile ?? undefined };
      restored.push(this.#enqueue(volume.id, () => this.#restart(this.#addEntry(volume, request))));
    }
    await Promise.all(restored);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#entries.keys()].map((volume) =>
      this.#enqueue(volume, async () => {
        const entry = this.#entries.get(volume);
        if (entry === undefined) return;
        await this.#end(entry);
        await this.#forgetUnlessPersistent(entry);
      })
    ));
  }

  get #folder(): string {
    return `${this.#options.settings.root}/mnt`;
  }

  #hostPath(mountpoint: string | null): string | null {
    const { root, hostRoot } = this.#options.settings;
    if (mountpoint === null || hostRoot === null) return mountpoint;
    return `${hostRoot.replace(/\/+$/, "")}${mountpoint.slice(root.length)}`;
  }

  /** Runs operations of a volume one after the other. */
  #enqueue<T>(volume: string, task: () => Promise<T>): Promise<T> {
    const before = this.#queues.get(volume) ?? Promise.resolve();
    const result = before.then(task, task);
    const settled = result.catch(() => {}).then(() => {
      if (this.#queues.get(volume) === settled) this.#queues.delete(volume);
    });
    this.#queues.set(volume, settled);
    return result;
  }

  async #pinOf(volume: VolumeFacts, request: MountRequest): Promise<Uint8Array | null> {
    if (request.mode === "direct" && request.persist) {
      throw new Problem(400, "invalid", "persist is supported for mounts as directories only");
    }
    if (!volume.encrypted) {
      if (request.pin === undefined && !hasSource(request)) return null;
      throw new Problem(400, "invalid", "the volume is not encrypted: leave the PIN out");
    }
    if (request.persist && !hasSource(request)) {
      throw new Problem(
        400,
        "encryption_required",
        "persist needs pin_file or pin_env, since a PIN is not stored",
      );
    }
    if (request.pin !== undefined) return new TextEncoder().encode(request.pin);
    if (hasSource(request)) {
      const pin = await this.#options.pins.read(request);
      if (pin === null) throw noKey();
      return pin;
    }
    throw new Problem(400, "encryption_required", "the volume is encrypted: its PIN is required");
  }

  #addEntry(volume: VolumeFacts, request: Omit<MountRequest, "pin">): MountEntry {
    const { mode, pinEnv = null, pinFile = null } = request;
    const entry: MountEntry = {
      volume,
      record: {
        volume: volume.id,
        filesystem: volume.fsId,
        mode,
        mountpoint: mode === "fuse" ? `${this.#folder}/${volume.id}` : null,
        persist: this.#persistent.has(volume.id),
        pinEnv,
        pinFile,
        pid: null,
        startedAt: BigInt(Date.now()) * 1_000_000n,
      },
      ready: false,
      process: null,
      direct: null,
      failures: 0,
      since: 0,
      timer: undefined,
    };
    this.#entries.set(volume.id, entry);
    return entry;
  }

  /** Makes a direct mount. */
  async #attach(entry: MountEntry, pin: Uint8Array | null): Promise<void> {
    try {
      entry.direct = await attachDirectly(this.#options.filesystems, entry.volume, pin);
      entry.ready = true;
    } catch (error) {
      this.#entries.delete(entry.volume.id);
      throw error;
    }
  }

  /** Starts a mount for the first time: it is ready then, or nothing of it is left. */
  async #firstStart(entry: MountEntry, pin: Uint8Array | null, nonEmpty: boolean): Promise<void> {
    try {
      const missing = (await this.preflight()).find(({ name, ok }) => !ok && NEEDED.has(name));
      if (missing !== undefined) {
        const { detail, remedy } = missing;
        throw new Problem(503, "not_ready", remedy === null ? detail : `${detail}: ${remedy}`);
      }
      await this.#start(entry, pin, nonEmpty);
    } catch (error) {
      this.#entries.delete(entry.volume.id);
      await records.forgetMount(this.#options.registry, entry.volume.id);
      throw error;
    }
  }

  /** Starts the process of a mount and waits until it answers. */
  async #start(entry: MountEntry, pin: Uint8Array | null, nonEmpty = false): Promise<void> {
    const { registry, filesystems, settings, log } = this.#options;
    const { volume, record } = entry;
    const mountpoint = record.mountpoint!;
    const { path } = await filesystems.get(volume.fsId);
    await clear(mountpoint);
    await Deno.mkdir(mountpoint, { recursive: true, mode: 0o755 });
    if (!nonEmpty && await hasEntries(mountpoint)) {
      throw new Problem(
        409,
        "not_empty",
        "the mount's directory is not empty, and what is in it would be hidden: move that away, " +
          "or mount with nonempty",
      );
    }
    // Before the process starts, so that the next start knows of it after a crash.
    await records.recordMount(registry, record);
    const label = volume.name ?? volume.id;
    const process = MountProcess.start({
      file: path,
      volume: volume.id,
      mountpoint,
      pin,
      fuse: settings.fuse,
      nonEmpty,
      log: (line) => log(`mount of ${label}: ${line}`),
    });
    record.pid = process.pid;
    entry.process = process;
    await records.recordMount(registry, record);
    const fault = await process.ready(settings.fuse.readyMs);
    if (fault !== null) {
      entry.process = null;
      record.pid = null;
      await process.stop();
      await clear(mountpoint);
      await this.#endRecords(volume, mountpoint);
      throw new Problem(503, "not_ready", `the mount is not ready: ${fault}`);
    }
    entry.ready = true;
    entry.since = performance.now();
    void process.exited.then((code) =>
      this.#enqueue(volume.id, () => this.#onExit(entry, process, code))
    );
  }

  /** Ends a mount, and moves the WAL into the file. */
  async #end(entry: MountEntry): Promise<void> {
    const { volume, process, direct, record } = entry;
    clearTimeout(entry.timer);
    this.#entries.delete(volume.id);
    entry.ready = false;
    entry.process = null;
    await direct?.[Symbol.asyncDispose]();
    const ended = process === null || await process.stop();
    if (ended && record.mountpoint !== null) await this.#endRecords(volume, record.mountpoint);
    if (!ended) {
      process.unref();
      this.#options.log(
        `volume ${
          volume.name ?? volume.id
        }: unmounted while in use; programs that use it go on until they are done`,
      );
    }
    if (record.mountpoint !== null) await clear(record.mountpoint);
    await this.#checkpoint(volume);
  }

  async #forgetUnlessPersistent({ volume, record }: MountEntry): Promise<void> {
    const { registry } = this.#options;
    if (!this.#persistent.has(volume.id)) await records.forgetMount(registry, volume.id);
    else await records.recordMount(registry, { ...record, pid: null });
  }

  /** Ends the records in the file of a mount whose process was killed. */
  async #endRecords({ fsId, name, id }: VolumeFacts, mountpoint: string): Promise<void> {
    const { filesystems, log } = this.#options;
    try {
      await filesystems.use(fsId, async (fs) => {
        for (const { id, principal } of await fs.mounts()) {
          if (principal === `fuse:${mountpoint}`) await fs.unmount(id);
        }
      });
    } catch (error) {
      // It expires by itself.
      log(`volume ${name ?? id}: the record of its lost mount stays until it expires: ${error}`);
    }
  }

  async #checkpoint(volume: VolumeFacts): Promise<void> {
    const { filesystems, checkpoint, log } = this.#options;
    try {
      using lease = await filesystems.lease(volume.fsId);
      await checkpoint(lease.file.path);
    } catch (error) {
      // Data in the WAL is safe.
      log(`volume ${volume.name ?? volume.id}: no checkpoint after its mount: ${error}`);
    }
  }

  async #onExit(entry: MountEntry, process: MountProcess, code: number): Promise<void> {
    const { volume, record } = entry;
    if (entry.process !== process) return;
    entry.process = null;
    entry.ready = false;
    record.pid = null;
    await clear(record.mountpoint!);
    if (code !== 0) await this.#endRecords(volume, record.mountpoint!);
    if (code === 0) {
      // It was unmounted from outside: it stays so until the next start.
      this.#entries.delete(volume.id);
      await this.#forgetUnlessPersistent(entry);
      this.#publish("unmounted", volume);
      return;
    }
    this.#options.log(`the mount of volume ${volume.name ?? volume.id} died (${code})`);
    this.#publish("mount_lost", volume);
    if (performance.now() - entry.since > STABLE_MS) entry.failures = 0;
    await this.#scheduleRestart(entry);
  }

  /** Schedules the restart of a mount, if it can be restarted. */
  async #scheduleRestart(entry: MountEntry): Promise<void> {
    const { volume, record } = entry;
    const pause = RESTART_DELAYS_MS[entry.failures++];
    if (this.#closed) return;
    if (pause === undefined || (volume.encrypted && !hasSource(record))) {
      this.#entries.delete(volume.id);
      await this.#forgetUnlessPersistent(entry);
      this.#options.log(
        pause === undefined
          ? `the mount of volume ${volume.name ?? volume.id} is given up`
          : `volume ${volume.name ?? volume.id} has to be mounted anew, with its PIN`,
      );
      this.#publish("unmounted", volume);
      return;
    }
    entry.timer = setTimeout(() => {
      void this.#enqueue(volume.id, async () => {
        if (this.#entries.get(volume.id) === entry && entry.process === null) {
          await this.#restart(entry);
        }
      });
    }, pause);
  }

  /** Starts a mount again, with the PIN from its source. */
  async #restart(entry: MountEntry): Promise<void> {
    const { volume, record } = entry;
    if (this.#closed) return;
    try {
      const pin = volume.encrypted ? await this.#options.pins.read(record) : null;
      if (volume.encrypted && pin === null) throw new Error("its PIN cannot be read");
      try {
        await this.#start(entry, pin);
      } finally {
        pin?.fill(0);
      }
      this.#publish("mounted", volume);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#options.log(`volume ${volume.name ?? volume.id} cannot be mounted: ${why}`);
      await this.#scheduleRestart(entry);
    }
  }

  #publish(type: string, volume: VolumeFacts): void {
    this.#options.feed.publish({ type, fs_id: volume.fsId, volume_id: volume.id });
  }
}

async function hasEntries(directory: string): Promise<boolean> {
  for await (const _ of Deno.readDir(directory)) return true;
  return false;
}
