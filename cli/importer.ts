import type { Mount, NodeInfo, WriteDescriptor } from "../mod.ts";
import { yieldToEventLoop } from "../src/yield_to_event_loop.ts";
import type { Context } from "./context.ts";
import { about, Fault, named, refuseSecond } from "./faults.ts";
import { statOrNull } from "./lookup.ts";
import { fileKind, linkTarget } from "./node_facts.ts";
import { besidePath, parentPath } from "./paths.ts";
import type { Progress } from "./progress.ts";
import * as files from "./local_files.ts";
import { fileSource, type Source } from "./source.ts";
import { BLOCK, isZero } from "./stream.ts";
import { fromDate } from "./time.ts";

/** Files up to this size are gathered and written many to a commit, in bytes. */
export const SMALL = 256 * 1024;
/** The most items in a commit. */
const BATCH_ITEMS = 500;
/** The most bytes in a commit. */
const BATCH_BYTES = 16 * 1024 * 1024;

/** The most bytes of a hole that are made at once. */
const HOLE = 2 ** 30;

/** What a local file says that its copy keeps. */
interface Facts {
  /** Owner and group; null where they are not to be kept, or there are none. */
  owner: { uid: number; gid: number } | null;
  /** Permission bits; null where the system has none. */
  mode: number | null;
  /** Modification time, ns; null where the system has none. */
  mtime: bigint | null;
}

/** Something small that waits for its commit. */
interface Item extends Facts {
  local: string;
  path: string;
  /** `link`: a further name of a file that this run has taken already. */
  kind: "directory" | "file" | "symlink" | "link";
  /** What names of one local file have in common; null for a file with one name. */
  inode: string | null;
  /** A file's content, or a link's target. */
  data: Uint8Array | string;
}

/** What was done, as `put --json` prints it. */
export interface ImportReport {
  files: number;
  directories: number;
  symlinks: number;
  /** Further names of files that are counted once. */
  hardLinks: number;
  bytes: number;
  skipped: string[];
  failed: string[];
}

function inodeOf(info: Deno.FileInfo): string | null {
  return info.ino !== null && (info.nlink ?? 1) > 1 ? `${info.dev}:${info.ino}` : null;
}

/**
 * Writes owner, permissions and time. The bits are kept twice: in the node, and as the
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
  // Last, as every other change moves it.
  if (facts.mtime !== null) await tx.setMtime(path, facts.mtime);
}

/** Copies local files into a volume: small ones gathered, large ones streamed. */
export class Importer {
  /** What was done so far. */
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
  /** Directories whose times are to be set when all is in them. */
  #directories: { path: string; facts: Facts }[] = [];
  /** Directories made in the commit that is under way: nothing in them needs to be looked up. */
  readonly #fresh = new Set<string>();
  /** What this command has written, by path: no second source replaces it. */
  readonly #written = new Map<string, string>();
  /** Directories that could not be made: what is below them is not tried. */
  readonly #lost: string[] = [];
  /** Local files with several names: the node of each, null until it is written. */
  readonly #nodes = new Map<string, string | null>();
  /** Which local file was written to a node that has, or may get, several names. */
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

  /** Reports a failure; the copy goes on. */
  failed(local: string, error: unknown): void {
    this.#progress.clear();
    this.report.failed.push(local);
    this.#ctx.report(named(local, error));
  }

  /** Reports something that is not copied, which is no failure. */
  skipped(local: string, reason: string): void {
    this.#progress.clear();
    this.report.skipped.push(local);
    this.#ctx.warn(local, `skipped (${reason})`);
  }

  /** Takes a directory. */
  async directory(
    local: string,
    path: string,
    info: Deno.FileInfo,
  ): Promise<void> {
    const facts = this.#factsOf(info);
    await this.#take({ local, path, kind: "directory", inode: null, data: "", ...facts });
    this.#directories.push({ path, facts });
  }

  /** Takes a link. */
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

  /** Takes a file. */
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

  /** Ends what one operand began: other operands may name the same directories. */
  async nextOperand(): Promise<void> {
    await this.flush();
    this.#fresh.clear();
  }

  /** Writes all that waits. */
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

  /** Commits what has been gathered. */
  async flush(): Promise<void> {
    // Names of a file that was not copied are taken again.
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
      // The commit as a whole did not happen. Each item on its own shows which
      // one was at fault, and keeps the others.
      this.#fresh.clear();
      for (const item of items) await this.#alone(item);
    }
    // From here on others may put something into what was made.
    this.#fresh.clear();
    await yieldToEventLoop();
  }

  async #alone(item: Item): Promise<void> {
    const { local, path, inode, kind } = item;
    const again = kind === "link" && (this.#nodes.get(inode!) ?? null) === null;
    if (!this.#isLost(path)) {
      const done = await this.#ctx.attempt(local, () =>
        about(path, () =>
          // The name that it was to share the content of could not be written.
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

  #made(path: string, local: string): void {
    if (this.#several) this.#written.set(path, local);
  }

  #count(item: Item): void {
    if (item.kind !== "directory") this.#made(item.path, item.local);
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
   * What a file or link is to replace; null when nothing is at its path.
   *
   * @throws {Fault} For what the same command has put there, and for a directory.
   */
  async #replaced(tx: Mount, path: string): Promise<NodeInfo | null> {
    if (this.#fresh.has(parentPath(path))) return null;
    const there = await statOrNull(tx, path);
    if (there !== null) refuseSecond(path, this.#written.get(path));
    if (there?.type === "container") {
      throw new Fault(path, "a directory; a file cannot replace it");
    }
    return there;
  }

  /**
   * Whether a local file's content may be written into a node. Not into one of
   * another kind: it must not become a link's target. And not into one that
   * another local file was written to under another name.
   */
  #takes(node: NodeInfo, local: string | null): boolean {
    return fileKind(node) === "file" && (this.#sources.get(node.id) ?? local) === local;
  }

  /** Remembers which file a node was written from, if either has several names. */
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
      const there = this.#fresh.has(parentPath(path)) ? null : await statOrNull(tx, path);
      if (there === null) {
        await tx.createContainer(path);
        this.#fresh.add(path);
      } else if (there.type !== "container") {
        throw new Fault(path, "a file; a directory cannot replace it");
      }
      return;
    }
    if (item.kind === "symlink") {
      const target = item.data as string;
      const there = await statOrNull(tx, path);
      if (there !== null && await linkTarget(tx, there) === target) return;
      if (await this.#replaced(tx, path) !== null) await tx.remove(path);
      await tx.symlink(path, target);
      await writeFacts(tx, path, item, {});
      return;
    }
    let there = await this.#replaced(tx, path);
    if (item.kind === "link") {
      const node = this.#nodes.get(item.inode!) ?? null;
      if (node === null) throw new Fault(path, "the file that it is a name of was not copied");
      if (there?.id === node) return;
      if (there !== null) await tx.remove(path);
      await tx.link(await tx.pathOf(node), path);
      return;
    }
    if (there !== null && !this.#takes(there, item.local)) {
      await tx.remove(path);
      there = null;
    }
    await tx.put(path, item.data);
    await writeFacts(tx, path, item, there?.metadata ?? {});
    await this.#wrote(tx, item, there);
  }

  async #large(
    item: Facts & { local: string; path: string; inode: string | null },
  ): Promise<void> {
    using from = fileSource(item.local);
    await this.stream(item.path, "truncate", from, item.local, async (tx, there) => {
      await writeFacts(tx, item.path, item, there?.metadata ?? {});
      await this.#wrote(tx, item, there);
    });
  }

  /**
   * Writes a file block by block. What is at its path stays until all of it is
   * there; on a failure nothing of it is kept.
   *
   * @param from What is written.
   * @param local The local file that is read, null when it is none.
   * @param end What belongs to it, done in one commit with its appearance. It is
   * given what has been written into, null for a new file.
   */
  async stream(
    path: string,
    mode: "truncate" | "append",
    from: Source,
    local: string | null = null,
    end: (tx: Mount, there: NodeInfo | null) => Promise<void> = async () => {},
  ): Promise<void> {
    const replaced = await this.#replaced(this.#mount, path);
    const there = replaced !== null && this.#takes(replaced, local) ? replaced : null;
    const at = replaced === there ? path : besidePath(path);
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
        await end(tx, there);
      });
    } catch (error) {
      await to?.abort().catch(() => {});
      if (there === null) await this.#forget(at);
      throw error;
    }
    this.report.files++;
    // What is added to what was added before loses nothing.
    if (mode === "truncate") this.#made(path, local ?? "standard input");
  }

  async #fill(to: WriteDescriptor, from: Source): Promise<void> {
    for (let ended = false; !ended;) {
      const hole = from.hole();
      if (hole > 0) {
        // What is one hole on the disk may be many rows in the volume.
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
      // Full blocks only: the volume's chunks are full ones too.
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

  /** Takes away a new file that was never finished; it need not be in the trash. */
  async #forget(path: string): Promise<void> {
    try {
      const { id } = await this.#mount.stat(path);
      await this.#mount.remove(path);
      await this.#mount.purge({ id });
    } catch {
      // It may never have been made; the failure that led here is the one to tell.
    }
  }
}
