/** What a filesystem asks of the operations layer: inodes, change sets, the redo log, the past. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { mint } from "../../src/ids.ts";
import * as internal from "../../src/internal.ts";
import * as ops from "../../src/ops.ts";
import { runs } from "../support/runs.ts";

const CHUNK = 64;
const bytes = (text: string) => new TextEncoder().encode(text);

/** A volume with what a filesystem keeps of it. */
class Fixture implements AsyncDisposable {
  root = "";
  watermark!: internal.CommitOptions["watermark"];
  history: internal.History = "none";

  constructor(
    readonly folder: string,
    readonly file: string,
    public db: ops.OpenDatabase,
    public mount: ops.MountHandle,
    readonly pin: string | undefined,
  ) {}

  static async make(encryption?: "convergent" | "random"): Promise<Fixture> {
    const folder = await Deno.makeTempDir();
    const file = join(folder, "a.aloe");
    const db = await ops.openDatabase(file);
    const pin = encryption === undefined ? undefined : "pin";
    const volume = await ops.createVolume(db, { name: "v", chunkSize: CHUNK, pin, encryption });
    const fixture = new Fixture(folder, file, db, await ops.mount(db, volume.id, { pin }), pin);
    await fixture.begin();
    return fixture;
  }

  async begin(): Promise<void> {
    const { root, watermark, chunkSize } = await internal.inodeVolume(this.db, this.mount);
    assert.equal(chunkSize, CHUNK);
    this.root = root;
    this.watermark = watermark;
  }

  /** The daemon dies, and the volume is mounted again. */
  async remount(recover = true): Promise<void> {
    await this.db.close();
    this.db = await ops.openDatabase(this.file);
    const { volume, id } = this.mount;
    if (recover) await this.db.write((tx) => tx.run(sqlEndMount(id), {}));
    this.mount = await ops.mount(this.db, volume, { pin: this.pin });
    await this.begin();
  }

  commit(
    changes: Partial<internal.ChangeSet>,
    options: Partial<internal.CommitOptions> = {},
  ): Promise<unknown> {
    return internal.commitChanges(this.db, this.mount, { ...NOTHING, ...changes }, {
      durable: false,
      history: this.history,
      reclaim: 0,
      watermark: this.watermark,
      ...options,
    });
  }

  mint(): string {
    return mint(this.watermark);
  }

  /** Makes a node with a name. */
  async create(
    name: string,
    type: ops.NodeType = "entry",
    parent = this.root,
    more: Partial<internal.NewNode> = {},
  ): Promise<{ id: string; edge: string; parent: string }> {
    const id = this.mint();
    const edge = this.mint();
    await this.commit({
      created: [node(id, name, { type, ...more })],
      edgesAdded: [{ edge, parent, node: id, name, rename: false }],
      attributes: [attributes(id)],
    });
    return { id, edge, parent };
  }

  /** The tests look into the file. */
  sql(query: string, ...values: string[]): Record<string, unknown>[] {
    const database = new DatabaseSync(this.file, { enableForeignKeyConstraints: true });
    try {
      return database.prepare(query).all(...values).map((row) => ({ ...row }));
    } finally {
      database.close();
    }
  }

  /** What an API reader sees of a file. */
  read(id: string): Promise<Uint8Array> {
    return ops.readAllById(this.db, this.mount, id);
  }

  async sound(): Promise<void> {
    assert.deepEqual((await ops.verify(this.db, this.mount, { deep: true })).problems, []);
    assert.deepEqual(await ops.healthCheck(this.db), []);
    assert.deepEqual(this.sql("PRAGMA foreign_key_check"), []);
  }

  async reclaimAll(): Promise<void> {
    while (await internal.reclaimChunks(this.db, 100) === 100);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.db.close();
    await Deno.remove(this.folder, { recursive: true });
  }
}

const sqlEndMount = (id: string) => ({
  bind: () => ({
    sql: "UPDATE mount SET state = 'unmounted' WHERE mount_id = ?",
    parameters: [id],
  }),
});

const NOTHING: internal.ChangeSet = {
  created: [],
  content: [],
  xattrs: [],
  edgesRemoved: [],
  edgesAdded: [],
  attributes: [],
  removed: [],
  unlinked: [],
  relinked: [],
};

const TIMES = {
  atimeSec: 1_700_000_000,
  atimeNsec: 1,
  mtimeSec: -2,
  mtimeNsec: 999_999_999,
  ctimeSec: 4_102_444_800,
  ctimeNsec: 123_456_789,
};

function attributes(id: string, more: Partial<internal.AttributeRow> = {}): internal.AttributeRow {
  return { node: id, owner: false, mode: 0o640, uid: 1000, gid: 100, ...TIMES, ...more };
}

function node(id: string, name: string, more: Partial<internal.NewNode> = {}): internal.NewNode {
  return {
    id,
    type: "entry",
    name,
    mode: 0o640,
    uid: 1000,
    gid: 100,
    device: null,
    createdSec: 1_700_000_000,
    createdNsec: 5,
    ...more,
  };
}

function content(id: string, more: Partial<internal.ContentChange>): internal.ContentChange {
  return {
    node: id,
    keep: null,
    keepRows: 0,
    holes: [],
    chunks: [],
    stored: 0,
    redo: [],
    folded: [],
    size: 0,
    ...more,
  };
}

/** The content of a file, cut into chunks. */
function whole(id: string, data: Uint8Array): internal.ContentChange {
  const chunks = [];
  for (let index = 0; index * CHUNK < data.length; index++) {
    chunks.push({ index, data: data.slice(index * CHUNK, (index + 1) * CHUNK) });
  }
  return content(id, { chunks, stored: data.length, size: data.length, folded: "all" });
}

function noise(seed: number, length: number): Uint8Array {
  const data = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    data[i] = seed >>> 16;
  }
  return data;
}

Deno.test("a new node is what the filesystem said, for inodes and for the API", async () => {
  await using fs = await Fixture.make();
  const dir = await fs.create("dir", "container");
  const file = await fs.create("file", "entry", dir.id);
  const device = { kind: "char" as const, major: 1, minor: 3 };
  const special = await fs.create("null", "entry", dir.id, { device });
  const linked = fs.mint();
  await fs.commit({
    edgesAdded: [{ edge: linked, parent: fs.root, node: file.id, name: "hard", rename: false }],
    attributes: [attributes(file.id, { owner: true, mode: 0o4755, uid: 0, gid: 4294967294 })],
  });
  const found = await internal.lookupInode(fs.db, fs.mount, dir.id, "file");
  assert.deepEqual(found, {
    id: file.id,
    type: "entry",
    device: null,
    mode: 0o4755,
    uid: 0,
    gid: 4294967294,
    ...TIMES,
    size: 0,
    stored: 0,
    version: 0,
    redo: false,
    keep: null,
    holes: 0,
    nlink: 2,
    edge: file.edge,
    name: undefined,
  });
  const info = await ops.stat(fs.db, fs.mount, "/hard");
  assert.equal(info.id, file.id);
  assert.equal(info.modifiedAt, -1_000_000_001n);
  assert.equal(info.ctime, 4_102_444_800_123_456_789n);
  assert.equal(info.createdAt, 1_700_000_000_000_000_005n);
  assert.equal(info.mode, 0o4755);
  assert.equal((await internal.loadInode(fs.db, fs.mount, dir.id))!.nlink, 2);
  assert.equal((await internal.loadInode(fs.db, fs.mount, fs.root))!.nlink, 3);
  assert.deepEqual((await internal.loadInode(fs.db, fs.mount, special.id))!.device, device);
  assert.equal(await internal.loadInode(fs.db, fs.mount, dir.edge), null);
  assert.equal(await internal.lookupInode(fs.db, fs.mount, dir.id, "none"), null);
  await fs.sound();
});

Deno.test("listings come in pages, and leave out what a younger sibling hides", async () => {
  await using fs = await Fixture.make();
  const names: string[] = [];
  for (let i = 0; i < 10; i++) {
    await fs.create(`f${i % 8}`);
    if (i >= 2) names.push(`f${i % 8}`);
  }
  const pages: internal.InodePage[] = [];
  for (let after: string | null = ""; after !== null; after = pages.at(-1)!.after) {
    pages.push(await internal.listInodes(fs.db, fs.mount, fs.root, after, 4));
  }
  assert.deepEqual(pages.map((page) => page.inodes.length), [2, 4, 2]);
  const listed = pages.flatMap((page) => page.inodes);
  assert.deepEqual(listed.map((inode) => inode.name), names);
  for (const inode of listed) {
    const found = await internal.lookupInode(fs.db, fs.mount, fs.root, inode.name);
    assert.deepEqual({ ...found, name: inode.name }, inode);
  }
  const edges = fs.sql("SELECT edge_id FROM edge").map((row) => String(row.edge_id));
  assert.equal(await internal.hasChildren(fs.db, fs.mount, fs.root, edges.slice(1)), true);
  assert.equal(await internal.hasChildren(fs.db, fs.mount, fs.root, edges), false);
});

Deno.test("without a history content changes in place, and its old chunks are reclaimed", async () => {
  for (const encryption of [undefined, "convergent", "random"] as const) {
    await using fs = await Fixture.make(encryption);
    const { id } = await fs.create("file");
    const old = noise(1, 5 * CHUNK + 10);
    await fs.commit({ content: [whole(id, old)], attributes: [attributes(id)] });
    assert.deepEqual(await fs.read(id), old);
    // One chunk in place, a hole, a shorter end, and a chunk by its address.
    const [first] = await internal.chunkHashes(fs.db, fs.mount, id, 0, 0);
    const fresh = noise(2, CHUNK);
    const end = noise(3, 7);
    await fs.commit({
      content: [content(id, {
        keepRows: 4,
        holes: [{ first: 3, last: 4 }],
        chunks: [
          { index: 1, data: fresh },
          { index: 2, hash: first.hash },
          { index: 5, data: end },
        ],
        stored: 5 * CHUNK + 7,
        size: 5 * CHUNK + 7,
      })],
      attributes: [attributes(id)],
    });
    const wanted = new Uint8Array(5 * CHUNK + 7);
    wanted.set(old.subarray(0, CHUNK));
    wanted.set(fresh, CHUNK);
    wanted.set(old.subarray(0, CHUNK), 2 * CHUNK);
    wanted.set(end, 5 * CHUNK);
    assert.deepEqual(await fs.read(id), wanted);
    const { version, size, stored, mtimeNsec } = (await internal.loadInode(fs.db, fs.mount, id))!;
    assert.deepEqual([version, size, stored, mtimeNsec], [
      1,
      wanted.length,
      wanted.length,
      999_999_999,
    ]);
    assert.equal((await ops.historyById(fs.db, fs.mount, id)).length, 1);
    const before = fs.sql("SELECT count(*) AS n FROM content_chunk")[0].n as number;
    await fs.reclaimAll();
    // The five that were replaced or cut off; of the zeros and the first one each is there once.
    assert.equal(fs.sql("SELECT count(*) AS n FROM content_chunk")[0].n, before - 5);
    assert.equal(fs.sql("SELECT count(*) AS n FROM aloe_orphan")[0].n, 0);
    const zero = await internal.zeroChunkHash(fs.db, fs.mount);
    const hashes = await internal.chunkHashes(fs.db, fs.mount, id, 3, 99);
    assert.deepEqual(hashes.map((each) => each.index), [3, 4, 5]);
    if (encryption === "random") assert.equal(zero, null);
    else assert.equal(hashes[0].hash, zero);
    const chunks = await internal.readStoredChunks(fs.db, fs.mount, id, 1, 30);
    assert.deepEqual(chunks.map((each) => each.index), [1, 2, 3, 4, 5]);
    assert.deepEqual(chunks[0].data, fresh);
    assert.deepEqual(await internal.readChunk(fs.db, fs.mount, chunks[4].hash), end);
    await assert.rejects(internal.readChunk(fs.db, fs.mount, "nowhere"), { code: "corrupt" });
    await fs.commit({ content: [content(id, {})] });
    assert.deepEqual(await fs.read(id), new Uint8Array(0));
    await fs.commit({}, { reclaim: 100 });
    assert.equal(fs.sql("SELECT count(*) AS n FROM content_chunk")[0].n, 0);
    await fs.sound();
  }
});

/** What is done to a file whose holes are counted; `first` and `rows` in chunks. */
type HoleStep =
  | {
    do: "holes" | "data" | "cut" | "grow";
    first: number;
    rows: number;
    history: internal.History;
  }
  | { do: "foreign"; rows: number };

const holeSteps: fc.Arbitrary<HoleStep[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constantFrom("holes" as const, "data" as const, "cut" as const, "grow" as const),
        first: fc.nat(9),
        rows: fc.integer({ min: 1, max: 4 }),
        history: fc.constantFrom<internal.History>("none", 2, "all"),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant("foreign" as const), rows: fc.nat(5) }),
    },
  ),
  { minLength: 1, maxLength: 12 },
);

/** Does one step; the model tells of each chunk whether it is a hole. */
async function holeStep(
  fs: Fixture,
  id: string,
  model: boolean[],
  step: HoleStep,
): Promise<boolean[]> {
  if (step.do === "foreign") {
    // Another program makes a version and knows nothing of what was counted.
    await ops.put(fs.db, fs.mount, "/file", noise(step.rows, step.rows * CHUNK));
    return Array.from({ length: step.rows }, () => false);
  }
  const rows = model.length;
  if (step.do === "cut") {
    const left = Math.min(rows, step.first);
    const size = left * CHUNK;
    await fs.commit({
      content: [content(id, { keepRows: left, stored: size, size })],
      attributes: [attributes(id)],
    }, { history: step.history });
    return model.slice(0, left);
  }
  const first = step.do === "grow" ? rows : Math.min(step.first, rows);
  const last = first + step.rows - 1;
  const next = [...model];
  const chunks: internal.NewChunk[] = [];
  for (let index = first; index <= last; index++) {
    next[index] = step.do !== "data";
    if (step.do === "data") chunks.push({ index, data: noise(index, CHUNK) });
  }
  const size = next.length * CHUNK;
  await fs.commit({
    content: [content(id, {
      keepRows: rows,
      holes: step.do === "data" ? [] : [{ first, last }],
      chunks,
      stored: size,
      size,
    })],
    attributes: [attributes(id)],
  }, { history: step.history });
  return next;
}

Deno.test("holes are counted whatever becomes of a file", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(undefined, "convergent" as const, "random" as const),
      holeSteps,
      async (encryption, steps) => {
        await using fs = await Fixture.make(encryption);
        const { id } = await fs.create("file");
        let model: boolean[] = [];
        let copies = 0;
        for (const step of steps) {
          model = await holeStep(fs, id, model, step);
          const { holes, stored } = (await internal.loadInode(fs.db, fs.mount, id))!;
          assert.equal(stored, model.length * CHUNK, step.do);
          const counted = encryption === "random" ? 0 : model.filter((hole) => hole).length;
          assert.equal(holes, counted, step.do);
          const copy = `/copy ${++copies}`;
          await ops.copy(fs.db, fs.mount, "/file", copy);
          const copied = await internal.lookupInode(fs.db, fs.mount, fs.root, copy.slice(1));
          assert.equal(copied!.holes, counted, "of the copy");
        }
        await fs.sound();
      },
    ),
    { numRuns: runs(20) },
  );
});

Deno.test("a descriptor of the API sees what was changed in place", async () => {
  await using fs = await Fixture.make();
  const { id } = await fs.create("file");
  await fs.commit({ content: [whole(id, bytes("old bytes"))] });
  await using reader = await ops.openRead(fs.db, fs.mount, "/file");
  assert.deepEqual(await reader.read(3), bytes("old"));
  await fs.commit({ content: [whole(id, bytes("new bytes and more"))] });
  assert.deepEqual(await reader.read(6), bytes(" bytes"));
  await reader.seek(0);
  assert.deepEqual(await reader.read(18), bytes("new bytes and more"));
});

Deno.test("the redo log: earlier content for others until it is folded", async () => {
  for (const encryption of [undefined, "random"] as const) {
    await using fs = await Fixture.make(encryption);
    const { id } = await fs.create("file");
    const old = noise(1, 3 * CHUNK);
    await fs.commit({ content: [whole(id, old)] });
    const secret = bytes("a secret of the log");
    const kept = { keepRows: 3, stored: old.length };
    await fs.commit({
      content: [content(id, {
        ...kept,
        size: 4 * CHUNK + 5,
        redo: [{ index: 1, start: 3, data: secret }, { index: 4, start: 1, data: bytes("end") }],
      })],
      attributes: [attributes(id)],
    }, { durable: true });
    await fs.commit({
      content: [content(id, {
        ...kept,
        size: 4 * CHUNK + 5,
        redo: [{ index: 1, start: 5, data: bytes("xy") }],
      })],
      attributes: [attributes(id)],
    });
    const inode = (await internal.loadInode(fs.db, fs.mount, id))!;
    assert.deepEqual([inode.size, inode.stored, inode.redo], [4 * CHUNK + 5, 3 * CHUNK, true]);
    assert.deepEqual(await fs.read(id), old);
    assert.deepEqual(await internal.readRedo(fs.db, fs.mount, id, 1, 1), [
      { index: 1, start: 3, data: secret },
      { index: 1, start: 5, data: bytes("xy") },
    ]);
    const raw = Deno.readFileSync(`${fs.file}-wal`);
    assert.equal(
      new TextDecoder("latin1").decode(raw).includes("a secret of the log"),
      !encryption,
    );
    await fs.sound();

    await fs.remount();
    const wanted = new Uint8Array(4 * CHUNK + 5);
    wanted.set(old);
    wanted.set(secret, CHUNK + 3);
    wanted.set(bytes("xy"), CHUNK + 5);
    wanted.set(bytes("end"), 4 * CHUNK + 1);
    assert.deepEqual(await fs.read(id), wanted);
    const after = (await internal.loadInode(fs.db, fs.mount, id))!;
    assert.deepEqual([after.size, after.stored, after.redo], [wanted.length, wanted.length, false]);
    assert.deepEqual(fs.sql("SELECT * FROM aloe_redo"), []);
    assert.deepEqual(fs.sql("SELECT * FROM aloe_size"), []);
    await fs.sound();
  }
});

Deno.test("recovery gives what the log and the size say, whatever they are", async () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((seed >>> 8) / 2 ** 24 * below);
  };
  await using fs = await Fixture.make();
  const models = new Map<string, Uint8Array>();
  for (let round = 0; round < 60; round++) {
    const { id } = await fs.create(`file ${round}`);
    const stored = random(6) === 0 ? 0 : random(40 * CHUNK);
    const base = noise(round, stored);
    await fs.commit({ content: [whole(id, base)] });
    const size = random(3) === 0 ? stored : random(60 * CHUNK);
    const model = new Uint8Array(size);
    model.set(base.subarray(0, size));
    const redo: internal.ContentChange["redo"] = [];
    for (let i = random(40); i > 0; i--) {
      const index = random(Math.ceil(size / CHUNK) + 2);
      const start = random(CHUNK);
      const data = noise(seed, 1 + random(CHUNK - start));
      redo.push({ index, start, data });
      const at = index * CHUNK + start;
      if (at < size) model.set(data.subarray(0, size - at), at);
    }
    const rows = Math.ceil(stored / CHUNK);
    // In two commits, as they come.
    for (const part of [redo.slice(0, redo.length / 2), redo.slice(redo.length / 2)]) {
      await fs.commit({ content: [content(id, { keepRows: rows, stored, size, redo: part })] });
    }
    models.set(id, model);
  }
  await fs.remount();
  for (const [id, model] of models) {
    assert.deepEqual(await fs.read(id), model);
    const inode = (await internal.loadInode(fs.db, fs.mount, id))!;
    assert.deepEqual([inode.size, inode.stored, inode.redo], [model.length, model.length, false]);
  }
  assert.deepEqual(fs.sql("SELECT * FROM aloe_redo"), []);
  assert.deepEqual(fs.sql("SELECT * FROM aloe_size"), []);
  await fs.sound();
});

Deno.test("a log of another version than the committed one is dropped", async () => {
  await using fs = await Fixture.make();
  const { id } = await fs.create("file");
  await fs.commit({ content: [whole(id, bytes("old"))] });
  await fs.commit({
    content: [content(id, {
      keepRows: 1,
      stored: 3,
      size: 9,
      redo: [{ index: 0, start: 0, data: bytes("logged") }],
    })],
  });
  await ops.put(fs.db, fs.mount, "/file", "written by the API");
  const inode = (await internal.loadInode(fs.db, fs.mount, id))!;
  assert.deepEqual([inode.size, inode.stored, inode.redo], [18, 18, false]);
  await assert.rejects(
    fs.commit({ content: [content(id, { expected: { version: 1, stored: 3 } })] }),
    { code: "mount_conflict" },
  );
  await fs.remount();
  assert.deepEqual(await fs.read(id), bytes("written by the API"));
  assert.deepEqual(fs.sql("SELECT * FROM aloe_redo"), []);
});

Deno.test("recovery keeps the versions that a history has", async () => {
  await using fs = await Fixture.make();
  const { id } = await fs.create("file");
  fs.history = "all";
  await fs.commit({ content: [whole(id, bytes("one"))] });
  await fs.commit({ content: [whole(id, bytes("two"))] });
  await fs.commit({
    content: [content(id, {
      keepRows: 1,
      stored: 3,
      size: 5,
      redo: [{ index: 0, start: 0, data: bytes("three") }],
    })],
  });
  await fs.remount();
  assert.deepEqual(await fs.read(id), bytes("three"));
  const versions = await ops.historyById(fs.db, fs.mount, id);
  assert.deepEqual(versions.map(({ version, size }) => [version, size]), [[3, 5], [2, 3], [1, 3]]);
});

Deno.test("histories: all, some, and a file's own wish", async () => {
  await using fs = await Fixture.make();
  const { id } = await fs.create("file");
  const versions = async () =>
    (await ops.historyById(fs.db, fs.mount, id)).map((each) => each.version);
  fs.history = "all";
  for (const text of ["a", "b", "c", "d", ""]) {
    await fs.commit({ content: [whole(id, bytes(text))] });
  }
  assert.deepEqual(await versions(), [5, 4, 3, 2, 1]);
  fs.history = 3;
  await fs.commit({ content: [whole(id, bytes("f"))] });
  assert.deepEqual(await versions(), [6, 5, 4]);
  assert.deepEqual(await ops.readAll(fs.db, fs.mount, "/file", { version: 4 }), bytes("d"));
  fs.history = "none";
  await fs.commit({ content: [whole(id, bytes("g"))] });
  assert.deepEqual(await versions(), [6, 5, 4]);
  await fs.commit({ content: [{ ...whole(id, bytes("h")), keep: 2 }] });
  assert.deepEqual(await versions(), [7, 6]);
  fs.history = "all";
  await fs.commit({ content: [{ ...whole(id, bytes("i")), keep: 1 }] });
  assert.deepEqual(await versions(), [7, 6]);
  assert.deepEqual(await fs.read(id), bytes("i"));
  await fs.reclaimAll();
  await fs.sound();
});

Deno.test("with a history what is unlinked goes to the trash; without one it is gone", async () => {
  await using fs = await Fixture.make();
  for (const history of ["all", "none"] as const) {
    fs.history = history;
    const dir = await fs.create("dir", "container");
    const file = await fs.create("file", "entry", dir.id);
    await fs.commit({ content: [whole(file.id, noise(1, 100))] });
    await fs.commit({
      edgesRemoved: [file, dir].map(({ edge, parent, id }) => ({ edge, parent, node: id })),
      removed: [file.id, dir.id],
    });
    assert.deepEqual((await ops.list(fs.db, fs.mount, "/")).length, 0);
    assert.equal((await internal.loadInode(fs.db, fs.mount, fs.root))!.nlink, 2);
    const trash = await ops.listTrash(fs.db, fs.mount);
    if (history === "all") {
      assert.deepEqual(trash.map(({ path, nodes }) => [path, nodes]), [["/dir", 2]]);
      assert.equal(await ops.restoreTrash(fs.db, fs.mount, dir.id), "/dir");
      assert.deepEqual(await ops.readAll(fs.db, fs.mount, "/dir/file"), noise(1, 100));
      await ops.removeRecursive(fs.db, fs.mount, "/dir");
      await ops.purgeTrash(fs.db, fs.mount);
    } else {
      assert.deepEqual(trash, []);
      await fs.reclaimAll();
      for (const table of ["content_chunk", "content_version", "content", "edge"]) {
        assert.equal(fs.sql(`SELECT count(*) AS n FROM ${table}`)[0].n, 0, table);
      }
    }
    await fs.sound();
  }
});

Deno.test("a directory that something was removed from goes to the trash with it", async () => {
  await using fs = await Fixture.make();
  const top = await fs.create("top", "container");
  const dir = await fs.create("dir", "container", top.id);
  const file = await fs.create("file", "entry", dir.id);
  const other = await fs.create("other", "entry", dir.id);
  await ops.remove(fs.db, fs.mount, "/top/dir/file");
  await fs.commit({
    edgesRemoved: [other, dir, top].map(({ edge, parent, id }) => ({ edge, parent, node: id })),
    removed: [other.id, dir.id, top.id],
  });
  assert.equal(await internal.loadInode(fs.db, fs.mount, other.id), null);
  await ops.restoreTrash(fs.db, fs.mount, top.id);
  assert.equal(await ops.restoreTrash(fs.db, fs.mount, file.id), "/top/dir/file");
  await fs.sound();
});

Deno.test("what is open without a name lives as long as its mount", async () => {
  await using fs = await Fixture.make();
  const open = await fs.create("open");
  const again = await fs.create("again");
  const nameless = fs.mint();
  await fs.commit({
    created: [node(nameless, "tmp")],
    content: [whole(nameless, noise(4, 200)), whole(open.id, noise(5, 200))],
    edgesRemoved: [open, again].map(({ edge, parent, id }) => ({ edge, parent, node: id })),
    unlinked: [open.id, again.id, nameless],
    attributes: [attributes(open.id), attributes(nameless)],
  });
  assert.equal((await internal.loadInode(fs.db, fs.mount, open.id))!.nlink, 0);
  await internal.recoverVolume(fs.db, fs.mount);
  assert.deepEqual(await fs.read(open.id), noise(5, 200));
  await ops.prune(fs.db);
  assert.deepEqual(await fs.read(nameless), noise(4, 200));
  await fs.commit({
    edgesAdded: [{
      edge: fs.mint(),
      parent: fs.root,
      node: again.id,
      name: "named again",
      rename: true,
    }],
    relinked: [again.id],
    attributes: [attributes(again.id)],
  });
  await fs.remount();
  assert.equal(await internal.loadInode(fs.db, fs.mount, open.id), null);
  assert.equal(await internal.loadInode(fs.db, fs.mount, nameless), null);
  assert.equal((await ops.stat(fs.db, fs.mount, "/named again")).id, again.id);
  await fs.reclaimAll();
  assert.equal(fs.sql("SELECT count(*) AS n FROM content_chunk")[0].n, 0);
  await fs.sound();
});

Deno.test("renames, and names exchanged", async () => {
  await using fs = await Fixture.make();
  const dir = await fs.create("dir", "container");
  const a = await fs.create("a");
  const b = await fs.create("b", "container", dir.id);
  const edges = [fs.mint(), fs.mint()];
  await fs.commit({
    edgesRemoved: [a, b].map(({ edge, parent, id }) => ({ edge, parent, node: id })),
    edgesAdded: [
      { edge: edges[0], parent: dir.id, node: a.id, name: "b", rename: true },
      { edge: edges[1], parent: fs.root, node: b.id, name: "a", rename: true },
    ],
    attributes: [attributes(a.id), attributes(b.id)],
  });
  const moved = (await internal.lookupInode(fs.db, fs.mount, dir.id, "b"))!;
  assert.deepEqual([moved.id, moved.edge, moved.mtimeSec], [a.id, edges[0], -2]);
  assert.deepEqual(fs.sql("SELECT name FROM node WHERE node_id = ?", b.id), [{ name: "a" }]);
  assert.equal((await internal.loadInode(fs.db, fs.mount, fs.root))!.nlink, 4);
  assert.equal((await internal.loadInode(fs.db, fs.mount, dir.id))!.nlink, 2);
  await fs.sound();
});

Deno.test("directories are counted whoever makes them", async () => {
  await using fs = await Fixture.make();
  const links = async () => (await internal.loadInode(fs.db, fs.mount, fs.root))!.nlink;
  await ops.mkdir(fs.db, fs.mount, "/a");
  await ops.mkdir(fs.db, fs.mount, "/b");
  assert.equal(await links(), 4);
  await ops.move(fs.db, fs.mount, "/a", "/b/c");
  assert.equal(await links(), 3);
  await ops.removeRecursive(fs.db, fs.mount, "/b");
  assert.equal(await links(), 2);
  const [{ id }] = await ops.listTrash(fs.db, fs.mount);
  await ops.restoreTrash(fs.db, fs.mount, id);
  assert.equal(await links(), 3);
  await ops.removeRecursive(fs.db, fs.mount, "/b");
  await ops.purgeTrash(fs.db, fs.mount);
  assert.deepEqual(fs.sql("SELECT * FROM aloe_subdir"), []);
});

Deno.test("permission bits stay in step with those in the metadata", async () => {
  await using fs = await Fixture.make();
  const { id } = await fs.create("file");
  await ops.setMetadata(fs.db, fs.mount, "/file", { mode: "644", note: "x" });
  await fs.commit({ attributes: [attributes(id, { owner: true, mode: 0o4711 })] });
  assert.deepEqual((await ops.stat(fs.db, fs.mount, "/file")).metadata, {
    mode: "4711",
    note: "x",
  });
  fs.sql("UPDATE node SET mode = NULL WHERE node_id = ? RETURNING 1", id);
  assert.equal((await internal.loadInode(fs.db, fs.mount, id))!.mode, 0o4711);
  await ops.setMetadata(fs.db, fs.mount, "/file", { mode: "rwx" });
  assert.equal((await internal.loadInode(fs.db, fs.mount, id))!.mode, null);
});

Deno.test("extended attributes and targets of links", async () => {
  await using fs = await Fixture.make();
  const { id } = await fs.create("link", "symlink");
  const target = noise(1, 3 * CHUNK + 1);
  const value = Uint8Array.of(0, 1, 255);
  await fs.commit({
    content: [whole(id, target)],
    xattrs: [{ node: id, name: "user.a", value }, { node: id, name: "user.b", value: bytes("") }],
  });
  assert.deepEqual(await internal.readTarget(fs.db, fs.mount, id), target);
  assert.deepEqual(await internal.listInodeXattrs(fs.db, fs.mount, id), ["user.a", "user.b"]);
  await fs.commit({ xattrs: [{ node: id, name: "user.b", value: null }] });
  assert.deepEqual(await internal.getInodeXattr(fs.db, fs.mount, id, "user.a"), value);
  assert.equal(await internal.getInodeXattr(fs.db, fs.mount, id, "user.b"), null);
});

Deno.test("a commit happens whole or not at all, and only through a mount that may", async () => {
  await using fs = await Fixture.make();
  const id = fs.mint();
  const reader = await ops.mount(fs.db, fs.mount.volume, { access: "ro" });
  const changes = { ...NOTHING, created: [node(id, "x")] };
  const options = { durable: true, history: "none", reclaim: 0, watermark: fs.watermark } as const;
  await assert.rejects(internal.commitChanges(fs.db, reader, changes, options), {
    code: "read_only",
  });
  await assert.rejects(
    fs.commit({
      created: [node(id, "x")],
      content: [content(id, { size: 2 ** 24 * CHUNK + 1 })],
    }),
    { code: "unsupported" },
  );
  assert.equal(await internal.loadInode(fs.db, fs.mount, id), null);
  await ops.unmount(fs.db, fs.mount.id);
  await assert.rejects(fs.commit({ created: [node(id, "x")] }), { code: "mount_invalid" });
});

Deno.test("ids of a filesystem and of others grow past each other", async () => {
  await using fs = await Fixture.make();
  fs.watermark.ts += 100_000;
  const { id } = await fs.create("ours");
  assert.equal((await internal.inodeVolume(fs.db, fs.mount)).watermark.ts, fs.watermark.ts);
  const theirs = await ops.createEntry(fs.db, fs.mount, "/theirs");
  assert.ok(theirs > id);
  await fs.commit({});
  assert.ok(fs.mint() > theirs);
});

Deno.test("what another connection commits is noticed", async () => {
  await using fs = await Fixture.make();
  const before = await internal.changeCounter(fs.db);
  await fs.create("ours");
  assert.equal(await internal.changeCounter(fs.db), before);
  const other = await ops.openDatabase(fs.file);
  const mount = await ops.mount(other, fs.mount.volume);
  await ops.put(other, mount, "/theirs", "x");
  assert.notEqual(await internal.changeCounter(fs.db), before);
  await other.close();
  await internal.checkpoint(fs.db);
  // Of the WAL stays what removals need when somebody else fills the disk.
  assert.ok(Deno.statSync(`${fs.file}-wal`).size <= 1024 * 1024);
});

Deno.test("a file that lacks what is ours is read all the same", async () => {
  await using fs = await Fixture.make();
  const dir = await fs.create("dir", "container");
  const { id } = await fs.create("file", "entry", dir.id);
  await fs.commit({ content: [whole(id, bytes("content"))], attributes: [attributes(id)] });
  const inode = await internal.loadInode(fs.db, fs.mount, id);
  await fs.db.close();
  for (const { type, name } of fs.sql("SELECT type, name FROM sqlite_schema")) {
    if (!String(name).startsWith("aloe_") || type === "table") continue;
    fs.sql(`DROP ${String(type).toUpperCase()} ${name}`);
  }
  for (const { name } of fs.sql("SELECT name FROM sqlite_schema WHERE name LIKE 'aloe%'")) {
    fs.sql(`DROP TABLE ${name}`);
  }
  fs.db = await ops.openDatabase(fs.file, { readOnly: true });
  const mount = await ops.mount(fs.db, fs.mount.volume);
  assert.deepEqual(await internal.loadInode(fs.db, mount, id), inode);
  assert.equal((await internal.lookupInode(fs.db, mount, fs.root, "dir"))!.nlink, 2);
  assert.equal((await internal.loadInode(fs.db, mount, fs.root))!.nlink, 3);
  const [chunk] = await internal.readStoredChunks(fs.db, mount, id, 0, 9);
  assert.deepEqual(chunk.data, bytes("content"));
  assert.deepEqual(await internal.readRedo(fs.db, mount, id, 0, 9), []);
  assert.equal(
    (await internal.listInodesAt(fs.db, mount, fs.root, "", 9, 2n ** 61n)).inodes.length,
    1,
  );
});

/** Waits until ids and times made from now on are later. */
async function moment(): Promise<bigint> {
  await new Promise((resolve) => setTimeout(resolve, 5));
  const at = BigInt(Date.now()) * 1_000_000n;
  await new Promise((resolve) => setTimeout(resolve, 5));
  return at;
}

Deno.test("the past: names, content and links as they were", async () => {
  await using fs = await Fixture.make();
  fs.history = "all";
  const empty = await moment();
  const dir = await fs.create("dir", "container");
  const file = await fs.create("file", "entry", dir.id);
  const blank = await moment();
  await fs.commit({ content: [whole(file.id, noise(1, 100))] });
  const first = await moment();
  await fs.commit({ content: [whole(file.id, noise(2, 300))] });
  const edge = fs.mint();
  await fs.commit({
    edgesRemoved: [{ edge: file.edge, parent: dir.id, node: file.id }],
    edgesAdded: [{ edge, parent: fs.root, node: file.id, name: "moved", rename: true }],
    attributes: [attributes(file.id)],
  });
  const second = await moment();
  await fs.commit({
    edgesRemoved: [
      { edge, parent: fs.root, node: file.id },
      { edge: dir.edge, parent: fs.root, node: dir.id },
    ],
  });
  const last = await moment();

  const look = async (parent: string, at: bigint) => {
    const { inodes } = await internal.listInodesAt(fs.db, fs.mount, parent, "", 100, at);
    for (const inode of inodes) {
      const found = await internal.lookupInodeAt(fs.db, fs.mount, parent, inode.name, at);
      assert.deepEqual({ ...found, name: inode.name }, inode);
    }
    return inodes.map((inode) => [inode.name, inode.version, inode.size, inode.nlink]);
  };
  const read = async (at: bigint) => {
    const inode = (await internal.loadInodeAt(fs.db, fs.mount, file.id, at))!;
    const chunks = await internal.readVersionChunks(fs.db, fs.mount, file.id, inode.version, 0, 99);
    const data = new Uint8Array(inode.size);
    for (const chunk of chunks) data.set(chunk.data, chunk.index * CHUNK);
    return data;
  };
  assert.deepEqual(await look(fs.root, empty), []);
  assert.equal(await internal.loadInodeAt(fs.db, fs.mount, file.id, empty), null);
  assert.deepEqual(await look(fs.root, blank), [["dir", 0, 0, 1]]);
  assert.deepEqual(await look(dir.id, blank), [["file", 0, 0, 1]]);
  assert.deepEqual(await look(dir.id, first), [["file", 1, 100, 1]]);
  assert.deepEqual(await read(first), noise(1, 100));
  assert.deepEqual(await look(dir.id, second), []);
  assert.deepEqual(await look(fs.root, second), [["dir", 0, 0, 1], ["moved", 2, 300, 1]]);
  assert.deepEqual(await read(second), noise(2, 300));
  assert.deepEqual(await look(fs.root, last), []);
  assert.equal((await internal.loadInodeAt(fs.db, fs.mount, file.id, last))!.nlink, 0);
  assert.equal(await internal.lookupInodeAt(fs.db, fs.mount, fs.root, "moved", last), null);
});

Deno.test("no address stands for zeros where another chunk can have it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const db = await ops.openDatabase(join(folder, "a.aloe"));
    const zeros = async (encryption: "convergent" | "random" | undefined, chunkSize: number) => {
      const pin = encryption === undefined ? undefined : "pin";
      const options = { name: `${encryption} ${chunkSize}`, chunkSize, pin, encryption };
      const volume = await ops.createVolume(db, options);
      return await internal.zeroChunkHash(db, await ops.mount(db, volume.id, { pin }));
    };
    for (const size of [1, 15, 16, 4096]) {
      assert.notEqual(await zeros(undefined, size), null);
      assert.equal(await zeros("random", size), null);
      assert.equal(await zeros("convergent", size) === null, size < 16, `${size}`);
    }
    await db.close();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
