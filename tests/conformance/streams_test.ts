/** Descriptors and web streams. */

import assert from "node:assert/strict";
import { createVolume, onEachBackend } from "./backends.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array) => new TextDecoder().decode(data);

onEachBackend(
  "a version that is committed while a descriptor is open stays committed",
  async (backend) => {
    await using volume = await createVolume(backend, { chunkSize: 4 });
    const { fs, mount } = volume;
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
  },
);

onEachBackend(
  "two descriptors of one mount: the later close wins, the earlier one is in the history",
  async (backend) => {
    await using volume = await createVolume(backend, { chunkSize: 4 });
    const { fs, mount } = volume;
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
  },
);

onEachBackend("a put of a failing stream leaves no new file", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { mount } = volume;
  const failing = new ReadableStream<Uint8Array>({
    pull() {
      throw new RangeError("source");
    },
  });
  await assert.rejects(mount.put("/new", failing), RangeError);
  assert.equal(await mount.exists("/new"), false);
});

onEachBackend("a failing pipe releases the lock", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { fs, mount } = volume;
  await mount.put("/a", "one");
  const writer = await mount.openWrite("/a");
  const tooMuch = { length: 2 ** 40 } as unknown as Uint8Array;
  await assert.rejects(ReadableStream.from([tooMuch]).pipeTo(writer.writable));
  const other = await fs.mount();
  await other.put("/a", "two");
  assert.equal(await mount.path("/a").readText(), "two");
});

onEachBackend("a descriptor that outlives its batch can be aborted", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { fs, mount } = volume;
  await mount.put("/a", "one");
  const writer = await mount.batch((tx) => tx.openWrite("/a"));
  await writer.abort();
  const other = await fs.mount();
  await other.put("/a", "two");
  assert.equal(await mount.path("/a").readText(), "two");
});
