/**
 * Long streams in both directions block no other client, and the longest idle
 * ones end first.
 */

import assert from "node:assert/strict";
import { connect } from "node:http2";
import { certificates } from "./certificates.ts";
import { serve } from "../../manager/mod.ts";
import { TestManager } from "./support.ts";

const PLACES = 6;
const MB = 1024 * 1024;

/** Bytes of which no two chunks are equal. */
function varied(length: number): Uint8Array<ArrayBuffer> {
  const numbers = new Uint32Array(length / 4);
  for (let i = 0; i < numbers.length; i++) numbers[i] = Math.imul(i, 2654435761);
  return new Uint8Array(numbers.buffer);
}

async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Retries a request until its answer is 200: for a moment others may block it.
 */
async function comesIn(ask: () => Promise<{ status: number }>): Promise<void> {
  for (const end = performance.now() + 60_000;; await sleep(50)) {
    const { status } = await ask();
    if (status === 200) return;
    assert.equal(status, 503);
    assert.ok(performance.now() < end, "it is kept out");
  }
}

/** Requests that are begun, but neither sent nor read further. */
class Stalled implements Disposable {
  readonly #open: Deno.TcpConn[] = [];

  async begin(url: string, count: number, head: string[], body = ""): Promise<void> {
    const { hostname, port, host } = new URL(url);
    const text = [...head, `Host: ${host}`, "", body].join("\r\n");
    for (let i = 0; i < count; i++) {
      const connection = await Deno.connect({ hostname, port: Number(port) });
      this.#open.push(connection);
      await connection.write(new TextEncoder().encode(text));
    }
  }

  [Symbol.dispose](): void {
    for (const connection of this.#open) {
      try {
        connection.close();
      } catch {
        // It was ended.
      }
    }
  }
}

/** The kinds, each as a request for a volume. */
const KINDS: Record<string, (volume: string) => [head: string[], body?: string]> = {
  "streams of events": () => [["GET /events HTTP/1.1"]],
  "streams of a volume's events": (volume) => [[`GET /events?volume=${volume} HTTP/1.1`]],
  downloads: (volume) => [[`GET /volumes/${volume}/files/large HTTP/1.1`]],
  "downloads of a range": (volume) => [[
    `GET /volumes/${volume}/files/large HTTP/1.1`,
    "Range: bytes=5-",
  ]],
  archives: (volume) => [[`GET /volumes/${volume}/archive?path=/ HTTP/1.1`]],
  exports: (volume) => [[`GET /volumes/${volume}/export HTTP/1.1`]],
  uploads: (volume) => [
    [`PUT /volumes/${volume}/files/slow HTTP/1.1`, "Content-Length: 90000"],
    "begun",
  ],
  "uploads in pieces of HTTP": (volume) => [
    [`PUT /volumes/${volume}/files/slow HTTP/1.1`, "Transfer-Encoding: chunked"],
    "5\r\nbegun\r\n",
  ],
  forms: (volume) => [
    [
      `POST /volumes/${volume}/files?path=/ HTTP/1.1`,
      "Content-Type: multipart/form-data; boundary=b",
      "Content-Length: 9000",
    ],
    '--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nbegun',
  ],
  "tus uploads": (volume) => [
    [
      `POST /volumes/${volume}/uploads HTTP/1.1`,
      "Tus-Resumable: 1.0.0",
      "Upload-Length: 9000",
      "Upload-Metadata: path L3R1cw==",
      "Content-Type: application/offset+octet-stream",
      "Content-Length: 9000",
    ],
    "begun",
  ],
};

for (const [kind, of] of Object.entries(KINDS)) {
  Deno.test(`idle streams block nobody (${kind})`, async () => {
    await using m = await TestManager.start({ limits: { concurrent: PLACES, drainMs: 100 } });
    const volume = await m.volume("v");
    const body = varied(16 * MB);
    assert.equal((await m.ask("PUT", `/volumes/${volume}/files/large`, { body })).status, 201);
    using stalled = new Stalled();
    // More than there are slots, with and without those without a slot.
    for (const count of [PLACES, 3 * PLACES]) {
      await stalled.begin(m.url, count, ...of(volume));
      await comesIn(() => m.ask("GET", `/volumes/${volume}/list`));
      await comesIn(() => m.ask("GET", `/volumes`));
    }
  });
}

Deno.test("an active stream is not ended for idle ones", async () => {
  await using m = await TestManager.start({ limits: { concurrent: PLACES, drainMs: 100 } });
  const volume = await m.volume("v");
  const body = varied(64 * MB);
  const url = `/volumes/${volume}/files/large`;
  assert.equal((await m.ask("PUT", url, { body })).status, 201);
  let taken = 0;
  let done = false;
  const download = async () => {
    while (!done) {
      let size = 0;
      const answer = await fetch(`${m.url}${url}`);
      if (answer.status === 503) {
        await answer.body!.cancel();
        await sleep(50);
        continue;
      }
      for await (const piece of answer.body!) {
        size += piece.length;
        taken += piece.length;
        if (taken % MB < piece.length) await sleep(10);
      }
      assert.equal(size, body.length);
    }
  };
  const downloaded = download();
  downloaded.catch(() => {});
  using stalled = new Stalled();
  for (let i = 0; i < 4 * PLACES; i++) {
    const before = taken;
    await stalled.begin(m.url, 1, ...KINDS["streams of events"](volume));
    await comesIn(() => m.ask("GET", "/volumes"));
    // The active stream continues meanwhile.
    while (taken < before + 2 * MB) await Promise.race([sleep(5), downloaded]);
  }
  done = true;
  await downloaded;
});

Deno.test("many streams of one HTTP/2 connection block nobody, nor do reset ones", async () => {
  const keys = await Deno.makeTempDir({ prefix: "aloelite-keys-" });
  const root = await Deno.makeTempDir({ prefix: "aloelite-manager-" });
  try {
    await certificates(keys);
    const tls = { cert: `${keys}/server.pem`, key: `${keys}/server.key` };
    const limits = { concurrent: 2 * PLACES, drainMs: 100 };
    await using server = await serve({ root, port: 0, tls, limits, log: () => {} });
    const ca = await Deno.readTextFile(`${keys}/ca.pem`);
    using client = Deno.createHttpClient({ caCerts: [ca] });
    const ask = async () => {
      const answer = await fetch(`${server.url}/volumes`, { client });
      await answer.body?.cancel();
      return answer;
    };
    const session = connect(server.url, { ca });
    session.on("error", () => {});
    const open = (path: string) => {
      const stream = session.request({ ":path": path });
      stream.on("error", () => {});
      stream.end();
      return stream;
    };
    for (let i = 0; i < 8 * PLACES; i++) open("/events");
    await comesIn(ask);
    for (let i = 0; i < 2000; i++) open("/volumes").close(8);
    await comesIn(ask);
    session.destroy();
    await comesIn(ask);
    const health = await fetch(`${server.url}/health`, { client });
    assert.equal(health.status, 200);
    await health.body?.cancel();
  } finally {
    await Deno.remove(keys, { recursive: true });
    await Deno.remove(root, { recursive: true });
  }
});
