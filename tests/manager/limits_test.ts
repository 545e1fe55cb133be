/**
 * Limits of requests: size, depth, time, concurrency, and the end of the
 * manager.
 */

import assert from "node:assert/strict";
import { raw, type RawAnswer } from "./raw.ts";
import { TestManager } from "./support.ts";

const JSON_TYPE = "Content-Type: application/json";
const CHUNKED = "Transfer-Encoding: chunked";

async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** A body as one chunk. */
function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

function problem({ status, headers, text }: RawAnswer, wanted: number, code: string): void {
  assert.equal(status, wanted, text);
  assert.equal(headers.get("content-type"), "application/problem+json");
  assert.ok(text.includes(`"code":"${code}"`), text);
}

/** A stream that sends a few bytes from time to time. */
function dribble(pieces: number, pause: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    async pull(controller) {
      if (pieces-- <= 0) return controller.close();
      await sleep(pause);
      controller.enqueue(new Uint8Array([120]));
    },
  });
}

Deno.test("the size and depth of a JSON body are limited", async () => {
  await using m = await TestManager.start({ limits: { jsonBytes: 1000 } });
  const post = (body: string) =>
    raw(m.url, ["POST /volumes HTTP/1.1", JSON_TYPE, `Content-Length: ${body.length}`], [
      { bytes: body },
    ]);
  const chunks = (...bodies: string[]) =>
    raw(m.url, ["POST /volumes HTTP/1.1", JSON_TYPE, CHUNKED], [
      ...bodies.map((bytes) => ({ bytes: chunk(bytes), after: 5 })),
      { bytes: "0\r\n\r\n" },
    ]);
  const large = JSON.stringify({ name: "x", more: "y".repeat(1000) });
  problem(await post(large), 413, "too_large");
  problem(await chunks(large.slice(0, 700), large.slice(700)), 413, "too_large");
  assert.equal((await post(large.replace(/y{100}/, ""))).status, 201);
  assert.equal((await chunks('{"na', 'me":"x"}')).status, 201);
  const nested = (depth: number) => `{"name":${"[".repeat(depth)}${"]".repeat(depth)}}`;
  assert.match((await post(nested(64))).text, /deep/);
  assert.doesNotMatch((await post(nested(63))).text, /deep/);
  assert.equal((await post(`{"name":"${"[".repeat(100)}\\"${"{".repeat(100)}"}`)).status, 201);
  problem(await post(`{"name":"${"[".repeat(100)}`), 400, "invalid");
});

Deno.test("a large body that is not JSON costs no more than its length", async () => {
  await using m = await TestManager.start();
  const length = 1024 * 1024 - 10;
  for (const part of ["[", '{"a":', '"\\"', '"', "\\", '["\\']) {
    const body = part.repeat(Math.floor(length / part.length));
    const started = performance.now();
    const { status, json } = await m.ask("POST", "/volumes", {
      body,
      headers: { "content-type": "application/json" },
    });
    assert.deepEqual([status, json.code], [400, "invalid"], part);
    assert.ok(performance.now() - started < 3000, part);
  }
});

Deno.test("the length of a URL and of the headers is limited", async () => {
  await using m = await TestManager.start({ limits: { headerBytes: 4096 } });
  problem(await raw(m.url, [`GET /volumes?x=${"y".repeat(5000)} HTTP/1.1`]), 414, "too_large");
  problem(await raw(m.url, ["GET /volumes HTTP/1.1", `X: ${"y".repeat(5000)}`]), 431, "too_large");
  const many = Array.from({ length: 90 }, (_, i) => `X-${i}: ${"y".repeat(50)}`);
  problem(await raw(m.url, ["GET /volumes HTTP/1.1", ...many]), 431, "too_large");
  assert.equal((await raw(m.url, [`GET /volumes?x=${"y".repeat(3000)} HTTP/1.1`])).status, 200);
  // Much larger heads are refused by the server below, without effect on
  // others.
  const { status } = await raw(m.url, ["GET /volumes HTTP/1.1", `X: ${"y".repeat(2_000_000)}`]);
  assert.ok(status === 0 || status === 431 || status === 400, `${status}`);
  assert.equal((await m.ask("GET", "/volumes")).status, 200);
});

Deno.test("a silent body is ended, on every route", async () => {
  await using m = await TestManager.start({ limits: { idleBodyMs: 300 } });
  const id = await m.volume("slow");
  const at = `/volumes/${id}`;
  const tus = "Tus-Resumable: 1.0.0";
  const goal = `Upload-Metadata: path ${btoa("/t")}`;
  const length = "Content-Length: 100";
  const form = "Content-Type: multipart/form-data; boundary=b";
  const file = 'content-disposition: form-data; name="f"; filename="f"';
  const requests: [string[], string][] = [
    [["POST /volumes HTTP/1.1", JSON_TYPE, length], '{"name"'],
    [[`POST ${at}/unlock HTTP/1.1`, JSON_TYPE, CHUNKED], chunk('{"pin"')],
    [[`PUT ${at}/files/x HTTP/1.1`, length], "x"],
    [[`PUT ${at}/files/x HTTP/1.1`, CHUNKED], chunk("x")],
    [[`POST ${at}/files HTTP/1.1`, form, length], `--b\r\n${file}\r\n\r\nx`],
    [["POST /filesystems HTTP/1.1", "Content-Type: application/octet-stream", length], "SQLite"],
    [[
      `POST ${at}/uploads HTTP/1.1`,
      tus,
      goal,
      "Upload-Length: 100",
      "Content-Type: application/offset+octet-stream",
      length,
    ], "x"],
  ];
  await Promise.all(requests.map(async ([head, bytes]) => {
    const started = performance.now();
    const answer = await raw(m.url, head, [{ bytes }]);
    assert.equal(answer.status, 408, `${head[0]}: ${answer.status} ${answer.text}`);
    assert.ok(performance.now() - started < 5000, head[0]);
  }));
  assert.deepEqual((await m.ask("GET", `${at}/list`)).json.entries, []);
  assert.equal((await m.ask("GET", "/filesystems")).json.length, 1);
  // Slow, but not idle.
  const slow = await m.ask("PUT", `${at}/files/slow`, { body: dribble(5, 150) });
  assert.equal(slow.status, 201, slow.text);
});

Deno.test("a request without a stream ends in its time; a stream may continue", async () => {
  await using m = await TestManager.start({ limits: { requestMs: 400 } });
  const id = await m.volume("slow");
  const started = performance.now();
  const parts = Array.from({ length: 20 }, () => ({ bytes: chunk(" "), after: 100 }));
  const late = await raw(m.url, ["POST /volumes HTTP/1.1", JSON_TYPE, CHUNKED], parts);
  problem(late, 503, "busy");
  assert.ok(Number(late.headers.get("retry-after")) > 0);
  assert.ok(performance.now() - started < 4000);
  const body = dribble(9, 100);
  assert.equal((await m.ask("PUT", `/volumes/${id}/files/x`, { body })).status, 201);
});

Deno.test("the number of concurrent requests is limited, streams included", async () => {
  await using m = await TestManager.start({ limits: { concurrent: 3 } });
  const streams = await Promise.all(
    Array.from({ length: 3 }, () => fetch(`${m.url}/events`)),
  );
  assert.deepEqual(streams.map(({ status }) => status), [200, 200, 200]);
  const { status, json, headers } = await m.ask("GET", "/volumes");
  assert.deepEqual([status, json.code], [503, "busy"]);
  assert.ok(Number(headers.get("retry-after")) >= 1);
  await streams[0].body!.cancel();
  let answer = 503;
  for (let tries = 0; tries < 100 && answer === 503; tries++) {
    await sleep(20);
    answer = (await m.ask("GET", "/volumes")).status;
  }
  assert.equal(answer, 200);
  // Refused requests take no slot.
  for (let i = 0; i < 10; i++) assert.equal((await m.ask("GET", "/nothing")).status, 404);
  for (const { body } of streams.slice(1)) await body!.cancel();
});

Deno.test("the size of a file, a form, an upload and a filesystem is limited", async () => {
  await using m = await TestManager.start({ limits: { uploadBytes: 1000 } });
  const id = await m.volume("small");
  const at = `/volumes/${id}`;
  const body = "x".repeat(1001);
  const stream = () => new Blob([body]).stream();
  const octets = { "content-type": "application/octet-stream" };
  const form = new FormData();
  form.set("f", new Blob([body]), "f");
  const tus = {
    "tus-resumable": "1.0.0",
    "upload-metadata": `path ${btoa("/t")}`,
    "upload-length": "1001",
  };
  const answers = [
    await m.ask("PUT", `${at}/files/x`, { body }),
    await m.ask("PUT", `${at}/files/x`, { body: stream() }),
    await m.ask("POST", `${at}/files`, { body: form }),
    await m.ask("POST", "/filesystems", { body, headers: octets }),
    await m.ask("POST", "/filesystems", { body: stream(), headers: octets }),
    await m.ask("POST", `${at}/uploads`, { headers: tus }),
  ];
  for (const { status, json, text } of answers) {
    assert.deepEqual([status, json?.code], [413, "too_large"], text);
  }
  assert.deepEqual((await m.ask("GET", `${at}/list`)).json.entries, []);
  assert.equal((await m.ask("PUT", `${at}/files/x`, { body: body.slice(1) })).status, 201);
  assert.deepEqual([...Deno.readDirSync(`${m.root}/tmp`)], []);
});

Deno.test("a stopping manager finishes running requests, and accepts no new ones", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("drain");
  const running = m.ask("PUT", `/volumes/${id}/files/x`, { body: dribble(6, 100) });
  const events = await fetch(`${m.url}/events`);
  await sleep(200);
  const drained = m.manager.drain(5000);
  const { status, json, headers } = await m.ask("GET", "/volumes");
  assert.deepEqual([status, json.code], [503, "busy"]);
  assert.ok(Number(headers.get("retry-after")) >= 1);
  const answer = await running;
  assert.equal(answer.status, 201, answer.text);
  assert.equal(answer.json.size, 6);
  // Listeners of the feed are told about the end, and not waited for.
  await events.text();
  assert.equal(await drained, true);
});

Deno.test("an endless request does not keep a manager from stopping", async () => {
  await using m = await TestManager.start({ limits: { drainMs: 200 } });
  const id = await m.volume("stuck");
  const gone = new AbortController();
  const stuck = fetch(`${m.url}/volumes/${id}/files/x`, {
    method: "PUT",
    body: dribble(1000, 100),
    signal: gone.signal,
  }).then((response) => response.text()).catch(() => "");
  await sleep(200);
  const started = performance.now();
  assert.equal(await m.manager.drain(300), false);
  assert.ok(performance.now() - started < 2000);
  gone.abort();
  await stuck;
});
