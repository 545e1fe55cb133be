import type { Mount, NodeInfo, WriteDescriptor } from "../mod.ts";
import { yieldToEventLoop } from "../src/yield_to_event_loop.ts";
import type { Context } from "./context.ts";
import { addSubject, Fault, refuseDuplicate, withSubject } from "./faults.ts";
import { statOrNull } from "./lookup.ts";
import { fileKind, linkTarget } from "./node_facts.ts";
import { besidePath, parentPath } from "./paths.ts";
import type { Progress } from "./progress.ts";
import * as files from "./local_files.ts";
import { fileSource, type Source } from "./source.ts";
import { BLOCK, isZero } from "./stream.ts";
import { fromDate } from "./time.ts";

/** Files up to this size are batched, many to a commit, in bytes. */
export const SMALL = 256 * 1024;
/** The maximum number of items in a commit. */
const BATCH_ITEMS = 500;
/** The maximum size of a commit, in bytes. */
const BATCH_BYTES = 16 * 1024 * 1024;

/** The maximum size of a hole written in one step, in bytes. */
const HOLE = 2 ** 30;

/** Attributes of a local file that its copy keeps. */
interface Facts {
  /** Owner and group; null when they are not kept or not available. */
  owner: { uid: number; gid: number } | null;
  /** Permission bits; null when the system has none. */
  mode: number | null;
  /** Modification time, in ns; null when the system has none. */
  mtime: bigint | null;
}

/** A small entry waiting for its commit. */
interface Item extends Facts {
  local: string;
  path: string;
  /** `link`: an additional name of a file that this run has already read. */
  kind: "directory" | "file" | "symlink" | "link";
  /** The identity shared by all names of a local file; null for a file with one name. */
  inode: string | null;
  /** A file's content, or a link's target. */
  data: Uint8Array | string;
}

/** The result of `put`, as --json prints it. */
export interface ImportReport {
  files: number;
  directories: number;
  symlinks: number;
  /** Additional names of files that are counted once. */
  hardLinks: number;
  bytes: number;
  skipped: string[];
  failed: string[];
}

function inodeOf(info: Deno.FileInfo): string | null {
  return info.ino !== null && (info.nlink ?? 1) > 1 ? `${info.dev}:${info.ino}` : null;
}

/**
 * Writes owner, permissions and time. Permission bits are stored twice: in the node, and as the
 * metadata that drivers of the format's first era read.
 */
async function writeFacts(
  tx: Mount,
  path: string,
  facts: Facts,
  metadata: Record<string, string>,
): Promise<void> {
  if (facts.owner !== null) await tx.setOwner(path, facts.owner);
  if (facts.mode !== null) {
    await tx.setMode(path, facts.mode);
    const mode = facts.mode.toString(8);
    if (metadata["mode"] !== mode) {
      await tx.setMetadata(path, { ...metadata, mode });
    }
  }
  // Set the time last, because every other change updates it.
  if (facts.mtime !== null) await tx.setMtime(path, facts.mtime);
}

/** Copies local files into a volume: small ones in batches, large ones as streams. */
export class Importer {
  /** The results so far. */
  readonly report: ImportReport = {
    files: 0,
    directories: 0,
    symlinks: 0,
    hardLinks: 0,
    bytes: 0,
    skipped: [],
    failed: [],
  };

  readonly #ctx: Context;
  readonly #mount: Mount;
  readonly #progress: Progress;
  readonly #owner: boolean;
  #items: Item[] = [];
  #bytes = 0;
  /** Directories whose times are set after all their entries are written. */
  #directories: { path: string; facts: Facts }[] = [];
  /** Directories created in the current commit; they are empty, so names in them need no lookup. */
  readonly #fresh = new Set<string>();
  /** The source of each path that this command has written; a second source must not replace it. */
  readonly #written = new Map<string, string>();
  /** Directories that could not be created; entries below them are skipped. */
  readonly #lost: string[] = [];
  /** The nodes of local files with several names; null until a file is written. */
  readonly #nodes = new Map<string, string | null>();
  /** The local file written to each node that has, or may get, several names. */
  readonly #sources = new Map<string, string>();

  readonly #several: boolean;

  /** @param several Whether there is more than one source. */
  constructor(ctx: Context, mount: Mount, progress: Progress, several: boolean) {
    this.#ctx = ctx;
    this.#mount = mount;
    this.#progress = progress;
    this.#several = several;
    this.#owner = ctx.flags.has("owner");
  }

  #factsOf(info: Deno.FileInfo): Facts {
    const { uid, gid, mode, mtime } = info;
    return {
      owner: this.#owner && uid !== null && gid !== null ? { uid, gid } : null,
      mode: mode === null ? null : mode & 0o7777,
      mtime: mtime === null ? null : fromDate(mtime),
    };
  }

  /** Reports a failure; the copy continues. */
  failed(local: string, error: unknown): void {
    this.#progress.clear();
    this.report.failed.push(local);
    this.#ctx.report(addSubject(local, error));
  }

  /** Reports an entry that is not copied, which is not a failure. */
  skipped(local: string, reason: string): void {
    this.#progress.clear();
    this.report.skipped.push(local);
    this.#ctx.warn(local, `skipped (${reason})`);
  }

  /** Adds a directory. */
  async directory(
    local: string,
    path: string,
    info: Deno.FileInfo,
  ): Promise<void> {
    const facts = this.#factsOf(info);
    await this.#take({ local, path, kind: "directory", inode: null, data: "", ...facts });
    this.#directories.push({ path, facts });
  }

  /** Adds a link. */
  async symlink(
    local: string,
    path: string,
    info: Deno.FileInfo,
  ): Promise<void> {
    const target = files.readLink(local);
    await this.#take({
      local,
      path,
      kind: "symlink",
      inode: null,
      data: target,
      ...this.#factsOf(info),
      mode: null,
    });
  }

  /** Adds a file. */
  async file(local: string, path: string, info: Deno.FileInfo): Promise<void> {
    const inode = inodeOf(info);
    const item = { local, path, inode, ...this.#factsOf(info) };
    if (inode !== null) {
      if (this.#nodes.has(inode)) {
        await this.#take({ ...item, kind: "link", data: "" });
        return;
      }
      this.#nodes.set(inode, null);
    }
    try {
      if (info.size <= SMALL) {
        await this.#take({ ...item, kind: "file", data: files.readFile(local) });
        return;
      }
      await this.flush();
      if (!this.#isLost(path)) await this.#large(item);
      else if (inode !== null) this.#nodes.delete(inode);
    } catch (error) {
      if (inode !== null && this.#nodes.get(inode) === null) this.#nodes.delete(inode);
      throw error;
    }
  }

  /** Completes one operand; other operands may name the same directories. */
  async nextOperand(): Promise<void> {
    await this.flush();
    this.#fresh.clear();
  }

  /** Writes all waiting entries and the times of directories. */
  async finish(): Promise<void> {
    await this.flush();
    const all = this.#directories.filter((d) => !this.#isLost(d.path))
      .reverse();
    this.#directories = [];
    for (let i = 0; i < all.length; i += BATCH_ITEMS) {
      this.#ctx.signal.throwIfAborted();
      await this.#mount.batch(async (tx) => {
        for (const { path, facts } of all.slice(i, i + BATCH_ITEMS)) {
          const { metadata } = await tx.stat(path);
          await writeFacts(tx, path, facts, metadata);
        }
      });
      await yieldToEventLoop();
    }
  }

  #isLost(path: string): boolean {
    return this.#lost.some((dir) => path === dir || path.startsWith(`${dir}/`));
  }

  async #take(item: Item): Promise<void> {
    this.#items.push(item);
    this.#bytes += item.data.length;
    if (
      this.#items.length >= BATCH_ITEMS || this.#bytes >= BATCH_BYTES
    ) await this.flush();
    await yieldToEventLoop();
  }

  /** Commits the waiting entries. */
  async flush(): Promise<void> {
    // A commit may queue further names of a file that was not copied, so repeat.
    while (this.#items.length > 0) await this.#commit();
  }

  async #commit(): Promise<void> {
    const items = this.#items;
    this.#items = [];
    this.#bytes = 0;
    this.#ctx.signal.throwIfAborted();
    try {
      await this.#mount.batch(async (tx) => {
        for (const item of items) await this.#write(tx, item);
      });
      for (const item of items) this.#count(item);
    } catch {
      // The commit as a whole was rolled back. Writing each item alone finds the failing one and
      // keeps the others.
      this.#fresh.clear();
      for (const item of items) await this.#writeAlone(item);
    }
    // After the commit, others may add entries to the new directories.
    this.#fresh.clear();
    await yieldToEventLoop();
  }

  async #writeAlone(item: Item): Promise<void> {
    const { local, path, inode, kind } = item;
    const again = kind === "link" && (this.#nodes.get(inode!) ?? null) === null;
    if (!this.#isLost(path)) {
      const done = await this.#ctx.attempt(local, () =>
        withSubject(path, () =>
          // The file whose content this name shares was not written, so copy the file itself.
          again
            ? this.file(local, path, files.lstat(local))
            : this.#mount.batch((tx) => this.#write(tx, item))));
      this.#fresh.clear();
      if (done) {
        if (!again) this.#count(item);
        return;
      }
      this.report.failed.push(local);
    }
    if (kind === "file" && inode !== null) this.#nodes.delete(inode);
    if (item.kind === "directory") this.#lost.push(item.path);
  }

  #recordWritten(path: string, local: string): void {
    if (this.#several) this.#written.set(path, local);
  }

  #count(item: Item): void {
    if (item.kind !== "directory") this.#recordWritten(item.path, item.local);
    if (item.kind === "directory") this.report.directories++;
    else if (item.kind === "symlink") this.report.symlinks++;
    else if (item.kind === "link") this.report.hardLinks++;
    else {
      this.report.files++;
      this.report.bytes += item.data.length;
      this.#progress.add(item.data.length);
    }
  }

  /**
   * Returns the node that a file or link replaces; null when the path does not exist.
   *
   * @throws {Fault} When this command has written the path, or when it is a directory.
   */
  async #replaced(tx: Mount, path: string): Promise<NodeInfo | null> {
    if (this.#fresh.has(parentPath(path))) return null;
    const existing = await statOrNull(tx, path);
    if (existing !== null) refuseDuplicate(path, this.#written.get(path));
    if (existing?.type === "container") {
      throw new Fault(path, "a directory; a file cannot replace it");
    }
    return existing;
  }

  /**
   * Returns whether a local file's content may be written into a node. A node of another kind is
   * excluded, because the content must not become a link's target. So is a node that another local
   * file was written to under another name.
   */
  #takes(node: NodeInfo, local: string | null): boolean {
    return fileKind(node) === "file" && (this.#sources.get(node.id) ?? local) === local;
  }

  /** Records the local file that a node was written from, if either has several names. */
  async #wrote(
    tx: Mount,
    item: { local: string; path: string; inode: string | null },
    node: NodeInfo | null,
  ): Promise<void> {
    if (item.inode === null && (node === null || node.nlink < 2)) return;
    const { id } = node ?? await tx.stat(item.path);
    this.#sources.set(id, item.local);
    if (item.inode !== null) this.#nodes.set(item.inode, id);
  }

  async #write(tx: Mount, item: Item): Promise<void> {
    const { path } = item;
    if (item.kind === "directory") {
      const existing = this.#fresh.has(parentPath(path)) ? null : await statOrNull(tx, path);
      if (existing === null) {
        await tx.createContainer(path);
        this.#fresh.add(path);
      } else if (existing.type !== "container") {
        throw new Fault(path, "a file; a directory cannot replace it");
      }
      return;
    }
    if (item.kind === "symlink") {
      const target = item.data as string;
      const existing = await statOrNull(tx, path);
      if (existing !== null && await linkTarget(tx, existing) === target) return;
      if (await this.#replaced(tx, path) !== null) await tx.remove(path);
      await tx.symlink(path, target);
      await writeFacts(tx, path, item, {});
      return;
    }
    let existing = await this.#replaced(tx, path);
    if (item.kind === "link") {
      const node = this.#nodes.get(item.inode!) ?? null;
      if (node === null) {
        throw new Fault(path, "not copied, because the file it links to was not copied");
      }
      if (existing?.id === node) return;
      if (existing !== null) await tx.remove(path);
      await tx.link(await tx.pathOf(node), path);
      return;
    }
    if (existing !== null && !this.#takes(existing, item.local)) {
      await tx.remove(path);
      existing = null;
    }
    await tx.put(path, item.data);
    await writeFacts(tx, path, item, existing?.metadata ?? {});
    await this.#wrote(tx, item, existing);
  }

  async #large(
    item: Facts & { local: string; path: string; inode: string | null },
  ): Promise<void> {
    using from = fileSource(item.local);
    await this.stream(item.path, "truncate", from, item.local, async (tx, existing) => {
      await writeFacts(tx, item.path, item, existing?.metadata ?? {});
      await this.#wrote(tx, item, existing);
    });
  }

  /**
   * Writes a file block by block. The existing file stays until the new content is complete; after
   * a failure, no part of the new content is kept.
   *
   * @param from The content.
   * @param local The local file that is read; null when there is none.
   * @param end Completes the file in the commit that makes it visible. Its argument is the node
   *   that was written into; null for a new file.
   */
  async stream(
    path: string,
    mode: "truncate" | "append",
    from: Source,
    local: string | null = null,
    end: (tx: Mount, existing: NodeInfo | null) => Promise<void> = async () => {},
  ): Promise<void> {
    const replaced = await this.#replaced(this.#mount, path);
    const existing = replaced !== null && this.#takes(replaced, local) ? replaced : null;
    const at = replaced === existing ? path : besidePath(path);
    let to: WriteDescriptor | null = null;
    try {
      to = await this.#mount.openWrite(at, mode);
      await this.#fill(to, from);
      await to.close();
      await this.#mount.batch(async (tx) => {
        if (at !== path) {
          if (await this.#replaced(tx, path) !== null) await tx.remove(path);
          await tx.move(at, path);
        }
        await end(tx, existing);
      });
    } catch (error) {
      await to?.abort().catch(() => {});
      if (existing === null) await this.#discardNew(at);
      throw error;
    }
    this.report.files++;
    // Appending to appended content loses nothing.
    if (mode === "truncate") this.#recordWritten(path, local ?? "standard input");
  }

  async #fill(to: WriteDescriptor, from: Source): Promise<void> {
    for (let ended = false; !ended;) {
      const hole = from.hole();
      if (hole > 0) {
        // One hole on the disk may be many rows in the volume.
        for (let rest = hole; rest > 0;) {
          this.#ctx.signal.throwIfAborted();
          const part = Math.min(rest, HOLE);
          await to.skip(part);
          this.#filled(part);
          rest -= part;
          await yieldToEventLoop();
        }
      }
      const block = new Uint8Array(BLOCK);
      let length = 0;
      // Write only full blocks, so that the volume's chunks are full.
      while (length < BLOCK) {
        this.#ctx.signal.throwIfAborted();
        const n = await from.read(block.subarray(length));
        if (n === null) {
          ended = true;
          break;
        }
        if (n === 0) break;
        length += n;
      }
      if (length === 0) continue;
      const data = block.subarray(0, length);
      if (isZero(data)) await to.skip(length);
      else await to.write(data);
      this.#filled(length);
    }
  }

  #filled(bytes: number): void {
    this.report.bytes += bytes;
    this.#progress.add(bytes);
  }

  /** Removes a new file that was never completed, bypassing the trash. */
  async #discardNew(path: string): Promise<void> {
    try {
      const { id } = await this.#mount.stat(path);
      await this.#mount.remove(path);
      await this.#mount.purge({ id });
    } catch {
      // The file may not exist; the original failure is reported.
    }
  }
}
