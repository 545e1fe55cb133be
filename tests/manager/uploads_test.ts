/**
 * Resumable uploads: tus 1.0.0, across lost connections and killed managers.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { AloeLite } from "../../mod.ts";
import * as internal from "../../src/internal.ts";
import * as ops from "../../src/ops.ts";
import { type Answer, request, TestManager } from "./support.ts";

const TUS = { "tus-resumable": "1.0.0" };
const PIECE = { ...TUS, "content-type": "application/offset+octet-stream" };

function noise(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    bytes[i] = state >> 16;
  }
  return bytes;
}

function metadata(values: Record<string, string>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key} ${new TextEncoder().encode(value).toBase64()}`)
    .join(",");
}

async function create(
  url: string,
  volume: string,
  length: number,
  values: Record<string, string>,
): Promise<Answer> {
  return await request("POST", `${url}/volumes/${volume}/uploads`, {
    headers: { ...TUS, "upload-length": `${length}`, "upload-metadata": metadata(values) },
  });
}

async function piece(
  upload: string,
  offset: number,
  body: Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return await request("PATCH", upload, {
    headers: { ...PIECE, "upload-offset": `${offset}`, ...headers },
    body,
  });
}

async function offsetOf(upload: string): Promise<number> {
  const { status, headers } = await request("HEAD", upload, { headers: TUS });
  assert.equal(status, 200);
  assert.equal(headers.get("cache-control"), "no-store");
  return Number(headers.get("upload-offset"));
}

Deno.test("an upload arrives in pieces and is visible when it is complete", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("main");
  const options = await m.ask("OPTIONS", `/volumes/${id}/uploads`);
  assert.equal(options.status, 204);
  assert.match(options.headers.get("tus-extension")!, /creation.*termination.*checksum/);
  const content = noise(2_500_001);
  const made = await create(m.url, id, content.length, { path: "/d/x.bin", parents: "1" });
  assert.equal(made.status, 201, made.text);
  const upload = m.url + made.headers.get("location")!;
  assert.ok(Date.parse(made.headers.get("upload-expires")!) > Date.now());
  assert.equal(await offsetOf(upload), 0);
  assert.equal((await piece(upload, 1, content.slice(1, 10))).status, 409);
  for (const [from, to] of [[0, 1], [1, 65_536], [65_536, 1_200_000], [1_200_000, 1_200_000]]) {
    const { status, headers, text } = await piece(upload, from, content.slice(from, to));
    assert.equal(status, 204, text);
    assert.equal(headers.get("upload-offset"), `${to}`);
    assert.equal(await offsetOf(upload), to);
  }
  assert.equal((await m.ask("GET", `/volumes/${id}/files/d/x.bin`)).status, 404);
  const listed = (await m.ask("GET", `/volumes/${id}/uploads`)).json.uploads;
  assert.deepEqual(
    listed.map((one: { path: string; offset: number; length: number }) => [
      one.path,
      one.offset,
      one.length,
    ]),
    [["/d/x.bin", 1_200_000, content.length]],
  );
  const over = await piece(upload, 1_200_000, noise(2_000_000));
  assert.equal(over.status, 413);
  assert.equal((await piece(upload, 1_200_000, content.slice(1_200_000))).status, 204);
  assert.deepEqual((await m.ask("GET", `/volumes/${id}/files/d/x.bin`)).bytes, content);
  // A client that did not get the last answer asks again, and gets it.
  assert.equal(await offsetOf(upload), content.length);
  assert.equal((await piece(upload, content.length, new Uint8Array(0))).status, 204);
  assert.deepEqual((await m.ask("GET", `/volumes/${id}/uploads`)).json.uploads, []);
});

Deno.test("wrong headers and destinations of an upload are refused", async () => {
  await using m = await TestManager.start({ limits: { uploadBytes: 1_000_000 } });
  const id = await m.volume("main");
  await m.ask("PUT", `/volumes/${id}/files/there`, { body: "old" });
  const uploads = `/volumes/${id}/uploads`;
  const post = (headers: Record<string, string>) => m.ask("POST", uploads, { headers });
  const goal = metadata({ path: "/x" });
  const wrong: [number, Record<string, string>][] = [
    [412, { "upload-length": "1", "upload-metadata": goal }],
    [412, { "tus-resumable": "0.2.2", "upload-length": "1", "upload-metadata": goal }],
    [400, { ...TUS, "upload-metadata": goal }],
    [400, { ...TUS, "upload-length": "-1", "upload-metadata": goal }],
    [400, { ...TUS, "upload-length": "1e3", "upload-metadata": goal }],
    [400, { ...TUS, "upload-length": "1" }],
    [400, { ...TUS, "upload-length": "1", "upload-metadata": "path !!" }],
    [400, { ...TUS, "upload-length": "1", "upload-metadata": metadata({ path: "/../x" }) }],
    [400, { ...TUS, "upload-length": "1", "upload-metadata": metadata({ path: "/" }) }],
    [413, { ...TUS, "upload-length": "1000001", "upload-metadata": goal }],
    [404, { ...TUS, "upload-length": "1", "upload-metadata": metadata({ path: "/no/x" }) }],
    [409, {
      ...TUS,
      "upload-length": "1",
      "upload-metadata": metadata({ path: "/there", overwrite: "0" }),
    }],
    [409, { ...TUS, "upload-length": "1", "upload-metadata": metadata({ path: "/there/x" }) }],
  ];
  for (const [status, headers] of wrong) {
    const answer = await post(headers);
    assert.equal(answer.status, status, `${JSON.stringify(headers)} ${answer.text}`);
  }
  assert.deepEqual((await m.ask("GET", uploads)).json.uploads, []);
  const none = `${uploads}/019ad2c4-5b1e-7000-8000-000000000000`;
  for (const method of ["HEAD", "DELETE"]) {
    assert.equal((await m.ask(method, none, { headers: TUS })).status, 404);
  }
  assert.equal((await piece(m.url + none, 0, noise(1))).status, 404);
  assert.equal((await m.ask("PATCH", none, { headers: TUS, body: "x" })).status, 415);

  // A file that appears during the upload is not overwritten either.
  const made = await create(m.url, id, 3, { path: "/late", overwrite: "0" });
  await m.ask("PUT", `/volumes/${id}/files/late`, { body: "first" });
  const late = await piece(m.url + made.headers.get("location")!, 0, noise(3));
  assert.equal(late.status, 409);
  assert.equal((await m.ask("GET", `/volumes/${id}/files/late`)).text, "first");
  const over = await create(m.url, id, 3, { path: "/there" });
  assert.equal((await piece(m.url + over.headers.get("location")!, 0, noise(3))).status, 204);
  assert.equal((await m.ask("GET", `/volumes/${id}/node?path=/there`)).json.version, 2);
});

Deno.test("an upload may begin with its body, be empty, or be aborted", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("main");
  const uploads = `/volumes/${id}/uploads`;
  const whole = await m.ask("POST", uploads, {
    headers: { ...PIECE, "upload-length": "5", "upload-metadata": metadata({ path: "/whole" }) },
    body: "hello",
  });
  assert.equal(whole.status, 201, whole.text);
  assert.equal(whole.headers.get("upload-offset"), "5");
  assert.equal((await m.ask("GET", `/volumes/${id}/files/whole`)).text, "hello");
  assert.equal((await create(m.url, id, 0, { path: "/empty" })).status, 201);
  assert.equal((await m.ask("GET", `/volumes/${id}/files/empty`)).text, "");

  const deferred = await m.ask("POST", uploads, {
    headers: { ...TUS, "upload-defer-length": "1", "upload-metadata": metadata({ path: "/late" }) },
  });
  const upload = m.url + deferred.headers.get("location")!;
  assert.equal((await piece(upload, 0, noise(3))).status, 204);
  const last = await piece(upload, 3, noise(3), { "upload-length": "6" });
  assert.equal(last.status, 204, last.text);
  assert.equal((await m.ask("GET", `/volumes/${id}/files/late`)).bytes.length, 6);

  const made = await create(m.url, id, 9, { path: "/never" });
  const never = m.url + made.headers.get("location")!;
  await piece(never, 0, noise(5));
  assert.equal((await request("DELETE", never, { headers: TUS })).status, 204);
  assert.equal((await request("HEAD", never, { headers: TUS })).status, 404);
});

Deno.test("a piece with a wrong checksum leaves nothing", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("main");
  const content = noise(100_000);
  const made = await create(m.url, id, content.length, { path: "/x" });
  const upload = m.url + made.headers.get("location")!;
  const sum = (algorithm: string, bytes: Uint8Array) => ({
    "upload-checksum": `${algorithm} ${createHash(algorithm).update(bytes).digest("base64")}`,
  });
  const wrong = await piece(upload, 0, content, sum("sha1", noise(3)));
  assert.equal(wrong.status, 460, wrong.text);
  assert.equal(await offsetOf(upload), 0);
  assert.equal((await piece(upload, 0, content, { "upload-checksum": "crc7 x" })).status, 400);
  const half = content.slice(0, 50_000);
  assert.equal((await piece(upload, 0, half, sum("sha256", half))).status, 204);
  const rest = content.slice(50_000);
  assert.equal((await piece(upload, 50_000, rest, sum("sha1", rest))).status, 204);
  assert.deepEqual((await m.ask("GET", `/volumes/${id}/files/x`)).bytes, content);
});

/** Sends a piece of which only a part arrives. */
async function broken(
  upload: string,
  offset: number,
  all: Uint8Array,
  sent: number,
): Promise<Deno.Conn> {
  const { host, port, pathname } = new URL(upload);
  const connection = await Deno.connect({ port: Number(port) });
  const head = `PATCH ${pathname} HTTP/1.1\r\nhost: ${host}\r\ntus-resumable: 1.0.0\r\n` +
    `content-type: ${PIECE["content-type"]}\r\nupload-offset: ${offset}\r\n` +
    `content-length: ${all.length - offset}\r\n\r\n`;
  for (const bytes of [new TextEncoder().encode(head), all.subarray(offset, offset + sent)]) {
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
  }
  return connection;
}

async function settled(upload: string, least: number): Promise<number> {
  let offset = 0;
  for (let tries = 0; tries < 6000 && offset < least; tries++) {
    offset = await offsetOf(upload);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return offset;
}

Deno.test("a connection that breaks at any byte loses no received byte", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("main");
  const content = noise(400_003, 5);
  for (const sent of [1, 65_535, 65_536, 65_537, 200_000, 400_002]) {
    const made = await create(m.url, id, content.length, { path: `/${sent}` });
    const upload = m.url + made.headers.get("location")!;
    const connection = await broken(upload, 0, content, sent);
    // Bytes that the other end has not read are lost with the connection.
    await new Promise((resolve) => setTimeout(resolve, 100));
    connection.close();
    const offset = await settled(upload, sent);
    assert.equal(offset, sent);
    let last: Answer;
    do last = await piece(upload, offset, content.slice(offset)); while (last.status === 423);
    assert.equal(last.status, 204, last.text);
    assert.deepEqual((await m.ask("GET", `/volumes/${id}/files/${sent}`)).bytes, content);
  }
});

Deno.test("two requests do not write one upload", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("main");
  const content = noise(300_000);
  const made = await create(m.url, id, content.length, { path: "/x" });
  const upload = m.url + made.headers.get("location")!;
  const connection = await broken(upload, 0, content, 100_000);
  let answer: Answer;
  // Nothing is locked until the first one has begun.
  for (let tries = 0;; tries++) {
    answer = await piece(upload, 7, content.slice(7));
    if (answer.status === 423 || tries === 100) break;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal(answer.status, 423);
  assert.equal((await request("DELETE", upload, { headers: TUS })).status, 423);
  connection.close();
  const offset = await settled(upload, 100_000);
  let last: Answer;
  do last = await piece(upload, offset, content.slice(offset)); while (last.status === 423);
  assert.equal(last.status, 204);
  assert.deepEqual((await m.ask("GET", `/volumes/${id}/files/x`)).bytes, content);
});

Deno.test("unfinished uploads expire, and their bytes are freed", async () => {
  await using m = await TestManager.start({ limits: { uploadMs: 4000 } });
  const id = await m.volume("main");
  const made = await create(m.url, id, 2_000_000, { path: "/x" });
  const upload = m.url + made.headers.get("location")!;
  assert.equal((await piece(upload, 0, noise(1_500_000))).status, 204);
  await new Promise((resolve) => setTimeout(resolve, 4100));
  assert.equal((await request("HEAD", upload, { headers: TUS })).status, 404);
  const [{ fs_id }] = (await m.ask("GET", "/volumes")).json;
  await using fs = await AloeLite.open(`${m.root}/filesystems/${fs_id}.aloe`);
  assert.equal(await internal.dropExpiredUploads(fs.db, 10), 1);
  while (await internal.reclaimChunks(fs.db, 100) > 0);
  assert.equal((await ops.fileInfo(fs.db)).chunks, 0);
});

/** A manager in a process of its own. */
async function start(root: string): Promise<{ url: string; process: Deno.ChildProcess }> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", new URL("serve_process.ts", import.meta.url).pathname, root],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let out = "";
  while (!out.includes("\n")) {
    const { done, value } = await reader.read();
    if (done) throw new Error("the manager did not start");
    out += value;
  }
  reader.cancel().catch(() => {});
  return { url: `http://127.0.0.1:${out.trim()}`, process };
}

Deno.test("an upload resumes after kill -9 of the manager, and the file is valid", async () => {
  const root = await Deno.makeTempDir({ prefix: "aloelite-killed-" });
  let { url, process } = await start(root);
  try {
    const made = await request("POST", `${url}/volumes`, { json: { name: "main" } });
    const { id, fs_id } = made.json;
    const content = noise(12_000_000, 9);
    const begun = await create(url, id, content.length, { path: "/x" });
    const path = begun.headers.get("location")!;
    let offset = 0;
    for (let round = 0; round < 3; round++) {
      // The connection stays open: the manager is killed while it receives a
      // piece.
      const connection = await broken(url + path, offset, content, 3_500_000);
      await new Promise((resolve) => setTimeout(resolve, 100));
      process.kill("SIGKILL");
      await process.status;
      connection.close();
      {
        await using fs = await AloeLite.open(`${root}/filesystems/${fs_id}.aloe`);
        assert.deepEqual(await ops.healthCheck(fs.db), []);
        await using mount = await fs.mount(id);
        assert.deepEqual((await ops.verify(fs.db, mount.handle, { deep: true })).problems, []);
        assert.deepEqual(await ops.list(fs.db, mount.handle, "/"), []);
      }
      ({ url, process } = await start(root));
      const reached = await offsetOf(url + path);
      assert.ok(reached >= offset && reached <= offset + 3_500_000, `${reached}`);
      offset = reached;
    }
    assert.ok(offset > 0, "nothing of three pieces was kept");
    const last = await piece(url + path, offset, content.slice(offset));
    assert.equal(last.status, 204, last.text);
    assert.deepEqual((await request("GET", `${url}/volumes/${id}/files/x`)).bytes, content);
  } finally {
    process.kill("SIGKILL");
    await process.status;
    await Deno.remove(root, { recursive: true });
  }
});
