/**
 * Two processes write one file and a third reads it: operations fail only with
 * `lock_held` or `busy`, and no write is lost or mixed with another.
 *
 * `ALOELITE_TEST_SECONDS` is the duration in seconds, by default 10.
 */

import assert from "node:assert/strict";
import { AloeLite, type Mount } from "../../mod.ts";
import { CHUNK, makeRecord, readRecord } from "./concurrency/record.ts";
import { type Job, type Log, SHARED } from "./concurrency/worker.ts";
import { all, Folder, isLocked, rows, sha256, value } from "./crash/support.ts";

const SECONDS = Number(Deno.env.get("ALOELITE_TEST_SECONDS") ?? "10") || 10;
const WORKER = new URL("concurrency/worker.ts", import.meta.url);

Deno.test(`concurrency: two writers and a reader for ${SECONDS} s`, async () => {
  using folder = new Folder();
  const file = folder.at("a.aloe");
  {
    await using fs = await AloeLite.open(file);
    await fs.createVolume({ name: "main", chunkSize: CHUNK });
    await using mount = await fs.mount();
    await mount.mkdir("/shared/to", { parents: true });
    for (const path of SHARED) await mount.put(path, makeRecord("test", 0, 10));
  }
  const backup = folder.at("backup.aloe");
  const jobs: Job[] = [
    { file, name: "anna", role: "writer", seconds: SECONDS, seed: 1 },
    { file, name: "bert", role: "writer", seconds: SECONDS, seed: 2 },
    { file, name: "carl", role: "reader", seconds: SECONDS, seed: 3, backup },
  ];
  const logs = await all(jobs.map(run));

  await using fs = await AloeLite.open(file);
  await using mount = await fs.mount();
  await assertSound(fs, mount, file);
  for (const log of logs) assert.deepEqual(log.faults, [], log.name);
  const [anna, bert, carl] = logs;
  for (const what of ["append", "write shared", "stream shared", "move", "batch", "restore"]) {
    assert.ok(anna.done[what] > 0 && bert.done[what] > 0, `nobody got to ${what}`);
  }
  for (const what of ["read shared", "stream", "list", "health", "verify", "backup"]) {
    assert.ok(carl.done[what] > 0, `nobody got to ${what}`);
  }
  await assertNothingLost(mount, [anna, bert]);
  assertIds(file, [anna, bert]);

  await using copy = await AloeLite.open(backup);
  await using copied = await copy.mount("main");
  await assertSound(copy, copied, backup);
});

Deno.test("concurrency: ten processes create one new file", async () => {
  using folder = new Folder();
  const file = folder.at("a.aloe");
  const made = await all(Array.from({ length: 10 }, async (_, i) => {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "--allow-all", MAKER.pathname, file, `${i}`],
    }).output();
    return `${code}${new TextDecoder().decode(stderr)}`;
  }));
  assert.deepEqual(new Set(made), new Set(["0"]));
  await using fs = await AloeLite.open(file);
  assert.deepEqual(
    (await fs.volumes()).map((volume) => volume.name).sort(),
    Array.from({ length: 10 }, (_, i) => `${i}`),
  );
  assert.deepEqual(await fs.health(), []);
});

Deno.test({
  name: "concurrency: a file that is opened twice keeps its locks",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    using folder = new Folder();
    const file = folder.at("a.aloe");
    await using first = await AloeLite.open(file);
    await first.createVolume({ name: "main" });
    assert.ok(isLocked(file));
    // Without its locks, another process that closes the file would delete the
    // WAL that both use.
    await using second = await AloeLite.open(file, { readOnly: true });
    await second.volumes();
    assert.ok(isLocked(file));
  },
});

const MAKER = new URL("concurrency/maker.ts", import.meta.url);

async function run(job: Job): Promise<Log> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--allow-all", WORKER.pathname, JSON.stringify(job)],
  }).output();
  assert.equal(code, 0, `${job.name}: ${new TextDecoder().decode(stderr)}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

async function assertSound(fs: AloeLite, mount: Mount, file: string): Promise<void> {
  assert.deepEqual(await fs.health(), []);
  assert.deepEqual((await mount.verify({ deep: true })).problems, []);
  assert.equal(value(file, "PRAGMA integrity_check"), "ok");
  assert.deepEqual(rows(file, "PRAGMA foreign_key_check"), []);
}

async function assertNothingLost(mount: Mount, logs: Log[]): Promise<void> {
  // Paths: each process's own, and no others.
  const paths = Object.assign({}, ...logs.map((log) => log.paths)) as Log["paths"];
  const found: Log["paths"] = {};
  for (const dir of ["", "/shared", "/shared/to"]) {
    for (const { name, type } of await mount.list(dir)) {
      const path = `${dir}/${name}`;
      if (path === "/shared" || path === "/shared/to" || SHARED.includes(path)) continue;
      found[path] = type === "container"
        ? null
        : await sha256(await mount.readAll(path) as Uint8Array<ArrayBuffer>);
    }
  }
  assert.deepEqual(found, paths);

  // Versions of the shared files: each committed record, and no others.
  for (const path of SHARED) {
    const expected = ["test 0"];
    for (const log of logs) expected.push(...log.records[path].map((n) => `${log.name} ${n}`));
    const retained: string[] = [];
    for (const { version } of await mount.history(path)) {
      const { name, n, problem } = readRecord(await mount.readAll(path, { version }));
      assert.equal(problem, null, `${path}, version ${version}`);
      retained.push(`${name} ${n}`);
    }
    assert.deepEqual(retained.sort(), expected.sort(), path);
  }
}

/** Asserts that ids ascend in the order of their rows, across processes. */
function assertIds(file: string, logs: Log[]): void {
  for (const log of logs) assert.deepEqual(log.ids, [...log.ids].sort(), log.name);
  const all = logs.flatMap((log) => log.ids);
  assert.equal(new Set(all).size, all.length);
  const nodes = rows(file, "SELECT node_id FROM node ORDER BY rowid").map((row) => row.node_id);
  const edges = rows(file, "SELECT edge_id FROM edge ORDER BY rowid").map((row) => row.edge_id);
  assert.deepEqual(nodes, [...nodes].sort());
  assert.deepEqual(edges, [...edges].sort());
  assert.equal(new Set([...nodes, ...edges]).size, nodes.length + edges.length);
  for (const id of all) assert.ok(nodes.includes(id));
}
