/** Forks, exports to another file, backups. */

import assert from "node:assert/strict";
import type { TransferProgress } from "../../mod.ts";
import { createVolume, onEachBackend } from "./backends.ts";

onEachBackend("a successful fork is complete, even with concurrent prunes", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { fs, mount } = volume;
  const old = "0123456789abcdef";
  for (let i = 0; i < 4; i++) await mount.put(`/${i}`, `${old}${i}`);
  const meanwhile: Promise<unknown>[] = [];
  const fork = fs.fork(mount, {
    name: "fork",
    onProgress: () => {
      if (meanwhile.length > 0) return;
      for (let i = 0; i < 4; i++) {
        meanwhile.push(mount.setRetention(`/${i}`, 1), mount.put(`/${i}`, `new ${i}`));
      }
      meanwhile.push(fs.pruneContent());
    },
  });
  const made = await fork.catch(() => null);
  await Promise.all(meanwhile);
  // A refusal is acceptable; a fork with missing chunks is not.
  if (made === null) return assert.equal((await fs.volumes()).length, 1);
  const forked = await fs.mount(made.id);
  assert.deepEqual((await forked.verify({ deep: true })).problems, []);
  for (let i = 0; i < 4; i++) {
    const content = await forked.path(`/${i}`).readText();
    assert.ok([`${old}${i}`, `new ${i}`].includes(content), content);
  }
});

onEachBackend("two files can be exported into each other at the same time", async (backend) => {
  await using a = await createVolume(backend, { chunkSize: 4 });
  await using b = await createVolume(backend, { chunkSize: 4 });
  for (let i = 0; i < 5; i++) {
    await a.mount.put(`/${i}`, "a");
    await b.mount.put(`/${i}`, "b");
  }
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise((resolve) => timer = setTimeout(resolve, 60_000, "stuck"));
  const both = Promise.all([
    a.fs.exportTo(a.mount, b.fs, { name: "from a" }),
    b.fs.exportTo(b.mount, a.fs, { name: "from b" }),
  ]);
  const outcome = await Promise.race([both.then(() => "done"), late]);
  clearTimeout(timer);
  assert.equal(outcome, "done");
});

onEachBackend("copies have the same visible sibling as their source", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { fs, mount } = volume;
  await mount.mkdir("/d");
  await mount.put("/d/x", "older");
  await mount.put("/d/y", "newer");
  await mount.move("/d/x", "/x");
  await mount.move("/x", "/d/x");
  await mount.rename("/d/y", "x");
  assert.equal(await mount.path("/d/x").readText(), "newer");

  await mount.copy("/d", "/copy");
  assert.equal(await mount.path("/copy/x").readText(), "newer");
  const forked = await fs.mount((await fs.fork(mount, { name: "fork" })).id);
  assert.equal(await forked.path("/d/x").readText(), "newer");
  await mount.pack("/d");
  await mount.unpack("/d");
  assert.equal(await mount.path("/d/x").readText(), "newer");
});

onEachBackend("progress ends at its total and counts hard links once", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { fs, mount } = volume;
  await mount.put("/a", "12345678");
  await mount.link("/a", "/b");
  let last: TransferProgress | null = null;
  await fs.fork(mount, { name: "fork", onProgress: (progress) => last = progress });
  assert.deepEqual(last, { nodes: 2, totalNodes: 2, bytes: 8, totalBytes: 8 });
});
