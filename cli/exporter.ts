import { type DirEntry, type Mount, type NodeInfo, type ReadDescriptor, safeName } from "../mod.ts";
import { yieldToEventLoop } from "../src/yield_to_event_loop.ts";
import type { Context } from "./context.ts";
import { addLocalSubject, addSubject, Fault, refuseDuplicate, withSubject } from "./faults.ts";
import { SMALL } from "./importer.ts";
import { fileKind, linkTarget } from "./node_facts.ts";
import * as files from "./local_files.ts";
import { localBeside, localJoin, shownPath } from "./paths.ts";
import type { Progress } from "./progress.ts";
import { Sink } from "./sink.ts";
import { drain } from "./stream.ts";
import { toDate } from "./time.ts";

/**
 * The permission bits that copies get. Set-uid and set-gid are left out, because only the system's
 * owner may grant them.
 */
const MODE_BITS = 0o1777;

/** The result of `get`, as --json prints it. */
export interface ExportReport {
  files: number;
  directories: number;
  symlinks: number;
  /** Additional names of files that are counted once. */
  hardLinks: number;
  bytes: number;
  skipped: string[];
  failed: string[];
}

/**
 * Refuses a name that, as a part of a local path, could refer to anything but an entry of its
 * directory. A damaged or hostile volume may hold any name.
 *
 * @param path The node's path, for the message.
 */
export function checkName(path: string, name: string): void {
  if (safeName(name, "disk") !== name) {
    throw new Fault(
      path,
      `the name ${JSON.stringify(name)} leads out of the destination; ` +
        "not written",
    );
  }
}

/** Returns the status of a local path without following links; null when it does not exist. */
function lstatOrNull(path: string): Deno.FileInfo | null {
  try {
    return files.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Returns whether two results describe the same file. */
function isSame(a: Deno.FileInfo | null, b: Deno.FileInfo): boolean {
  return a !== null && a.ino !== null && a.ino === b.ino && a.dev === b.dev;
}

/** Returns a file's identity: its inode, or its creation time on systems without inodes. */
function identity(info: Deno.FileInfo): string {
  return `${info.dev}:${info.ino ?? info.birthtime?.getTime()}`;
}

/**
 * Removes a partially written file. Errors are ignored, because the original failure is reported.
 */
function discard(path: string): void {
  try {
    files.remove(path);
  } catch {
    return;
  }
}

/** Copies nodes of a volume to local files. */
export class Exporter {
  /** The results so far. */
  readonly report: ExportReport = {
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
  /** Local files of nodes with several names, by node id. */
  readonly #shared = new Map<string, { local: string; info: Deno.FileInfo }>();
  /**
   * The source of each file that this command has written, by file identity; a second source must
   * not replace it.
   */
  readonly #written = new Map<string, string>();
  readonly #several: boolean;
  #links: { path: string; local: string; target: string; node: NodeInfo }[] = [];
  #directories: { path: string; local: string; node: NodeInfo }[] = [];
  /** The ids of the directories being written, from the top down. */
  readonly #ancestors = new Set<string>();

  /** @param several Whether there is more than one source. */
  constructor(ctx: Context, mount: Mount, progress: Progress, several: boolean) {
    this.#ctx = ctx;
    this.#mount = mount;
    this.#progress = progress;
    this.#several = several;
    this.#owner = ctx.flags.has("owner");
  }

  /**
   * Copies a node and everything below it.
   *
   * @param path The node's path in the volume.
   * @param node The node.
   * @param local The local destination.
   * @param named Whether the caller named this destination, so that a link at it belongs to the
   *   caller and may be followed.
   */
  async node(
    path: string,
    node: NodeInfo,
    local: string,
    named: boolean = false,
  ): Promise<void> {
    this.#ctx.signal.throwIfAborted();
    const kind = fileKind(node);
    switch (kind) {
      case "directory":
        await this.#directory(path, node, local, named);
        break;
      case "file":
        if (node.nlink > 1 && this.#hardLink(path, node, local, named)) break;
        await this.file(path, node, local, named, () => this.#mount.openReadById(node.id));
        if (node.nlink > 1) this.#remember(node, local);
        break;
      case "symlink":
        // Links are created last, so that no file of this copy is written through one.
        this.#links.push({
          path,
          local,
          node,
          target: await linkTarget(this.#mount, node) ?? "",
        });
        break;
      default:
        this.#progress.clear();
        this.report.skipped.push(path);
        this.#ctx.warn(path, `skipped (a ${kind})`);
    }
    await yieldToEventLoop();
  }

  async #directory(
    path: string,
    node: NodeInfo,
    local: string,
    named: boolean,
  ): Promise<void> {
    if (this.#ancestors.has(node.id)) {
      throw new Fault(path, "the directory contains itself; not written");
    }
    const existing = lstatOrNull(local);
    if (existing === null) {
      try {
        files.mkdir(local, node.mode === null ? 0o777 : 0o700);
      } catch (error) {
        throw addLocalSubject(local, error);
      }
    } else if (existing.isSymlink && !(named && files.stat(local).isDirectory)) {
      throw new Fault(local, "a symbolic link is in the way; not followed");
    } else if (!existing.isSymlink && !existing.isDirectory) {
      throw new Fault(local, "a file is in the way of a directory");
    }
    this.report.directories++;
    this.#directories.push({ path, local, node });
    const children = await this.#mount.listById(node.id);
    this.#ancestors.add(node.id);
    for (const child of children) {
      if (child.visible) await this.#child(path, child, local);
    }
    this.#ancestors.delete(node.id);
  }

  async #child(
    parent: string,
    child: DirEntry,
    folder: string,
  ): Promise<void> {
    const path = shownPath(parent, child.name);
    const done = await this.#ctx.attempt(path, async () => {
      checkName(path, child.name);
      const node = await this.#mount.statById(child.node);
      await this.node(path, node, localJoin(folder, child.name));
    });
    if (!done) {
      this.#progress.clear();
      this.report.failed.push(path);
    }
  }

  #remember(node: NodeInfo, local: string): void {
    const info = lstatOrNull(local);
    if (info?.isFile && info.ino !== null) this.#shared.set(node.id, { local, info });
  }

  /**
   * Adds a name to a file that was written before.
   *
   * @returns Whether it succeeded; not every filesystem supports hard links.
   */
  #hardLink(path: string, node: NodeInfo, local: string, named: boolean): boolean {
    const first = this.#shared.get(node.id);
    if (first === undefined || !isSame(lstatOrNull(first.local), first.info)) return false;
    const existing = lstatOrNull(local);
    if (existing !== null && !existing.isFile && (named || !existing.isSymlink)) return false;
    if (!isSame(existing, first.info)) {
      this.#refuseDuplicate(local, existing);
      const beside = existing === null ? local : localBeside(local);
      try {
        files.link(first.local, beside);
      } catch {
        return false;
      }
      try {
        if (beside !== local) files.rename(beside, local);
      } catch (error) {
        discard(beside);
        throw addLocalSubject(local, error);
      }
    }
    this.report.hardLinks++;
    this.#recordWritten(first.info, path);
    return true;
  }

  /**
   * @throws {Fault} When this command has written the file from another source.
   */
  #refuseDuplicate(local: string, existing: Deno.FileInfo | null): void {
    if (existing !== null) refuseDuplicate(local, this.#written.get(identity(existing)));
  }

  #recordWritten(info: Deno.FileInfo | null, path: string): void {
    if (this.#several && info !== null) this.#written.set(identity(info), path);
  }

  /**
   * Sets a copy's owner if --owner is given. When that is not permitted, warns and keeps the copy.
   */
  async #setOwner(
    path: string,
    node: NodeInfo,
    change: (path: string, uid: number, gid: number) => unknown = files.chown,
  ): Promise<void> {
    if (!this.#owner || (node.uid === null && node.gid === null)) return;
    const { uid, gid } = files.lstat(path);
    try {
      await change(path, node.uid ?? uid ?? -1, node.gid ?? gid ?? -1);
    } catch (error) {
      this.#progress.clear();
      this.#ctx.report(addSubject(path, error));
    }
  }

  /**
   * Writes one file. Removes an incomplete file after a failure.
   *
   * @param path The file's path in the volume.
   * @param open Opens the content to write.
   */
  async file(
    path: string,
    node: NodeInfo,
    local: string,
    named: boolean,
    open: () => Promise<ReadDescriptor>,
  ): Promise<void> {
    let existing = lstatOrNull(local);
    if (existing?.isSymlink && named) {
      // The caller named this link, so write to its target.
      local = await withSubject(local, () => files.realPath(local));
      existing = lstatOrNull(local);
    }
    if (existing?.isDirectory) throw new Fault(local, "a directory is in the way");
    if (existing !== null && !existing.isFile && !existing.isSymlink && !named) {
      throw new Fault(local, "a special file is in the way");
    }
    if (existing !== null && !existing.isFile && named) {
      // Write into a device or pipe that the caller named.
      using to = files.openOver(local);
      await this.#fill(to, node, open, false);
      this.report.files++;
      return;
    }
    this.#refuseDuplicate(local, existing);
    // Write to a temporary file beside the destination and rename it, so that no link is followed
    // and a failure leaves the existing file unchanged.
    const beside = existing === null ? local : localBeside(local);
    try {
      // Keep the file private until its final permissions are set.
      using to = files.create(beside, node.mode === null ? 0o666 : 0o600);
      await this.#fill(to, node, open, true);
      to.utimeSync(toDate(node.atime), toDate(node.modifiedAt));
      await this.#setOwner(beside, node);
      if (node.mode !== null && Deno.build.os !== "windows") {
        files.chmod(beside, node.mode & MODE_BITS);
      }
      if (beside !== local) files.rename(beside, local);
      this.#recordWritten(this.#several ? to.statSync() : null, path);
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) discard(beside);
      throw addLocalSubject(local, error);
    }
    this.report.files++;
  }

  /**
   * @param sparse Whether zeros may be skipped; a new file reads as zeros there.
   */
  async #fill(
    to: Deno.FsFile,
    node: NodeInfo,
    open: () => Promise<ReadDescriptor>,
    sparse: boolean,
  ): Promise<void> {
    await using from = await open();
    const sink = new Sink(to, sparse);
    if ((node.size ?? 0) <= SMALL) {
      const data = await from.read();
      sink.writeSync(data);
      this.#wrote(data.length);
    } else {
      await drain(this.#ctx, from, async (block) => {
        await sink.write(block);
        this.#wrote(block.length);
        // Once a hole has begun, the rest of it need not be read.
        if (!sparse || !sink.inHole) return;
        for (let hole = await from.hole(); hole > 0; hole = await from.hole()) {
          this.#ctx.signal.throwIfAborted();
          await from.seek(hole, "cur");
          sink.skip(hole);
          this.#wrote(hole);
          await yieldToEventLoop();
        }
      });
    }
    sink.end();
  }

  #wrote(bytes: number): void {
    this.report.bytes += bytes;
    this.#progress.add(bytes);
  }

  /** Creates the links, then sets the permissions and times of directories. */
  async finish(): Promise<void> {
    for (const link of this.#links) {
      this.#ctx.signal.throwIfAborted();
      const done = await this.#ctx.attempt(link.path, () => this.#link(link));
      if (!done) this.report.failed.push(link.path);
      await yieldToEventLoop();
    }
    for (const { path, local, node } of this.#directories.reverse()) {
      this.#ctx.signal.throwIfAborted();
      await this.#ctx.attempt(path, () =>
        withSubject(local, async () => {
          await this.#setOwner(local, node);
          if (node.mode !== null && Deno.build.os !== "windows") {
            files.chmod(local, node.mode & MODE_BITS);
          }
          files.utime(local, toDate(node.atime), toDate(node.modifiedAt));
        }));
    }
    this.#links = [];
    this.#directories = [];
  }

  async #link(
    link: { path: string; local: string; target: string; node: NodeInfo },
  ): Promise<void> {
    const { path, local, target, node } = link;
    const existing = lstatOrNull(local);
    if (existing?.isDirectory) throw new Fault(local, "a directory is in the way");
    this.#refuseDuplicate(local, existing);
    const beside = existing === null ? local : localBeside(local);
    files.symlink(target, beside);
    try {
      if (beside !== local) files.rename(beside, local);
    } catch (error) {
      discard(beside);
      throw error;
    }
    this.report.symlinks++;
    this.#recordWritten(this.#several ? lstatOrNull(local) : null, path);
    // Some filesystems store no times of links, so failures are ignored.
    await this.#setOwner(local, node, files.lchown);
    await files.lutime(local, toDate(node.atime), toDate(node.modifiedAt)).catch(() => {});
  }
}
