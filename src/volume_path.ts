import { AloeError } from "./errors.ts";
import { globDepth, globMatcher } from "./glob.ts";
import type { Mount } from "./mount.ts";
import type { ReadDescriptor } from "./content/read_descriptor.ts";
import type { WriteDescriptor } from "./content/write_descriptor.ts";
import { joinPath, splitPath } from "./paths.ts";
import type { DirEntry, NodeInfo } from "./types.ts";

/** A directory that {@linkcode VolumePath.walk} visits. */
export interface WalkEntry {
  /** The directory. */
  directory: VolumePath;
  /** The names of its subdirectories. */
  directories: string[];
  /** The names of its other entries. */
  files: string[];
}

/**
 * A path in a mounted volume, like those of Python's pathlib. It is a value: creating one accesses
 * nothing, and the path need not exist.
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

  /**
   * @ignore `Mount.path` creates paths.
   */
  constructor(mount: Mount, path: string) {
    this.#mount = mount;
    this.parts = splitPath(path);
  }

  /** The last name; empty for the mount point. */
  get name(): string {
    return this.parts.at(-1) ?? "";
  }

  /** The last name's extension with its dot; empty when it has none. */
  get suffix(): string {
    const dot = this.name.lastIndexOf(".");
    return dot > 0 && dot < this.name.length - 1 ? this.name.slice(dot) : "";
  }

  /** The last name without its extension. */
  get stem(): string {
    return this.name.slice(0, this.name.length - this.suffix.length);
  }

  /** The parent path; that of the mount point is the mount point. */
  get parent(): VolumePath {
    return new VolumePath(this.#mount, joinPath(this.parts.slice(0, -1)));
  }

  /** Returns a path below this one. `..` is an ordinary name and does not ascend. */
  join(...paths: string[]): VolumePath {
    return new VolumePath(this.#mount, [...this.parts, ...paths].join("/"));
  }

  /** Returns the path as text, from the mount point. */
  toString(): string {
    return joinPath(this.parts);
  }

  /** Returns whether the path exists. */
  exists(): Promise<boolean> {
    return this.#mount.exists(`${this}`);
  }

  /** Returns whether the path is a directory. */
  async isDir(): Promise<boolean> {
    return await this.#type() === "container";
  }

  /** Returns whether the path is a file. */
  async isFile(): Promise<boolean> {
    return await this.#type() === "entry";
  }

  async #type(): Promise<NodeInfo["type"] | null> {
    return await this.exists() ? (await this.stat()).type : null;
  }

  /** Returns information about the node. */
  stat(): Promise<NodeInfo> {
    return this.#mount.stat(`${this}`);
  }

  /** Returns a file's content. */
  readBytes(): Promise<Uint8Array> {
    return this.#mount.readAll(`${this}`);
  }

  /** Returns a file's content decoded as UTF-8. */
  async readText(): Promise<string> {
    return new TextDecoder().decode(await this.readBytes());
  }

  /** Writes a file; creates it or replaces its content. */
  writeBytes(data: Uint8Array): Promise<void> {
    return this.#mount.put(`${this}`, data);
  }

  /** Writes a file as UTF-8; creates it or replaces its content. */
  writeText(text: string): Promise<void> {
    return this.#mount.put(`${this}`, text);
  }

  /** Appends to a file; creates a missing file. */
  appendBytes(data: Uint8Array): Promise<void> {
    return this.#mount.put(`${this}`, data, { append: true });
  }

  /** Appends UTF-8 text to a file; creates a missing file. */
  appendText(text: string): Promise<void> {
    return this.#mount.put(`${this}`, text, { append: true });
  }

  /** Opens a file: `r` to read, `w` to write from the start, `a` to append. */
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

  /** Removes the node and everything below it. */
  rmtree(): Promise<void> {
    return this.#mount.removeRecursive(`${this}`);
  }

  /** Moves the node. @returns Its new path. */
  async rename(target: string | VolumePath): Promise<VolumePath> {
    await this.#mount.move(`${this}`, `${target}`);
    return new VolumePath(this.#mount, `${target}`);
  }

  /** Copies the node and everything below it. @returns The copy's path. */
  async copy(target: string | VolumePath): Promise<VolumePath> {
    await this.#mount.copy(`${this}`, `${target}`);
    return new VolumePath(this.#mount, `${target}`);
  }

  /** Returns the node's metadata. */
  async metadata(): Promise<Record<string, string>> {
    return (await this.stat()).metadata;
  }

  /** Replaces the node's metadata. */
  setMetadata(metadata: Readonly<Record<string, string>>): Promise<void> {
    return this.#mount.setMetadata(`${this}`, metadata);
  }

  /** Yields the visible children of a directory in the order of placement. */
  async *iterate(): AsyncGenerator<VolumePath> {
    for (const child of await this.#children()) yield this.join(child.name);
  }

  /**
   * Walks a directory tree, each directory before its entries. The caller may remove names from
   * `directories` to skip them.
   *
   * @throws {AloeError} `not_found`, `not_a_container`; `corrupt` for a directory that contains
   *   itself.
   */
  async *walk(): AsyncGenerator<WalkEntry> {
    const top = await this.stat();
    const names = [...this.parts];
    const within = new Set<string>();
    /** The directories from the top down, each with its remaining subdirectories. */
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
        throw new AloeError("corrupt", `${directory}: the directory contains itself`);
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
   * Yields the paths below this one that match a pattern, each directory before its entries. `*`,
   * `?` and `[…]` match within a name, `**` matches any depth, `{…,…}` matches alternatives.
   *
   * @param pattern The pattern, relative to this path.
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
