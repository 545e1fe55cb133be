import { dirname } from "node:path";
import { AloeLite } from "../mod.ts";
import { databaseFiles, SIDE_FILES } from "../src/side_files.ts";
import { TryAgain } from "./export_source.ts";
import { Fault } from "./faults.ts";
import { localBase, localJoin } from "./paths.ts";

/** How long a download may bring nothing, ms. */
const IDLE = 120_000;

/** A copy of a filesystem that is replaced as a whole, and never half. */
export class Replica {
  readonly path: string;
  readonly #folder: string;
  readonly #name: string;
  readonly #url: string;
  readonly #keep: number;

  /**
   * @param url What it is a copy of: another one's tag says nothing.
   * @param keep How many older copies stay.
   */
  constructor(path: string, url: string, keep: number) {
    this.path = path;
    this.#folder = dirname(path);
    this.#name = localBase(path);
    if (this.#name === "") throw new Fault(path, "a directory; name a file");
    this.#url = url;
    this.#keep = keep;
  }

  /** Takes away what an attempt has left that was killed. */
  async clean(): Promise<void> {
    for await (const { name } of Deno.readDir(this.#folder)) {
      if (name.startsWith(`.${this.#name}.part`)) await remove(localJoin(this.#folder, name));
    }
  }

  /** The tag of the copy; null when there is none, or it is not as it was when it came. */
  async etag(): Promise<string | null> {
    try {
      const known = JSON.parse(await Deno.readTextFile(this.#note));
      const same = known.url === this.#url && known.file === await identity(this.path);
      return same && typeof known.etag === "string" ? known.etag : null;
    } catch {
      return null;
    }
  }

  /**
   * Replaces the copy by a new one, once that is complete, checked and on disk.
   *
   * @param size How long it is to be; null when that was not said.
   * @returns Its bytes.
   * @throws {TryAgain} When it is not good; the old one stays.
   */
  async replace(
    body: ReadableStream<Uint8Array>,
    size: number | null,
    etag: string | null,
    signal: AbortSignal,
    onBytes: (bytes: number) => void,
  ): Promise<number> {
    const part = localJoin(this.#folder, `.${this.#name}.part-${crypto.randomUUID().slice(0, 8)}`);
    try {
      const received = await download(body, part, signal, onBytes);
      if (size !== null && received !== size) {
        throw new TryAgain(`the download ended after ${received} of ${size} bytes`);
      }
      await check(part);
      await this.#putInPlace(part, etag);
      return received;
    } finally {
      for (const each of databaseFiles(part)) await remove(each);
    }
  }

  get #note(): string {
    return localJoin(this.#folder, `.${this.#name}.etag`);
  }

  async #putInPlace(part: string, etag: string | null): Promise<void> {
    await this.#clearCompanions();
    const kept = this.#keep > 0 ? await this.#keepOld() : null;
    // First the note goes: a tag without its file would hide a change for ever.
    await remove(this.#note);
    await Deno.rename(part, this.path);
    await syncFolder(this.#folder);
    if (etag !== null) {
      const note = { url: this.#url, etag, file: await identity(this.path) };
      const written = `${this.#note}.new`;
      await Deno.writeTextFile(written, JSON.stringify(note), { mode: 0o600 });
      await Deno.rename(written, this.#note);
    }
    if (kept !== null) await this.#forgetOld();
  }

  /** What somebody has left who opened the old copy: with the new one it would be mixed up. */
  async #clearCompanions(): Promise<void> {
    const wal = await Deno.stat(`${this.path}-wal`).catch(() => null);
    if (wal !== null && wal.size > 0) {
      throw new TryAgain(`${this.path} is in use, or was written: it is not replaced`);
    }
    for (const suffix of SIDE_FILES) await remove(this.path + suffix);
  }

  /** Gives the old copy a name of its own, by its time, besides the one it has. */
  async #keepOld(): Promise<string | null> {
    const info = await Deno.stat(this.path).catch(() => null);
    if (info === null) return null;
    const time = (info.mtime ?? new Date()).toISOString().replaceAll(":", "-");
    const kept = `${this.path}.${time}`;
    try {
      await remove(kept);
      await Deno.link(this.path, kept);
    } catch {
      // A disk without hard links: for a moment there is no copy under its name.
      await Deno.rename(this.path, kept);
    }
    return kept;
  }

  async #forgetOld(): Promise<void> {
    const old: string[] = [];
    for await (const { name } of Deno.readDir(this.#folder)) {
      const rest = name.startsWith(`${this.#name}.`) ? name.slice(this.#name.length + 1) : "";
      if (/^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z$/.test(rest)) old.push(name);
    }
    old.sort();
    for (const name of old.slice(0, Math.max(0, old.length - this.#keep))) {
      await remove(localJoin(this.#folder, name));
    }
  }
}

async function download(
  body: ReadableStream<Uint8Array>,
  path: string,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<number> {
  using file = await Deno.open(path, { createNew: true, write: true, mode: 0o600 });
  const reader = body.getReader();
  let received = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = () => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener("abort", stop);
  try {
    while (true) {
      timer = setTimeout(() => void reader.cancel().catch(() => {}), IDLE);
      const { value, done } = await reader.read().catch((cause) => {
        throw new TryAgain(`the download broke off after ${received} bytes`, null, { cause });
      });
      clearTimeout(timer);
      signal.throwIfAborted();
      if (done) break;
      for (let at = 0; at < value.length;) at += await file.write(value.subarray(at));
      received += value.length;
      onBytes(received);
    }
    await file.sync();
    return received;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
    await reader.cancel().catch(() => {});
  }
}

/** Looks whether a file is a filesystem in good order. */
async function check(path: string): Promise<void> {
  let faults: string[];
  try {
    await using fs = await AloeLite.open(path, { readOnly: true });
    faults = await fs.pageCheck();
    // What is damaged may never be read to its end.
    if (faults.length === 0) faults = (await fs.health()).map(({ kind, id }) => `${kind}: ${id}`);
  } catch (cause) {
    throw new TryAgain(`what came is no good copy: ${(cause as Error).message}`, null, { cause });
  }
  if (faults.length > 0) throw new TryAgain(`what came is damaged: ${faults.join("; ")}`);
}

/** What tells a file from the one that was here before. */
async function identity(path: string): Promise<string> {
  const { size, mtime, ino } = await Deno.stat(path);
  return `${ino} ${size} ${mtime?.getTime()}`;
}

/** Makes a rename last. */
async function syncFolder(folder: string): Promise<void> {
  try {
    using handle = await Deno.open(folder);
    await handle.sync();
  } catch {
    // Not every system lets a folder be synced.
  }
}

async function remove(path: string): Promise<void> {
  await Deno.remove(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}
