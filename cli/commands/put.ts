import type { Mount } from "../../mod.ts";
import { databaseFiles } from "../../src/side_files.ts";
import { UsageError } from "../args.ts";
import { type Context, mountVolume } from "../context.ts";
import { Fault, withSubject } from "../faults.ts";
import { Importer } from "../importer.ts";
import { follow } from "../links.ts";
import { kindOf, type LocalEntry, specialName, totalSize, walkLocal } from "../local_tree.ts";
import * as files from "../local_files.ts";
import { statOrNull } from "../lookup.ts";
import { makeFile } from "../new_file.ts";
import { fileSource, plainSource, type Source } from "../source.ts";
import { absolute, joinPath, localBase, parentPath, shownOf } from "../paths.ts";
import { Progress } from "../progress.ts";

/** The operand that means standard input. */
const STDIN = "-";

/** Returns the database's own files, which must not be stored in themselves. */
function ownFiles(file: string): Set<string> {
  const keys = new Set<string>();
  for (const each of databaseFiles(file)) {
    try {
      const info = Deno.statSync(each);
      if (info.ino !== null) keys.add(key(info));
    } catch {
      // The side file does not exist.
    }
  }
  return keys;
}

function key(info: Deno.FileInfo): string {
  return `${info.dev}:${info.ino}`;
}

/** Returns whether a path names an inherited file descriptor. */
function isDescriptor(path: string): boolean {
  return /^\/dev\/(?:fd\/\d+|stdin)$|^\/proc\/self\/fd\/\d+$/.test(path);
}

/** One run of `put`. */
class Put {
  readonly #ctx: Context;
  readonly #mount: Mount;
  readonly #importer: Importer;
  readonly #recursive: boolean;
  readonly #append: boolean;
  readonly #parents: boolean;
  readonly #special: boolean;
  readonly #list: boolean;

  constructor(ctx: Context, mount: Mount, importer: Importer) {
    this.#ctx = ctx;
    this.#mount = mount;
    this.#importer = importer;
    this.#recursive = ctx.flags.has("recursive");
    this.#append = ctx.flags.has("append");
    this.#parents = ctx.flags.has("parents");
    this.#special = ctx.flags.has("read-special");
    this.#list = ctx.flags.has("list") && !ctx.json;
  }

  /** Copies one operand. */
  async one(source: string, dest: string, several: boolean): Promise<void> {
    if (source === STDIN) {
      await this.#stdin(await this.#target("", dest, several, false));
      return;
    }
    // Without -r, links are followed, as in cp.
    const info = this.#recursive && !source.endsWith("/")
      ? files.lstat(source)
      : files.stat(source);
    if (kindOf(info) === "special" && !this.#recursive) this.#refuseSpecial(source, info);
    const isDirectory = info.isDirectory;
    if (isDirectory && !this.#recursive) {
      throw new Fault(source, "a directory; add -r to copy it");
    }
    const target = await this.#target(
      localBase(source),
      dest,
      several,
      isDirectory,
    );
    if (isDirectory) await this.#tree(source, target);
    else if (kindOf(info) === "special" && !this.#recursive) {
      await this.#pipe(source, target);
    } else if (this.#append) await this.#appendFile(source, target);
    else {
      await this.#entry(
        { path: source, names: [], kind: kindOf(info), info },
        target,
      );
    }
    await this.#importer.nextOperand();
  }

  /** Returns the volume path that an operand is stored at. */
  async #target(
    name: string,
    dest: string,
    several: boolean,
    isDirectory: boolean,
  ): Promise<string> {
    const path = absolute(dest);
    const existing = await withSubject(path, () => statOrNull(this.#mount, path));
    let into = existing?.type === "container";
    const asDirectory = several || (dest.endsWith("/") && !isDirectory);
    if (!into && asDirectory) {
      if (existing !== null) throw new Fault(path, "not a directory");
      if (!this.#parents) {
        throw new Fault(
          path,
          "no such directory; add -p to create it",
        );
      }
      await withSubject(path, () => this.#mkdir(path));
      into = true;
    }
    if (!into) {
      if (this.#parents) {
        const above = parentPath(path);
        await withSubject(above, () => this.#mkdir(above));
      } else if (existing === null) {
        const above = parentPath(path);
        const parent = await withSubject(above, () => statOrNull(this.#mount, above));
        if (parent === null) {
          throw new Fault(above, "no such directory; add -p to create it");
        }
      }
      return path;
    }
    if (name !== "") return joinPath(path, name);
    if (isDirectory) return path;
    throw new Fault(path, "a directory; add a file name");
  }

  async #mkdir(path: string): Promise<void> {
    await this.#mount.mkdir(path, { parents: true, existOk: true });
  }

  async #tree(source: string, target: string): Promise<void> {
    const own = ownFiles(this.#ctx.file);
    const failed = (path: string, error: unknown): void => this.#importer.failed(path, error);
    // With a trailing slash, a link to a directory means the directory.
    const top = files.lstat(source).isSymlink ? files.realPath(source) : source;
    for (const entry of walkLocal(top, failed)) {
      this.#ctx.signal.throwIfAborted();
      if (own.has(key(entry.info))) {
        this.#importer.skipped(entry.path, "the database that is being written");
        continue;
      }
      const path = entry.names.length === 0 ? target : joinPath(target, entry.names.join("/"));
      try {
        await this.#entry(entry, path);
      } catch (error) {
        if (this.#ctx.signal.aborted) throw error;
        await this.#ctx.attempt(entry.path, () => Promise.reject(error));
        this.#importer.report.failed.push(entry.path);
      }
    }
  }

  async #entry(entry: LocalEntry, path: string): Promise<void> {
    const { path: local, info, kind } = entry;
    switch (kind) {
      case "directory":
        await this.#importer.directory(local, path, info);
        break;
      case "symlink":
        await this.#importer.symlink(local, path, info);
        break;
      case "file":
        await this.#importer.file(local, path, info);
        break;
      default:
        this.#importer.skipped(local, specialName(info));
        return;
    }
    await this.#listed(path);
  }

  /** Prints the path of a stored entry if --list is given. */
  async #listed(path: string): Promise<void> {
    if (this.#list) await this.#ctx.out.line(this.#ctx.out.name(shownOf(path)));
  }

  /**
   * Refuses special files without --read-special: a device may never end, and a FIFO waits for its
   * writer. A pipe of the shell, as in `<(…)`, is read like standard input.
   */
  #refuseSpecial(source: string, info: Deno.FileInfo): void {
    const what = specialName(info);
    if (info.isSocket) throw new Fault(source, `${what}, which has no content`);
    if (this.#special || (info.isFifo && isDescriptor(source))) return;
    throw new Fault(source, `${what}; add --read-special to read it to its end`);
  }

  async #appendFile(source: string, target: string): Promise<void> {
    using from = fileSource(source);
    await this.#write(target, from);
  }

  /** Stores the content of a special file that is named as a SOURCE. */
  async #pipe(source: string, target: string): Promise<void> {
    using from = files.openRead(source);
    await this.#write(target, plainSource((block) => this.#ctx.abortable(from.read(block))));
  }

  async #stdin(target: string): Promise<void> {
    await this.#write(
      target,
      plainSource((block) => this.#ctx.abortable(Deno.stdin.read(block))),
    );
  }

  async #write(target: string, from: Source): Promise<void> {
    await withSubject(target, async () => {
      if (!this.#append) {
        await this.#importer.stream(target, "truncate", from);
        return;
      }
      const existing = await statOrNull(this.#mount, target);
      // Append to a link's target instead of the link.
      const path = existing === null ? target : (await follow(this.#mount, target)).path;
      await this.#importer.stream(path, "append", from);
    });
    await this.#listed(target);
  }
}

/** `put`: copies local files into the volume. */
export async function put(ctx: Context): Promise<void> {
  const several = ctx.operands.length > 2;
  const sources = several || ctx.operands.length === 2 ? ctx.operands.slice(0, -1) : ctx.operands;
  const dest = ctx.operands.length === 1 ? "/" : ctx.operands.at(-1)!;
  if (ctx.flags.has("append") && ctx.flags.has("recursive")) {
    throw new UsageError("--append is for files; leave -r out");
  }
  if (sources.filter((s) => s === STDIN).length > 1) {
    throw new UsageError("standard input can be read only once");
  }
  const progress = new Progress("put");
  const copy = async (mount: Mount): Promise<void> => {
    if (progress.visible && !sources.includes(STDIN)) {
      progress.to(0, sources.reduce((sum, s) => sum + totalSize(s), 0));
    }
    const importer = new Importer(ctx, mount, progress, several);
    const work = new Put(ctx, mount, importer);
    for (const source of sources) {
      const done = await ctx.attempt(
        source,
        () => work.one(source, dest, several),
      );
      if (!done) importer.report.failed.push(source);
    }
    await importer.finish();
    progress.clear();
    if (ctx.json) await ctx.out.json(importer.report);
  };
  try {
    const made = ctx.flags.has("create") ? await makeFile(ctx) : null;
    if (made === null) return await ctx.withMount("write", copy);
    await using fs = made.fs;
    await using mount = await mountVolume(fs, await ctx.findVolume(fs), "write", made.pin);
    await copy(mount);
  } finally {
    progress.clear();
  }
}
