import { AloeError } from "../../src/errors.ts";
import * as internal from "../../src/internal.ts";
import * as ops from "../../src/ops.ts";
import { splitPath } from "../../src/paths.ts";
import { safeName } from "../../src/safe_name.ts";
import type { Access } from "./access.ts";
import { contentStream } from "./content_stream.ts";
import { LONGEST_PATH, type ZipMember } from "./zip_stream.ts";

/** Entries of a directory that one query reads. */
const PAGE = 500;

/** Entries of open directories that are held in memory; beyond that they are read again. */
const HELD = 16 * PAGE;

const FILE = 0o100000;
const DIRECTORY = 0o040000;
const LINK = 0o120000;

/** A node that goes into an archive. */
interface Facts {
  id: string;
  type: string;
  /** Permission bits; null when never set. */
  mode: number | null;
  /** s */
  modified: number;
}

/** A directory that the walk has entered. */
interface Open {
  id: string;
  /** The length of its path. */
  length: number;
  /** The cursor of the next page; null at the start. */
  after: string | null;
  /** Its newest placement at the start of the walk. */
  until: string;
  /** The entries of this page; null if they have to be read again. */
  entries: internal.DetailedEntry[] | null;
  /** How many of them have been visited. */
  done: number;
  /** Whether this is the last page. */
  last: boolean;
  /** The safe names that are in use. */
  given: Set<string>;
}

/**
 * The members of an archive: the nodes at some paths and below them, with permission
 * bits and symbolic links. A hard link is stored as its content. Directories come
 * before their entries. FIFOs, sockets and devices are left out. Each file is read in
 * one state.
 *
 * Memory is bounded whatever the depth and the width of the tree.
 *
 * @throws {AloeError} `unsupported` for a path that is too long for an archive,
 * `corrupt` for a directory that contains itself.
 */
export async function* members(
  held: Access,
  paths: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<ZipMember, void> {
  const { fs, mount } = held;
  const given = new Set<string>();
  for (const path of paths) {
    const info = await ops.stat(fs.db, mount.handle, path);
    const own = splitPath(path).at(-1);
    const name = own === undefined
      ? ""
      : await free(safeName(own, "anywhere"), given, () => Promise.resolve(false));
    given.add(name);
    const modified = Number(info.modifiedAt / 1_000_000_000n);
    yield* tree(held, { id: info.id, type: info.type, mode: info.mode, modified }, name, signal);
  }
}

async function* tree(
  held: Access,
  top: Facts,
  name: string,
  signal: AbortSignal,
): AsyncGenerator<ZipMember, void> {
  const path = new PathBytes();
  const open: Open[] = [];
  const within = new Set<string>();
  /** How many entries of the open directories are held. */
  let entries = 0;
  const enter = (id: string) => {
    if (within.has(id)) throw new AloeError("corrupt", `${id}: is a directory in itself`);
    within.add(id);
    const { length } = path;
    open.push({
      id,
      length,
      after: null,
      until: "",
      entries: null,
      done: 0,
      last: false,
      given: new Set(),
    });
  };
  if (name !== "") path.push(name, top.type === "container");
  const first = await member(held, top, path);
  if (first !== null && name !== "") yield first;
  if (top.type === "container") enter(top.id);
  for (let here = open.at(-1); here !== undefined; here = open.at(-1)) {
    signal.throwIfAborted();
    path.length = here.length;
    if (here.entries === null) {
      const page = await pageOf(held, here);
      here.entries = page.entries;
      here.until = page.until;
      here.done = 0;
      here.last = page.next === null;
      entries += page.entries.length;
    }
    const entry = here.entries[here.done++];
    if (entry === undefined) {
      entries -= here.entries.length;
      here.entries = null;
      if (!here.last) continue;
      open.pop();
      within.delete(here.id);
      continue;
    }
    here.after = entry.place;
    if (!entry.visible) continue;
    const safe = safeName(entry.name, "anywhere");
    const own = safe === entry.name && here.given.size === 0
      ? safe
      : await freeIn(held, here, entry.name, safe);
    const below: Facts = {
      id: entry.node,
      type: entry.type,
      mode: entry.mode,
      modified: entry.modifiedSec,
    };
    path.push(own, entry.type === "container");
    const found = await member(held, below, path);
    if (found === null) continue;
    yield found;
    if (entry.type !== "container") continue;
    if (entries > HELD) {
      entries -= here.entries.length;
      here.entries = null;
    }
    enter(entry.node);
  }
}

async function pageOf(
  { fs, mount }: Access,
  { id, after, until }: Open,
): Promise<internal.DetailedPage> {
  const page = {
    limit: PAGE,
    ...(after === null ? {} : { after: internal.positionText({ after, until }) }),
  };
  try {
    return await internal.listDetails(fs.db, mount.handle, { node: id }, page);
  } catch (error) {
    if (hasGone(error)) return { node: id, entries: [], next: null, until };
    throw error;
  }
}

/** A name that is unique in a directory: the entry's own, if it is safe. */
async function freeIn(
  { fs, mount }: Access,
  { id, given }: Open,
  name: string,
  safe: string,
): Promise<string> {
  if (safe === name && !given.has(safe)) return safe;
  const own = await free(safe, given, (name) => internal.hasName(fs.db, mount.handle, id, name));
  given.add(own);
  return own;
}

/** Makes a name unique: safe names, and those of several directories, may be equal. */
async function free(
  name: string,
  given: ReadonlySet<string>,
  taken: (name: string) => Promise<boolean>,
): Promise<string> {
  let own = name;
  for (let count = 2; given.has(own) || await taken(own); count++) own = `${name} (${count})`;
  return own;
}

/** The member for a node; null for one that is left out, or was removed since it was listed. */
async function member(
  held: Access,
  { id, type, mode, modified }: Facts,
  path: PathBytes,
): Promise<ZipMember | null> {
  const permissions = (usual: number) => (mode ?? usual) & 0o777;
  if (type === "container") {
    const all = { path: path.bytes(), content: new Uint8Array(0), modified };
    return { ...all, mode: DIRECTORY | permissions(0o755) };
  }
  if (type !== "entry" && type !== "symlink") return null;
  const { fs, mount } = held;
  let small: Awaited<ReturnType<typeof internal.openSmallSnapshot>>;
  try {
    small = await internal.openSmallSnapshot(fs.db, mount.handle, { node: id });
  } catch (error) {
    if (hasGone(error)) return null;
    throw error;
  }
  const { snapshot, bytes } = small;
  const { size } = snapshot;
  if (size === 0 && await isDevice(held, id)) return null;
  return {
    path: path.bytes(),
    mode: type === "symlink" ? LINK | 0o777 : FILE | permissions(0o644),
    modified: Number(snapshot.modifiedAt / 1_000_000_000n),
    content: bytes ?? {
      size,
      pieces: contentStream([{ snapshot, start: 0, end: size - 1 }], () => Promise.resolve()),
    },
  };
}

async function isDevice({ fs, mount }: Access, id: string): Promise<boolean> {
  try {
    return (await ops.statById(fs.db, mount.handle, id)).device !== null;
  } catch (error) {
    if (hasGone(error)) return false;
    throw error;
  }
}

function hasGone(error: unknown): boolean {
  return error instanceof AloeError && error.code === "not_found";
}

/** The path of a walk, in UTF-8: strings for each level of a deep tree would take too much. */
class PathBytes {
  length = 0;
  #bytes = new Uint8Array(1024);
  readonly #encoder = new TextEncoder();

  /** Appends the name of a child. */
  push(name: string, directory: boolean): void {
    const added = this.#encoder.encode(directory ? `${name}/` : name);
    const length = this.length + added.length;
    if (length > LONGEST_PATH) {
      throw new AloeError("unsupported", `a path is too long for a ZIP archive: ${length} bytes`);
    }
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(added, this.length);
    this.length = length;
  }

  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.length);
  }
}
