/** Tasks on many items: one request, with progress, an end, and undo. */

import assert from "node:assert/strict";
import { AloeLite } from "../../mod.ts";
import { TestManager } from "./support.ts";

interface Ground {
  m: TestManager;
  at: string;
  /** Begins a task and waits for its end. */
  run(wish: Record<string, unknown>): Promise<Report>;
  names(path: string): Promise<string[]>;
  read(path: string): Promise<string>;
  trash(): Promise<{ id: string; path: string }[]>;
}

interface Report {
  id: string;
  state: string;
  total: number;
  processed: number;
  succeeded: number;
  replaced: number;
  renamed: number;
  skipped: number;
  failed: number;
  failures: { item: string; code: string }[];
  error: { code: string } | null;
  undoable: boolean;
  result: string | null;
}

async function ended(m: TestManager, url: string): Promise<Report> {
  while (true) {
    const { json } = await m.ask("GET", url);
    if (json.state !== "running") return json;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/**
 * A volume with the given number of files in `/many`, written directly into the
 * file.
 */
async function ground(m: TestManager, count = 0): Promise<Ground> {
  const id = await m.volume("main");
  const at = `/volumes/${id}`;
  await m.ask("POST", `${at}/directories`, { json: { path: "/many" } });
  await m.ask("POST", `${at}/directories`, { json: { path: "/to" } });
  if (count > 0) await fill(m, id, count);
  return {
    m,
    at,
    run: async (wish) => {
      const begun = await m.ask("POST", `${at}/tasks`, { json: wish });
      assert.equal(begun.status, 202, begun.text);
      assert.equal(begun.headers.get("location"), `${at}/tasks/${begun.json.id}`);
      return await ended(m, `${at}/tasks/${begun.json.id}`);
    },
    names: async (path) =>
      (await m.ask("GET", `${at}/list?limit=10000&path=${path}`)).json.entries
        .filter((entry: { visible: boolean }) => entry.visible)
        .map((entry: { name: string }) => entry.name).sort(),
    read: async (path) => (await m.ask("GET", `${at}/files${encodeURI(path)}`)).text,
    trash: async () => (await m.ask("GET", `${at}/trash`)).json.entries,
  };
}

async function fill(m: TestManager, volume: string, count: number): Promise<void> {
  await using fs = await AloeLite.open(await fileOf(m.root));
  await using mount = await fs.mount(volume);
  await fs.batch(async (tx) => {
    const part = tx.use(mount);
    for (let i = 0; i < count; i++) await part.put(`/many/f${i}`, `${i}`);
  });
}

/** The only file of a manager. */
async function fileOf(root: string): Promise<string> {
  for await (const { name } of Deno.readDir(`${root}/filesystems`)) {
    if (!/-(?:wal|shm)$/.test(name)) return `${root}/filesystems/${name}`;
  }
  throw new Error("no filesystem");
}

const some = (count: number) => Array.from({ length: count }, (_, i) => `/many/f${i}`);

Deno.test("one request removes, restores, moves, copies and purges many items", async () => {
  await using m = await TestManager.start();
  const { at, run, names, read, trash } = await ground(m, 350);
  const removed = await run({ operation: "remove", paths: some(300) });
  assert.deepEqual(
    [removed.state, removed.total, removed.processed, removed.succeeded, removed.failed],
    ["done", 300, 300, 300, 0],
  );
  assert.equal((await names("/many")).length, 50);
  assert.equal((await trash()).length, 300);

  // Undo works once.
  assert.equal(removed.undoable, true);
  const undone = await run({ operation: "undo", task: removed.id });
  assert.deepEqual([undone.state, undone.succeeded], ["done", 300]);
  assert.equal((await names("/many")).length, 350);
  const again = await m.ask("POST", `${at}/tasks`, {
    json: { operation: "undo", task: removed.id },
  });
  assert.equal(again.status, 404);

  const moved = await run({ operation: "move", paths: some(120), to: "/to" });
  assert.equal(moved.succeeded, 120);
  assert.equal(await read("/to/f7"), "7");
  const copied = await run({ operation: "copy", paths: ["/to"], to: "/many" });
  assert.deepEqual([copied.succeeded, copied.result], [1, "/many/to"]);
  assert.equal((await names("/many/to")).length, 120);
  assert.equal((await run({ operation: "undo", task: copied.id })).succeeded, 1);
  assert.equal((await names("/many")).length, 230);
  assert.equal((await run({ operation: "undo", task: moved.id })).succeeded, 120);
  assert.equal((await names("/many")).length, 350);

  // A directory is one item, and includes items below it that are named too.
  const tree = await run({ operation: "remove", paths: ["/many/f1", "/many", "/many/f2"] });
  assert.deepEqual([tree.total, tree.succeeded, tree.failed], [1, 1, 0]);
  const [item] = (await trash()).filter(({ path }) => path === "/many");
  const restored = await run({ operation: "restore", ids: [item.id] });
  assert.deepEqual([restored.succeeded, restored.result], [1, "/many"]);
  assert.equal((await names("/many")).length, 350);
  await run({ operation: "remove", paths: some(250) });
  const before = (await trash()).map(({ id }) => id);
  const purged = await run({ operation: "purge", ids: before.slice(0, 50) });
  assert.equal(purged.succeeded, 50);
  assert.equal(purged.undoable, false);
  const all = await run({ operation: "purge", all: true });
  assert.deepEqual([all.failed, (await trash()).length], [0, 0]);
});

Deno.test("a failed item is reported, and the others continue", async () => {
  await using m = await TestManager.start();
  const { run, names, read } = await ground(m, 220);
  const paths = ["/none", ...some(110), "/many", "/", "/none/below", "/many/f3"];
  const copied = await run({ operation: "copy", paths, to: "/many" });
  assert.equal(copied.state, "done");
  // All names are taken, and a directory is not copied into itself again and
  // again.
  assert.equal(copied.total, 115);
  assert.deepEqual(
    new Set(copied.failures.map(({ code }) => code)),
    new Set(["not_found", "already_exists", "invalid"]),
  );
  assert.equal(copied.failures.find(({ item }) => item === "/none")?.code, "not_found");
  assert.equal(copied.failed, copied.failures.length);
  const removed = await run({ operation: "remove", paths: ["/many/f0", "/none", "/", "/many/f1"] });
  assert.deepEqual([removed.succeeded, removed.failed], [2, 2]);
  assert.deepEqual(removed.failures.map(({ item, code }) => `${item} ${code}`), [
    "/none not_found",
    "/ invalid",
  ]);
  assert.ok(!(await names("/many")).includes("f0"));
  assert.equal(await read("/many/f2"), "2");
});

Deno.test("taken names: refused, skipped, replaced, or renamed", async () => {
  await using m = await TestManager.start();
  const { at, run, names, read, trash } = await ground(m, 210);
  for (const i of [0, 5, 205]) await m.ask("PUT", `${at}/files/to/f${i}`, { body: `there ${i}` });
  const wish = { operation: "copy", paths: some(210), to: "/to" };
  const failed = await run(wish);
  assert.deepEqual([failed.succeeded, failed.failed], [207, 3]);
  assert.deepEqual(failed.failures.map(({ item, code }) => `${item} ${code}`), [
    "/many/f0 already_exists",
    "/many/f5 already_exists",
    "/many/f205 already_exists",
  ]);
  const taken = ["/many/f0", "/many/f5", "/many/f205"];
  const skipped = await run({ ...wish, paths: taken, on_conflict: "skip" });
  assert.deepEqual([skipped.skipped, skipped.succeeded, skipped.undoable], [3, 0, false]);
  const renamed = await run({ ...wish, paths: taken, on_conflict: "rename" });
  assert.deepEqual([renamed.renamed, renamed.succeeded], [3, 3]);
  assert.equal(await read("/to/f205 (2)"), "205");
  const replaced = await run({ ...wish, paths: taken, on_conflict: "replace", operation: "move" });
  assert.deepEqual([replaced.replaced, replaced.succeeded], [3, 3]);
  assert.equal(await read("/to/f5"), "5");
  assert.equal((await trash()).length, 3);
  // Undone: moved items are at their old places, and so are the replaced ones.
  assert.equal((await run({ operation: "undo", task: replaced.id })).failed, 0);
  assert.equal(await read("/to/f5"), "there 5");
  assert.equal(await read("/many/f5"), "5");
  assert.equal((await trash()).length, 0);
  assert.equal((await names("/many")).length, 210);
});

Deno.test("two sources of one name do not hide each other, however far apart", async () => {
  await using m = await TestManager.start();
  const { at, run, read, trash } = await ground(m, 240);
  await m.ask("PUT", `${at}/files/x/f0?parents=1`, { body: "other" });
  await m.ask("PUT", `${at}/files/to/f0`, { body: "there" });
  for (const operation of ["copy", "move"]) {
    const paths = [...some(230), "/x/f0"];
    const report = await run({ operation, paths, to: "/to", on_conflict: "replace" });
    assert.deepEqual([report.succeeded, report.failed], [230, 1]);
    assert.deepEqual([report.failures[0].item, report.failures[0].code], [
      "/x/f0",
      "already_exists",
    ]);
    assert.equal(await read("/to/f0"), "0");
    assert.equal(await read("/x/f0"), "other");
    await run({ operation: "undo", task: report.id });
    assert.equal(await read("/to/f0"), "there");
  }
  // One source is the destination of the other.
  const both = await run({
    operation: "move",
    paths: ["/x/f0", "/to/f0"],
    to: "/to",
    on_conflict: "replace",
  });
  assert.deepEqual([both.succeeded, both.failures[0].item], [1, "/x/f0"]);
  assert.equal(await read("/to/f0"), "there");
  // Restored: two items of one former place.
  await run({ operation: "purge", all: true });
  await run({ operation: "remove", paths: ["/to/f0"] });
  await m.ask("PUT", `${at}/files/to/f0`, { body: "second" });
  await run({ operation: "remove", paths: ["/to/f0"] });
  const ids = (await trash()).map(({ id }) => id);
  assert.equal(ids.length, 2);
  const back = await run({ operation: "restore", ids, on_conflict: "replace" });
  assert.deepEqual([back.succeeded, back.failed], [1, 1]);
  assert.equal(await read("/to/f0"), "second");
  const rest = await run({ operation: "restore", all: true, on_conflict: "rename" });
  assert.deepEqual([rest.renamed, rest.result], [1, "/to/f0 (2)"]);
});

Deno.test("an item of a directory that was removed later is restored after the directory", async () => {
  await using m = await TestManager.start();
  const { run, names, trash } = await ground(m, 3);
  await run({ operation: "remove", paths: ["/many/f1"] });
  await run({ operation: "remove", paths: ["/many"] });
  const ids = (await trash()).map(({ id }) => id).reverse();
  const back = await run({ operation: "restore", ids });
  assert.deepEqual([back.succeeded, back.failed], [2, 0]);
  assert.deepEqual(await names("/many"), ["f0", "f1", "f2"]);
});

Deno.test("a task is cancelled, listed and removed, and continues without its request", async () => {
  await using m = await TestManager.start();
  const { at, names } = await ground(m, 1500);
  const events = await fetch(`${m.url}/events?volume=${at.split("/")[2]}`);
  const begun = await m.ask("POST", `${at}/tasks`, {
    json: { operation: "remove", paths: some(1500) },
  });
  const one = `${at}/tasks/${begun.json.id}`;
  // A task that waits for the file is cancelled too.
  const other = await m.ask("POST", `${at}/tasks`, {
    json: { operation: "copy", paths: some(1500), to: "/to" },
  });
  assert.equal((await m.ask("DELETE", `${at}/tasks/${other.json.id}`)).status, 204);
  const cancelled = (await m.ask("GET", `${at}/tasks/${other.json.id}`)).json;
  assert.equal(cancelled.state, "cancelled");
  assert.ok(cancelled.processed < 1500);
  assert.deepEqual(
    (await m.ask("GET", `${at}/tasks`)).json.tasks.map(({ id }: Report) => id),
    [other.json.id, begun.json.id],
  );
  const report = await ended(m, one);
  assert.equal(report.processed, 1500);
  assert.equal((await names("/many")).length, 0);
  assert.equal((await names("/to")).length, cancelled.succeeded);

  // Progress is reported.
  const reader = events.body!.pipeThrough(new TextDecoderStream()).getReader();
  let told = "";
  while (!/"type":"task"[^]*"type":"task"/.test(told)) told += (await reader.read()).value;
  await reader.cancel();

  assert.equal((await m.ask("DELETE", one)).status, 204);
  assert.equal((await m.ask("GET", one)).status, 404);
  assert.equal((await m.ask("DELETE", one)).status, 404);
});

Deno.test("an invalid task is refused before it begins", async () => {
  await using m = await TestManager.start({ limits: { taskBytes: 2 * 1024 * 1024 } });
  const { at } = await ground(m);
  const start = async (json: unknown) => (await m.ask("POST", `${at}/tasks`, { json })).status;
  const wrong: [number, unknown][] = [
    [400, { operation: "link", paths: ["/a"] }],
    [400, { operation: "remove" }],
    [400, { operation: "remove", paths: [] }],
    [400, { operation: "remove", paths: ["/a"], to: "/to" }],
    [400, { operation: "remove", paths: ["/a"], on_conflict: "skip" }],
    [400, { operation: "move", paths: ["/a"] }],
    [404, { operation: "move", paths: ["/a"], to: "/none" }],
    [400, { operation: "move", paths: ["/a"], to: "/to", on_conflict: "maybe" }],
    [400, { operation: "purge" }],
    [400, { operation: "purge", ids: [] }],
    [400, { operation: "purge", ids: ["x"], all: true }],
    [400, { operation: "restore", all: false }],
    [404, { operation: "undo", task: "x" }],
    [400, { operation: "remove", paths: Array(100_001).fill("/a") }],
  ];
  for (const [status, wish] of wrong) {
    assert.equal(await start(wish), status, JSON.stringify(wish).slice(0, 100));
  }
  // More than other requests may send, but below the limit.
  const long = "/" + "x".repeat(200);
  assert.equal(await start({ operation: "remove", paths: Array(7000).fill(long) }), 202);
  assert.equal(await start({ operation: "remove", paths: Array(14_000).fill(long) }), 413);
  const listed = (await m.ask("GET", `${at}/tasks`)).json.tasks;
  assert.equal(listed.length, 1);
});

Deno.test("tasks of a locked volume are visible only to sessions that have unlocked it", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("vault", { encrypted: true, pin: "2468" });
  const at = `/volumes/${id}`;
  const { headers } = await m.ask("POST", `${at}/unlock`, { json: { pin: "2468" } });
  const session = { "aloelite-session": /=([0-9a-f]{64});/.exec(headers.get("set-cookie")!)![1] };
  await m.ask("PUT", `${at}/files/secret`, { body: "x", headers: session });
  const json = { operation: "remove", paths: ["/secret"] };
  assert.equal((await m.ask("POST", `${at}/tasks`, { json })).status, 401);
  const begun = await m.ask("POST", `${at}/tasks`, { json, headers: session });
  assert.equal(begun.status, 202);
  for (const path of ["/tasks", `/tasks/${begun.json.id}`]) {
    assert.equal((await m.ask("GET", at + path)).status, 401);
    assert.equal((await m.ask("GET", at + path, { headers: session })).status, 200);
  }
  // Tasks of another volume are not found by id.
  const other = await m.volume("other");
  assert.equal((await m.ask("GET", `/volumes/${other}/tasks/${begun.json.id}`)).status, 404);
});

Deno.test("a stop ends tasks between two transactions", async () => {
  await using m = await TestManager.start();
  const { at } = await ground(m, 1500);
  const begun = await m.ask("POST", `${at}/tasks`, {
    json: { operation: "move", paths: some(1500), to: "/to" },
  });
  assert.equal(begun.status, 202);
  await m.halt();
  await m.resume();
  const count = async (path: string) =>
    (await m.ask("GET", `${at}/list?limit=10000&path=${path}`)).json.entries.length;
  const [left, moved] = [await count("/many"), await count("/to")];
  assert.equal(left + moved, 1500);
  assert.equal(moved % 100, 0);
  assert.deepEqual((await m.ask("GET", `${at}/tasks`)).json.tasks, []);
  assert.deepEqual(m.log.filter((line) => /Error|at /.test(line)), []);
});
