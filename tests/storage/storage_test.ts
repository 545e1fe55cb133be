/**
 * The storage layer: lanes, batches, waiting for other processes, durability,
 * statements, numbers, read-only files, backups.
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { encode } from "@msgpack/msgpack";
import { type AloeError, AloeLite, type Mount } from "../../mod.ts";
import { capability } from "../../src/storage/capabilities.ts";
import { Lane } from "../../src/storage/lane.ts";
import type { Transaction } from "../../src/storage/transaction.ts";
import {
  assertCode,
  digestOf,
  edit,
  Folder,
  noise,
  text,
  utf8,
  value,
  withRaw,
} from "./crash/support.ts";

/** A file in memory with a mounted volume of small chunks. */
class InMemory implements AsyncDisposable {
  private constructor(readonly fs: AloeLite, readonly mount: Mount) {}

  static async make(): Promise<InMemory> {
    const fs = await AloeLite.open(":memory:");
    await fs.createVolume({ name: "main", chunkSize: 16 });
    return new InMemory(fs, await fs.mount());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fs.close();
  }
}

/** Creates a file with a volume and closes it. */
async function makeFile(path: string): Promise<string> {
  await using fs = await AloeLite.open(path);
  await fs.createVolume({ name: "main", chunkSize: 16 });
  await using mount = await fs.mount();
  await mount.mkdir("/docs");
  await mount.put("/docs/a.txt", "hello");
  return path;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

// --- the lane --------------------------------------------------------------------

Deno.test("lane: runs one task at a time, in order, also after errors", async () => {
  const lane = new Lane();
  const order: number[] = [];
  let running = 0;
  const tasks = Array.from({ length: 200 }, (_, i) =>
    lane.run(async () => {
      assert.equal(++running, 1);
      if (i % 3 === 0) await pause(0);
      order.push(i);
      running--;
      if (i % 7 === 0) throw new Error(`task ${i}`);
      return i;
    }));
  const ends = await Promise.allSettled(tasks);
  assert.deepEqual(order, Array.from({ length: 200 }, (_, i) => i));
  ends.forEach((end, i) => assert.equal(end.status, i % 7 === 0 ? "rejected" : "fulfilled"));
  assert.equal(lane.busy, false);
});

Deno.test("lane: a task that arrives during a handover waits its turn", async () => {
  const lane = new Lane();
  const order: string[] = [];
  const first = lane.run(() => pause(1).then(() => void order.push("first")));
  const second = lane.run(() => pause(1).then(() => void order.push("second")));
  const late = first.then(() => lane.run(() => Promise.resolve(void order.push("late"))));
  await Promise.all([first, second, late]);
  assert.deepEqual(order, ["first", "second", "late"]);
});

Deno.test("storage: 200 concurrent operations do not share a transaction", async () => {
  await using memory = await InMemory.make();
  const { mount } = memory;
  await mount.put("/log", "");
  const ops: Promise<unknown>[] = [];
  for (let i = 0; i < 40; i++) {
    ops.push(mount.append("/log", utf8(`${i};`)));
    ops.push(mount.createEntry(`/file${i}`, utf8(`${i}`)));
    // An error of one operation does not affect the others.
    ops.push(assertCode("not_found", mount.put(`/nowhere/${i}`, "x")));
    ops.push(mount.list("/").then((children) => assert.equal(children.length, i + 2)));
    ops.push(
      mount.batch(async (tx) => {
        await tx.append("/log", utf8("("));
        await pause(0);
        await tx.append("/log", utf8(")"));
      }),
    );
  }
  await Promise.all(ops);
  const log = Array.from({ length: 40 }, (_, i) => `${i};()`).join("");
  assert.equal(text(await mount.readAll("/log")), log);
  for (let i = 0; i < 40; i++) assert.equal(text(await mount.readAll(`/file${i}`)), `${i}`);
  assert.deepEqual(await memory.fs.health(), []);
  assert.deepEqual((await mount.verify({ deep: true })).problems, []);
});

// --- batches ----------------------------------------------------------------------

Deno.test("batch: its operations see each other, others see nothing until the end", async () => {
  using folder = new Folder();
  const file = await makeFile(folder.at("a.aloe"));
  await using fs = await AloeLite.open(file);
  await using other = await AloeLite.open(file);
  await using mount = await fs.mount();
  await using theirs = await other.mount();
  const result = await mount.batch(async (tx) => {
    await tx.mkdir("/new/deep", { parents: true });
    await tx.put("/new/deep/file", "bytes");
    assert.equal(text(await tx.readAll("/new/deep/file")), "bytes");
    assert.equal(await theirs.exists("/new"), false);
    return "result";
  });
  assert.equal(result, "result");
  assert.equal(text(await theirs.readAll("/new/deep/file")), "bytes");
});

Deno.test("batch: an exception rolls it back", async () => {
  await using memory = await InMemory.make();
  const { fs, mount } = memory;
  await mount.put("/kept", "before");
  const fault = new Error("changed my mind");
  const before = await fs.info();
  await assert.rejects(
    mount.batch(async (tx) => {
      await tx.put("/kept", "after");
      await tx.put("/new", noise(1, 100));
      await tx.removeRecursive("/kept");
      throw fault;
    }),
    (error) => error === fault,
  );
  assert.equal(text(await mount.readAll("/kept")), "before");
  assert.equal(await mount.exists("/new"), false);
  assert.deepEqual(await mount.trash(), []);
  assert.deepEqual(await fs.info(), before);
  // Ids ascend after a rollback.
  assert.ok(await mount.createEntry("/a") < await mount.createEntry("/b"));
});

Deno.test("batch: an error before the first change can be caught", async () => {
  await using memory = await InMemory.make();
  const { mount } = memory;
  await mount.batch(async (tx) => {
    await tx.put("/a", "a");
    await assertCode("not_found", tx.stat("/b"));
    await assertCode("not_found", tx.put("/nowhere/b", "b"));
    await assertCode("not_a_container", tx.mkdir("/a/b"));
    await assertCode("nameless", tx.rename("/a", ""));
    await assertCode("invalid", tx.truncate("/a", -1));
    await tx.put("/c", "c");
  });
  assert.deepEqual((await mount.list("/")).map((child) => child.name), ["a", "c"]);
});

/** A packed directory with an invalid entry: unpacking it fails half-way. */
const DAMAGED_PACK = encode({
  fmt: "aloefs.pack",
  ver: 1,
  nodes: [
    { p: -1, t: "container", n: "dir", c: 1, m: 1 },
    { p: 0, t: "entry", n: "file", c: 1, m: 1, d: utf8("in it") },
    { p: 0, t: "teapot", n: "short and stout", c: 1, m: 1 },
  ],
}) as Uint8Array<ArrayBuffer>;

Deno.test("batch: an error after a change fails the whole, caught or not", async () => {
  await using memory = await InMemory.make();
  const { fs, mount } = memory;
  await mount.put("/pack", DAMAGED_PACK);
  const unpacking = async (tx: Mount) => {
    await tx.put("/new", "new");
    await assertCode("corrupt", tx.unpack("/pack"));
    // Later operations are refused with the error that broke the batch.
    await assertCode("corrupt", tx.put("/other", "other"));
    await assertCode("corrupt", tx.stat("/pack"));
  };
  await assertCode("corrupt", mount.batch(unpacking));
  assert.deepEqual((await mount.list("/")).map((child) => child.name), ["pack"]);
  assert.deepEqual(await mount.readAll("/pack"), DAMAGED_PACK);
  assert.deepEqual(await mount.trash(), []);
  assert.deepEqual(await fs.health(), []);
  // The next batch is not affected.
  await mount.batch((tx) => tx.put("/fine", "fine"));
  assert.equal(text(await mount.readAll("/fine")), "fine");
  // Outside a batch the operation is rolled back too.
  await assertCode("corrupt", mount.unpack("/pack"));
  assert.deepEqual((await mount.list("/")).map((child) => child.name), ["pack", "fine"]);
});

Deno.test("batch: a nested batch joins the outer one", async () => {
  await using memory = await InMemory.make();
  const { fs, mount } = memory;
  await mount.batch(async (tx) => {
    await tx.put("/a", "a");
    await tx.batch((inner) => inner.put("/b", "b"));
    // A nested batch that fails before its first change can be caught, like an
    // operation.
    await assertCode("not_found", tx.batch((inner) => inner.put("/nowhere/c", "c")));
    await tx.put("/c", "c");
  });
  assert.deepEqual((await mount.list("/")).map((child) => child.name), ["a", "b", "c"]);
  await assert.rejects(
    mount.batch(async (tx) => {
      await tx.put("/d", "d");
      await assert.rejects(tx.batch(async (inner) => {
        await inner.put("/e", "e");
        throw new Error("half-way");
      }));
    }),
    { message: "half-way" },
  );
  assert.deepEqual((await mount.list("/")).map((child) => child.name), ["a", "b", "c"]);
  // A batch of the whole file, over two volumes.
  await fs.createVolume({ name: "second" });
  await using second = await fs.mount("second");
  const first = mount;
  await assert.rejects(fs.batch(async (tx) => {
    await tx.use(first).put("/x", "x");
    await tx.use(second).put("/x", "x");
    throw new Error("undo both");
  }));
  assert.equal(await first.exists("/x"), false);
  assert.equal(await second.exists("/x"), false);
  await fs.batch(async (tx) => {
    await tx.use(first).put("/x", "x");
    await tx.use(second).put("/x", "x");
  });
  assert.equal(await first.exists("/x") && await second.exists("/x"), true);
});

Deno.test("batch: its concurrent operations do not mix", async () => {
  await using memory = await InMemory.make();
  const { mount } = memory;
  await mount.put("/log", "");
  await mount.batch(async (tx) => {
    await Promise.all(
      Array.from({ length: 100 }, (_, i) => tx.append("/log", utf8(`${i};`))),
    );
  });
  const log = Array.from({ length: 100 }, (_, i) => `${i};`).join("");
  assert.equal(text(await mount.readAll("/log")), log);
});

Deno.test("batch: the outer handle is refused within it, without waiting", async () => {
  await using memory = await InMemory.make();
  const { fs, mount } = memory;
  await mount.batch(async (tx) => {
    await assertCode("invalid", mount.put("/a", "a"));
    await assertCode("invalid", mount.stat("/"));
    await assertCode("invalid", mount.batch(() => Promise.resolve()));
    await assertCode("invalid", fs.volumes());
    await assertCode("invalid", fs.close());
    await tx.put("/b", "b");
  });
  assert.deepEqual((await mount.list("/")).map((child) => child.name), ["b"]);
});

Deno.test("batch: operations that cannot run in one are refused", async () => {
  await using memory = await InMemory.make();
  const { fs, mount } = memory;
  await fs.batch(async (tx) => {
    await tx.use(mount).put("/a", "a");
    const { vacuum } = await import("../../src/ops.ts");
    await assertCode("invalid", vacuum(tx.db));
  });
  assert.equal(await mount.exists("/a"), true);
});

Deno.test("batch: others wait for its end", async () => {
  await using memory = await InMemory.make();
  const { mount } = memory;
  const order: string[] = [];
  const batch = mount.batch(async (tx) => {
    await tx.put("/a", "");
    await pause(30);
    await tx.put("/b", "");
    order.push("batch");
  });
  const later = mount.list("/").then((children) => {
    order.push("later");
    return children.length;
  });
  await batch;
  assert.equal(await later, 2);
  assert.deepEqual(order, ["batch", "later"]);
});

Deno.test("batch: its handle is invalid after its end", async () => {
  await using memory = await InMemory.make();
  const { mount } = memory;
  let kept: Mount | undefined;
  await mount.batch(async (tx) => {
    kept = tx;
    await tx.put("/a", "a");
  });
  await assertCode("invalid", kept!.put("/b", "b"));
  await assertCode("invalid", kept!.stat("/a"));
  assert.equal(await mount.exists("/b"), false);
});

Deno.test("batch: tasks that it left running may use the file after its end", async () => {
  await using memory = await InMemory.make();
  const { mount } = memory;
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  let left: Promise<void> | undefined;
  await mount.batch(async (tx) => {
    left = ended.then(() => mount.put("/left", "left"));
    await tx.put("/a", "a");
  });
  const other = mount.batch((tx) => pause(5).then(() => tx.put("/b", "b")));
  end();
  await Promise.all([left, other]);
  assert.deepEqual((await mount.list("/")).map((child) => child.name), ["a", "b", "left"]);
});

Deno.test("batch: a large one is written to disk before its commit, and still rolls back", async () => {
  using folder = new Folder();
  const file = folder.at("a.aloe");
  await using fs = await AloeLite.open(file);
  await fs.createVolume({ name: "main" });
  await using mount = await fs.mount();
  const large = noise(1, 40 * 1024 * 1024);
  await assert.rejects(mount.batch(async (tx) => {
    await tx.put("/large", large);
    await tx.put("/small", "small");
    throw new Error("undo");
  }));
  assert.equal(await mount.exists("/large"), false);
  assert.equal(value(file, "SELECT count(*) FROM content_chunk"), 0n);
  await mount.batch((tx) => tx.put("/large", large));
  assert.deepEqual(await mount.readAll("/large"), large);
});

// --- opening and closing --------------------------------------------------------------

Deno.test("storage: a closed file is refused, and closing waits for running tasks", async () => {
  const { fs, mount } = await InMemory.make();
  const written = mount.put("/a", noise(1, 1000));
  const read = mount.readAll("/a");
  const closed = fs.close();
  await Promise.all([written, closed, fs.close()]);
  assert.equal((await read).length, 1000);
  await fs.close();
  for (
    const late of [
      () => mount.put("/b", "b"),
      () => mount.stat("/"),
      () => mount.list("/"),
      () => fs.volumes(),
      () => fs.createVolume(),
      () => fs.batch(() => Promise.resolve()),
      () => mount.unmount(),
      () => fs.health(),
    ]
  ) {
    await assertCode("invalid", late);
  }
});

Deno.test("storage: descriptors of a closed file are refused", async () => {
  const { fs, mount } = await InMemory.make();
  await mount.put("/a", noise(1, 100));
  const input = await mount.openRead("/a");
  const output = await mount.openWrite("/b");
  await fs.close();
  await assertCode("invalid", input.read());
  await assertCode("invalid", output.write(noise(2, 100)));
  await assertCode("invalid", output.close());
});

Deno.test("storage: every :memory: is a separate file, gone when it is closed", async () => {
  await using one = await InMemory.make();
  await using two = await AloeLite.open(":memory:");
  assert.equal((await one.fs.volumes()).length, 1);
  assert.equal((await two.volumes()).length, 0);
  assert.equal(one.fs.path, ":memory:");
  await two.createVolume({ name: "other" });
  await one.mount.put("/a", "a");
  await one.mount.remove("/a");
  assert.equal((await one.mount.purge()).nodes, 1);
  await one.fs.vacuum();
  assert.deepEqual(await one.fs.health(), []);
  using folder = new Folder();
  const before = Deno.cwd();
  Deno.chdir(folder.path);
  try {
    await using three = await AloeLite.open(":memory:");
    assert.equal((await three.volumes()).length, 0);
    assert.deepEqual(folder.names(), []);
  } finally {
    Deno.chdir(before);
  }
});

Deno.test("storage: volumes are listed in the order of creation", async () => {
  await using fs = await AloeLite.open(":memory:");
  const names = Array.from({ length: 30 }, (_, i) => `${i}`);
  for (const name of names) await fs.createVolume({ name });
  assert.deepEqual((await fs.volumes()).map((volume) => volume.name), names);
  // Of several volumes with one name, the newest is used.
  for (let i = 0; i < 10; i++) {
    const { id } = await fs.createVolume({ name: "again" });
    assert.equal((await fs.volume("again")).id, id);
  }
});

Deno.test("storage: opens names that SQLite treats as special", async () => {
  using folder = new Folder();
  for (const name of ["a?b=c.aloe", "50%.aloe", "#1.aloe", "mit Leerzeichen ü.aloe", "file:x"]) {
    await makeFile(folder.at(name));
    assert.ok(folder.names().includes(name), name);
    await using fs = await AloeLite.open(folder.at(name), { readOnly: true });
    await using mount = await fs.mount();
    assert.equal(text(await mount.readAll("/docs/a.txt")), "hello");
  }
  const url = new URL(`file://${folder.path}/a%20url%3F.aloe`);
  await using fs = await AloeLite.open(url);
  await fs.createVolume();
  assert.ok(folder.names().includes("a url?.aloe"));
});

Deno.test("storage: the URL of a server is refused without showing its password", async () => {
  const servers = [
    "postgres://me:hunter2@db.example/files",
    "postgresql://me:hunter2@/files?host=/tmp",
    "POSTGRES://me:hunter2@db.example",
    "mysql://me:hunter2@db.example/files",
  ];
  for (
    const server of [
      ...servers,
      ...servers.filter((server) => URL.canParse(server)).map((server) => new URL(server)),
    ]
  ) {
    for (const open of [AloeLite.open, AloeLite.repair]) {
      await assert.rejects(open(server), (error: AloeError) => {
        assert.equal(error.code, "unsupported");
        assert.ok(!`${error.stack}`.includes("hunter2"), error.message);
        return true;
      });
    }
  }
  await assert.rejects(
    AloeLite.open(new URL("https://me:hunter2@example.org/a.aloe")),
    (error: AloeError) => error.code === "invalid" && !error.message.includes("hunter2"),
  );
});

Deno.test("storage: a missing capability of a backend is refused by name", () => {
  const tx = { capabilities: {} } as Transaction;
  assert.throws(
    () => capability(tx, "vacuum"),
    (error: AloeError) => error.code === "unsupported" && error.message.includes("vacuum"),
  );
});

Deno.test("storage: a new file is in WAL mode, with foreign keys and the documented page size", async () => {
  using folder = new Folder();
  const file = await makeFile(folder.at("a.aloe"));
  assert.equal(value(file, "PRAGMA journal_mode"), "wal");
  assert.equal(value(file, "PRAGMA page_size"), 4096n);
  assert.equal(value(file, "PRAGMA user_version"), 3n);
  // A closed file has no companions.
  assert.deepEqual(folder.names(), ["a.aloe"]);
});

Deno.test("storage: a file with a rollback journal is set to WAL again", async () => {
  using folder = new Folder();
  const file = await makeFile(folder.at("a.aloe"));
  edit(file, "PRAGMA journal_mode = DELETE");
  assert.equal(value(file, "PRAGMA journal_mode"), "delete");
  await (await AloeLite.open(file)).close();
  assert.equal(value(file, "PRAGMA journal_mode"), "wal");
});

// --- durability ------------------------------------------------------------------------

Deno.test("storage: full durability syncs each commit except the steps of a stream", async () => {
  using folder = new Folder();
  for (const durability of ["full", "normal"] as const) {
    await using fs = await AloeLite.open(folder.at(`${durability}.aloe`), { durability });
    await fs.createVolume({ name: "main", chunkSize: 16 });
    await using mount = await fs.mount();
    const synchronous = () =>
      fs.db.query(async () => {
        const connection = await fs.db.sharedDriver().acquireConnection();
        const { rows } = await connection.executeQuery<{ synchronous: number }>({
          sql: "PRAGMA synchronous",
          parameters: [],
        } as never);
        return rows[0].synchronous;
      });
    const full = durability === "full" ? 2 : 1;
    await mount.put("/a", "a");
    assert.equal(await synchronous(), full);
    await using out = await mount.openWrite("/b");
    assert.equal(await synchronous(), full);
    await out.write(noise(1, 100));
    assert.equal(await synchronous(), 1);
    await out.close();
    assert.equal(await synchronous(), full);
  }
});

// --- waiting for others -----------------------------------------------------------------

Deno.test("busy: a writer waits for another connection's transaction", async () => {
  using folder = new Folder();
  const file = await makeFile(folder.at("a.aloe"));
  await using one = await AloeLite.open(file);
  await using two = await AloeLite.open(file);
  await using mine = await one.mount();
  await using theirs = await two.mount();
  const held = theirs.batch(async (tx) => {
    await tx.put("/b", "b");
    await pause(150);
  });
  // A reader sees the earlier state, and does not wait.
  assert.equal(await mine.exists("/b"), false);
  assert.equal(text(await mine.readAll("/docs/a.txt")), "hello");
  await mine.put("/c", "c");
  assert.equal(await mine.exists("/b"), true);
  await held;
});

Deno.test("busy: waits for busyTimeout", async () => {
  using folder = new Folder();
  const file = await makeFile(folder.at("a.aloe"));
  await using one = await AloeLite.open(file);
  await using theirs = await one.mount();
  for (const busyTimeout of [0, 200]) {
    await using two = await AloeLite.open(file, { busyTimeout });
    await using mine = await two.mount();
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const { promise: holds, resolve: hold } = Promise.withResolvers<void>();
    const held = theirs.batch(async (tx) => {
      await tx.put("/b", "b");
      hold();
      await released;
    });
    await holds;
    const began = performance.now();
    await assertCode("busy", mine.put("/c", "c"));
    const waited = performance.now() - began;
    // Less than the default of 10 s, also on a busy machine.
    assert.ok(waited >= busyTimeout && waited < 10_000, `${waited} ms`);
    await assertCode("busy", mine.batch((tx) => tx.put("/c", "c")));
    release();
    await held;
    await mine.put("/c", "c");
  }
});

/**
 * Locks a whole file, as a writer with a rollback journal does, until it is
 * released.
 */
function seize(file: string, ms: number): Promise<void> {
  const db = new DatabaseSync(file);
  db.exec("PRAGMA journal_mode = DELETE");
  db.exec("BEGIN EXCLUSIVE");
  return pause(ms).then(() => {
    db.exec("ROLLBACK");
    db.close();
  });
}

Deno.test("busy: opening waits too", async () => {
  using folder = new Folder();
  const file = await makeFile(folder.at("a.aloe"));
  for (const readOnly of [true, false]) {
    const seized = seize(file, 200);
    await using fs = await AloeLite.open(file, { readOnly });
    assert.equal((await fs.volumes()).length, 1);
    await seized;
  }
  const seized = seize(file, 400);
  await assertCode("busy", AloeLite.open(file, { busyTimeout: 50 }));
  await assertCode("busy", AloeLite.open(file, { busyTimeout: 50, readOnly: true }));
  await seized;
});

Deno.test("busy: a reader waits too where there is no WAL", async () => {
  using folder = new Folder();
  const file = await makeFile(folder.at("a.aloe"));
  edit(file, "PRAGMA journal_mode = DELETE");
  await using fs = await AloeLite.open(file, { readOnly: true });
  await using mount = await fs.mount();
  for (
    const look of [
      () => fs.volumes(),
      () => mount.stat("/docs"),
      () => mount.list("/docs"),
      () => mount.readAll("/docs/a.txt"),
      () => fs.health(),
    ]
  ) {
    const seized = seize(file, 100);
    await look();
    await seized;
  }
});

Deno.test("busy: vacuum waits for a writer", async () => {
  using folder = new Folder();
  const file = await makeFile(folder.at("a.aloe"));
  await using one = await AloeLite.open(file);
  await using two = await AloeLite.open(file);
  await using theirs = await two.mount();
  const held = theirs.batch(async (tx) => {
    await tx.put("/b", "b");
    await pause(150);
  });
  await pause(0);
  await one.vacuum();
  await held;
});

// --- statements and numbers ----------------------------------------------------------------

Deno.test("storage: a statement is prepared once for a connection", async () => {
  const prepare = DatabaseSync.prototype.prepare;
  const prepared: string[] = [];
  DatabaseSync.prototype.prepare = function (...args) {
    prepared.push(args[0]);
    return prepare.apply(this, args);
  };
  try {
    await using memory = await InMemory.make();
    const { fs, mount } = memory;
    const round = async (n: number) => {
      await mount.mkdir(`/dir${n}`);
      await mount.put(`/dir${n}/a`, noise(n, 100));
      await mount.append(`/dir${n}/a`, noise(n, 10));
      await mount.stat(`/dir${n}/a`);
      await mount.list("/");
      await mount.readAll(`/dir${n}/a`);
      await mount.history(`/dir${n}/a`);
      await mount.move(`/dir${n}/a`, `/dir${n}/b`);
      await mount.removeRecursive(`/dir${n}`);
      await mount.trash();
      await mount.batch((tx) => tx.put("/b", "b"));
      await fs.health();
    };
    await round(1);
    await round(2);
    prepared.length = 0;
    await round(3);
    assert.deepEqual(prepared, []);
  } finally {
    DatabaseSync.prototype.prepare = prepare;
  }
});

Deno.test("storage: opening an up-to-date file runs few statements", async () => {
  using folder = new Folder();
  const file = await makeFile(folder.at("a.aloe"));
  const prepare = DatabaseSync.prototype.prepare;
  const prepared: string[] = [];
  DatabaseSync.prototype.prepare = function (...args) {
    prepared.push(args[0]);
    return prepare.apply(this, args);
  };
  try {
    await (await AloeLite.open(file)).close();
  } finally {
    DatabaseSync.prototype.prepare = prepare;
  }
  assert.ok(prepared.length <= 16, prepared.join("\n"));
});

Deno.test("storage: times beyond the precision of a double are exact", async () => {
  await using memory = await InMemory.make();
  const { mount } = memory;
  await mount.put("/a", "a");
  for (const at of [0n, 2n ** 53n + 1n, 1_700_000_000_123_456_789n, 2n ** 63n - 1n]) {
    await mount.setMtime("/a", at);
    await mount.setAtime("/a", at);
    const info = await mount.stat("/a");
    assert.equal(info.modifiedAt, at);
    assert.equal(info.atime, at);
    await mount.copy("/a", "/b");
    assert.equal((await mount.stat("/b")).modifiedAt, at);
    await mount.mkdir("/dir");
    await mount.move("/b", "/dir/b");
    await mount.pack("/dir");
    await mount.unpack("/dir");
    assert.equal((await mount.stat("/dir/b")).modifiedAt, at);
    await mount.removeRecursive("/dir");
  }
  const created = (await mount.stat("/a")).createdAt;
  assert.ok(created > 2n ** 53n);
  const [version] = await mount.history("/a");
  assert.equal(typeof version.committedAt, "bigint");
});

Deno.test("storage: a time to live is exact to the nanosecond", async () => {
  await using memory = await InMemory.make();
  const { fs } = memory;
  const before = BigInt(Date.now()) * 1_000_000n;
  await using mount = await fs.mount("main", { ttl: 60_000 });
  const { expiresAt } = await mount.info();
  assert.ok(expiresAt! >= before + 60_000_000_000n);
  assert.equal((await fs.mounts()).find((each) => each.id === mount.id)!.expiresAt, expiresAt);
});

// --- reading only -----------------------------------------------------------------------------

Deno.test("read-only: every change is refused, nothing is written", async () => {
  using folder = new Folder();
  const file = await makeFile(folder.at("a.aloe"));
  const before = await digestOf(file);
  {
    await using fs = await AloeLite.open(file, { readOnly: true });
    assert.equal(fs.readOnly, true);
    await using mount = await fs.mount();
    const { id } = await mount.stat("/docs/a.txt");
    const changes: (() => Promise<unknown>)[] = [
      () => fs.createVolume(),
      () => fs.renameVolume("main", "other"),
      () => fs.removeVolume("main"),
      () => fs.batch(() => Promise.resolve()),
      () => mount.batch(() => Promise.resolve()),
      () => fs.prune(),
      () => fs.pruneContent(),
      () => fs.vacuum(),
      () => fs.fork(mount),
      () => fs.mount("main", { access: "rw" }),
      () => mount.createContainer("/x"),
      () => mount.mkdir("/x"),
      () => mount.createEntry("/x"),
      () => mount.createSpecial("/x", "fifo"),
      () => mount.symlink("/x", "y"),
      () => mount.link("/docs/a.txt", "/x"),
      () => mount.writeAll("/docs/a.txt", utf8("x")),
      () => mount.append("/docs/a.txt", utf8("x")),
      () => mount.writeRange("/docs/a.txt", 0, utf8("x")),
      () => mount.truncate("/docs/a.txt", 0),
      () => mount.put("/docs/a.txt", "x"),
      () => mount.put("/x", new Blob(["x"]).stream()),
      () => mount.openWrite("/docs/a.txt"),
      () => mount.openWriteById(id),
      () => mount.setMetadata("/docs/a.txt", { a: "b" }),
      () => mount.setMtime("/docs/a.txt", 1n),
      () => mount.setAtime("/docs/a.txt", 1n),
      () => mount.setMode("/docs/a.txt", 0o600),
      () => mount.setOwner("/docs/a.txt", { uid: 1 }),
      () => mount.setRetention("/docs/a.txt", 1),
      () => mount.setXattr("/docs/a.txt", "user.a", utf8("x")),
      () => mount.removeXattr("/docs/a.txt", "user.a"),
      () => mount.rename("/docs", "x"),
      () => mount.move("/docs", "/x"),
      () => mount.copy("/docs", "/x"),
      () => mount.remove("/docs/a.txt"),
      () => mount.removeRecursive("/docs"),
      () => mount.pack("/docs"),
      () => mount.unpack("/docs/a.txt"),
      () => mount.lock("/docs/a.txt"),
      () => mount.restoreVersion("/docs/a.txt", 1),
      () => mount.restore(id),
      () => mount.purge(),
    ];
    for (const change of changes) await assertCode("read_only", change);
    assert.equal(text(await mount.readAll("/docs/a.txt")), "hello");
    assert.deepEqual(await fs.health(), []);
    assert.deepEqual((await mount.verify({ deep: true })).problems, []);
    // The reader's mount is not in the file.
    assert.equal((await fs.mounts()).length, 1);
    await using other = await AloeLite.open(file, { readOnly: true });
    assert.deepEqual(await other.mounts(), []);
  }
  assert.equal(await digestOf(file), before);
  // SQLite leaves the empty companions that it needs to share a WAL file with
  // writers.
  for (const name of folder.names()) {
    if (name.endsWith("-wal")) assert.equal(Deno.statSync(folder.at(name)).size, 0);
    else assert.ok(["a.aloe", "a.aloe-shm"].includes(name), name);
  }
});

Deno.test("read-only: a read-only connection may read a file that is being written", async () => {
  using folder = new Folder();
  const file = await makeFile(folder.at("a.aloe"));
  await using writer = await AloeLite.open(file);
  await using theirs = await writer.mount();
  await using reader = await AloeLite.open(file, { readOnly: true });
  await using mine = await reader.mount();
  await theirs.put("/b", "b");
  assert.equal(text(await mine.readAll("/b")), "b");
  await theirs.put("/b", "c");
  assert.equal(text(await mine.readAll("/b")), "c");
  assert.equal((await mine.info()).access, "ro");
});

Deno.test("read-only: a read-only mount of a writable file", async () => {
  await using memory = await InMemory.make();
  const { fs, mount } = memory;
  await mount.put("/a", "a");
  await using reader = await fs.mount("main", { access: "ro" });
  assert.equal(text(await reader.readAll("/a")), "a");
  await assertCode("read_only", reader.put("/a", "b"));
  await assertCode("read_only", reader.put("/b", "b"));
  await assertCode("read_only", reader.mkdir("/d"));
  await assertCode("read_only", reader.remove("/a"));
  await assertCode("read_only", reader.openWrite("/a"));
  await assertCode("read_only", reader.purge());
  await mount.put("/a", "b");
  assert.equal(text(await reader.readAll("/a")), "b");
});

// --- backups ------------------------------------------------------------------------------------

Deno.test("backup: a valid snapshot of a file and of memory", async () => {
  using folder = new Folder();
  const file = await makeFile(folder.at("a.aloe"));
  await using fs = await AloeLite.open(file);
  await using memory = await InMemory.make();
  await memory.mount.put("/m", noise(3, 5000));
  for (const [source, path] of [[fs, "/docs/a.txt"], [memory.fs, "/m"]] as const) {
    const copy = folder.at(`copy of ${source.path.replaceAll("/", "_")}`);
    const seen: number[] = [];
    await source.backup(copy, {
      pagesPerStep: 5,
      onProgress: ({ totalPages, remainingPages }) => {
        assert.ok(remainingPages <= totalPages);
        seen.push(remainingPages);
      },
    });
    assert.ok(seen.length > 1);
    assert.deepEqual(seen, [...seen].sort((a, b) => b - a));
    const was = await digestOf(copy);
    await assertCode("already_exists", source.backup(copy));
    assert.equal(await digestOf(copy), was);
    await using backup = await AloeLite.open(copy, { readOnly: true });
    await using mount = await backup.mount("main");
    assert.equal(await mount.exists(path), true);
    assert.deepEqual((await mount.verify({ deep: true })).problems, []);
  }
});

Deno.test("backup: when aborted it leaves nothing", async () => {
  using folder = new Folder();
  await using fs = await AloeLite.open(await makeFile(folder.at("a.aloe")));
  await assert.rejects(
    fs.backup(folder.at("b.aloe"), { pagesPerStep: 1, signal: AbortSignal.abort() }),
    { name: "AbortError" },
  );
  assert.equal(folder.names().includes("b.aloe"), false);
  await assertCode("io_error", fs.backup(folder.at("nowhere/b.aloe")));
});

Deno.test("backup: of memory, it waits for running tasks", async () => {
  using folder = new Folder();
  await using memory = await InMemory.make();
  const { fs, mount } = memory;
  const batch = mount.batch(async (tx) => {
    await tx.put("/a", "a");
    await pause(20);
    await tx.put("/b", "b");
  });
  await pause(5);
  await fs.backup(folder.at("b.aloe"));
  await batch;
  await using backup = await AloeLite.open(folder.at("b.aloe"), { readOnly: true });
  await using copied = await backup.mount("main");
  // Completely or not at all.
  assert.equal(await copied.exists("/a"), await copied.exists("/b"));
});

// --- unfinished work of others
// ----------------------------------------------------

Deno.test("storage: an aborted stream is no version of its file", async () => {
  await using memory = await InMemory.make();
  const { mount } = memory;
  await mount.put("/a", "one");
  const out = await mount.openWrite("/a");
  await out.write(noise(1, 100));
  await out.abort();
  await mount.put("/a", "three");
  assert.deepEqual((await mount.history("/a")).map(({ size }) => size), [5, 3]);
});

Deno.test("storage: two streams of one mount to one file are two versions, the last to close wins", async () => {
  await using memory = await InMemory.make();
  const { fs, mount } = memory;
  await mount.put("/a", "first");
  const one = await mount.openWrite("/a");
  const two = await mount.openWrite("/a");
  await one.write(noise(1, 100));
  await two.write(noise(2, 50));
  await two.close();
  await mount.writeAll("/a", utf8("between"));
  await one.close();
  assert.deepEqual(await mount.readAll("/a"), noise(1, 100));
  assert.deepEqual((await mount.history("/a")).map(({ size }) => size), [100, 7, 50, 5]);
  await fs.pruneContent();
  assert.deepEqual((await mount.history("/a")).map(({ size }) => size), [100, 7, 50, 5]);
  assert.deepEqual((await mount.verify({ deep: true })).problems, []);
});

Deno.test("storage: a content prune leaves a running transfer alone", async () => {
  await using memory = await InMemory.make();
  const { fs, mount } = memory;
  await mount.put("/a", noise(1, 100));
  await mount.put("/b", noise(2, 100));
  await using target = await AloeLite.open(":memory:");
  const prunes: Promise<unknown>[] = [];
  await fs.exportTo(mount, target, {
    name: "copy",
    onProgress: () => void prunes.push(target.pruneContent()),
  });
  await Promise.all(prunes);
  await using copied = await target.mount("copy");
  assert.deepEqual((await copied.verify({ deep: true })).problems, []);
  assert.deepEqual(await copied.readAll("/a"), noise(1, 100));
  assert.deepEqual(await copied.readAll("/b"), noise(2, 100));
});

Deno.test("storage: a fork has no name until it is complete", async () => {
  await using memory = await InMemory.make();
  const { fs, mount } = memory;
  await mount.put("/a", noise(1, 100));
  await mount.put("/b", noise(2, 100));
  const names: Promise<(string | null)[]>[] = [];
  await fs.fork(mount, {
    name: "fork",
    onProgress: ({ bytes, totalBytes }) => {
      if (bytes === totalBytes) return;
      names.push(fs.volumes().then((all) => all.map((volume) => volume.name)));
    },
  });
  for (const seen of await Promise.all(names)) assert.ok(!seen.includes("fork"));
  assert.equal((await fs.volume("fork")).name, "fork");
});

Deno.test("storage: views of other processes do not see a running batch", async () => {
  using folder = new Folder();
  const file = await makeFile(folder.at("a.aloe"));
  await using fs = await AloeLite.open(file);
  await using mount = await fs.mount();
  await mount.batch(async (tx) => {
    await tx.put("/b", "b");
    withRaw(file, (db) => {
      const { n } = db.prepare("SELECT count(*) AS n FROM node WHERE name = 'b'").get()!;
      assert.equal(n, 0);
    });
  });
});
