/** Bodies that stop on their way: they hold little memory, and keep no others out. */

import assert from "node:assert/strict";
import { MB, Served, silent } from "./memory_process.ts";
import { request } from "./support.ts";

/** What many bodies that do not come may take in all, whatever their number. */
const MOST = 400 * MB;

interface Kind {
  /** How many connections send it. */
  count: number;
  /** What is sent of it. */
  sent: Uint8Array;
  /** The lines of a request; the last one says how long the body is to be. */
  head: (volume: string, i: number) => string[];
}

const KINDS: Record<string, Kind> = {
  "items of a task": {
    count: 32,
    sent: text(`{"operation":"remove","paths":["`, 15 * MB),
    head: (volume) => [
      `POST ${volume}/tasks HTTP/1.1`,
      "content-type: application/json",
      `content-length: ${16 * MB - 1}`,
    ],
  },
  "items of a task, of no known length": {
    count: 32,
    sent: chunked(text(`{"operation":"remove","paths":["`, 15 * MB)),
    head: (volume) => [
      `POST ${volume}/tasks HTTP/1.1`,
      "content-type: application/json",
      "transfer-encoding: chunked",
    ],
  },
};

function text(begin: string, length: number): Uint8Array {
  return new TextEncoder().encode(begin.padEnd(length, "x"));
}

function chunked(bytes: Uint8Array): Uint8Array {
  const size = new TextEncoder().encode(`${bytes.length.toString(16)}\r\n`);
  const all = new Uint8Array(size.length + bytes.length);
  all.set(size);
  all.set(bytes, size.length);
  return all;
}

/** A client that sends a part of a body, as far as that is taken, and then nothing. */
class Client {
  /** Bytes that were taken. */
  sent = 0;
  readonly #connection: Deno.Conn;
  #sending: Promise<void> = Promise.resolve();

  private constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  static async begin(url: string, head: string[], body: Uint8Array): Promise<Client> {
    const client = new Client(await silent(url, head, body.subarray(0, 1024)));
    client.#sending = client.#send(body.subarray(1024));
    return client;
  }

  async #send(body: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < body.length;) {
        const taken = await this.#connection.write(body.subarray(at, at + 64 * 1024));
        at += taken;
        this.sent += taken;
      }
    } catch {
      // Its request was ended.
    }
  }

  /** Sends the rest, and waits for the answer. */
  async finish(rest: Uint8Array): Promise<void> {
    await this.#sending;
    await this.#send(rest);
    const answer = new Uint8Array(64);
    const length = await this.#connection.read(answer);
    assert.match(new TextDecoder().decode(answer.subarray(0, length ?? 0)), /^HTTP\/1.1 201 /);
    this.end();
  }

  end(): void {
    try {
      this.#connection.close();
    } catch {
      // It was closed from the other side.
    }
  }
}

for (const [what, { count, sent, head }] of Object.entries(KINDS)) {
  Deno.test({
    name: `bodies that stop on their way: ${what}`,
    ignore: Deno.build.os !== "linux",
    fn: async () => {
      await using served = await Served.start(MB);
      const { host, pathname } = new URL(served.volume);
      let others = 0;
      const clients: Client[] = [];
      const rise = await served.rise(async () => {
        for (let i = 0; i < count; i++) {
          clients.push(
            await Client.begin(served.url, [...head(pathname, i), `host: ${host}`], sent),
          );
        }
        // Until nothing more of them is taken, all others are served: small requests, large
        // ones, and what asks for memory too.
        for (let before = -1, round = 0; round < 3; round++) {
          const paths = Array.from({ length: 5000 }, (_, i) => `/none/${i}`);
          const task = await request("POST", `${served.volume}/tasks`, {
            json: { operation: "remove", paths },
          });
          assert.equal(task.status, 202, task.text);
          await served.put(`/whole${others}`, 3 * MB);
          await served.put(`/half${others++}`, MB / 2);
          const taken = clients.reduce((sum, client) => sum + client.sent, 0);
          if (taken !== before) round = 0;
          before = taken;
        }
      });
      for (const client of clients) client.end();
      assert.ok(rise < MOST, `${rise / MB} MiB`);
      for (const [path, size] of [["/whole0", 3 * MB], ["/half0", MB / 2]] as const) {
        const { bytes } = await request("GET", `${served.volume}/files${path}`);
        assert.equal(bytes.length, size);
      }
    },
  });
}

Deno.test({
  name: "slow uploads to volumes of large chunks let others have the memory, and go on",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const chunk = 128 * MB;
    await using served = await Served.start(chunk);
    const { host, pathname } = new URL(served.volume);
    const clients: Client[] = [];
    for (let i = 0; i < 4; i++) {
      const head = [
        `PUT ${pathname}/files/slow${i} HTTP/1.1`,
        `host: ${host}`,
        `content-length: ${4 * MB}`,
      ];
      clients.push(await Client.begin(served.url, head, new Uint8Array(3 * MB).fill(i)));
    }
    await served.put("/other", 3 * MB);
    // What was slow is whole when it is complete.
    for (const [i, client] of clients.entries()) await client.finish(new Uint8Array(MB).fill(i));
    for (let i = 0; i < clients.length; i++) {
      const { bytes } = await request("GET", `${served.volume}/files/slow${i}`);
      assert.equal(bytes.length, 4 * MB);
      assert.ok(bytes.every((byte) => byte === i));
    }
  },
});
