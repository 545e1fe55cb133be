/** Slow request bodies end, and block no other client. */

import assert from "node:assert/strict";
import { raw } from "./raw.ts";
import { TestProcess } from "./processes.ts";
import { request, TestManager } from "./support.ts";

const JSON_TYPE = "Content-Type: application/json";
const TOKEN = "the-token-of-this-test";

async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Begins requests with bodies that never arrive, and closes them at the end.
 */
class Slow implements AsyncDisposable {
  readonly #open: Deno.TcpConn[] = [];

  async begin(url: string, count: number, head: string[]): Promise<void> {
    const { hostname, port, host } = new URL(url);
    const lines = [...head, `Host: ${host}`, JSON_TYPE, "Content-Length: 100"];
    const bytes = new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n{"`);
    for (let i = 0; i < count; i++) {
      const connection = await Deno.connect({ hostname, port: Number(port) });
      this.#open.push(connection);
      await connection.write(bytes);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#open) connection.close();
    await sleep(50);
  }
}

Deno.test("slow logins block neither logged-in clients nor the health check", async () => {
  await using m = await TestManager.start({ token: TOKEN, limits: { concurrent: 8 } });
  const headers = { authorization: `Bearer ${TOKEN}` };
  await using slow = new Slow();
  await slow.begin(m.url, 30, ["POST /login HTTP/1.1"]);
  for (let i = 0; i < 20; i++) {
    assert.equal((await m.ask("GET", "/health")).status, 200);
    assert.equal((await m.ask("GET", "/volumes", { headers })).status, 200);
  }
  // Another client can log in as soon as one of them has been silent too long.
  let status = 0;
  for (let i = 0; i < 200 && status !== 204; i++) {
    ({ status } = await m.ask("POST", "/login", { json: { token: TOKEN } }));
    if (status !== 204) await sleep(50);
  }
  assert.equal(status, 204);
});

Deno.test("without a token, slow bodies give up their slots to others", async () => {
  await using m = await TestManager.start({ limits: { concurrent: 8 } });
  await using slow = new Slow();
  await slow.begin(m.url, 30, ["POST /volumes HTTP/1.1"]);
  assert.equal((await m.ask("GET", "/health")).status, 200);
  let status = 0;
  for (let i = 0; i < 200 && status !== 200; i++) {
    ({ status } = await m.ask("GET", "/volumes"));
    if (status !== 200) await sleep(50);
  }
  assert.equal(status, 200);
});

Deno.test("a slot is released at the timeout, whatever the client does", async () => {
  await using m = await TestManager.start({ limits: { concurrent: 4, requestMs: 400 } });
  await using slow = new Slow();
  await slow.begin(m.url, 4, ["POST /volumes HTTP/1.1"]);
  let status = 0;
  for (let i = 0; i < 200 && status !== 200; i++) {
    ({ status } = await m.ask("GET", "/volumes"));
    if (status !== 200) await sleep(50);
  }
  assert.equal(status, 200);
});

Deno.test("a body has a minimum rate and a time limit", async () => {
  await using m = await TestManager.start({
    limits: { bodyBytesPerSecond: 200, bodyWindowMs: 500, jsonWindowMs: 300, bodyMs: 3000 },
  });
  const id = await m.volume("v");
  const dribble = (count: number, bytes: string, after: number) =>
    Array.from({ length: count }, () => ({ bytes, after }));
  const put = (parts: { bytes: string; after: number }[]) =>
    raw(m.url, [`PUT /volumes/${id}/files/x HTTP/1.1`, "Content-Length: 100000"], parts);
  const [thin, long, json] = await Promise.all([
    put(dribble(100, "x", 100)),
    put(dribble(100, "x".repeat(900), 100)),
    raw(
      m.url,
      ["POST /volumes HTTP/1.1", JSON_TYPE, "Content-Length: 1000"],
      dribble(100, " ", 50),
    ),
  ]);
  for (const [name, { status, text }] of Object.entries({ thin, json })) {
    assert.equal(status, 408, `${name}: ${text}`);
    assert.match(text, /too slowly/, name);
  }
  assert.equal(long.status, 408);
  assert.match(long.text, /too long/);
  assert.deepEqual((await m.ask("GET", `/volumes/${id}/list`)).json.entries, []);
});

Deno.test("a body without a content type has the same limits", async () => {
  await using m = await TestManager.start({ limits: { idleBodyMs: 300, jsonBytes: 100 } });
  const post = (length: number, bytes: string) =>
    raw(m.url, ["POST /volumes HTTP/1.1", `Content-Length: ${length}`], [{ bytes }]);
  assert.equal((await post(10, "{")).status, 408);
  assert.equal((await post(200, "{".repeat(200))).status, 413);
  assert.equal((await post(1, "{")).status, 415);
  assert.equal((await post(0, "")).status, 400);
});

Deno.test("no request makes the runtime warn about its signal", async () => {
  const root = await Deno.makeTempDir({ prefix: "aloelite-warning-" });
  const [program, ...args] = TestProcess.words("manager_process.ts", JSON.stringify({ root }));
  const child = new Deno.Command(program, { args, stdout: "piped", stderr: "piped" }).spawn();
  const said = new Response(child.stderr).text();
  try {
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const url = (await reader.read()).value!.trim();
    await reader.cancel();
    const made = await request("POST", `${url}/volumes`, { json: { name: "v" } });
    const at = `${url}/volumes/${made.json.id}`;
    for (const method of ["POST", "PATCH", "PUT", "DELETE", "GET"]) {
      for (
        const path of ["", "/mount", "/unlock", "/search?q=x", "/usage", "/files/x", "/uploads"]
      ) {
        await request(method, `${at}${path}`);
      }
    }
    await request("POST", `${url}/login`);
    await request("GET", `${url}/volumes/none/search?q=x`);
    child.kill("SIGTERM");
    await child.status;
    assert.equal(await said, "");
  } finally {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await child.status;
    await Deno.remove(root, { recursive: true });
  }
});
