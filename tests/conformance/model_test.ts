/**
 * Compares random sequences of operations with simple models: a byte array for
 * content, a tree in memory for the namespace.
 *
 * `ALOELITE_TEST_RUNS` multiplies the number of runs.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { AloeError, type AloeLite, type Mount } from "../../mod.ts";
import { NAMES } from "../oracle/random_ops.ts";
import { onEachBackend } from "./backends.ts";
import { runs } from "../support/runs.ts";

// --- content -----------------------------------------------------------------

type Encryption = "none" | "convergent" | "random";

type Bytes = Uint8Array<ArrayBuffer>;

/** How to generate some bytes; keeps counterexamples readable. */
interface Recipe {
  length: number;
  /** Repeated bytes, which share chunks; zeros; noise. */
  kind: "same" | "zeros" | "noise";
  seed: number;
}

function cook({ length, kind, seed }: Recipe): Bytes {
  const byte = (i: number) =>
    kind === "same" ? seed : kind === "zeros" ? 0 : (i * 31 + seed * 7 + (i >> 3)) & 255;
  return Uint8Array.from({ length }, (_, i) => byte(i));
}

/** One change of an entry's content; picks select among existing values. */
type Change =
  | { do: "writeAll" | "append"; data: Recipe }
  | { do: "put"; data: Recipe; append: boolean; cuts: number[] }
  | { do: "writeRange"; offset: number; data: Recipe }
  | { do: "truncate"; size: number }
  | {
    do: "descriptor";
    mode: "truncate" | "append";
    data: Recipe;
    cuts: number[];
    abort: boolean;
  }
  | {
    do: "webStream";
    mode: "truncate" | "append";
    data: Recipe;
    cuts: number[];
    abort: boolean;
  }
  | { do: "restoreVersion"; pick: number }
  | { do: "prune"; keep: number | null };

/** How an entry is read after a change. */
interface Look {
  how: "readRange" | "descriptor" | "webStream" | "version";
  seeks: { whence: "set" | "cur" | "end"; offset: number; length: number }[];
}

/** Changes with sizes of a few chunks, mostly at chunk borders. */
function changes(chunkSize: number): fc.Arbitrary<Change> {
  const top = Math.min(chunkSize * 4, 9000);
  const size = fc.oneof(
    fc.nat(Math.min(top, chunkSize * 3)),
    fc.tuple(fc.nat(4), fc.integer({ min: -1, max: 1 })).map(([chunks, off]) =>
      Math.max(0, chunks * chunkSize + off)
    ),
    fc.nat(40),
  );
  const data: fc.Arbitrary<Recipe> = fc.record({
    length: size,
    kind: fc.constantFrom("same", "zeros", "noise"),
    seed: fc.nat(255),
  });
  const cuts = fc.array(fc.nat(1000), { maxLength: 5 });
  const mode = fc.constantFrom("truncate" as const, "append" as const);
  const abort = fc.nat(5).map((n) => n === 0);
  const change = <K extends Change["do"]>(kind: K) => fc.constant(kind);
  return fc.oneof(
    fc.record({ do: change("writeAll"), data }),
    fc.record({ do: change("append"), data }),
    fc.record({ do: change("put"), data, append: fc.boolean(), cuts }),
    fc.record({ do: change("writeRange"), offset: size, data }),
    fc.record({ do: change("truncate"), size }),
    fc.record({ do: change("descriptor"), mode, data, cuts, abort }),
    fc.record({ do: change("webStream"), mode, data, cuts, abort }),
    fc.record({ do: change("restoreVersion"), pick: fc.nat(100) }),
    {
      arbitrary: fc.record({
        do: change("prune"),
        keep: fc.option(fc.integer({ min: 1, max: 4 })),
      }),
      weight: 1,
    },
  );
}

const looks: fc.Arbitrary<Look> = fc.record({
  how: fc.constantFrom("readRange", "descriptor", "webStream", "version"),
  seeks: fc.array(
    fc.record({
      whence: fc.constantFrom("set", "cur", "end"),
      offset: fc.integer({ min: -70, max: 140 }),
      length: fc.nat(100),
    }),
    { minLength: 1, maxLength: 4 },
  ),
});

/** Data split at the cuts, including empty parts. */
function split(data: Bytes, cuts: number[]): Bytes[] {
  const at = [0, ...cuts.map((cut) => cut % (data.length + 1)), data.length]
    .toSorted((a, b) => a - b);
  return at.slice(1).map((end, index) => data.slice(at[index], end));
}

function concat(...parts: Uint8Array[]): Bytes {
  const whole = new Uint8Array(
    parts.reduce((sum, part) => sum + part.length, 0),
  );
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** An entry and its expected content. */
class ContentModel {
  readonly #file: AloeLite;
  readonly #volume: string;
  readonly #mount: Mount;
  readonly #path: string;
  #bytes: Bytes = new Uint8Array();
  #version = 0;
  #keep: number | null = null;
  /** The expected content of each retained version. */
  readonly #versions = new Map<number, Bytes>();

  constructor(file: AloeLite, volume: string, mount: Mount, path: string) {
    this.#file = file;
    this.#volume = volume;
    this.#mount = mount;
    this.#path = path;
  }

  async change(change: Change): Promise<void> {
    const mount = this.#mount;
    const path = this.#path;
    const data = "data" in change ? cook(change.data) : new Uint8Array();
    let next = this.#bytes;
    switch (change.do) {
      case "writeAll":
        await mount.writeAll(path, data);
        next = data;
        break;
      case "append":
        next = concat(this.#bytes, data);
        assert.equal(await mount.append(path, data), next.length);
        break;
      case "put": {
        const parts = split(data, change.cuts);
        await mount.put(
          path,
          change.cuts.length % 2 ? ReadableStream.from(parts) : data,
          { append: change.append },
        );
        next = change.append ? concat(this.#bytes, data) : data;
        break;
      }
      case "writeRange":
        if (data.length > 0) {
          next = concat(this.#bytes);
          if (next.length < change.offset + data.length) {
            next = new Uint8Array(change.offset + data.length);
            next.set(this.#bytes);
          }
          next.set(data, change.offset);
        }
        assert.equal(
          await mount.writeRange(path, change.offset, data),
          next.length,
        );
        break;
      case "truncate":
        await mount.truncate(path, change.size);
        next = new Uint8Array(change.size);
        next.set(this.#bytes.subarray(0, change.size));
        break;
      case "descriptor": {
        const fd = await mount.openWrite(path, change.mode);
        let at = change.mode === "append" ? this.#bytes.length : 0;
        for (const part of split(data, change.cuts)) {
          assert.equal(await fd.write(part), part.length);
          at += part.length;
          assert.equal(fd.tell(), at);
          assert.deepEqual(
            await mount.readAll(path),
            this.#bytes,
            "seen before it is closed",
          );
        }
        await (change.abort ? fd.abort() : fd.close());
        if (!change.abort) next = this.#written(change.mode, data);
        break;
      }
      case "webStream": {
        const fd = await mount.openWrite(path, change.mode);
        const writer = fd.writable.getWriter();
        for (const part of split(data, change.cuts)) {
          await writer.write(part);
        }
        await (change.abort ? writer.abort() : writer.close());
        if (!change.abort) next = this.#written(change.mode, data);
        break;
      }
      case "restoreVersion": {
        const known = [...this.#versions];
        if (known.length === 0) return;
        const [version, bytes] = known[change.pick % known.length];
        await mount.restoreVersion(path, version);
        next = bytes;
        break;
      }
      case "prune": {
        await mount.setRetention(path, change.keep);
        this.#keep = change.keep;
        await this.#file.pruneContent({ volume: this.#volume });
        await this.#forget();
        break;
      }
    }
    await this.#settle(next, change);
  }

  /**
   * Drops all versions but the newest from the model, as a prune does. Empty
   * versions have no rows to be pruned, so the model leaves open whether they
   * are counted.
   */
  async #forget(): Promise<void> {
    if (this.#keep === null) return;
    const listed = new Set((await this.#mount.history(this.#path)).map((v) => v.version));
    const byAge = [...this.#versions].toSorted(([a], [b]) => b - a);
    let before = 0;
    let full = 0;
    for (const [version, bytes] of byAge) {
      const must = before < this.#keep;
      const may = full < this.#keep;
      assert(!must || listed.has(version), `version ${version} is gone too early`);
      assert(may || !listed.has(version), `version ${version} is there still`);
      if (!listed.has(version)) this.#versions.delete(version);
      before++;
      if (bytes.length > 0 || version === this.#version) full++;
    }
  }

  #written(mode: "truncate" | "append", data: Bytes): Bytes {
    return mode === "append" ? concat(this.#bytes, data) : data;
  }

  /** Asserts the expected content, and that each change created a version. */
  async #settle(next: Bytes, change: Change): Promise<void> {
    assert.deepEqual(await this.#mount.readAll(this.#path), next);
    const { size, version } = await this.#mount.stat(this.#path);
    assert.equal(size, next.length);
    assert(version !== null && version >= this.#version, "versions grow");
    const changed = next.length !== this.#bytes.length ||
      next.some((byte, i) => byte !== this.#bytes[i]);
    assert(!changed || version > this.#version, `${change.do} made no version`);
    this.#bytes = next;
    this.#version = version;
    if (version > 0) this.#versions.set(version, next);
  }

  async look(look: Look): Promise<void> {
    const mount = this.#mount;
    const path = this.#path;
    const bytes = this.#bytes;
    switch (look.how) {
      case "readRange":
        for (const { offset, length } of look.seeks) {
          const at = Math.abs(offset);
          assert.deepEqual(
            await mount.readRange(path, at, length),
            bytes.slice(at, at + length),
          );
        }
        break;
      case "descriptor": {
        await using fd = await mount.openRead(path);
        let at = 0;
        for (const { whence, offset, length } of look.seeks) {
          const from = whence === "set" ? 0 : whence === "cur" ? at : bytes.length;
          if (from + offset >= 0) {
            at = from + offset;
            assert.equal(await fd.seek(offset, whence), at);
          }
          const got = await fd.read(length);
          assert.deepEqual(got, bytes.slice(at, at + length));
          at += got.length;
          assert.equal(fd.tell(), at);
        }
        await fd.seek(0, "set");
        assert.deepEqual(await fd.read(), bytes);
        assert.equal((await fd.read()).length, 0);
        break;
      }
      case "webStream": {
        await using fd = await mount.openRead(path);
        assert.deepEqual(concat(...await Array.fromAsync(fd.readable)), bytes);
        break;
      }
      case "version": {
        const listed = (await mount.history(path)).filter((v) => v.version > 0);
        assert.deepEqual(
          listed.map((v) => [v.version, v.size, v.current]),
          [...this.#versions]
            .toSorted(([a], [b]) => b - a)
            .map((
              [version, { length }],
            ) => [version, length, version === this.#version]),
        );
        for (const [version, held] of this.#versions) {
          assert.deepEqual(
            await mount.readAll(path, { version }),
            held,
            `version ${version}`,
          );
        }
        break;
      }
    }
  }
}

for (const encryption of ["none", "convergent", "random"] as const) {
  onEachBackend(`model: content is a byte array (${encryption})`, async (backend, t) => {
    for (const chunkSize of [1, 7, 8, 64, 4096]) {
      await t.step(`chunks of ${chunkSize}`, async () => {
        // Use one filesystem for each chunk size: the format has 256 addresses
        // for chunks of one byte, and several keys would use them up.
        await using store = await backend.create();
        const file = store.fs;
        await checkContent(file, encryption, chunkSize);
        assert.deepEqual(await file.health(), []);
      });
    }
  });
}

async function checkContent(
  file: AloeLite,
  encryption: Encryption,
  chunkSize: number,
): Promise<void> {
  const pin = encryption === "none" ? undefined : "1234";
  const { id } = await file.createVolume({
    chunkSize,
    pin,
    encryption: encryption === "none" ? undefined : encryption,
  });
  await using mount = await file.mount(id, { pin });
  let entries = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(changes(chunkSize), looks), {
        minLength: 1,
        maxLength: 14,
      }),
      async (steps) => {
        const path = `/${entries++}`;
        await mount.createEntry(path);
        const model = new ContentModel(file, id, mount, path);
        for (const [change, look] of steps) {
          await model.change(change);
          await model.look(look);
        }
      },
    ),
    { numRuns: runs(40) },
  );
  const { problems } = await mount.verify({ deep: true });
  assert.deepEqual(problems, []);
}

// --- namespace -----------------------------------------------------------------

/**
 * A node of the model. Children of a container are in the order of placement.
 */
interface Node {
  id: string;
  type: "container" | "entry";
  name: string;
  parent: Node | null;
  children: Node[];
  data: string;
}

type Step =
  | { do: "create" | "mkdir"; at: number; name: string; text: string }
  | {
    do: "move" | "copy";
    from: number;
    at: number;
    name: string;
    byId: boolean;
  }
  | { do: "rename"; from: number; name: string; byId: boolean }
  | { do: "remove" | "removeRecursive"; from: number; byId: boolean }
  | { do: "restore"; pick: number; at: number; name: string; to: boolean }
  | { do: "purge"; pick: number }
  | { do: "batch"; steps: Step[]; fail: boolean };

const name = fc.constantFrom(...NAMES.slice(0, 6));
const pick = fc.nat(1000);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("create"),
      at: pick,
      name,
      text: fc.string({ maxLength: 9 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("mkdir"),
      at: pick,
      name,
      text: fc.constant(""),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("move"),
      from: pick,
      at: pick,
      name,
      byId: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("copy"),
      from: pick,
      at: pick,
      name,
      byId: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("rename"),
      from: pick,
      name,
      byId: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("remove"),
      from: pick,
      byId: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("removeRecursive"),
      from: pick,
      byId: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("restore"),
      pick,
      at: pick,
      name,
      to: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("purge"), pick }) },
) as fc.Arbitrary<Step>;
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 9, arbitrary: step },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant("batch"),
        steps: fc.array(step, { maxLength: 5 }),
        fail: fc.boolean(),
      }) as fc.Arbitrary<Step>,
    },
  ),
  { minLength: 1, maxLength: 30, size: "max" },
);

/** A whole tree in memory, and the removed nodes. */
class TreeModel {
  readonly root: Node;
  /** The removed top nodes, each with its former place. */
  trash: { node: Node; from: Node }[] = [];

  constructor(id: string) {
    this.root = {
      id,
      type: "container",
      name: "/",
      parent: null,
      children: [],
      data: "",
    };
  }

  /** All placed nodes, the root first. */
  all(from: Node = this.root): Node[] {
    return [from, ...from.children.flatMap((child) => this.all(child))];
  }

  /** The child that a name refers to: the one with the greatest id. */
  visible(parent: Node, name: string): Node | undefined {
    return parent.children.filter((child) => child.name === name)
      .reduce<Node | undefined>(
        (best, n) => best === undefined || n.id > best.id ? n : best,
        undefined,
      );
  }

  /** Whether a path refers to the node. */
  reachable(node: Node): boolean {
    return node.parent === null ||
      this.visible(node.parent, node.name) === node &&
        this.reachable(node.parent);
  }

  path(node: Node): string {
    if (node.parent === null) return "/";
    const above = this.path(node.parent);
    return `${above === "/" ? "" : above}/${node.name}`;
  }

  find(path: string): Node | undefined {
    let node: Node | undefined = this.root;
    for (const part of path.split("/").filter((p) => p !== "")) {
      node = node && this.visible(node, part);
    }
    return node;
  }

  within(node: Node, above: Node): boolean {
    for (let n: Node | null = node; n !== null; n = n.parent) {
      if (n === above) return true;
    }
    return false;
  }

  place(node: Node, parent: Node, name: string): void {
    node.parent = parent;
    node.name = name;
    parent.children.push(node);
  }

  /** The path where a removed node would be restored. */
  formerPath({ node, from }: { node: Node; from: Node }): string {
    let above = "";
    for (let n = from; n !== this.root;) {
      above = `/${n.name}${above}`;
      n = n.parent ?? this.trash.find((item) => item.node === n)!.from;
    }
    return `${above}/${node.name}`;
  }

  /**
   * Returns a removed node with the nodes below it at the time of their
   * removal.
   */
  removedWith(node: Node): Set<Node> {
    const found = new Set(this.all(node));
    for (const each of found) {
      for (const item of this.trash.filter((other) => other.from === each)) {
        this.all(item.node).forEach((n) => found.add(n));
      }
    }
    return found;
  }

  detach(node: Node): void {
    node.parent!.children = node.parent!.children.filter((child) => child !== node);
    node.parent = null;
  }

  /** Copies the whole model, for a batch that is rolled back. */
  copy(): TreeModel {
    return structuredCloneModel(this);
  }
}

function structuredCloneModel(model: TreeModel): TreeModel {
  const { root, trash } = structuredClone({
    root: model.root,
    trash: model.trash,
  });
  const copy = new TreeModel(root.id);
  Object.assign(copy, { root, trash });
  return copy;
}

/** The error code of an operation; null for success. */
async function failure(operation: Promise<unknown>): Promise<string | null> {
  try {
    await operation;
    return null;
  } catch (error) {
    if (error instanceof AloeError) return error.code;
    throw error;
  }
}

/** Runs one step in both, and compares the outcomes. */
async function act(
  step: Step,
  model: TreeModel,
  mount: Mount,
): Promise<TreeModel> {
  const all = model.all();
  const reachable = all.filter((node) => model.reachable(node));
  const dirs = reachable.filter((node) => node.type === "container");
  /** A destination: a container and the path of a name in it. */
  const place = (at: number, name: string) => {
    const dir = dirs[at % dirs.length];
    return {
      dir,
      path: `${dir.parent === null ? "" : model.path(dir)}/${name}`,
    };
  };
  /** A node to work on, never the root; hidden nodes are used by id. */
  const target = (from: number, byId: boolean) => {
    const among = (byId ? all : reachable).slice(1);
    return among.length === 0 ? null : among[from % among.length];
  };
  switch (step.do) {
    case "create":
    case "mkdir": {
      const { dir, path } = place(step.at, step.name);
      const type = step.do === "create" ? "entry" : "container";
      const id = type === "entry"
        ? await mount.createEntry(path, new TextEncoder().encode(step.text))
        : await mount.createContainer(path);
      const node: Node = {
        id,
        type,
        name: "",
        parent: null,
        children: [],
        data: step.text,
      };
      model.place(node, dir, step.name);
      return model;
    }
    case "move": {
      const node = target(step.from, step.byId);
      if (node === null) return model;
      const { dir, path } = place(step.at, step.name);
      const still = node.parent === dir && node.name === step.name;
      const code = await failure(
        step.byId ? mount.moveById(node.id, path) : mount.move(model.path(node), path),
      );
      if (model.within(dir, node)) {
        assert.equal(code, "would_cycle");
        return model;
      }
      assert.equal(code, null);
      // A move to the node's own place may keep the placement or create a new
      // one.
      if (still && await keepsOrder(model, mount, dir)) return model;
      model.detach(node);
      model.place(node, dir, step.name);
      return model;
    }
    case "copy": {
      const node = target(step.from, step.byId);
      if (node === null) return model;
      const { dir, path } = place(step.at, step.name);
      const id = step.byId
        ? await mount.copyById(node.id, path)
        : await mount.copy(model.path(node), path);
      const copy = await cloneOf(node, id, mount);
      model.place(copy, dir, step.name);
      return model;
    }
    case "rename": {
      const node = target(step.from, step.byId);
      if (node === null) return model;
      if (step.byId) await mount.renameById(node.id, step.name);
      else await mount.rename(model.path(node), step.name);
      node.name = step.name;
      return model;
    }
    case "remove":
    case "removeRecursive": {
      const node = target(step.from, step.byId);
      if (node === null) return model;
      const path = model.path(node);
      const from = node.parent!;
      const code = await failure(
        step.do === "remove"
          ? step.byId ? mount.removeById(node.id) : mount.remove(path)
          : step.byId
          ? mount.removeRecursiveById(node.id)
          : mount.removeRecursive(path),
      );
      if (step.do === "remove" && node.children.length > 0) {
        assert.equal(code, "not_empty");
        return model;
      }
      assert.equal(code, null);
      model.detach(node);
      model.trash.push({ node, from });
      return model;
    }
    case "restore": {
      if (model.trash.length === 0) return model;
      const item = model.trash[step.pick % model.trash.length];
      const { node, from } = item;
      const target = step.to ? place(step.at, step.name) : null;
      const dir = target?.dir ?? from;
      const name = target === null ? node.name : step.name;
      const path = target?.path ?? model.formerPath(item);
      let code: string | null = null;
      try {
        assert.equal(await mount.restore(node.id, { to: target?.path }), path);
      } catch (error) {
        if (!(error instanceof AloeError)) throw error;
        code = error.code;
      }
      if (dir !== model.root && dir.parent === null || !model.within(dir, model.root)) {
        assert.equal(code, "not_found", "its directory is not there");
        return model;
      }
      if (model.visible(dir, name) !== undefined) {
        assert.equal(code, "already_exists", "its name is taken");
        return model;
      }
      assert.equal(code, null);
      model.trash = model.trash.filter((other) => other !== item);
      model.place(node, dir, name);
      // A node that is moved to its old place may keep its position in the
      // listing.
      const order = (await mount.listById(dir.id)).map((entry) => entry.node);
      dir.children.sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id));
      return model;
    }
    case "purge": {
      if (model.trash.length === 0) return model;
      const { node } = model.trash[step.pick % model.trash.length];
      const gone = model.removedWith(node);
      const { nodes } = await mount.purge({ id: node.id });
      assert.equal(nodes, gone.size);
      for (const { id } of gone) assert.equal(await failure(mount.statById(id)), "not_found");
      model.trash = model.trash.filter((item) => !gone.has(item.node));
      return model;
    }
    case "batch": {
      const before = model.copy();
      let after = model;
      const done = mount.batch(async (tx) => {
        for (const inner of step.steps) after = await act(inner, after, tx);
        if (step.fail) throw new Error("rolled back on purpose");
      });
      if (!step.fail) {
        await done;
        return after;
      }
      await assert.rejects(done, /rolled back on purpose/);
      return before;
    }
  }
}

async function keepsOrder(
  model: TreeModel,
  mount: Mount,
  dir: Node,
): Promise<boolean> {
  const listed = await mount.list(model.path(dir));
  return listed.every((entry, at) => entry.node === dir.children[at].id);
}

/** Returns the expected copy, with the ids that it was given. */
async function cloneOf(node: Node, id: string, mount: Mount): Promise<Node> {
  const { type, name, data } = node;
  const copy: Node = { id, type, name, parent: null, children: [], data };
  if (type === "container") {
    const listed = await mount.listById(id);
    // The listing of a copy into its own subtree may include the copy.
    assert.deepEqual(
      listed.map((e) => e.name),
      node.children.map((c) => c.name),
    );
    for (const [at, child] of node.children.entries()) {
      const inner = await cloneOf(child, listed[at].node, mount);
      copy.children.push(inner);
      inner.parent = copy;
    }
  }
  return copy;
}

/** Asserts that the whole volume equals the model. */
async function compare(model: TreeModel, mount: Mount): Promise<void> {
  for (const node of model.all()) {
    const reachable = model.reachable(node);
    const path = model.path(node);
    const info = reachable ? await mount.stat(path) : await mount.statById(node.id);
    assert.equal(info.id, node.id, path);
    assert.equal(info.type, node.type, path);
    if (node.parent !== null && reachable) {
      assert.equal(info.name, node.name, path);
    }
    if (node.type === "entry") {
      const bytes = reachable ? await mount.readAll(path) : await mount.readAllById(node.id);
      assert.equal(new TextDecoder().decode(bytes), node.data, path);
      continue;
    }
    const listed = reachable ? await mount.list(path) : await mount.listById(node.id);
    assert.deepEqual(
      listed.map(({ node, name, type, visible }) => ({ node, name, type, visible })),
      node.children.map((child) => ({
        node: child.id,
        name: child.name,
        type: child.type,
        visible: model.visible(node, child.name) === child,
      })),
      `the children of ${path}`,
    );
  }
  const trash = await mount.trash();
  assert.deepEqual(
    trash.map((item) => [item.id, item.nodes]).toSorted(),
    model.trash.map(({ node }) => [node.id, model.all(node).length]).toSorted(),
  );
  for (const removed of model.trash) {
    const { node } = removed;
    const item = trash.find((other) => other.id === node.id)!;
    assert.equal(item.path, model.formerPath(removed));
    assert.equal(
      item.size,
      model.all(node).reduce(
        (sum, n) => sum + new TextEncoder().encode(n.data).length,
        0,
      ),
    );
  }
}

onEachBackend("model: a namespace is a tree in memory", async (backend) => {
  await using store = await backend.create();
  const file = store.fs;
  await fc.assert(
    fc.asyncProperty(steps, async (steps) => {
      const { id, root } = await file.createVolume({ chunkSize: 64 });
      await using mount = await file.mount(id);
      let model = new TreeModel(root);
      for (const step of steps) {
        model = await act(step, model, mount);
        await compare(model, mount);
      }
      assert.deepEqual(await file.health(), []);
    }),
    { numRuns: runs(150) },
  );
});
