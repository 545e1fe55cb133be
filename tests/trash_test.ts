/** What was removed, brought back or deleted for good. */

import assert from "node:assert/strict";
import { AloeLite, type Mount } from "../mod.ts";

async function fresh(chunkSize = 4): Promise<{ fs: AloeLite; mount: Mount }> {
  const fs = await AloeLite.open(":memory:");
  await fs.createVolume({ name: "main", chunkSize });
  return { fs, mount: await fs.mount() };
}

async function names(mount: Mount, path = "/"): Promise<string[]> {
  return (await mount.list(path)).map((entry) => entry.name);
}

Deno.test("a directory comes back with its hard links, those to the outside too", async () => {
  const { fs, mount } = await fresh();
  await using _fs = fs;
  await mount.mkdir("/d");
  await mount.put("/d/one", "x");
  await mount.link("/d/one", "/d/two");
  await mount.put("/d/in", "y");
  await mount.link("/d/in", "/out");
  await mount.removeRecursive("/d");
  const [item] = await mount.trash();
  assert.equal(await mount.restore(item.id), "/d");
  assert.deepEqual((await names(mount, "/d")).sort(), ["in", "one", "two"]);
  assert.equal((await mount.stat("/d/one")).nlink, 2);
  assert.equal((await mount.stat("/d/in")).id, (await mount.stat("/out")).id);
});

Deno.test("what was removed on its own does not come back with its directory", async () => {
  const { fs, mount } = await fresh();
  await using _fs = fs;
  // Often enough that the two removals surely share a millisecond once.
  for (let i = 0; i < 20; i++) {
    const folder = `/${i}`;
    await mount.mkdir(folder);
    await mount.put(`${folder}/gone`, "1");
    await mount.put(`${folder}/kept`, "2");
    await mount.batch(async (tx) => {
      await tx.remove(`${folder}/gone`);
      await tx.removeRecursive(folder);
    });
    const trash = await mount.trash();
    assert.deepEqual(trash.map((item) => item.path).sort(), [folder, `${folder}/gone`]);
    await mount.restore(trash.find((item) => item.path === folder)!.id);
    assert.deepEqual(await names(mount, folder), ["kept"]);
    await mount.purge();
  }
});
