/** Exports of live files over HTTP, imports, and maintenance of a file. */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { AloeLite } from "../../mod.ts";
import { SnapshotThreads } from "../../manager/jobs/snapshots.ts";
import { TestProcess } from "./processes.ts";
import { type Answer, TestManager } from "./support.ts";

/** Duration of a test's load, seconds. */
const SECONDS = Number(Deno.env.get("ALOELITE_TEST_SECONDS") ?? "4");

async function fileOf(m: TestManager, volume: string): Promise<string> {
  const list = (await m.ask("GET", "/volumes")).json as { id: string; fs_id: string }[];
  return `${m.root}/filesystems/${list.find(({ id }) => id === volume)!.fs_id}.aloe`;
}

/**
 * Opens an export and checks it completely. @returns The writer's last number
 * in it.
 */
async function check(m: TestManager, answer: Answer): Promise<number> {
  const path = `${m.root}/check.aloe`;
  await Deno.writeFile(path, answer.bytes);
  await using fs = await AloeLite.open(path, { create: false });
  assert.deepEqual(await fs.health(), []);
  const [volume] = await fs.volumes();
  await using mount = await fs.mount(volume.id);
  assert.deepEqual((await mount.verify({ deep: true })).problems, []);
  if (!await mount.exists("/number")) return 0;
  const lines = new TextDecoder().decode(await mount.readAll("/number")).trimEnd().split("\n");
  assert.equal(new Set(lines).size, 1, "content of two moments");
  assert.equal(lines.length, 1 + Number(lines[0]) % 7000);
  return Number(lines[0]);
}

function nothingLeft(m: TestManager): void {
  const left = [...Deno.readDirSync(`${m.root}/tmp`)].map(({ name }) => name);
  assert.deepEqual(left, []);
}

Deno.test("an export is the file: headers, a name, no ranges, nothing left behind", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("Möbel & more");
  const answer = await m.ask("GET", `/volumes/${id}/export`, { headers: { range: "bytes=0-9" } });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "application/octet-stream");
  assert.match(answer.headers.get("content-disposition")!, /^attachment; .*M%C3%B6bel/);
  assert.equal(answer.headers.get("content-length"), `${answer.bytes.length}`);
  assert.equal(answer.headers.get("accept-ranges"), "none");
  assert.match(answer.headers.get("etag")!, /^"[^"]+"$/);
  await check(m, answer);
  const head = await m.ask("HEAD", `/volumes/${id}/export`);
  assert.equal(head.status, 200);
  for (const name of ["etag", "content-length", "content-type"]) {
    assert.equal(head.headers.get(name), answer.headers.get(name), name);
  }
  assert.equal((await m.ask("GET", "/volumes/nothing/export")).status, 404);
  assert.equal((await m.ask("GET", "/filesystems/nothing/export")).status, 404);
  nothingLeft(m);
});

Deno.test("without a change: 304 without a copy, also after the file was closed and opened", async () => {
  const root = await Deno.makeTempDir();
  let etag: string;
  let id: string;
  {
    await using m = await TestManager.start({ root, limits: { idleFilesystemMs: 100 } });
    id = await m.volume("a");
    const first = await m.ask("GET", `/volumes/${id}/export`);
    etag = first.headers.get("etag")!;
    for (let i = 0; i < 3; i++) {
      const again = await m.ask("GET", `/volumes/${id}/export`, {
        headers: { "if-none-match": etag },
      });
      assert.equal(again.status, 304);
      assert.equal(again.headers.get("etag"), etag);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    const failed = await m.ask("GET", `/volumes/${id}/export`, { headers: { "if-match": '"x"' } });
    assert.equal(failed.status, 412);
    assert.equal(failed.json.code, "precondition_failed");
  }
  await using m = await TestManager.start({ root });
  const ask = { headers: { "if-none-match": etag } };
  assert.equal((await m.ask("GET", `/volumes/${id}/export`, ask)).status, 304);
  await m.stop().catch(() => {});
});

Deno.test("each change changes the ETag, and the bytes of an ETag contain the change", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("a");
  await using writer = TestProcess.deno("writer.ts", await fileOf(m, id), "steps");
  assert.equal(await writer.line(), "ready");
  let etag = (await m.ask("GET", `/volumes/${id}/export`)).headers.get("etag")!;
  const seen = new Set([etag]);
  for (let step = 1; step <= 40; step++) {
    await writer.say(`${step}`);
    assert.equal(await writer.line(), `${step}`);
    const answer = await m.ask("GET", `/volumes/${id}/export`, {
      headers: { "if-none-match": etag },
    });
    assert.equal(answer.status, 200, `step ${step}`);
    etag = answer.headers.get("etag")!;
    assert.ok(!seen.has(etag));
    seen.add(etag);
    if (step % 8 === 0) assert.equal(await check(m, answer), step);
    const again = await m.ask("GET", `/volumes/${id}/export`, {
      headers: { "if-none-match": etag },
    });
    assert.equal(again.status, 304);
    // The ETags between checkpoints, and after them.
    if (step % 10 === 0) await m.ask("POST", `/volumes/${id}/checkpoint`);
  }
});

Deno.test("dates alone never hide a change", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("a");
  await using writer = TestProcess.deno("writer.ts", await fileOf(m, id), "steps");
  assert.equal(await writer.line(), "ready");
  let date = (await m.ask("GET", `/volumes/${id}/export`)).headers.get("last-modified")!;
  for (let step = 1; step <= 20; step++) {
    await writer.say(`${step}`);
    await writer.line();
    const answer = await m.ask("GET", `/volumes/${id}/export`, {
      headers: { "if-modified-since": date },
    });
    assert.equal(answer.status, 200);
    date = answer.headers.get("last-modified")!;
  }
  await writer.end("SIGTERM");
  // A past moment: as long ago as a write may take until it is visible.
  await new Promise((resolve) => setTimeout(resolve, 5200));
  const last = await m.ask("GET", `/volumes/${id}/export`);
  const answer = await m.ask("GET", `/volumes/${id}/export`, {
    headers: { "if-modified-since": last.headers.get("last-modified")! },
  });
  assert.equal(answer.status, 304);
});

Deno.test("exports under write load: each opens, is valid, and is of one moment", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("a");
  await using writer = TestProcess.deno("writer.ts", await fileOf(m, id), "load");
  assert.equal(await writer.line(), "ready");
  const end = Date.now() + SECONDS * 1000;
  let last = 0;
  let count = 0;
  while (Date.now() < end) {
    const answers = await Promise.all([
      m.ask("GET", `/volumes/${id}/export`),
      m.ask("GET", `/volumes/${id}/export`),
    ]);
    for (const answer of answers) {
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get("content-length"), `${answer.bytes.length}`);
    }
    const numbers = [await check(m, answers[0]), await check(m, answers[1])];
    if (answers[0].headers.get("etag") === answers[1].headers.get("etag")) {
      assert.deepEqual(answers[0].bytes, answers[1].bytes);
    }
    assert.ok(Math.min(...numbers) >= last, "an older state");
    last = Math.max(...numbers);
    count += 2;
  }
  assert.ok(last > count, `the writer came to ${last} only`);
  nothingLeft(m);
});

Deno.test("an export that is not read to its end leaves nothing", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("a");
  await using fs = await AloeLite.open(await fileOf(m, id), { create: false });
  await using mount = await fs.mount(id);
  await mount.put("/big", randomBytes(60_000));
  for (let i = 0; i < 200; i++) {
    await mount.append("/big", randomBytes(60_000));
  }
  const controller = new AbortController();
  const response = await fetch(`${m.url}/volumes/${id}/export`, { signal: controller.signal });
  const reader = response.body!.getReader();
  await reader.read();
  controller.abort();
  await reader.closed.catch(() => {});
  assert.equal((await m.ask("GET", `/volumes/${id}/stat`)).status, 200);
  nothingLeft(m);
});

Deno.test("a slow receiver gets one state too, and does not block the file's WAL for long", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("a");
  const file = await fileOf(m, id);
  {
    await using fs = await AloeLite.open(file, { create: false });
    await using mount = await fs.mount(id);
    await mount.put("/big", randomBytes(40_000_000));
  }
  await using writer = TestProcess.deno("writer.ts", file, "load");
  await writer.line();
  const response = await fetch(`${m.url}/volumes/${id}/export`);
  const reader = response.body!.getReader();
  const { value } = await reader.read();
  const parts = [value!];
  // Much longer than the manager waits.
  await new Promise((resolve) => setTimeout(resolve, 4000));
  nothingLeft(m);
  await writer.end();
  const { json } = await m.ask("POST", `/volumes/${id}/checkpoint`);
  assert.equal(json.wal_frames_remaining, 0);
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
  }
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  assert.equal(response.headers.get("content-length"), `${bytes.length}`);
  await check(m, { bytes } as Answer);
});

Deno.test("where pages cannot be read directly, SQLite's backup makes the copy", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("a");
  const file = await fileOf(m, id);
  await using writer = TestProcess.deno("writer.ts", file, "load");
  await writer.line();
  const threads = new SnapshotThreads();
  let last = 0;
  for (let i = 0; i < 5; i++) {
    let released = false;
    const { size, stream } = await threads.take({
      file,
      raw: null,
      spill: `${m.root}/tmp/copy`,
      released: () => released = true,
    });
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
    assert.equal(bytes.length, size);
    const number = await check(m, { bytes } as Answer);
    assert.ok(number >= last);
    last = number;
    assert.ok(released);
    nothingLeft(m);
  }
  await threads.close();
});

Deno.test("stat and checkpoint report the content of the file and its WAL", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("a");
  await using writer = TestProcess.deno("writer.ts", await fileOf(m, id), "steps");
  await writer.line();
  await writer.say("6999");
  await writer.line();
  const { status, json } = await m.ask("GET", `/volumes/${id}/stat`);
  assert.equal(status, 200);
  assert.deepEqual(Object.keys(json), ["id", "mounted", "mtime", "name", "size_bytes"]);
  assert.equal(json.mounted, false);
  assert.ok(Math.abs(json.mtime - Date.now() / 1000) < 60);
  assert.ok(json.size_bytes > 20_000);
  const moved = await m.ask("POST", `/volumes/${id}/checkpoint`);
  assert.equal(moved.status, 200);
  assert.ok(moved.json.wal_frames_checkpointed > 0);
  assert.equal(moved.json.wal_frames_remaining, 0);
  assert.equal((await m.ask("POST", "/volumes/none/checkpoint")).status, 404);
  assert.equal((await m.ask("GET", "/volumes/none/stat")).status, 404);
});

Deno.test("health of a volume needs its PIN, that of a filesystem does not; prune frees", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("plain");
  const path = await fileOf(m, id);
  const fsId = path.replace(/.*\/|\.aloe$/g, "");
  const healthy = await m.ask("GET", `/volumes/${id}/health?deep=1`);
  assert.equal(healthy.status, 200, healthy.text);
  assert.equal(healthy.json.ok, true);
  assert.deepEqual(healthy.json.anomalies, []);
  assert.deepEqual((await m.ask("GET", `/filesystems/${fsId}/health`)).json, {
    ok: true,
    anomalies: [],
  });
  const secret = await m.volume("secret", { encrypted: true, pin: "2468" });
  const locked = await m.ask("GET", `/volumes/${secret}/health`);
  assert.equal(locked.status, 401);
  assert.equal(locked.json.code, "encryption_required");
  {
    await using fs = await AloeLite.open(path, { create: false });
    await using mount = await fs.mount(id);
    await mount.put("/a", randomBytes(3_000_000));
    await mount.remove("/a");
    await mount.purge();
  }
  const pruned = await m.ask("POST", `/filesystems/${fsId}/prune`, { json: { vacuum: true } });
  assert.equal(pruned.status, 200, pruned.text);
  assert.ok(pruned.json.freed_bytes > 1_000_000, pruned.text);
  assert.equal((await m.ask("POST", "/filesystems/none/prune")).status, 404);
});

Deno.test("an import equals the export; a damaged, known or too large file is refused", async () => {
  await using from = await TestManager.start();
  const id = await from.volume("a");
  const { bytes } = await from.ask("GET", `/volumes/${id}/export`);
  await using m = await TestManager.start({ limits: { uploadBytes: bytes.length } });
  const headers = { "content-type": "application/octet-stream" };
  const post = (body: Uint8Array) =>
    m.ask("POST", "/filesystems?name=copy", { headers, body: body as BodyInit });
  const damaged = bytes.slice();
  damaged.fill(7, 5000, 9000);
  for (const bad of [new Uint8Array(0), new Uint8Array(5000), damaged, bytes.slice(0, 20_000)]) {
    const answer = await post(bad);
    assert.ok([400, 422].includes(answer.status), `${answer.status}: ${answer.text}`);
    assert.ok(!answer.text.includes(m.root), answer.text);
  }
  assert.deepEqual((await m.ask("GET", "/volumes")).json, []);
  const done = await post(bytes);
  assert.equal(done.status, 201, done.text);
  assert.equal(done.json.name, "copy");
  assert.deepEqual(done.json.volumes, [{ id, name: "a" }]);
  assert.equal((await m.ask("GET", `/volumes/${id}/stat`)).status, 200);
  const twice = await post(bytes);
  assert.equal(twice.status, 409);
  assert.equal(twice.json.code, "already_exists");
  const longer = new Uint8Array(bytes.length + 1);
  assert.equal((await post(longer)).status, 413);
  const streamed = new ReadableStream({
    start(controller) {
      for (let i = 0; i < 10; i++) controller.enqueue(bytes);
      controller.close();
    },
  });
  const answer = await m.ask("POST", "/filesystems", { headers, body: streamed });
  assert.equal(answer.status, 413);
  nothingLeft(m);
  assert.equal((await m.ask("GET", "/volumes")).json.length, 1);
});
