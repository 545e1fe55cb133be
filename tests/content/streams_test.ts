/** Descriptors and web streams. */

import assert from "node:assert/strict";
import { AloeLite, type Mount } from "../../mod.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array) => new TextDecoder().decode(data);

async function fresh(chunkSize = 4): Promise<{ fs: AloeLite; mount: Mount }> {
  const fs = await AloeLite.open(":memory:");
  await fs.createVolume({ name: "main", chunkSize });
  return { fs, mount: await fs.mount() };
}

Deno.test("a version that was committed while a descriptor was open stays committed", async () => {
  const { fs, mount } = await fresh();
  await using _fs = fs;
  await mount.put("/a", "one");
  const writer = await mount.openWrite("/a");
  await writer.write(bytes("streamed"));
  await mount.writeAll("/a", bytes("direct"));
  await writer.close();
  assert.equal(await mount.path("/a").readText(), "streamed");
  await fs.pruneContent();
  const kept = await mount.history("/a");
  const contents = await Promise.all(
    kept.map(async ({ version }) => text(await mount.readAll("/a", { version }))),
  );
  assert.deepEqual(contents, ["streamed", "direct", "one"]);
  assert.ok(kept[0].current);
});

Deno.test("two descriptors of one mount: the later close wins, the earlier is in the history", async () => {
  const { fs, mount } = await fresh();
  await using _fs = fs;
  await mount.put("/a", "one");
  const first = await mount.openWrite("/a");
  await first.write(bytes("first..."));
  const second = await mount.openWrite("/a");
  await second.write(bytes("second.."));
  await second.close();
  await first.close();
  await fs.pruneContent();
  const contents = await Promise.all(
    (await mount.history("/a")).map(async ({ version }) =>
      text(await mount.readAll("/a", { version }))
    ),
  );
  assert.deepEqual(contents, ["first...", "second..", "one"]);
});

Deno.test("put of a stream that fails leaves no new file", async () => {
  const { fs, mount } = await fresh();
  await using _fs = fs;
  const failing = new ReadableStream<Uint8Array>({
    pull() {
      throw new RangeError("source");
    },
  });
  await assert.rejects(mount.put("/new", failing), RangeError);
  assert.equal(await mount.exists("/new"), false);
});

Deno.test("a pipe that fails gives the lock back", async () => {
  const { fs, mount } = await fresh();
  await using _fs = fs;
  await mount.put("/a", "one");
  const writer = await mount.openWrite("/a");
  const tooMuch = { length: 2 ** 40 } as unknown as Uint8Array;
  await assert.rejects(ReadableStream.from([tooMuch]).pipeTo(writer.writable));
  const other = await fs.mount();
  await other.put("/a", "two");
  assert.equal(await mount.path("/a").readText(), "two");
});

Deno.test("a descriptor that outlives its batch can be given up", async () => {
  const { fs, mount } = await fresh();
  await using _fs = fs;
  await mount.put("/a", "one");
  const writer = await mount.batch((tx) => tx.openWrite("/a"));
  await writer.abort();
  const other = await fs.mount();
  await other.put("/a", "two");
  assert.equal(await mount.path("/a").readText(), "two");
});
