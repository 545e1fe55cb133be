import { type DirEntry, type Mount, type NodeInfo, type ReadDescriptor, safeName } from "../mod.ts";
import { yieldToEventLoop } from "../src/yield_to_event_loop.ts";
import type { Context } from "./context.ts";
import { about, Fault, named, namedLocal, refuseSecond } from "./faults.ts";
import { SMALL } from "./importer.ts";
import { fileKind, linkTarget } from "./node_facts.ts";
import * as files from "./local_files.ts";
import { localBeside, localJoin, shownPath } from "./paths.ts";
import type { Progress } from "./progress.ts";
import { Sink } from "./sink.ts";
import { drain } from "./stream.ts";
import { toDate } from "./time.ts";

/**
 * The permission bits that are given to copies: not set-uid and set-gid, which
 * are the owner's of a system to give.
 */
const MODE_BITS = 0o1777;

/** What was done, as `get --json` prints it. */
export interface ExportReport {
  files: number;
  directories: number;
  symlinks: number;
  /** Further names of files that are counted once. */
  hardLinks: number;
  bytes: number;
  skipped: string[];
  failed: string[];
}

/**
 * Refuses a name that, as a part of a local path, would mean something else
 * than a file in its folder. A damaged or hostile volume may hold any name.
 *
 * @param path The node's path, for the message.
 */
export function checkName(path: string, name: string): void {
  if (safeName(name, "disk") !== name) {
    throw new Fault(
      path,
      `the name ${JSON.stringify(name)} would lead out of the destination; ` +
        "not written",
    );
  }
}

/** What is at a local path, links not followed; null where nothing is. */
function lstatOrNull(path: string): Deno.FileInfo | null {
  try {
    return files.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Whether two things are names of one file. */
function isSame(a: Deno.FileInfo | null, b: Deno.FileInfo): boolean {
  return a !== null && a.ino !== null && a.ino === b.ino && a.dev === b.dev;
}

/** What tells a file from all others; by its time too where it has no number. */
function identity(info: Deno.FileInfo): string {
  return `${info.dev}:${info.ino ?? info.birthtime?.getTime()}`;
}

/** Takes away what a failure left half done; the failure itself is what is told. */
function discard(path: string): void {
  try {
    files.remove(path);
  } catch {
    return;
  }
}

/** Copies nodes of a volume to local files. */
export class Exporter {
  /** What was done so far. */
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
  /** Files made of nodes with several names, by the nodes' ids. */
  readonly #shared = new Map<string, { local: string; info: Deno.FileInfo }>();
  /** What this command has written, by the files' identities: no second source replaces it. */
  readonly #written = new Map<string, string>();
  readonly #several: boolean;
  #links: { path: string; local: string; target: string; node: NodeInfo }[] = [];
  #directories: { path: string; local: string; node: NodeInfo }[] = [];
  /** The directories that are being written. */
  readonly #within = new Set<string>();

  /** @param several Whether there is more than one source. */
  constructor(ctx: Context, mount: Mount, progress: Progress, several: boolean) {
    this.#ctx = ctx;
    this.#mount = mount;
    this.#progress = progress;
    this.#several = several;
    this.#owner = ctx.flags.has("owner");
  }

  /**
   * Copies a node, with all below it.
   *
   * @param path Its path in the volume.
   * @param node The node.
   * @param local Where it goes.
   * @param named Whether the caller named this very place, so that a link there
   * is the caller's own and may be followed.
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
        // Made last: no file of this copy can be written through one.
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
    if (this.#within.has(node.id)) throw new Fault(path, "is a directory in itself; not written");
    const there = lstatOrNull(local);
    if (there === null) {
      try {
        files.mkdir(local, node.mode === null ? 0o777 : 0o700);
      } catch (error) {
        throw namedLocal(local, error);
      }
    } else if (there.isSymlink && !(named && files.stat(local).isDirectory)) {
      throw new Fault(local, "a symbolic link is in the way; not followed");
    } else if (!there.isSymlink && !there.isDirectory) {
      throw new Fault(local, "a file is in the way of a directory");
    }
    this.report.directories++;
    this.#directories.push({ path, local, node });
    const children = await this.#mount.listById(node.id);
    this.#within.add(node.id);
    for (const child of children) {
      if (child.visible) await this.#child(path, child, local);
    }
    this.#within.delete(node.id);
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
   * Gives a file that was written before a further name.
   *
   * @returns Whether it did; not every filesystem can.
   */
  #hardLink(path: string, node: NodeInfo, local: string, named: boolean): boolean {
    const first = this.#shared.get(node.id);
    if (first === undefined || !isSame(lstatOrNull(first.local), first.info)) return false;
    const there = lstatOrNull(local);
    if (there !== null && !there.isFile && (named || !there.isSymlink)) return false;
    if (!isSame(there, first.info)) {
      this.#refuseSecond(local, there);
      const beside = there === null ? local : localBeside(local);
      try {
        files.link(first.local, beside);
      } catch {
        return false;
      }
      try {
        if (beside !== local) files.rename(beside, local);
      } catch (error) {
        discard(beside);
        throw namedLocal(local, error);
      }
    }
    this.report.hardLinks++;
    this.#made(first.info, path);
    return true;
  }

  /** @throws {Fault} For what the same command has made from another source. */
  #refuseSecond(local: string, there: Deno.FileInfo | null): void {
    if (there !== null) refuseSecond(local, this.#written.get(identity(there)));
  }

  #made(info: Deno.FileInfo | null, path: string): void {
    if (this.#several && info !== null) this.#written.set(identity(info), path);
  }

  /**
   * Gives a copy its owner, if that is asked for. Where it may not, that is told
   * and the copy kept.
   */
  async #giveAway(
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
      this.#ctx.report(named(path, error));
    }
  }

  /**
   * Writes one file. What could not be finished is taken away again.
   *
   * @param path Its path in the volume.
   * @param open Opens what is to be written.
   */
  async file(
    path: string,
    node: NodeInfo,
    local: string,
    named: boolean,
    open: () => Promise<ReadDescriptor>,
  ): Promise<void> {
    let there = lstatOrNull(local);
    if (there?.isSymlink && named) {
      // The caller's own link: what it leads to is what was meant.
      local = await about(local, () => files.realPath(local));
      there = lstatOrNull(local);
    }
    if (there?.isDirectory) throw new Fault(local, "a directory is in the way");
    if (there !== null && !there.isFile && !there.isSymlink && !named) {
      throw new Fault(local, "a special file is in the way");
    }
    if (there !== null && !there.isFile && named) {
      // A device or a pipe that the caller has named: written into.
      using to = files.openOver(local);
      await this.#fill(to, node, open, false);
      this.report.files++;
      return;
    }
    this.#refuseSecond(local, there);
    // Never through a link or into a file that is there already: beside it, and
    // then in its place, so that a failure leaves what was there.
    const beside = there === null ? local : localBeside(local);
    try {
      // Nobody else's until it has the permissions that it is to have.
      using to = files.create(beside, node.mode === null ? 0o666 : 0o600);
      await this.#fill(to, node, open, true);
      to.utimeSync(toDate(node.atime), toDate(node.modifiedAt));
      await this.#giveAway(beside, node);
      if (node.mode !== null && Deno.build.os !== "windows") {
        files.chmod(beside, node.mode & MODE_BITS);
      }
      if (beside !== local) files.rename(beside, local);
      this.#made(this.#several ? to.statSync() : null, path);
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) discard(beside);
      throw namedLocal(local, error);
    }
    this.report.files++;
  }

  /** @param sparse Whether zeros may be left out: in a new file they are there. */
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
        // Where a hole has begun, what is left of it need not be read.
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

  /** Makes the links, then sets the directories' permissions and times. */
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
        about(local, async () => {
          await this.#giveAway(local, node);
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
    const there = lstatOrNull(local);
    if (there?.isDirectory) throw new Fault(local, "a directory is in the way");
    this.#refuseSecond(local, there);
    const beside = there === null ? local : localBeside(local);
    files.symlink(target, beside);
    try {
      if (beside !== local) files.rename(beside, local);
    } catch (error) {
      discard(beside);
      throw error;
    }
    this.report.symlinks++;
    this.#made(this.#several ? lstatOrNull(local) : null, path);
    // Not every filesystem has a link's own times, and a link without them is a link.
    await this.#giveAway(local, node, files.lchown);
    await files.lutime(local, toDate(node.atime), toDate(node.modifiedAt)).catch(() => {});
  }
}
