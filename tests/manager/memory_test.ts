/**
 * Memory of a real `aloelite serve` while clients request much at once, or are
 * slow.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { AloeLite } from "../../mod.ts";
import { ByteBudget } from "../../src/byte_budget.ts";
import { MB, Served, silent } from "./memory_process.ts";
import { request, TestManager } from "./support.ts";

const CHUNK = 64 * MB;
const SIZE = 2 * CHUNK + 5;
const TUS = { "tus-resumable": "1.0.0" };

const onLinux = Deno.build.os !== "linux";

Deno.test({
  name: "many ranges and silent readers of a file of large chunks take the memory of a few chunks",
  ignore: onLinux,
  fn: async () => {
    await using served = await Served.start(CHUNK);
    await served.put("/x", SIZE);
    const file = `${served.volume}/files/x`;
    const positions = Array.from({ length: 32 }, (_, i) => i * Math.floor(SIZE / 32));
    const range = `bytes=${positions.map((at) => `${at}-${at}`).join(",")}`;
    const several = await served.rise(async () => {
      const answers = await Promise.all(
        [1, 2, 3].map(() => request("GET", file, { headers: { range } })),
      );
      for (const { status, bytes } of answers) {
        assert.equal(status, 206);
        assert.ok(bytes.length > 32 && bytes.length < 10_000);
      }
    });
    assert.ok(several < 5 * CHUNK, `${several / MB} MiB for several ranges`);

    const path = new URL(file).pathname;
    const host = new URL(file).host;
    const connections: Deno.Conn[] = [];
    const stalled = await served.rise(async () => {
      for (let i = 0; i < 24; i++) {
        const head = [`GET ${path} HTTP/1.1`, `host: ${host}`, `range: bytes=${i * 1000}-`];
        connections.push(await silent(file, head, new Uint8Array(0)));
      }
      // A later request is answered after the first pieces of the earlier ones.
      const one = await request("GET", file, { headers: { range: "bytes=5-6" } });
      assert.deepEqual(one.bytes, Uint8Array.of(7, 7));
    });
    for (const connection of connections) connection.close();
    assert.ok(stalled < 5 * CHUNK, `${stalled / MB} MiB for readers that do not read`);
  },
});

Deno.test({
  name: "interrupted pieces with a checksum do not stay in memory",
  ignore: onLinux,
  fn: async () => {
    await using served = await Served.start(MB);
    const { host } = new URL(served.url);
    const most = 12 * MB;
    const sent = new Uint8Array(most - 1).fill(3);
    const connections: Deno.Conn[] = [];
    const uploads: string[] = [];
    const rise = await served.rise(async () => {
      for (let i = 0; i < 40; i++) {
        const made = await request("POST", `${served.volume}/uploads`, {
          headers: {
            ...TUS,
            "upload-length": `${most}`,
            "upload-metadata": `path ${btoa(`/f${i}`)}`,
          },
        });
        assert.equal(made.status, 201, made.text);
        const upload = served.url + made.headers.get("location")!;
        uploads.push(upload);
        const head = [
          `PATCH ${new URL(upload).pathname} HTTP/1.1`,
          `host: ${host}`,
          "tus-resumable: 1.0.0",
          "content-type: application/offset+octet-stream",
          "upload-offset: 0",
          `upload-checksum: sha1 ${createHash("sha1").update(sent).digest("base64")}`,
          `content-length: ${most}`,
        ];
        connections.push(await silent(upload, head, sent));
      }
    });
    for (const connection of connections) connection.close();
    assert.ok(rise < 250 * MB, `${rise / MB} MiB`);
    // Unchecked bytes neither count nor stay.
    for (const upload of uploads) {
      let head = await request("HEAD", upload, { headers: TUS });
      while (head.status === 423) head = await request("HEAD", upload, { headers: TUS });
      assert.equal(head.headers.get("upload-offset"), "0");
    }
  },
});

Deno.test("a checked piece of any size is accepted completely or not at all", async () => {
  await using served = await Served.start(MB);
  const content = new Uint8Array(20 * MB + 3);
  for (let i = 0; i < content.length; i++) content[i] = (i * 31) >> 7;
  const made = await request("POST", `${served.volume}/uploads`, {
    headers: {
      ...TUS,
      "upload-length": `${content.length}`,
      "upload-metadata": `path ${btoa("/c")}`,
    },
  });
  const upload = served.url + made.headers.get("location")!;
  const send = (offset: number, bytes: Uint8Array<ArrayBuffer>, of: Uint8Array) =>
    request("PATCH", upload, {
      headers: {
        ...TUS,
        "content-type": "application/offset+octet-stream",
        "upload-offset": `${offset}`,
        "upload-checksum": `sha256 ${createHash("sha256").update(of).digest("base64")}`,
      },
      body: bytes,
    });
  const half = 9 * MB + 77;
  assert.equal((await send(0, content.slice(0, half), content)).status, 460);
  assert.equal((await send(0, content.slice(0, half), content.slice(0, half))).status, 204);
  assert.equal((await send(half, content.slice(half), content)).status, 460);
  const head = await request("HEAD", upload, { headers: TUS });
  assert.equal(head.headers.get("upload-offset"), `${half}`);
  assert.equal((await send(half, content.slice(half), content.slice(half))).status, 204);
  assert.deepEqual((await request("GET", `${served.volume}/files/c`)).bytes, content);
  const { json } = await request("GET", `${served.volume}/uploads`);
  assert.deepEqual(json.uploads, []);
});

Deno.test("a filesystem with chunks above the memory limit is not imported", async () => {
  await using m = await TestManager.start();
  const path = `${m.root}/huge.db`;
  {
    await using fs = await AloeLite.open(path);
    await fs.createVolume({ name: "huge", chunkSize: 256 * MB });
  }
  const refused = await m.ask("POST", "/filesystems?name=huge", {
    body: await Deno.readFile(path),
    headers: { "content-type": "application/octet-stream" },
  });
  assert.equal(refused.status, 422, refused.text);
  assert.equal(refused.json.code, "unsupported");
  assert.match(refused.json.detail, /134217728 bytes at most here, not 268435456/);
});

Deno.test("a budget is granted in order, within its limit, and alone to a larger request", async () => {
  const budget = new ByteBudget(10);
  const first = await budget.take(8);
  const order: string[] = [];
  const large = budget.take(50).then((share) => (order.push("large"), share));
  const small = budget.take(1).then((share) => (order.push("small"), share));
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.deepEqual(order, []);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  using held = await large;
  assert.equal(budget.used, 50);
  assert.deepEqual(order, ["large"]);
  held[Symbol.dispose]();
  using _last = await small;
  assert.equal(budget.used, 1);
});
