/** Silent or slow connections block no other client, and are closed. */

import assert from "node:assert/strict";
import { raw } from "./raw.ts";
import { AloeLite } from "../../mod.ts";
import { mountTest } from "../fuse/support.ts";
import { Connections } from "../../manager/http/connections.ts";
import type { OpenSocket, Sockets } from "../../manager/http/sockets.ts";
import { certificates } from "./certificates.ts";
import { type ManagerOptions, serve } from "../../manager/mod.ts";
import { TestProcess } from "./processes.ts";
import { type Answer, type Ask, request } from "./support.ts";

/** A manager that listens by itself, as `aloelite serve` does. */
class TestServer implements AsyncDisposable {
  readonly url: string;
  readonly #end: () => Promise<void>;

  private constructor(url: string, end: () => Promise<void>) {
    this.url = url;
    this.#end = end;
  }

  static async start(options: ManagerOptions): Promise<TestServer> {
    const root = await Deno.makeTempDir({ prefix: "aloelite-manager-" });
    const server = await serve({ root, port: 0, log: () => {}, ...options });
    return new TestServer(server.url, async () => {
      await server.stop();
      await Deno.remove(root, { recursive: true });
    });
  }

  async ask(method: string, path: string, ask: Ask = {}): Promise<Answer> {
    return await request(method, `${this.url}${path}`, ask);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }
}

const HEAD = "GET /volumes HTTP/1.1\r\nHost: 127.0.0.1\r\n";

async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** An open connection, closed at the end of its test. */
class Held implements Disposable {
  readonly connection: Deno.TcpConn;
  /** When the server closed it, by `performance.now`. */
  readonly closed: Promise<number>;
  isClosed = false;
  text = "";

  private constructor(connection: Deno.TcpConn) {
    this.connection = connection;
    this.closed = this.#read();
  }

  static async open(url: string, text = ""): Promise<Held> {
    const { hostname, port } = new URL(url);
    const held = new Held(await Deno.connect({ hostname, port: Number(port) }));
    if (text !== "") await held.say(text);
    return held;
  }

  async say(text: string): Promise<void> {
    await this.connection.write(new TextEncoder().encode(text)).catch(() => {});
  }

  async #read(): Promise<number> {
    const buffer = new Uint8Array(4096);
    try {
      for (let n; (n = await this.connection.read(buffer)) !== null;) {
        this.text += new TextDecoder().decode(buffer.subarray(0, n));
      }
    } catch {
      // Reset.
    }
    this.isClosed = true;
    return performance.now();
  }

  /** Waits for an answer. */
  async answered(): Promise<void> {
    while (!this.text.includes("\r\n\r\n")) {
      assert.ok(!this.isClosed, "it was closed");
      await sleep(5);
    }
  }

  [Symbol.dispose](): void {
    try {
      this.connection.close();
    } catch {
      // The connection is closed already.
    }
  }
}

/** Opens several connections. */
class All implements Disposable {
  readonly all: Held[] = [];

  async open(url: string, text = ""): Promise<Held> {
    const held = await Held.open(url, text);
    this.all.push(held);
    return held;
  }

  get alive(): number {
    return this.all.filter(({ isClosed }) => !isClosed).length;
  }

  [Symbol.dispose](): void {
    for (const held of this.all) held[Symbol.dispose]();
  }
}

async function until(what: () => boolean | Promise<boolean>, why: string): Promise<void> {
  const end = performance.now() + 20_000;
  while (!await what()) {
    assert.ok(performance.now() < end, why);
    await sleep(10);
  }
}

Deno.test("a request head arrives within its time, or the connection is closed", async () => {
  await using m = await TestServer.start({ limits: { headMs: 400, keepAliveMs: 2000 } });
  using all = new All();
  const begun = performance.now();
  const kinds: Record<string, Held> = {
    silent: await all.open(m.url),
    partial: await all.open(m.url, HEAD),
    "the first byte": await all.open(m.url, "G"),
  };
  const dribbled = await all.open(m.url, HEAD);
  const asked = await all.open(m.url, `${HEAD}\r\n`);
  await asked.answered();
  // A second head on a connection that has had a request.
  await asked.say("GET /vol");
  const dribble = setInterval(() => void dribbled.say("X"), 50);
  for (const [name, { closed }] of Object.entries({ ...kinds, dribbled, asked })) {
    const ms = await closed - begun;
    assert.ok(ms < 10_000, `${name}: ${ms} ms`);
  }
  clearInterval(dribble);
  assert.equal(asked.text.split("HTTP/1.1 ").length - 1 <= 2, true);
  // A client that sends in time is not affected.
  const slow = await raw(m.url, ["GET /volumes HTTP/1.1"]);
  assert.equal(slow.status, 200);
});

Deno.test("a connection is kept between requests, for a limited time", async () => {
  await using m = await TestServer.start({ limits: { headMs: 300, keepAliveMs: 6000 } });
  using all = new All();
  const kept = await all.open(m.url, `${HEAD}\r\n`);
  await kept.answered();
  await sleep(700);
  assert.equal(kept.isClosed, false, "longer than a head may take");
  kept.text = "";
  await kept.say(`${HEAD}\r\n`);
  await kept.answered();
  await kept.closed;
});

Deno.test("a client with a request gets in, despite many silent connections", async () => {
  await using m = await TestServer.start({ limits: { clientConnections: 10, connections: 14 } });
  using all = new All();
  // Running requests are not ended for others.
  const events = [await all.open(m.url, "GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")];
  await events[0].answered();
  for (let i = 0; i < 60; i++) {
    await all.open(m.url);
    if (i % 10 === 0) assert.equal((await raw(m.url, ["GET /volumes HTTP/1.1"])).status, 200);
  }
  await until(() => all.alive <= 10, "no more than there may be");
  assert.equal(events[0].isClosed, false);
  // The oldest ones are closed first.
  assert.ok(all.all[1].isClosed);
  assert.ok(!all.all.at(-1)!.isClosed);
  if (Deno.build.os === "linux") {
    using client = Deno.createHttpClient({ localAddress: "127.0.0.2" });
    const other = await fetch(`${m.url}/volumes`, { client });
    assert.deepEqual([other.status, await other.json()], [200, []]);
  }
});

Deno.test("the number of connections is limited, for all clients together", async () => {
  await using m = await TestServer.start({ limits: { connections: 8 } });
  using all = new All();
  for (let i = 0; i < 40; i++) await all.open(m.url);
  await until(() => all.alive <= 8, "no more than there may be");
  assert.equal((await m.ask("GET", "/health")).status, 200);
});

/** Retries until a connection is accepted: for a moment all may be refused. */
async function patiently<T>(task: () => Promise<T>): Promise<T> {
  const end = performance.now() + 20_000;
  while (true) {
    try {
      return await task();
    } catch (error) {
      if (performance.now() > end) throw error;
      await sleep(20);
    }
  }
}

/** A process with a low limit of open files. */
function crowded(...args: string[]): TestProcess {
  const words = TestProcess.words("crowded_process.ts", ...args).map((word) => `'${word}'`);
  return TestProcess.command("sh", ["-c", `ulimit -n 128; exec ${words.join(" ")}`]);
}

mountTest("thousands of silent connections stop neither the manager nor a mount", async () => {
  const root = await Deno.makeTempDir({ prefix: "aloelite-flood-" });
  const file = `${root}.aloe`;
  const mountpoint = await Deno.makeTempDir({ prefix: "aloelite-flood-mnt-" });
  {
    await using fs = await AloeLite.open(file);
    await fs.createVolume({ name: "v" });
  }
  const server = crowded(root, file, mountpoint);
  try {
    const url = await server.line();
    const made = await request("POST", `${url}/volumes`, { json: { name: "v" } });
    const at = `${url}/volumes/${made.json.id}/files`;
    assert.equal((await request("PUT", `${at}/f`, { body: "x".repeat(10_000) })).status, 201);
    using all = new All();
    for (let i = 0; i < 2000; i++) {
      await patiently(() => all.open(url));
      if (i % 200 !== 0) continue;
      await Deno.writeTextFile(`${mountpoint}/${i}`, `written in the flood ${i}`);
      assert.equal((await patiently(() => request("GET", `${url}/health`))).status, 200);
      assert.equal((await patiently(() => request("GET", `${at}/f`))).text.length, 10_000);
      const put = await patiently(() => request("PUT", `${at}/${i}`, { body: "new" }));
      assert.equal(put.status, 201, put.text);
      assert.equal(await Deno.readTextFile(`${mountpoint}/${i}`), `written in the flood ${i}`);
    }
    assert.ok(all.alive < 128, `${all.alive}`);
    assert.equal((await patiently(() => request("GET", `${url}/health`))).status, 200);
    await server.say("stop");
    while (await server.line() !== "stopped");
    await using fs = await AloeLite.open(file, { readOnly: true });
    await using mount = await fs.mount("v");
    assert.equal((await mount.list("/")).length, 10);
  } finally {
    await server.end();
    await new Deno.Command("umount", { args: ["-l", mountpoint], stderr: "null" }).output();
    for (const path of [root, mountpoint]) await Deno.remove(path, { recursive: true });
    for (const end of ["", "-wal", "-shm"]) await Deno.remove(`${file}${end}`).catch(() => {});
  }
});

Deno.test({
  name: "without free descriptors nothing is accepted, requests continue, and accepting resumes",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const root = await Deno.makeTempDir({ prefix: "aloelite-flood-" });
    const server = crowded(root);
    try {
      const url = await server.line();
      using all = new All();
      const kept = await all.open(url, "GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
      await kept.answered();
      await server.say("take");
      assert.equal(await server.line(), "taken");
      // The manager notices the shortage at the next accept.
      for (let i = 0; i < 4; i++) await all.open(url).catch(() => {});
      assert.match(
        await server.line(),
        /^no connections are accepted for now: Too many open files/,
      );
      await server.say("give");
      const said = [await server.line(), await server.line()].sort();
      assert.deepEqual(said, ["connections are accepted again", "given"]);
      assert.equal((await request("GET", `${url}/volumes`)).status, 200);
      assert.equal(kept.isClosed, false);
    } finally {
      await server.end();
      await Deno.remove(root, { recursive: true });
    }
  },
});

Deno.test("a client that reads nothing of its download is disconnected after a time", async () => {
  await using m = await TestServer.start({ limits: { idleReadMs: 600 } });
  const { json: { id } } = await m.ask("POST", "/volumes", { json: { name: "v" } });
  const at = `/volumes/${id}/files/large`;
  const size = 24 * 1024 * 1024;
  assert.equal((await m.ask("PUT", at, { body: new Uint8Array(size) })).status, 201);
  const get = new TextEncoder().encode(`GET ${at} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
  const { hostname, port } = new URL(m.url);
  const read = async (pause: number) => {
    using connection = await Deno.connect({ hostname, port: Number(port) });
    await connection.write(get);
    const buffer = new Uint8Array(1024 * 1024);
    let seen = 0;
    let last = performance.now();
    try {
      await sleep(pause);
      for (let n; seen < size && (n = await connection.read(buffer)) !== null; seen += n) {
        // A slow client, which reads from time to time.
        if (pause === 0 && performance.now() - last < 100) continue;
        last = performance.now();
        if (pause === 0) await sleep(50);
      }
    } catch {
      // Reset.
    }
    return seen;
  };
  assert.ok(await read(0) >= size, "whoever takes it gets all of it");
  const stalled = await read(4000);
  assert.ok(stalled < size, `${stalled} of ${size}`);
});

Deno.test("an unfinished TLS handshake is closed too", async () => {
  const keys = await Deno.makeTempDir({ prefix: "aloelite-keys-" });
  try {
    await certificates(keys);
    const tls = { cert: `${keys}/server.pem`, key: `${keys}/server.key` };
    await using m = await TestServer.start({ tls, limits: { headMs: 500, clientConnections: 6 } });
    const url = m.url.replace("http:", "https:");
    using client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(`${keys}/ca.pem`)] });
    const ask = async () => {
      const answer = await fetch(`${url}/volumes`, { client });
      await answer.body?.cancel();
      return answer.status;
    };
    using all = new All();
    const hello = await all.open(m.url, "\x16\x03\x01\x02\x00");
    for (let i = 0; i < 20; i++) await all.open(m.url);
    assert.equal(await ask(), 200);
    await until(() => all.alive === 0, "they end by themselves");
    assert.ok(hello.isClosed);
    assert.equal(await ask(), 200);
  } finally {
    await Deno.remove(keys, { recursive: true });
  }
});

/** Sockets as the system might tell them. */
class SomeSockets implements Sockets {
  readonly ended: number[] = [];
  readonly #addresses: string[];

  constructor(addresses: string[]) {
    this.#addresses = addresses;
  }

  of(): OpenSocket[] {
    return this.#addresses.map((address, i) => ({ descriptor: i, address, port: 1000 + i }));
  }

  end(descriptor: number): void {
    this.ended.push(descriptor);
  }

  taken(): null {
    return null;
  }
}

Deno.test("a client is an address, or the half of IPv6 that is given out at once", () => {
  const limits = {
    ...{ connections: 1000, clientConnections: 4, headMs: 60_000 },
    ...{ keepAliveMs: 60_000, idleReadMs: 60_000 },
  };
  const kinds: [addresses: (i: number) => string, proxies: string[], ended: number][] = [
    [() => "192.0.2.1", [], 6],
    [(i) => `192.0.2.${i}`, [], 0],
    [() => "0:0:0:0:0:0:0:1", [], 6],
    [(i) => `2001:db8:0:1:0:0:0:${i}`, [], 6],
    [(i) => `2001:db8:0:1:${i}:${i}:0:1`, [], 6],
    [(i) => `2001:db8:0:${i}:0:0:0:1`, [], 0],
    // As many at once as there may be in all.
    [() => "192.0.2.1", ["192.0.2.1"], 0],
    [() => "192.0.2.1", ["::ffff:192.0.2.1"], 0],
    [() => "2001:db8:0:0:0:0:0:1", ["2001:db8::1"], 0],
    [(i) => `2001:db8:0:0:0:0:0:${i}`, ["2001:db8::1"], 5],
    [() => "192.0.2.2", ["192.0.2.1"], 6],
  ];
  for (const [addresses, proxies, ended] of kinds) {
    const sockets = new SomeSockets(Array.from({ length: 10 }, (_, i) => addresses(i)));
    const connections = new Connections(sockets, 80, limits, proxies);
    connections.look();
    connections.close();
    assert.equal(sockets.ended.length, ended, `${addresses(1)} ${proxies}`);
  }
});
