/** `aloelite serve` as a process: addresses, tokens, certificates, its end. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { certificates } from "./certificates.ts";
import { request } from "./support.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

/** A running `aloelite serve`. */
class Serve implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly lines: string[];
  readonly url: string;

  private constructor(child: Deno.ChildProcess, lines: string[]) {
    this.#child = child;
    this.lines = lines;
    this.url = lines[0].split(" ")[0];
  }

  /** @param lines The number of lines that it prints at its start. */
  static async start(args: string[], lines = 1, env: Record<string, string> = {}): Promise<Serve> {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "-A", MAIN, "serve", "--port", "0", ...args],
      env: { NO_COLOR: "1", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    let text = "";
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    while (text.split("\n").length <= lines) {
      const { value, done } = await reader.read();
      if (done) break;
      text += value;
    }
    await reader.cancel();
    return new Serve(child, text.trimEnd().split("\n"));
  }

  /** Ends it. @returns Its exit code and the duration of its end, ms. */
  async end(signal: Deno.Signal = "SIGTERM"): Promise<{ code: number; ms: number }> {
    const begun = performance.now();
    this.#child.kill(signal);
    const { code } = await this.#child.status;
    return { code, ms: performance.now() - begun };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.#child.status;
  }
}

async function folder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir({ prefix: "aloelite-serve-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

Deno.test("serve: SIGTERM lets an upload finish, refuses new requests, and ends within ten seconds", async () => {
  await using root = await folder();
  await using server = await Serve.start(["--root", root.path]);
  assert.match(server.lines[0], /^http:\/\/127\.0\.0\.1:\d+ serves the volumes in /);
  const made = await request("POST", `${server.url}/volumes`, { json: { name: "v" } });
  assert.equal(made.status, 201);
  const files = `${server.url}/volumes/${made.json.id}/files`;
  let sent = 0;
  const begun = Promise.withResolvers<void>();
  const slow = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      if (sent === 20) return controller.close();
      controller.enqueue(new Uint8Array(100_000).fill(++sent));
      if (sent === 3) begun.resolve();
      await new Promise((resolve) => setTimeout(resolve, 100));
    },
  });
  const upload = request("PUT", `${files}/slow.bin`, { body: slow });
  await begun.promise;
  const ending = server.end();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const late = await request("GET", `${server.url}/volumes`).catch(() => null);
  if (late !== null) assert.equal(late.status, 503);
  assert.equal((await upload).status, 201);
  const { code, ms } = await ending;
  assert.equal(code, 0);
  assert.ok(ms < 10_000, `${ms} ms`);

  await using again = await Serve.start(["--root", root.path]);
  const kept = await request(
    "GET",
    `${again.url}/volumes/${made.json.id}/files/slow.bin`,
  );
  assert.equal(kept.bytes.length, 2_000_000);
  assert.equal((await again.end("SIGINT")).code, 0);
});

Deno.test("serve: an endless upload does not keep it from ending", async () => {
  await using root = await folder();
  await using server = await Serve.start(["--root", root.path]);
  const made = await request("POST", `${server.url}/volumes`, { json: { name: "v" } });
  const files = `${server.url}/volumes/${made.json.id}/files`;
  await request("PUT", `${files}/f`, { body: "before" });
  const begun = Promise.withResolvers<void>();
  const endless = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      controller.enqueue(new Uint8Array(1000));
      begun.resolve();
      await new Promise((resolve) => setTimeout(resolve, 200));
    },
  });
  const upload = fetch(`${files}/f`, { method: "PUT", body: endless }).then(
    (response) => response.body?.cancel(),
    () => {},
  );
  await begun.promise;
  const { ms } = await server.end();
  assert.ok(ms < 9000, `${ms} ms`);
  await upload;
  await using again = await Serve.start(["--root", root.path]);
  const kept = await request("GET", `${again.url}/volumes/${made.json.id}/files/f`);
  assert.equal(kept.text, "before");
  await again.end();
});

Deno.test("serve: beyond loopback it requires a token, created and shown once", async () => {
  await using root = await folder();
  let token: string;
  {
    await using server = await Serve.start(["--root", root.path, "--host", "0.0.0.0"], 2);
    token = /shown again: ([0-9a-f]{64})$/.exec(server.lines[1])![1];
    const url = server.url.replace("0.0.0.0", "127.0.0.1");
    assert.equal((await request("GET", `${url}/volumes`)).status, 401);
    const headers = { authorization: `Bearer ${token}` };
    assert.equal((await request("GET", `${url}/volumes`, { headers })).status, 200);
    await server.end();
  }
  await using server = await Serve.start(["--root", root.path, "--host", "0.0.0.0"]);
  assert.equal(server.lines.length, 1);
  const headers = { authorization: `Bearer ${token}` };
  const url = server.url.replace("0.0.0.0", "127.0.0.1");
  assert.equal((await request("GET", `${url}/volumes`, { headers })).status, 200);
  await server.end();
  for (const name of ["manager.db", "manager.db-wal"]) {
    const bytes = await Deno.readFile(`${root.path}/${name}`).catch(() => new Uint8Array());
    assert.ok(!new TextDecoder("latin1").decode(bytes).includes(token), name);
  }
});

Deno.test("serve: a given token is required on loopback too", async () => {
  await using root = await folder();
  const args = ["--root", root.path, "--token-env", "SECRET"];
  const token = "a-token-of-some-length";
  await using server = await Serve.start(args, 1, { SECRET: token });
  assert.ok(!server.lines.join().includes(token));
  assert.equal((await request("GET", `${server.url}/volumes`)).status, 401);
  const headers = { authorization: `Bearer ${token}` };
  assert.equal((await request("GET", `${server.url}/volumes`, { headers })).status, 200);
  await server.end();
});

Deno.test("serve: two managers do not share a folder; wrong use is reported", async () => {
  await using root = await folder();
  await using server = await Serve.start(["--root", root.path]);
  const run = async (...args: string[]) => {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "-A", MAIN, "serve", ...args],
      env: { NO_COLOR: "1", SHORT: "short" },
    }).output();
    return { code, error: new TextDecoder().decode(stderr) };
  };
  const second = await run("--root", root.path, "--port", "0");
  assert.equal(second.code, 1);
  assert.match(second.error, /another manager uses this folder/);
  await using other = await folder();
  const port = new URL(server.url).port;
  const taken = await run("--root", other.path, "--port", port);
  assert.equal(taken.code, 1);
  assert.match(taken.error, /the port is in use/);
  for (
    const args of [["--port", "x"], ["--tls-cert", "c"], ["--client-ca", "c"], [
      "--token-env",
      "SHORT",
    ]]
  ) {
    const wrong = await run("--root", other.path, ...args);
    assert.equal(wrong.code, 2, wrong.error);
    assert.ok(!/short\b/.test(wrong.error));
  }
});

Deno.test("serve: HTTPS, and client certificates in place of a token", async () => {
  await using root = await folder();
  await using keys = await folder();
  await certificates(keys.path);
  const read = (name: string) => Deno.readTextFileSync(`${keys.path}/${name}`);
  const path = (name: string) => `${keys.path}/${name}`;
  const tls = ["--tls-cert", path("server.pem"), "--tls-key", path("server.key")];
  const caCerts = [read("ca.pem")];
  {
    await using server = await Serve.start(["--root", root.path, ...tls]);
    using client = Deno.createHttpClient({ caCerts });
    const response = await fetch(`${server.url}/volumes`, { client });
    assert.deepEqual(await response.json(), []);
    await server.end();
  }
  const args = ["--root", root.path, ...tls, "--client-ca", path("ca.pem"), "--host", "0.0.0.0"];
  await using server = await Serve.start(args);
  const url = server.url.replace("0.0.0.0", "127.0.0.1");
  using known = Deno.createHttpClient({
    caCerts,
    cert: read("client.pem"),
    key: read("client.key"),
  });
  const made = await fetch(`${url}/volumes`, {
    client: known,
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: "v" }),
  });
  assert.equal(made.status, 201);
  const { id } = await made.json();
  // Both directions as streams.
  const content = crypto.getRandomValues(new Uint8Array(50_000));
  const body = new Blob(new Array(200).fill(content)).stream();
  const put = await fetch(`${url}/volumes/${id}/files/big`, { client: known, method: "PUT", body });
  assert.equal(put.status, 201);
  await put.body?.cancel();
  const got = await fetch(`${url}/volumes/${id}/files/big`, { client: known });
  const bytes = await got.bytes();
  assert.equal(bytes.length, 10_000_000);
  assert.deepEqual(bytes.subarray(9_950_000), content);
  for (
    const stranger of [{ caCerts }, {
      caCerts,
      cert: read("stranger.pem"),
      key: read("stranger.key"),
    }]
  ) {
    using client = Deno.createHttpClient(stranger);
    await assert.rejects(fetch(`${url}/volumes`, { client }).then((each) => each.text()));
  }
  assert.equal((await server.end()).code, 0);
});
