/**
 * Hundreds of concurrent clients, beside a mount and exports.
 * `ALOELITE_TEST_SECONDS=60` runs for a minute.
 */

import assert from "node:assert/strict";
import { RUN } from "../support/cli.ts";
import { canMount, mountTest } from "../fuse/support.ts";
import { endAll } from "./mount_support.ts";
import { TestProcess } from "./processes.ts";
import { request } from "./support.ts";

const SECONDS = Number(Deno.env.get("ALOELITE_TEST_SECONDS") ?? "6");

/** Concurrent clients. */
const CLIENTS = 240;

/** Memory limit of the manager under any load, MiB. */
const MOST_MIB = 768;

interface Counts {
  uploads: number;
  downloads: number;
  listings: number;
  mounted: number;
  exports: number;
}

/** Bytes that identify a file and its version. */
function content(client: number, round: number): Uint8Array<ArrayBuffer> {
  const size = 1 + ((client * 7919 + round * 104_729) % 200_000);
  const bytes = new Uint8Array(size).fill((client * 31 + round) % 251);
  bytes.set(new TextEncoder().encode(`${client} ${round} `).subarray(0, size));
  return bytes;
}

function memory(pid: number, what: "VmRSS" | "VmHWM"): number {
  const text = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(new RegExp(`^${what}:\\s+(\\d+)`, "m").exec(text)![1]) / 1024;
}

async function client(url: string, number: number, until: number, counts: Counts): Promise<void> {
  const folder = `dir-${number % 12}`;
  const name = `file-${number}`;
  for (let round = 0; Date.now() < until; round++) {
    const body = content(number, round);
    const put = await request("PUT", `${url}/files/${folder}/${name}?parents=1`, { body });
    assert.ok(put.status === 201 || put.status === 200, `${put.status} ${put.text}`);
    counts.uploads++;
    const got = await request("GET", `${url}/files/${folder}/${name}`);
    assert.equal(got.status, 200, got.text);
    assert.deepEqual(got.bytes, body);
    counts.downloads++;
    const list = await request("GET", `${url}/list?path=/${folder}`);
    assert.equal(list.status, 200, list.text);
    const entry = list.json.entries.find((each: { name: string }) => each.name === name);
    assert.equal(entry?.size, body.length);
    counts.listings++;
  }
}

async function program(point: string, until: number, counts: Counts): Promise<void> {
  await Deno.mkdir(`${point}/mounted`);
  for (let round = 0; Date.now() < until; round++) {
    const path = `${point}/mounted/file-${round % 20}`;
    const bytes = content(1000, round);
    await Deno.writeFile(path, bytes);
    assert.deepEqual(await Deno.readFile(path), bytes);
    assert.ok([...Deno.readDirSync(`${point}/mounted`)].length > 0);
    counts.mounted++;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/**
 * A client in a process of its own that takes an export each second, opens and
 * checks it.
 */
function follower(url: string, path: string): TestProcess {
  const words = ["replicate", url, path, "--interval", "1s"];
  return TestProcess.command(Deno.execPath(), [...RUN, ...words]);
}

async function follow(process: TestProcess, until: number, counts: Counts): Promise<void> {
  while (Date.now() < until || counts.exports < 2) {
    assert.match(await process.line(), /exported/);
    counts.exports++;
  }
}

async function load(withMount: boolean): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    await using manager = TestProcess.deno("manager_process.ts", JSON.stringify({ root }));
    const origin = await manager.line();
    const { pid } = manager.child;
    const { json: { id } } = await request("POST", `${origin}/volumes`, { json: { name: "a" } });
    const url = `${origin}/volumes/${id}`;
    const point = withMount ? (await request("POST", `${url}/mount`)).json.mountpoint : null;
    await using replicate = follower(url, `${root}/exported`);
    const counts: Counts = { uploads: 0, downloads: 0, listings: 0, mounted: 0, exports: 0 };
    const until = Date.now() + SECONDS * 1000;
    const samples: number[] = [];
    const timer = setInterval(() => samples.push(memory(pid, "VmRSS")), 100);
    try {
      await Promise.all([
        ...Array.from({ length: CLIENTS }, (_, i) => client(url, i, until, counts)),
        ...(point === null ? [] : [program(point, until, counts)]),
        follow(replicate, until, counts),
      ]);
    } finally {
      clearInterval(timer);
    }
    const peak = memory(pid, "VmHWM");
    console.log(
      `${SECONDS} s, ${CLIENTS} clients: ${JSON.stringify(counts)}, at most ${
        Math.round(peak)
      } MiB`,
    );
    assert.ok(peak < MOST_MIB, `${peak} MiB`);
    // No growth over time: the last third is no higher than the second one.
    const third = Math.floor(samples.length / 3);
    const high = (part: number[]) => Math.max(...part);
    if (SECONDS >= 30) {
      assert.ok(
        high(samples.slice(2 * third)) < 1.25 * high(samples.slice(third, 2 * third)),
        `memory grows: ${samples.filter((_, i) => i % 20 === 0).map(Math.round)}`,
      );
    }
    assert.ok(counts.uploads >= CLIENTS && counts.exports >= 2, JSON.stringify(counts));
    assert.equal((await replicate.end("SIGTERM")).code, 143);
    const health = await request("GET", `${url}/health?deep=1`);
    assert.equal(health.json.ok, true, health.text);
    const { code } = await manager.end("SIGTERM");
    assert.equal(code, 0);
  } finally {
    await endAll(root);
  }
}

const alone = canMount() !== null;

mountTest(
  "hundreds of clients beside a mount and exports: no error, bounded memory",
  () => load(true),
);

Deno.test({
  name: "hundreds of clients beside exports: no error, bounded memory",
  ignore: !alone,
  fn: () => load(false),
});
