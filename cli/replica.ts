import { dirname } from "node:path";
import { AloeLite } from "../mod.ts";
import { databaseFiles, SIDE_FILES } from "../src/side_files.ts";
import { TryAgain } from "./export_source.ts";
import { Fault } from "./faults.ts";
import { localBase, localJoin } from "./paths.ts";

/** How long a download may receive no data before it is aborted, in ms. */
const IDLE = 120_000;

/** A copy of a filesystem, which is always replaced as a whole. */
export class Replica {
  readonly path: string;
  readonly #folder: string;
  readonly #name: string;
  readonly #url: string;
  readonly #keep: number;

  /**
   * @param url The source of the copy; the ETag of another source is not used.
   * @param keep The number of older copies to keep.
   */
  constructor(path: string, url: string, keep: number) {
    this.path = path;
    this.#folder = dirname(path);
    this.#name = localBase(path);
    if (this.#name === "") throw new Fault(path, "a directory; add a file name");
    this.#url = url;
    this.#keep = keep;
  }

  /** Removes the partial files of killed runs. */
  async clean(): Promise<void> {
    for await (const { name } of Deno.readDir(this.#folder)) {
      if (name.startsWith(`.${this.#name}.part`)) await remove(localJoin(this.#folder, name));
    }
  }

  /** Returns the copy's ETag; null when there is no copy or it has changed since it was written. */
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
   * Replaces the copy once the new one is complete, verified and on disk.
   *
   * @param size The expected size in bytes; null when it is unknown.
   * @returns The size in bytes.
   * @throws {TryAgain} When the new copy is invalid; the old one stays.
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
    // Remove the note first: an ETag without its file would hide every later change.
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

  /**
   * Removes the side files of programs that opened the old copy, because they do not belong to the
   * new one.
   */
  async #clearCompanions(): Promise<void> {
    const wal = await Deno.stat(`${this.path}-wal`).catch(() => null);
    if (wal !== null && wal.size > 0) {
      throw new TryAgain(`${this.path} is in use or was modified; not replaced`);
    }
    for (const suffix of SIDE_FILES) await remove(this.path + suffix);
  }

  /** Adds a second name to the old copy, made from its modification time. */
  async #keepOld(): Promise<string | null> {
    const info = await Deno.stat(this.path).catch(() => null);
    if (info === null) return null;
    const time = (info.mtime ?? new Date()).toISOString().replaceAll(":", "-");
    const kept = `${this.path}.${time}`;
    try {
      await remove(kept);
      await Deno.link(this.path, kept);
    } catch {
      // The disk has no hard links, so rename the copy; its name is missing for a moment.
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
        throw new TryAgain(`the download was interrupted after ${received} bytes`, null, { cause });
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

/** Checks that a file is an undamaged filesystem. */
async function check(path: string): Promise<void> {
  let faults: string[];
  try {
    await using fs = await AloeLite.open(path, { readOnly: true });
    faults = await fs.pageCheck();
    // A health check of damaged pages may not end, so check pages first.
    if (faults.length === 0) faults = (await fs.health()).map(({ kind, id }) => `${kind}: ${id}`);
  } catch (cause) {
    throw new TryAgain(`the downloaded copy is not valid: ${(cause as Error).message}`, null, {
      cause,
    });
  }
  if (faults.length > 0) throw new TryAgain(`the downloaded copy is damaged: ${faults.join("; ")}`);
}

/** Returns a value that changes when the file is replaced or modified. */
async function identity(path: string): Promise<string> {
  const { size, mtime, ino } = await Deno.stat(path);
  return `${ino} ${size} ${mtime?.getTime()}`;
}

/** Makes a rename durable. */
async function syncFolder(folder: string): Promise<void> {
  try {
    using handle = await Deno.open(folder);
    await handle.sync();
  } catch {
    // Some systems cannot sync a folder.
  }
}

async function remove(path: string): Promise<void> {
  await Deno.remove(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}
