/**
 * The work of a child until it is killed: steps derived from a seed, and a
 * simple model of the result of each. Both sides of a crash test derive the
 * same steps, so the child only prints its progress.
 *
 * @module
 */

import type { AloeLite, Mount } from "../../../mod.ts";
import { noise, random, sha256 } from "./support.ts";

/** Seed and size of bytes that {@linkcode noise} generates. */
export type Piece = readonly [seed: number, size: number];

/** An entry's content: pieces in order. */
export type Content = readonly Piece[];

/** The content of a filesystem. */
export interface State {
  /** Directories by path, without the root. */
  readonly dirs: readonly string[];
  /** The contents of each file's versions, newest first. */
  readonly files: Readonly<Record<string, readonly Content[]>>;
  /** The number of versions that a prune keeps of a file with a retention. */
  readonly keep: Readonly<Record<string, number>>;
  /** Packed directories: their content by the path of the pack. */
  readonly packs: Readonly<Record<string, Tree>>;
  /** Removed items, as `type path`. */
  readonly trash: readonly string[];
  /** The other volumes by name, and the content that was forked into them. */
  readonly forks: Readonly<Record<string, Tree>>;
}

/**
 * The content of a packed directory or of a fork; paths relative to its top.
 */
export interface Tree {
  readonly dirs: readonly string[];
  readonly files: Readonly<Record<string, Content>>;
}

/** An empty volume. */
export const EMPTY: State = {
  dirs: [],
  files: {},
  keep: {},
  packs: {},
  trash: [],
  forks: {},
};

/** One step. */
export interface Step {
  /** For messages. */
  what: string;
  /** Runs it. */
  run(fs: AloeLite, mount: Mount): Promise<unknown>;
  /** The state after it. */
  after: State;
  /** States that an interruption may leave, in addition to the state before. */
  between?: State[];
}

/** The kinds of work. */
export const WORKS = ["put", "stream", "batch", "pack", "purge", "fork"] as const;

/** One kind of work. */
export type Work = typeof WORKS[number];

/** Chunk size of the volumes, bytes. */
export const CHUNK = 4096;

/** A state while a step is generated. */
type Draft = {
  -readonly [K in keyof State]: State[K] extends readonly (infer T)[] ? T[]
    : Record<string, State[K][string & keyof State[K]]>;
};

/** Generates step number `n` of a kind of work for a state. */
export function nextStep(work: Work, seed: number, state: State, n: number): Step {
  const draft = structuredClone(state) as Draft;
  const dice = new Dice(seed * 1_000_003 + n * 7919);
  const step = STEPS[work](draft, dice, n);
  return { ...step, after: draft as State };
}

type Made = Omit<Step, "after">;

const STEPS: Record<Work, (draft: Draft, dice: Dice, n: number) => Made> = {
  put: putStep,
  stream: streamStep,
  batch: batchStep,
  pack: packStep,
  purge: purgeStep,
  fork: forkStep,
};

// --- single operations ---------------------------------------------------------

function putStep(draft: Draft, dice: Dice, n: number): Made {
  const files = Object.keys(draft.files);
  const kind = files.length < 3 ? 0 : files.length > 20 ? 5 : dice.below(7);
  const path = dice.of(files);
  const piece: Piece = [n, 1 + dice.below(3 * CHUNK)];
  switch (kind) {
    case 1:
      commit(draft, path, [piece]);
      return { what: `put ${path}`, run: (_, m) => m.put(path, bytesOf([piece])) };
    case 2:
      commit(draft, path, [...current(draft, path), piece]);
      return { what: `append ${path}`, run: (_, m) => m.append(path, bytesOf([piece])) };
    case 3: {
      const to = `/moved${n}`;
      moveFile(draft, path, to);
      return { what: `move ${path} ${to}`, run: (_, m) => m.move(path, to) };
    }
    case 4: {
      const to = `/copy${n}`;
      draft.files[to] = [current(draft, path)];
      return { what: `copy ${path} ${to}`, run: (_, m) => m.copy(path, to) };
    }
    case 5:
      removeFile(draft, path);
      return { what: `remove ${path}`, run: (_, m) => m.remove(path) };
    case 6: {
      const dir = `/dir${n}`;
      draft.dirs.push(dir);
      return { what: `mkdir ${dir}`, run: (_, m) => m.mkdir(dir) };
    }
    default: {
      const parent = dice.of(["", ...draft.dirs]);
      const fresh = `${parent}/file${n}`;
      draft.files[fresh] = [[piece]];
      return { what: `put ${fresh}`, run: (_, m) => m.put(fresh, bytesOf([piece])) };
    }
  }
}

// --- streams ----------------------------------------------------------------------

/** Streams of up to 40 chunks to five files, appended or overwriting. */
function streamStep(draft: Draft, dice: Dice, n: number): Made {
  const path = `/stream${dice.below(5)}`;
  const there = path in draft.files;
  const append = dice.below(3) === 0;
  const abort = dice.below(6) === 0;
  const pieces: Piece[] = Array.from(
    { length: 1 + dice.below(8) },
    (_, i) => [n * 100 + i, 1 + dice.below(5 * CHUNK)],
  );
  const before = structuredClone(draft);
  // The entry is created when the stream is opened, and is empty until it
  // closes.
  before.files[path] ??= [[]];
  if (abort) draft.files[path] ??= [[]];
  else commit(draft, path, append ? [...current(draft, path), ...pieces] : pieces);
  return {
    what: `stream ${append ? "append" : "truncate"} ${path}${abort ? ", aborted" : ""}`,
    between: there ? [] : [before as State],
    async run(_, mount) {
      const out = await mount.openWrite(path, append ? "append" : "truncate");
      for (const piece of pieces) await out.write(bytesOf([piece]));
      await (abort ? out.abort() : out.close());
    },
  };
}

// --- batches ----------------------------------------------------------------------

/**
 * Each batch creates a directory with files, changes older ones and removes
 * one.
 */
function batchStep(draft: Draft, dice: Dice, n: number): Made {
  if (draft.trash.length > 3) {
    draft.trash.length = 0;
    return { what: "purge", run: (_, m) => m.purge() };
  }
  const ops: ((mount: Mount) => Promise<unknown>)[] = [];
  const dir = `/batch${n}`;
  draft.dirs.push(dir);
  ops.push((m) => m.mkdir(dir));
  const size = dice.below(60) === 0 ? 17 * 1024 * 1024 : 2 * CHUNK;
  for (let i = 0; i < 2 + dice.below(10); i++) {
    // A batch that is larger than the page cache is written to disk before its
    // commit.
    const piece: Piece = [n * 100 + i, i === 0 ? size : 1 + dice.below(2 * CHUNK)];
    const path = `${dir}/${i}`;
    draft.files[path] = [[piece]];
    ops.push((m) => m.put(path, bytesOf([piece])));
  }
  for (const path of dice.some(Object.keys(draft.files), 3)) {
    if (path.startsWith(`${dir}/`)) continue;
    const piece: Piece = [n * 100 + 50, 1 + dice.below(CHUNK)];
    commit(draft, path, [...current(draft, path), piece]);
    ops.push((m) => m.append(path, bytesOf([piece])));
  }
  const old = draft.dirs.find((path) => path !== dir);
  if (draft.dirs.length > 4 && old !== undefined) {
    removeTree(draft, old);
    ops.push((m) => m.removeRecursive(old));
  }
  return {
    what: `batch of ${ops.length}`,
    run: (_, mount) =>
      mount.batch(async (tx) => {
        for (const op of ops) await op(tx);
      }),
  };
}

// --- pack and unpack ------------------------------------------------------------------

/** A directory is created, packed and unpacked repeatedly. */
function packStep(draft: Draft, dice: Dice, n: number): Made {
  const packed = Object.keys(draft.packs)[0];
  if (packed !== undefined) {
    const tree = draft.packs[packed];
    delete draft.packs[packed];
    draft.dirs.push(packed, ...tree.dirs.map((path) => packed + path));
    for (const [path, content] of Object.entries(tree.files)) {
      draft.files[packed + path] = [content];
    }
    draft.trash.push(`entry ${packed}`);
    return { what: `unpack ${packed}`, run: (_, m) => m.unpack(packed) };
  }
  if (draft.dirs.length > 0 && draft.trash.length > 6) {
    draft.trash.length = 0;
    return { what: "purge", run: (_, m) => m.purge() };
  }
  const top = draft.dirs.find((path) => path.lastIndexOf("/") === 0);
  if (top !== undefined && dice.below(5) > 0) {
    const dirs = draft.dirs.filter((path) => path.startsWith(`${top}/`));
    const files = Object.entries(draft.files).filter(([path]) => path.startsWith(`${top}/`));
    draft.packs[top] = {
      dirs: dirs.map((path) => path.slice(top.length)),
      files: Object.fromEntries(
        files.map(([path, versions]) => [path.slice(top.length), versions[0]]),
      ),
    };
    removeTree(draft, top);
    return { what: `pack ${top}`, run: (_, m) => m.pack(top) };
  }
  if (top !== undefined) {
    removeTree(draft, top);
    return { what: `remove ${top}`, run: (_, m) => m.removeRecursive(top) };
  }
  const made: [string, Content][] = [];
  const root = `/tree${n}`;
  const dirs = [root, `${root}/a`, `${root}/a/b`, `${root}/c`];
  for (let i = 0; i < 25; i++) {
    made.push([`${dice.of(dirs)}/${i}`, [[n * 100 + i, 1 + dice.below(3 * CHUNK)]]]);
  }
  draft.dirs.push(...dirs);
  for (const [path, content] of made) draft.files[path] = [content];
  return {
    what: `make ${root}`,
    run: (_, mount) =>
      mount.batch(async (tx) => {
        for (const dir of dirs) await tx.mkdir(dir);
        for (const [path, content] of made) await tx.put(path, bytesOf(content));
      }),
  };
}

// --- freeing space
// ------------------------------------------------------------

/** Files are created and removed; purge, prune and vacuum free their space. */
function purgeStep(draft: Draft, dice: Dice, n: number): Made {
  const files = Object.keys(draft.files);
  const path = dice.of(files);
  const kind = files.length < 4 ? 0 : dice.below(9);
  switch (kind) {
    case 1:
    case 2: {
      const piece: Piece = [n, 1 + dice.below(6 * CHUNK)];
      commit(draft, path, [piece]);
      return { what: `put ${path}`, run: (_, m) => m.put(path, bytesOf([piece])) };
    }
    case 3:
      removeFile(draft, path);
      return { what: `remove ${path}`, run: (_, m) => m.remove(path) };
    case 4: {
      const keep = 1 + dice.below(3);
      draft.keep[path] = keep;
      return { what: `keep ${keep} of ${path}`, run: (_, m) => m.setRetention(path, keep) };
    }
    case 5:
      draft.trash.length = 0;
      return { what: "purge", run: (_, m) => m.purge() };
    case 6:
      pruned(draft);
      return { what: "prune content", run: (fs) => fs.pruneContent() };
    case 7:
      return { what: "prune", run: (fs) => fs.prune() };
    case 8:
      return { what: "vacuum", run: (fs) => fs.vacuum() };
    default: {
      const made: [string, Content][] = Array.from(
        { length: 6 },
        (_, i) => [`/file${n}-${i}`, [[n * 10 + i, 1 + dice.below(8 * CHUNK)]]],
      );
      for (const [each, content] of made) draft.files[each] = [content];
      return {
        what: "make files",
        run: (_, mount) =>
          mount.batch(async (tx) => {
            for (const [each, content] of made) await tx.put(each, bytesOf(content));
          }),
      };
    }
  }
}

// --- volumes ------------------------------------------------------------------------------

/** The volume is forked, and older forks are removed. */
function forkStep(draft: Draft, dice: Dice, n: number): Made {
  if (Object.keys(draft.files).length < 8) return putStep(draft, dice, n);
  const forks = Object.keys(draft.forks);
  if (forks.length > 2) {
    const [old] = forks;
    delete draft.forks[old];
    return { what: `remove volume ${old}`, run: (fs) => fs.removeVolume(old) };
  }
  if (dice.below(3) === 0) return putStep(draft, dice, n);
  const name = `fork${n}`;
  draft.forks[name] = {
    dirs: [...draft.dirs],
    files: Object.fromEntries(Object.keys(draft.files).map((path) => [path, current(draft, path)])),
  };
  const chunkSize = dice.below(2) === 0 ? CHUNK : 1000;
  return { what: `fork ${name}`, run: (fs, mount) => fs.fork(mount, { name, chunkSize }) };
}

// --- the model ----------------------------------------------------------------------------

function current(draft: Draft, path: string): Content {
  return draft.files[path]?.[0] ?? [];
}

function commit(draft: Draft, path: string, content: Content): void {
  // Version 0, the empty one of a new entry, is not kept.
  const older = (draft.files[path] ?? []).filter((each) => each.length > 0);
  draft.files[path] = [content, ...older];
}

function moveFile(draft: Draft, from: string, to: string): void {
  draft.files[to] = draft.files[from];
  delete draft.files[from];
  if (from in draft.keep) draft.keep[to] = draft.keep[from];
  delete draft.keep[from];
}

function removeFile(draft: Draft, path: string): void {
  delete draft.files[path];
  delete draft.keep[path];
  draft.trash.push(`entry ${path}`);
}

function removeTree(draft: Draft, top: string): void {
  const below = (path: string) => path === top || path.startsWith(`${top}/`);
  draft.dirs = draft.dirs.filter((path) => !below(path));
  for (const path of Object.keys(draft.files)) if (below(path)) delete draft.files[path];
  draft.trash.push(`container ${top}`);
}

/** The state after a content prune. */
export function pruned(state: State | Draft): void {
  const files = state.files as Draft["files"];
  for (const [path, keep] of Object.entries(state.keep)) {
    files[path] = files[path].slice(0, keep);
  }
}

/** The bytes of a content. */
export function bytesOf(content: Content): Uint8Array<ArrayBuffer> {
  if (content.length === 1) return noise(...content[0]);
  const bytes = new Uint8Array(content.reduce((sum, [, size]) => sum + size, 0));
  let at = 0;
  for (const [seed, size] of content) {
    bytes.set(noise(seed, size), at);
    at += size;
  }
  return bytes;
}

// --- reading
// ------------------------------------------------------------------

/** The content in a comparable form: by path, versions as digests. */
export interface View {
  nodes: Record<string, string | string[]>;
  /** The retention by path, which shows nowhere else. */
  keep: Record<string, number>;
  trash: string[];
  /** The other volumes, with their content as lines. */
  forks: Record<string, string[]>;
}

/** The expected form of a state. */
export async function expected(state: State): Promise<View> {
  const nodes: View["nodes"] = {};
  for (const path of state.dirs) nodes[path] = "directory";
  for (const path of Object.keys(state.packs)) nodes[path] = "pack";
  for (const [path, versions] of Object.entries(state.files)) {
    nodes[path] = await Promise.all(versions.map(digestOfContent));
  }
  const forks: View["forks"] = {};
  for (const [name, { dirs, files }] of Object.entries(state.forks)) {
    forks[name] = [...dirs];
    for (const [path, content] of Object.entries(files)) {
      forks[name].push(`${path} ${await digestOfContent(content)}`);
    }
    forks[name].sort();
  }
  return { nodes, keep: { ...state.keep }, trash: [...state.trash].sort(), forks };
}

const digests = new Map<string, Promise<string>>();

function digestOfContent(content: Content): Promise<string> {
  const key = JSON.stringify(content);
  let digest = digests.get(key);
  if (digest === undefined) digests.set(key, digest = sha256(bytesOf(content)));
  return digest;
}

/** The actual form of the file. */
export async function actual(fs: AloeLite, mount: Mount): Promise<View> {
  const nodes: View["nodes"] = {};
  const keep: View["keep"] = {};
  for await (const { path, type } of walk(mount)) {
    const { retention } = await mount.stat(path);
    if (retention !== null) keep[path] = retention;
    if (type === "container") nodes[path] = "directory";
    else if (await isPack(mount, path)) nodes[path] = "pack";
    else nodes[path] = await versionsOf(mount, path);
  }
  const trash = (await mount.trash()).map((item) => `${item.type} ${item.path}`).sort();
  const forks: View["forks"] = {};
  for (const { id, name } of await fs.volumes()) {
    if (id === mount.volume) continue;
    await using fork = await fs.mount(id);
    const lines: string[] = [];
    for await (const { path, type } of walk(fork)) {
      lines.push(type === "container" ? path : `${path} ${await digestAt(fork, path)}`);
    }
    forks[name ?? `unnamed ${id}`] = lines.sort();
  }
  return { nodes, keep, trash, forks };
}

async function* walk(mount: Mount): AsyncGenerator<{ path: string; type: string }> {
  const pending = [""];
  for (let here = pending.pop(); here !== undefined; here = pending.pop()) {
    for (const { name, type } of await mount.list(here)) {
      const path = `${here}/${name}`;
      if (type === "container") pending.push(path);
      yield { path, type };
    }
  }
}

async function versionsOf(mount: Mount, path: string): Promise<string[]> {
  const digests: string[] = [];
  for (const { version, size } of await mount.history(path)) {
    const bytes = await mount.readAll(path, { version });
    const right = bytes.length === size;
    digests.push(right ? await sha256(bytes as Bytes) : `${bytes.length} bytes, not ${size}`);
  }
  return digests;
}

async function digestAt(mount: Mount, path: string): Promise<string> {
  return await sha256(await mount.readAll(path) as Bytes);
}

type Bytes = Uint8Array<ArrayBuffer>;

async function isPack(mount: Mount, path: string): Promise<boolean> {
  const head = await mount.readRange(path, 0, 5);
  return head[0] === 0x83 && new TextDecoder().decode(head.subarray(2)) === "fmt";
}

// --- random choices
// -----------------------------------------------------------

/** Choices derived from a seed. */
class Dice {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = random(seed);
  }

  below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  /** Some of the items, each at most once. */
  some<T>(items: readonly T[], most: number): T[] {
    const left = [...items];
    return Array.from(
      { length: Math.min(most, left.length) },
      () => left.splice(this.below(left.length), 1)[0],
    );
  }
}
