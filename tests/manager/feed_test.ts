/** The feed reports changes by any client to all listeners. */

import assert from "node:assert/strict";
import { AloeLite } from "../../mod.ts";
import { createFeed } from "../../manager/volumes/feed.ts";
import { TestManager } from "./support.ts";

interface Told {
  id: string;
  type: string;
  fs_id?: string;
  volume_id?: string;
}

/** A listener of the feed. */
class Ear implements AsyncDisposable {
  readonly told: Told[] = [];
  readonly #abort = new AbortController();
  #done: Promise<void> = Promise.resolve();

  static async open(url: string, lastId?: string): Promise<Ear> {
    const ear = new Ear();
    const headers: Record<string, string> = lastId === undefined ? {} : { "last-event-id": lastId };
    const response = await fetch(url, { headers, signal: ear.#abort.signal });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), "text/event-stream");
    const started = Promise.withResolvers<void>();
    ear.#done = ear.#read(response, started.resolve).catch(() => {});
    await started.promise;
    return ear;
  }

  async #read(response: Response, started: () => void): Promise<void> {
    let text = "";
    for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
      text += part;
      if (text.includes("\n\n")) started();
      const blocks = text.split("\n\n");
      text = blocks.pop()!;
      for (const block of blocks) {
        const id = /^id: (.*)$/m.exec(block)?.[1];
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (id !== undefined && data !== undefined) this.told.push({ id, ...JSON.parse(data) });
      }
    }
  }

  /** Waits for an event. */
  async hear(wanted: (told: Told) => boolean): Promise<Told> {
    const started = performance.now();
    while (performance.now() - started < 60_000) {
      const told = this.told.find(wanted);
      if (told !== undefined) return told;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`was not told; but ${JSON.stringify(this.told)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#done;
  }
}

Deno.test("each listener is notified, of one volume or of all", async () => {
  await using m = await TestManager.start();
  const one = await m.volume("one");
  const two = await m.volume("two");
  await using all = await Ear.open(`${m.url}/events`);
  await using some = await Ear.open(`${m.url}/events?volume=${one}`);
  await m.ask("PUT", `/volumes/${two}/files/b`, { body: "b" });
  await m.ask("PUT", `/volumes/${one}/files/a`, { body: "a" });
  await all.hear(({ volume_id }) => volume_id === two);
  await all.hear(({ volume_id }) => volume_id === one);
  await some.hear(({ volume_id }) => volume_id === one);
  assert.equal(some.told.some(({ volume_id }) => volume_id === two), false);
  const numbers = all.told.map(({ id }) => Number(id.split("-")[1]));
  assert.deepEqual(numbers, numbers.toSorted((a, b) => a - b));
  assert.equal(new Set(numbers).size, numbers.length);
  assert.equal((await m.ask("GET", "/events?volume=none")).status, 404);
});

Deno.test("a returning listener gets the missed events, or a reset", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("main");
  let last: string;
  {
    await using ear = await Ear.open(`${m.url}/events`);
    await m.ask("PUT", `/volumes/${id}/files/a`, { body: "a" });
    last = (await ear.hear(({ type }) => type === "changed")).id;
  }
  await m.ask("POST", `/volumes/${id}/directories`, { json: { path: "/d" } });
  await m.ask("DELETE", `/volumes/${id}/files/a`);
  await using ear = await Ear.open(`${m.url}/events`, last);
  await ear.hear(({ type }) => type === "created");
  await ear.hear(({ type }) => type === "deleted");
  await using stranger = await Ear.open(`${m.url}/events`, "0badcafe-7");
  await stranger.hear(({ type }) => type === "reset");
});

Deno.test("changes by another process are reported, whether the file is open or closed", async () => {
  await using m = await TestManager.start({ limits: { idleFilesystemMs: 200 } });
  const id = await m.volume("main");
  const [{ fs_id }] = (await m.ask("GET", "/volumes")).json;
  const path = `${m.root}/filesystems/${fs_id}.aloe`;
  const write = `
    import { AloeLite } from "${new URL("../../mod.ts", import.meta.url)}";
    await using fs = await AloeLite.open(${JSON.stringify(path)});
    await using mount = await fs.mount(${JSON.stringify(id)});
    await mount.put("/" + Deno.args[0], "x");
  `;
  const script = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(script, write);
  try {
    await using ear = await Ear.open(`${m.url}/events?volume=${id}`);
    for (const state of ["open", "closed"]) {
      if (state === "open") await m.ask("GET", `/volumes/${id}/list`);
      // Let the manager check the file once, and close it for the second case.
      await new Promise((resolve) => setTimeout(resolve, state === "open" ? 100 : 1200));
      ear.told.length = 0;
      const { success } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--allow-all", script, state],
        stderr: "inherit",
      }).output();
      assert.ok(success);
      await ear.hear(({ type, fs_id: where }) => type === "changed" && where === fs_id);
    }
  } finally {
    await Deno.remove(script);
  }
  await using fs = await AloeLite.open(path, { readOnly: true });
  await using mount = await fs.mount(id);
  assert.equal((await mount.list("/")).length, 2);
});

Deno.test("a slow listener costs little, and gets a reset", async () => {
  const id = "a volume";
  const filesystems = { list: () => Promise.resolve([]), opened: () => null };
  const feed = createFeed({ filesystems, log: () => {} });
  try {
    const listener = feed.listen({ volume: id });
    for (let i = 0; i < 5000; i++) feed.publish({ type: "changed", volume_id: id });
    const events = (await listener.take())!;
    assert.ok(events.length <= 256);
    assert.equal(events[0].event.type, "reset");
    // Event numbers continue without a gap.
    const numbers = events.map((each) => Number(each.id.split("-")[1]));
    assert.deepEqual(numbers, numbers.map((_, i) => numbers[0] + i));
    assert.equal(numbers.at(-1), 5000);
    const waiting = listener.take();
    feed.close();
    assert.equal(await waiting, null);
  } finally {
    feed.close();
  }
});
