/** Who does harm to a manager, or is cut off: it answers, or ends the connection. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { AloeLite } from "../../mod.ts";
import { makeVolume, sleep } from "../fuse/support.ts";
import { HOSTILE_FILES } from "../hostile/files.ts";
import { type Answer, type Ask, request } from "../manager/support.ts";
import { Dice, patiently } from "./honest.ts";

/** A request that may be refused and cut off, but finds no fault. */
export async function tried(
  method: string,
  url: string,
  ask: Ask & { from?: number; damaged?: boolean } = {},
): Promise<Answer | null> {
  const { from, damaged } = ask;
  try {
    if (from === undefined) return sound(await request(method, url, ask), damaged);
    using client = Deno.createHttpClient({ localAddress: `127.0.0.${from}` });
    const { json, headers } = ask;
    const response = await fetch(url, {
      method,
      client,
      headers: {
        ...(json === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    });
    const text = await response.text();
    return sound({ status: response.status, headers: response.headers, text } as Answer);
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    return null;
  }
}

/** A damaged file is told of by 500 `corrupt`: whoever asks has done nothing wrong. */
function sound(answer: Answer, damaged = false): Answer {
  const { status, text } = answer;
  const told = damaged && text.includes(":problem:corrupt");
  assert.ok(status < 500 || status === 503 || told, `${status} ${text}`);
  return answer;
}

/** A connection on which something is said, and then nothing more. */
async function say(url: string, text: string, ms: number, read: boolean): Promise<void> {
  const { hostname, port } = new URL(url);
  try {
    using connection = await Deno.connect({ hostname, port: Number(port) });
    await connection.write(new TextEncoder().encode(text));
    const end = Date.now() + ms;
    while (Date.now() < end) {
      await sleep(100);
      if (read) await connection.write(new TextEncoder().encode("x"));
    }
  } catch {
    // It was ended.
  }
}

/** Clients that say nothing, too little, too slowly, or do not read. */
export function slowClients(url: string, volume: string): (count: number) => Promise<void> {
  const { host, pathname } = new URL(volume);
  const head = (line: string, ...more: string[]) =>
    [`${line} HTTP/1.1`, `host: ${host}`, ...more, "", ""].join("\r\n");
  const json = ["content-type: application/json", "content-length: 400"];
  const form = ["content-type: multipart/form-data; boundary=b", "content-length: 4000"];
  const kinds: [text: string, dribbles: boolean][] = [
    ["", false],
    ["G", true],
    [`GET /volumes HTTP/1.1\r\nhost: ${host}\r\n`, false],
    ["\x16\x03\x01\x02\x00\x01", false],
    [head("POST /login", ...json) + '{"token": "', true],
    [head(`POST ${pathname}/unlock`, ...json), false],
    [head(`PUT ${pathname}/files/cut`, "content-length: 900000") + "begun", true],
    [head(`POST ${pathname}/files?path=/`, ...form) + "--b\r\n", true],
    [head(`GET ${pathname}/files/large`), false],
    [head(`GET ${pathname}/archive?path=/`), false],
    [head(`GET /events`), false],
    [head(`GET ${pathname}/export`), false],
    [head("GET /volumes").repeat(40), false],
  ];
  return async (count) => {
    const some = Array.from({ length: 8 }, (_, i) => kinds[(count * 5 + i) % kinds.length]);
    await Promise.all(some.map(([text, dribbles]) => say(url, text, 2500, dribbles)));
  };
}

/** Uploads of each kind that are cut off. */
export function brokenUploads(volume: string): (count: number) => Promise<void> {
  const dice = new Dice(5);
  return async (count) => {
    const path = `/broken/${dice.below(20)}`;
    const cut = (bytes: number) =>
      new ReadableStream<Uint8Array<ArrayBuffer>>({
        async pull(controller) {
          if (bytes <= 0) return controller.error(new Error("it is cut off"));
          controller.enqueue(dice.bytes(60_000));
          bytes -= 30_000;
          await sleep(5);
        },
      });
    if (count % 3 === 0) {
      await tried("PUT", `${volume}/files${path}?parents=1`, { body: cut(300_000) });
    } else if (count % 3 === 1) {
      const headers = { "content-type": "multipart/form-data; boundary=b" };
      await tried("POST", `${volume}/files?path=/`, { headers, body: cut(200_000) });
    } else {
      const name = Buffer.from(`/tus-${dice.below(20)}`).toString("base64");
      const tus = { "tus-resumable": "1.0.0" };
      const made = await tried("POST", `${volume}/uploads`, {
        headers: { ...tus, "upload-length": "500000", "upload-metadata": `path ${name}` },
      });
      const location = made?.headers.get("location");
      if (typeof location !== "string") return;
      const url = new URL(location, volume).href;
      const piece = dice.bytes(100_000);
      const headers = { ...tus, "content-type": "application/offset+octet-stream" };
      const sum = createHash("sha1").update(piece).digest("base64");
      await tried("PATCH", url, {
        headers: {
          ...headers,
          "upload-offset": "0",
          "upload-checksum": `sha1 ${count % 2 === 0 ? sum : Buffer.alloc(20).toString("base64")}`,
        },
        body: piece,
      });
      await tried("PATCH", url, {
        headers: { ...headers, "upload-offset": String(piece.length) },
        body: cut(150_000),
      });
      if (count % 2 === 0) await tried("DELETE", url, { headers: tus });
    }
  };
}

/** Files of others: some are refused, what is taken is looked at and thrown away. */
export async function importer(
  url: string,
  folder: string,
): Promise<(count: number) => Promise<void>> {
  const good = `${folder}/good.db`;
  await makeVolume(good);
  {
    await using fs = await AloeLite.open(good);
    await using mount = await fs.mount();
    for (let i = 0; i < 20; i++) await mount.put(`/file-${i}`, `content ${i}`.repeat(i * 50));
  }
  const bytes = await Deno.readFile(good);
  const hostile = HOSTILE_FILES.map(({ make }) => {
    const path = `${folder}/hostile.db`;
    Deno.writeFileSync(path, bytes);
    using db = new DatabaseSync(path);
    make(db);
    db.close();
    const made = Deno.readFileSync(path);
    Deno.removeSync(path);
    return made;
  });
  await Deno.remove(good);
  const dice = new Dice(9);
  return async (count) => {
    let body = hostile[count % hostile.length];
    if (count % 2 === 1) {
      body = bytes.slice(0, count % 4 === 1 ? bytes.length : dice.below(bytes.length));
      for (let i = 0; i < 30; i++) body[4096 + dice.below(body.length)] = dice.below(256);
    }
    const headers = { "content-type": "application/octet-stream" };
    const name = `import-${count}`;
    const taken = await tried("POST", `${url}/filesystems?name=${name}`, { headers, body });
    if (taken?.status !== 201) return;
    assert.ok(count % 2 === 1, "a hostile file was taken");
    const { id, volumes } = taken.json;
    for (const volume of volumes) {
      const one = `${url}/volumes/${volume.id}`;
      await tried("GET", `${one}/list?path=/`, { damaged: true });
      await tried("GET", `${one}/files/file-7`, { damaged: true });
      await tried("GET", `${one}/usage`, { damaged: true });
      await tried("GET", `${one}/archive?path=/`, { damaged: true });
      await tried("GET", `${one}/health?deep=1`, { damaged: true });
    }
    await thrownAway(`${url}/filesystems/${id}`);
  };
}

/** Deletes something, once nobody uses it any more. */
async function thrownAway(url: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const { status, text } = await patiently("DELETE", url);
    if (status === 204 || status === 200 || status === 404) return;
    assert.equal(status, 409, text);
    await sleep(100);
  }
  throw new Error(`${url} cannot be deleted`);
}

/** Wrong PINs and tokens of several clients. */
export function guesser(url: string, volume: string): (count: number) => Promise<void> {
  return async (count) => {
    const from = 20 + count % 5;
    const json = { pin: `wrong-${count}` };
    const answer = await tried("POST", `${volume}/unlock`, { from, json });
    assert.ok(answer === null || answer.status >= 400, answer?.text);
    const headers = { "aloelite-session": `guess-${count}` };
    const read = await tried("GET", `${volume}/list?path=/`, { from, headers });
    assert.ok(read === null || read.status >= 400, read?.text);
    await tried("POST", `${url}/login`, { from, json: { token: `wrong-${count}` } });
  };
}

/** Deep trees that are made, searched, packed into an archive, copied and removed. */
export function deepTrees(volume: string): (count: number) => Promise<void> {
  return async (count) => {
    const top = `/deep-${count % 3}`;
    for (let i = 0; i < 4; i++) {
      const path = `${top}${"/d".repeat(40 * (i + 1))}`;
      await patiently("POST", `${volume}/directories`, { json: { path, parents: true } });
    }
    const found = await patiently("GET", `${volume}/search?path=${top}&q=d`);
    assert.equal(found.status, 200, found.text);
    const glob = await patiently("GET", `${volume}/search?path=${top}&glob=**/*a*a*b`);
    assert.equal(glob.status, 200, glob.text);
    const zip = await patiently("GET", `${volume}/archive?path=${top}`);
    assert.equal(zip.status, 200);
    for (
      const wish of [
        { operation: "copy", paths: [top], to: "/copies", on_conflict: "rename" },
        { operation: "remove", paths: [top, "/copies"] },
      ]
    ) {
      await patiently("POST", `${volume}/directories`, {
        json: { path: "/copies", parents: true },
      });
      const begun = await patiently("POST", `${volume}/tasks`, { json: wish });
      const task = begun.json?.id;
      for (let state = "running"; task !== undefined && state === "running"; await sleep(50)) {
        state = (await patiently("GET", `${volume}/tasks/${task}`)).json?.state;
      }
    }
  };
}

/** Looks at everything there is to look at; some answers are left in the middle. */
export function lookers(
  url: string,
  volume: string,
  filesystem: string,
): (count: number) => Promise<void> {
  const paths = [
    `${volume}/list?path=/`,
    `${volume}/usage`,
    `${volume}/archive?path=/`,
    `${volume}/trash`,
    `${volume}/export`,
    `${volume}/health?deep=1`,
    `${volume}/uploads`,
    `${volume}/mounts`,
    `${url}/filesystems/${filesystem}/space`,
    `${url}/filesystems/${filesystem}/export`,
    `${url}/events`,
    `${url}/metrics`,
    `${url}/volumes`,
    `${url}/openapi.json`,
    `${url}/`,
  ];
  return async (count) => {
    const path = paths[count % paths.length];
    const left = new AbortController();
    const endless = path.endsWith("/events");
    const timer = setTimeout(() => left.abort(), endless ? 1000 : 5 + count * 37 % 300);
    try {
      const ranges = Array.from({ length: 200 }, (_, i) => `${i * 3}-${i * 5 + 9}`).join(",");
      const headers = { range: `bytes=${ranges}` };
      await tried("GET", `${volume}/files/large`, { headers });
      const signal = count % 2 === 0 || endless ? { signal: left.signal } : {};
      const response = await fetch(path, signal);
      assert.ok(response.status < 500 || response.status === 503, `${path} ${response.status}`);
      await response.arrayBuffer();
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
    } finally {
      clearTimeout(timer);
    }
  };
}

/** A volume that is made, mounted, written to, unmounted and deleted. */
export function mounter(url: string): (count: number) => Promise<void> {
  return async (count) => {
    const json = { name: `mounted-${count}`, encrypted: true, pin: "1234" };
    const made = await patiently("POST", `${url}/volumes`, { json });
    assert.equal(made.status, 201, made.text);
    const volume = `${url}/volumes/${made.json.id}`;
    const wrong = await patiently("POST", `${volume}/mount`, { json: { pin: "4321" } });
    assert.ok(wrong.status >= 400, wrong.text);
    const mounted = await patiently("POST", `${volume}/mount`, { json: { pin: "1234" } });
    if (mounted.status === 200) {
      await Deno.writeTextFile(`${mounted.json.mountpoint}/file`, "content".repeat(10_000));
      const ended = await patiently("DELETE", `${volume}/mount`);
      assert.equal(ended.status, 204, ended.text);
    } else {
      assert.equal(mounted.status, 429, mounted.text);
    }
    await thrownAway(volume);
  };
}

/** Frees what the others have thrown away. */
export function cleaner(volume: string, url: string): (count: number) => Promise<void> {
  return async () => {
    const emptied = await patiently("DELETE", `${volume}/trash?all=1`);
    assert.ok(emptied.status < 300, emptied.text);
    const pruned = await patiently("POST", `${url}/prune`, { json: {} });
    assert.ok(pruned.status < 300 || pruned.status === 409, pruned.text);
    await patiently("POST", `${volume}/checkpoint`);
  };
}
