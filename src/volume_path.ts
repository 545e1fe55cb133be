import { AloeError } from "./errors.ts";
import { globDepth, globMatcher } from "./glob.ts";
import type { Mount } from "./mount.ts";
import type { ReadDescriptor } from "./content/read_descriptor.ts";
import type { WriteDescriptor } from "./content/write_descriptor.ts";
import { joinPath, splitPath } from "./paths.ts";
import type { DirEntry, NodeInfo } from "./types.ts";

/** What {@linkcode VolumePath.walk} finds in a directory. */
export interface WalkEntry {
  /** The directory. */
  directory: VolumePath;
  /** The names of its directories. */
  directories: string[];
  /** The names of everything else in it. */
  files: string[];
}

/**
 * A path in a mounted volume, in the manner of Python's pathlib. It is a
 * value: making one touches nothing, and what it names need not exist.
 *
 * @example
 * ```ts
 * import { AloeLite } from "@aloelite/aloelite";
 *
 * await using fs = await AloeLite.open(":memory:");
 * await fs.createVolume({ name: "main" });
 * await using mount = await fs.mount();
 * const docs = await mount.path("/docs").mkdir();
 * await docs.join("a.md").writeText("# A");
 * const found: string[] = [];
 * for await (const path of mount.path("/").glob("**" + "/*.md")) found.push(`${path}`);
 * console.assert(found[0] === "/docs/a.md");
 * ```
 */
export class VolumePath {
  readonly #mount: Mount;
  /** The path's names, outermost first. */
  readonly parts: readonly string[];

  /** @ignore Paths come from `Mount.path`. */
  constructor(mount: Mount, path: string) {
    this.#mount = mount;
    this.parts = splitPath(path);
  }

  /** The last name; empty for the mount point. */
  get name(): string {
    return this.parts.at(-1) ?? "";
  }

  /** The last name's ending, with its dot; empty when it has none. */
  get suffix(): string {
    const dot = this.name.lastIndexOf(".");
    return dot > 0 && dot < this.name.length - 1 ? this.name.slice(dot) : "";
  }

  /** The last name without its ending. */
  get stem(): string {
    return this.name.slice(0, this.name.length - this.suffix.length);
  }

  /** The path above; the mount point's is itself. */
  get parent(): VolumePath {
    return new VolumePath(this.#mount, joinPath(this.parts.slice(0, -1)));
  }

  /** A path below this one. Names are names: `..` does not climb. */
  join(...paths: string[]): VolumePath {
    return new VolumePath(this.#mount, [...this.parts, ...paths].join("/"));
  }

  /** The path as text, from the mount point. */
  toString(): string {
    return joinPath(this.parts);
  }

  /** Whether anything is there. */
  exists(): Promise<boolean> {
    return this.#mount.exists(`${this}`);
  }

  /** Whether a directory is there. */
  async isDir(): Promise<boolean> {
    return await this.#type() === "container";
  }

  /** Whether a file is there. */
  async isFile(): Promise<boolean> {
    return await this.#type() === "entry";
  }

  async #type(): Promise<NodeInfo["type"] | null> {
    return await this.exists() ? (await this.stat()).type : null;
  }

  /** What is known of it. */
  stat(): Promise<NodeInfo> {
    return this.#mount.stat(`${this}`);
  }

  /** A file's bytes. */
  readBytes(): Promise<Uint8Array> {
    return this.#mount.readAll(`${this}`);
  }

  /** A file's bytes as UTF-8 text. */
  async readText(): Promise<string> {
    return new TextDecoder().decode(await this.readBytes());
  }

  /** Writes a file, new or not. */
  writeBytes(data: Uint8Array): Promise<void> {
    return this.#mount.put(`${this}`, data);
  }

  /** Writes a file, new or not, as UTF-8. */
  writeText(text: string): Promise<void> {
    return this.#mount.put(`${this}`, text);
  }

  /** Writes at a file's end; creates a missing one. */
  appendBytes(data: Uint8Array): Promise<void> {
    return this.#mount.put(`${this}`, data, { append: true });
  }

  /** The same as UTF-8. */
  appendText(text: string): Promise<void> {
    return this.#mount.put(`${this}`, text, { append: true });
  }

  /** Opens a file: `r` to read, `w` to write from its start, `a` at its end. */
  open(mode?: "r"): Promise<ReadDescriptor>;
  /** Opens a file for writing. */
  open(mode: "w" | "a"): Promise<WriteDescriptor>;
  /** Opens a file. */
  open(mode: "r" | "w" | "a" = "r"): Promise<ReadDescriptor | WriteDescriptor> {
    if (mode === "r") return this.#mount.openRead(`${this}`);
    return this.#mount.openWrite(
      `${this}`,
      mode === "a" ? "append" : "truncate",
    );
  }

  /** Creates the directory. @returns This path. */
  async mkdir(
    options: { parents?: boolean; existOk?: boolean } = {},
  ): Promise<this> {
    await this.#mount.mkdir(`${this}`, options);
    return this;
  }

  /** Removes an empty directory. */
  async rmdir(): Promise<void> {
    if ((await this.stat()).type !== "container") {
      throw new AloeError("not_a_container", `${this}: is not a directory`);
    }
    await this.#mount.remove(`${this}`);
  }

  /** Removes a file or a link. */
  async unlink(): Promise<void> {
    if ((await this.stat()).type === "container") {
      throw new AloeError("not_an_entry", `${this}: is a directory`);
    }
    await this.#mount.remove(`${this}`);
  }

  /** Removes it with all that is below. */
  rmtree(): Promise<void> {
    return this.#mount.removeRecursive(`${this}`);
  }

  /** Moves it. @returns Where it is now. */
  async rename(target: string | VolumePath): Promise<VolumePath> {
    await this.#mount.move(`${this}`, `${target}`);
    return new VolumePath(this.#mount, `${target}`);
  }

  /** Copies it with all that is below. @returns Where the copy is. */
  async copy(target: string | VolumePath): Promise<VolumePath> {
    await this.#mount.copy(`${this}`, `${target}`);
    return new VolumePath(this.#mount, `${target}`);
  }

  /** Its annotations. */
  async metadata(): Promise<Record<string, string>> {
    return (await this.stat()).metadata;
  }

  /** Replaces its annotations. */
  setMetadata(metadata: Readonly<Record<string, string>>): Promise<void> {
    return this.#mount.setMetadata(`${this}`, metadata);
  }

  /** The visible children of a directory, in the order they were placed. */
  async *iterate(): AsyncGenerator<VolumePath> {
    for (const child of await this.#children()) yield this.join(child.name);
  }

  /**
   * Everything below a directory, each directory before what is in it. The
   * caller may remove names from `directories`, so as not to go into them.
   *
   * @throws {AloeError} `not_found`, `not_a_container`; `corrupt` for a directory that is in itself.
   */
  async *walk(): AsyncGenerator<WalkEntry> {
    const top = await this.stat();
    const names = [...this.parts];
    const within = new Set<string>();
    /** The directories on the way down, each with those of it that are to come. */
    const open = [{ node: "", left: [{ name: "", node: top.id }] }];
    for (let here = open.at(-1); here !== undefined; here = open.at(-1)) {
      const next = here.left.pop();
      names.length = this.parts.length + Math.max(0, open.length - 2);
      if (next === undefined) {
        within.delete(here.node);
        open.pop();
        continue;
      }
      if (open.length > 1) names.push(next.name);
      const directory = new VolumePath(this.#mount, joinPath(names));
      if (within.has(next.node)) {
        throw new AloeError("corrupt", `${directory}: is a directory in itself`);
      }
      const all = (await this.#mount.listById(next.node)).filter((child) => child.visible);
      const below = new Map<string, string>();
      const files: string[] = [];
      for (const { name, node, type } of all) {
        if (type === "container") below.set(name, node);
        else files.push(name);
      }
      const directories = [...below.keys()];
      yield { directory, directories, files };
      within.add(next.node);
      const left = directories.filter((name) => below.has(name))
        .map((name) => ({ name, node: below.get(name)! })).reverse();
      open.push({ node: next.node, left });
    }
  }

  /**
   * Paths below this one that match a pattern, each directory before what is
   * in it. `*`, `?` and `[…]` match within a name, `**` any depth, `{…,…}` is
   * a choice.
   *
   * @param pattern Relative to this path.
   */
  async *glob(pattern: string): AsyncGenerator<VolumePath> {
    const parts = pattern.split("/").filter((part) => part !== "");
    if (parts.length === 0) {
      throw new AloeError("invalid", "an empty pattern matches nothing");
    }
    const wanted = parts.join("/");
    const matches = globMatcher(wanted);
    const deepest = globDepth(wanted);
    const depth = this.parts.length;
    for await (const { directory, directories, files } of this.walk()) {
      const prefix = directory.parts.slice(depth);
      const deepEnough = prefix.length + 1 >= deepest;
      for (const name of [...directories, ...files]) {
        if (matches([...prefix, name].join("/"))) yield directory.join(name);
      }
      if (deepEnough) directories.length = 0;
    }
  }

  async #children(): Promise<DirEntry[]> {
    return (await this.#mount.list(`${this}`)).filter((child) => child.visible);
  }
}
