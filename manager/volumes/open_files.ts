import { AloeError, AloeLite, type Mount } from "../../mod.ts";
import { reserveOf } from "./reserve.ts";
import { closeRaw, openRaw } from "./raw_file.ts";

/**
 * A file that is open twice: for reading, where nothing waits for a writer and mounts
 * are rows of the connection and not of the file; and, on demand, for writing.
 */
export class OpenFile {
  readonly path: string;
  /** The connection for reading. */
  readonly reader: AloeLite;
  #writer: Promise<AloeLite> | null = null;
  readonly #mounts = new Map<string, Promise<Mount>>();
  #raw: number | null | undefined;
  readonly #identity: string | null;

  private constructor(path: string, reader: AloeLite) {
    this.path = path;
    this.reader = reader;
    this.#identity = identityOf(path);
  }

  /** Whether the path now leads to another file, or to none. */
  get isReplaced(): boolean {
    return identityOf(this.path) !== this.#identity;
  }

  /** Opens an existing file, and upgrades one of an older release. */
  static async open(path: string): Promise<OpenFile> {
    const writer = await openWriter(path);
    try {
      const file = new OpenFile(path, await AloeLite.open(path, { readOnly: true }));
      file.#writer = Promise.resolve(writer);
      return file;
    } catch (error) {
      await writer.close();
      throw error;
    }
  }

  /** The connection for writing. */
  writer(): Promise<AloeLite> {
    this.#writer ??= openWriter(this.path);
    return this.#writer;
  }

  /**
   * The mount of a plain volume that all requests share.
   *
   * @param access `ro` leaves no trace in the file.
   */
  mount(volume: string, access: "ro" | "rw"): Promise<Mount> {
    const key = `${access} ${volume}`;
    let mount = this.#mounts.get(key);
    if (mount === undefined) {
      mount = this.#mount(volume, access);
      this.#mounts.set(key, mount);
      mount.catch(() => this.#mounts.delete(key));
    }
    return mount;
  }

  async #mount(volume: string, access: "ro" | "rw"): Promise<Mount> {
    const fs = access === "ro" ? this.reader : await this.writer();
    return await fs.mount(volume, { access, principal: PRINCIPAL });
  }

  /** A descriptor of the file, for reading raw pages; null where none is available. */
  get raw(): number | null {
    if (this.#raw === undefined) this.#raw = openRaw(this.path);
    return this.#raw;
  }

  /** Keeps its side files away from the file that has replaced it. */
  async release(): Promise<void> {
    await (await this.#writer?.catch(() => null))?.db.isLost();
  }

  /** Ends the shared mounts of a volume, or of all. */
  async endMounts(volume?: string): Promise<void> {
    for (const [key, mount] of [...this.#mounts]) {
      if (volume !== undefined && !key.endsWith(` ${volume}`)) continue;
      this.#mounts.delete(key);
      await (await mount.catch(() => null))?.unmount();
    }
  }

  /** Ends its mounts and closes it. */
  async close(): Promise<void> {
    const writer = await this.#writer?.catch(() => null);
    try {
      await this.endMounts();
    } finally {
      await this.reader.close();
      await writer?.close();
      // Last: closing it drops the locks of connections.
      if (typeof this.#raw === "number") closeRaw(this.#raw);
      this.#raw = null;
    }
  }
}

/** Checkpoints run aside, so that requests do not wait for them during long uploads. */
function openWriter(path: string): Promise<AloeLite> {
  return AloeLite.open(path, {
    create: false,
    checkpointAside: true,
    reserve: reserveOf(path),
  });
}

/** The identity of a file; null where it is missing. */
function identityOf(path: string): string | null {
  try {
    const { dev, ino } = Deno.statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}

/** The principal of the manager's mounts, by which a restart finds those that a crash has left. */
export const PRINCIPAL = "aloelite-manager";

/** The use of an open file, to be disposed at its end. */
export interface FileLease extends Disposable {
  readonly file: OpenFile;
}

interface Slot {
  file: Promise<OpenFile>;
  /** The same, when it is open. */
  opened: OpenFile | null;
  leases: number;
  /** When the last lease ended. */
  idleSince: number;
  /** Set when its file is being removed or was replaced: no more leases. */
  removing: boolean;
}

/** The options of a pool of open files. */
export interface PoolOptions {
  /** How long an unused one stays open, ms. */
  idleMs: number;
  /** How many are open at once, unless more are in use. */
  most: number;
  /** Opens one. */
  open: (id: string) => Promise<OpenFile>;
  /** Called before one is closed; its result is called afterwards. */
  closing?: (id: string, file: OpenFile) => Promise<() => Promise<void>>;
  /** Is called with the number of open files. */
  count?: (open: number) => void;
  /** Is called for a file that was replaced or removed. */
  replaced?: (id: string) => void;
}

/** The open files, by filesystem: opened when needed, closed when idle. */
export class OpenFiles {
  readonly #options: PoolOptions;
  readonly #slots = new Map<string, Slot>();
  readonly #closings = new Map<string, Promise<void>>();
  readonly #timer: ReturnType<typeof setInterval>;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#sweep(), Math.max(50, options.idleMs / 4));
    Deno.unrefTimer(Number(this.#timer));
  }

  /** Whether a file is open, or opening. */
  isOpen(id: string): boolean {
    return this.#slots.has(id);
  }

  /** A file if it is open or opening. Without a lease it may be closed at any moment. */
  opened(id: string): Promise<OpenFile> | null {
    const slot = this.#slots.get(id);
    return slot === undefined || slot.opened?.isReplaced ? null : slot.file;
  }

  /**
   * A lease on an open file.
   *
   * @throws {AloeError} As `AloeLite.open`; `not_found` for one that is being removed.
   */
  async lease(id: string): Promise<FileLease> {
    if (this.#closed) throw new AloeError("busy", "the manager is stopping");
    const old = this.#slots.get(id);
    if (old?.opened?.isReplaced && !old.removing) await this.#dropReplaced(id, old);
    const slot = this.#slots.get(id) ?? this.#add(id);
    if (slot.removing) throw new AloeError("not_found", `${id}: the filesystem is being deleted`);
    slot.leases++;
    // After the lease was taken, which keeps this file open.
    if (this.#slots.size > this.#options.most) this.#evict();
    try {
      const file = await slot.file;
      return new Lease(file, () => this.#release(id, slot));
    } catch (error) {
      slot.leases--;
      if (this.#slots.get(id) === slot) this.#slots.delete(id);
      this.#count();
      throw error;
    }
  }

  /**
   * Runs a task while the file gets no new leases, and waits for the present ones.
   *
   * @param task Returns whether the file was removed.
   */
  async removeWhenIdle(id: string, task: (file: OpenFile) => Promise<boolean>): Promise<void> {
    const lease = await this.lease(id);
    const slot = this.#slots.get(id)!;
    slot.removing = true;
    let gone = false;
    try {
      gone = await task(lease.file);
    } finally {
      slot.removing = gone;
      if (gone) this.#slots.delete(id);
      lease[Symbol.dispose]();
    }
  }

  /** Closes a file that was replaced when its leases end; it gets no new ones. */
  async #dropReplaced(id: string, slot: Slot): Promise<void> {
    if (this.#slots.get(id) === slot) this.#slots.delete(id);
    this.#options.replaced?.(id);
    const release = slot.opened!.release().catch(() => {});
    // The new file is opened only afterwards.
    this.#closings.set(id, release);
    await release;
    if (this.#closings.get(id) === release) this.#closings.delete(id);
    if (slot.leases === 0) await this.#close(id, slot);
  }

  #add(id: string): Slot {
    const slot: Slot = {
      file: this.#open(id),
      opened: null,
      leases: 0,
      idleSince: 0,
      removing: false,
    };
    slot.file.then((file) => slot.opened = file, () => {});
    this.#slots.set(id, slot);
    this.#count();
    return slot;
  }

  async #open(id: string): Promise<OpenFile> {
    await this.#closings.get(id);
    return await this.#options.open(id);
  }

  #release(id: string, slot: Slot): void {
    slot.leases--;
    slot.idleSince = performance.now();
    const left = slot.removing || this.#closed || this.#slots.get(id) !== slot;
    if (slot.leases === 0 && left) this.#close(id, slot);
    else if (this.#slots.size > this.#options.most) this.#evict();
  }

  #sweep(): void {
    const before = performance.now() - this.#options.idleMs;
    for (const [id, slot] of this.#slots) {
      if (slot.leases === 0 && slot.idleSince <= before) this.#close(id, slot);
    }
  }

  #evict(): void {
    let oldest: [string, Slot] | null = null;
    for (const entry of this.#slots) {
      if (entry[1].leases > 0) continue;
      if (oldest === null || entry[1].idleSince < oldest[1].idleSince) oldest = entry;
    }
    if (oldest !== null) this.#close(...oldest);
  }

  #close(id: string, slot: Slot): Promise<void> {
    if (this.#slots.get(id) === slot) this.#slots.delete(id);
    const closing = this.#finish(id, slot).catch(() => {}).finally(() => {
      if (this.#closings.get(id) === closing) this.#closings.delete(id);
      this.#count();
    });
    this.#closings.set(id, closing);
    return closing;
  }

  async #finish(id: string, slot: Slot): Promise<void> {
    const file = await slot.file;
    const after = slot.removing || file.isReplaced
      ? undefined
      : await this.#options.closing?.(id, file);
    await file.close();
    await after?.();
  }

  #count(): void {
    this.#options.count?.(this.#slots.size);
  }

  /** Closes all files; those in use when their leases end, or after the time. */
  async close(patience: number): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    const deadline = performance.now() + patience;
    while (
      [...this.#slots.values()].some((slot) => slot.leases > 0) && performance.now() < deadline
    ) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    for (const [id, slot] of [...this.#slots]) this.#close(id, slot);
    await Promise.all(this.#closings.values());
  }
}

class Lease implements FileLease {
  readonly file: OpenFile;
  #release: (() => void) | null;

  constructor(file: OpenFile, release: () => void) {
    this.file = file;
    this.#release = release;
  }

  [Symbol.dispose](): void {
    this.#release?.();
    this.#release = null;
  }
}
