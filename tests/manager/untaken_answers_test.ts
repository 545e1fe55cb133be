/** Answers that clients do not take: they fill no memory, keep nobody out, and end. */

import assert from "node:assert/strict";
import { serve } from "../../manager/mod.ts";
import type { ManagerOptions } from "../../manager/mod.ts";
import { buildPage } from "../../manager/build_page.ts";
import { Frames } from "./h2_frames.ts";
import { TestProcess } from "./processes.ts";
import { request } from "./support.ts";

const NOTHING = 0;
const PLACES = 6;
const MB = 1024 * 1024;

async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

async function until(what: () => boolean | Promise<boolean>, why: string): Promise<void> {
  for (const end = performance.now() + 60_000; !await what(); await sleep(50)) {
    assert.ok(performance.now() < end, why);
  }
}

/** Runs a manager that listens by itself, as `aloelite serve` does. */
async function served(
  options: ManagerOptions,
  task: (url: string) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "aloelite-manager-" });
  try {
    await using server = await serve({ root, port: 0, log: () => {}, ...options });
    await task(server.url);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** Connections that take nothing, each with requests of one path. */
async function stalled(
  url: string,
  path: string,
  { connections, streams }: { connections: number; streams: number },
): Promise<Frames[]> {
  const all: Frames[] = [];
  for (let i = 0; i < connections; i++) {
    const frames = await Frames.open(url, NOTHING);
    all.push(frames);
    for (let j = 0; j < streams; j++) await frames.ask("GET", path);
  }
  const begun = () => all.every(({ answers, isClosed }) => isClosed || answers === streams);
  await until(begun, "not all answers have begun");
  return all;
}

function end(all: readonly Frames[]): void {
  for (const frames of all) frames[Symbol.dispose]();
}

const linux = Deno.build.os === "linux";

/** What is large, and where it is. */
const LARGE: Record<"listing" | "description" | "asset", (url: string) => Promise<string>> = {
  listing: async (url) => {
    const made = await request("POST", `${url}/volumes`, { json: { name: "v" } });
    const at = `/volumes/${made.json.id}`;
    const form = new FormData();
    for (let i = 0; i < 500; i++) {
      form.append("files", new Blob(["x"]), `${i} ${"long ".repeat(45)}`);
    }
    const answer = await request("POST", `${url}${at}/files?path=/`, { body: form });
    assert.ok(answer.status < 300, answer.text.slice(0, 200));
    return `${at}/list`;
  },
  description: () => Promise.resolve("/openapi.json"),
  asset: async (url) => {
    await buildPage();
    return /"(\/assets\/main-[^"]+)"/.exec((await request("GET", `${url}/`)).text)![1];
  },
};

/** Memory of a process, bytes. */
async function resident(pid: number): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)![1]) * 1024;
}

for (const [what, prepare] of Object.entries(LARGE)) {
  Deno.test({
    name: `a large ${what} that is asked for a thousand times and not taken costs no memory`,
    ignore: !linux,
    fn: async () => {
      const root = await Deno.makeTempDir({ prefix: "aloelite-manager-" });
      const options = { root, port: 0, limits: { concurrent: 32 } };
      const manager = TestProcess.deno("listening_process.ts", JSON.stringify(options));
      try {
        const url = await manager.line();
        const path = await prepare(url);
        const { bytes, status } = await request("GET", `${url}${path}`);
        assert.equal(status, 200);
        const before = await resident(manager.child.pid);
        const connections = Math.ceil(2.5 * MB / bytes.length);
        const all = await stalled(url, path, { connections, streams: 150 });
        const grown = await resident(manager.child.pid) - before;
        end(all);
        // All of them together have 375 MB.
        assert.ok(grown < 200 * MB, `${grown} bytes`);
      } finally {
        await manager.end();
        await Deno.remove(root, { recursive: true });
      }
    },
  });
}

const KINDS: Record<string, (volume: string) => string> = {
  "the list of volumes": () => "/volumes",
  "a listing": (volume) => `/volumes/${volume}/list`,
  "the page": () => "/",
  "the question for health": () => "/health",
  "a description": () => "/openapi.json",
  "what there is not": () => "/nothing",
};

for (const [kind, pathOf] of Object.entries(KINDS)) {
  Deno.test(`${kind}: who takes no answer keeps nobody out, health neither, and ends`, () =>
    served(
      { limits: { concurrent: PLACES, drainMs: 100, idleReadMs: 4000, keepAliveMs: 4000 } },
      async (url) => {
        const made = await request("POST", `${url}/volumes`, { json: { name: "v" } });
        const volume = made.json.id;
        const all = await stalled(url, pathOf(volume), { connections: 3, streams: 40 });
        await until(
          async () =>
            (await request("GET", `${url}/volumes/${volume}/list?limit=5`)).status === 200,
          "it is kept out",
        );
        assert.equal((await request("GET", `${url}/health`)).json.checks[0].ok, true);
        if (linux) await until(() => all.every(({ isClosed }) => isClosed), "they end");
        end(all);
      },
    ));
}

Deno.test("who has no token gets no further with answers that are not taken", () =>
  served(
    { token: "the-token-of-this-test", limits: { concurrent: PLACES, drainMs: 100 } },
    async (url) => {
      const all: Frames[] = [];
      for (const path of ["/volumes", "/", "/health", "/login", "/events"]) {
        all.push(...await stalled(url, path, { connections: 2, streams: 60 }));
      }
      const headers = { authorization: "Bearer the-token-of-this-test" };
      await until(
        async () => (await request("GET", `${url}/volumes`, { headers })).status === 200,
        "it is kept out",
      );
      assert.equal((await request("GET", `${url}/health`)).json.status.length > 0, true);
      end(all);
    },
  ));

Deno.test("who takes its answers gets all of them whole, many on one connection too", () =>
  served({}, async (url) => {
    const made = await request("POST", `${url}/volumes`, { json: { name: "v" } });
    const at = `${url}/volumes/${made.json.id}`;
    const body = Uint8Array.from({ length: 50_000 }, (_, i) => i * 7);
    assert.equal((await request("PUT", `${at}/files/f`, { body })).status, 201);
    const whole = (await request("GET", `${url}/openapi.json`)).text;
    for (let i = 0; i < 100; i++) {
      assert.equal((await request("GET", `${url}/volumes`)).json.length, 1);
      assert.equal((await request("GET", `${at}/nothing`)).json.code, "not_found");
      assert.equal((await request("DELETE", `${at}/nodes`)).status >= 400, true);
      assert.equal((await request("HEAD", `${at}/files/f`)).headers.get("content-length"), "50000");
      if (i % 10 > 0) continue;
      assert.deepEqual((await request("GET", `${at}/files/f`)).bytes, body);
      assert.equal((await request("GET", `${url}/openapi.json`)).text, whole);
    }
  }));
