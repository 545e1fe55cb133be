/** Removal, restore and purge. */

import assert from "node:assert/strict";
import { StatementSync } from "node:sqlite";
import { AloeError, type Mount } from "../../mod.ts";
import { moveOrCopy } from "../../src/internal.ts";
import { createVolume, onEachBackend } from "./backends.ts";

async function names(mount: Mount, path = "/"): Promise<string[]> {
  return (await mount.list(path)).map((entry) => entry.name);
}

onEachBackend(
  "a restored directory has its hard links, also those to nodes outside",
  async (backend) => {
    await using volume = await createVolume(backend, { chunkSize: 4 });
    const { mount } = volume;
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
  },
);

onEachBackend(
  "an item that was removed separately is not restored with its directory",
  async (backend) => {
    await using volume = await createVolume(backend, { chunkSize: 4 });
    const { mount } = volume;
    // Often enough that two removals share a millisecond at least once.
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
  },
);

/** A part of the query for all of the trash, which the query for one item lacks. */
const WHOLE_TRASH = `("e"."volume_id" || '') = ? and "e"."edge_id" > ? order by`;

/** Runs a task. @returns How many executed SQL texts contain the words. */
async function countStatements(words: string, task: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const { all } = StatementSync.prototype;
  StatementSync.prototype.all = function (this: StatementSync, ...values) {
    if (this.sourceSQL.includes(words)) count++;
    return all.apply(this, values as never) as never;
  };
  try {
    await task();
  } finally {
    StatementSync.prototype.all = all;
  }
  return count;
}

onEachBackend(
  "restoring or deleting one item does not read the rest of the trash",
  async (backend) => {
    await using volume = await createVolume(backend, { chunkSize: 4 });
    const { fs, mount } = volume;
    await mount.mkdir("/d");
    await mount.mkdir("/d/e");
    for (let i = 0; i < 8; i++) await mount.put(`/d/${i}`, `content ${i}`);
    await mount.put("/d/e/deep", "content 7");
    const ids = new Map<string, string>();
    for (let i = 0; i < 8; i++) ids.set(`${i}`, (await mount.stat(`/d/${i}`)).id);
    for (let i = 0; i < 7; i++) await mount.remove(`/d/${i}`);
    const listed = await countStatements(WHOLE_TRASH, async () => {
      assert.equal(await mount.restore(ids.get("0")!), "/d/0");
      const report = await mount.purge({ id: ids.get("1")! });
      // Other files refer to "cont" and "ent ".
      assert.deepEqual(report, { nodes: 1, chunks: 1, bytes: 1 });
    });
    assert.equal(listed, 0);
    assert.equal(await countStatements(WHOLE_TRASH, () => mount.trash()), 1);
    await assert.rejects(mount.restore(ids.get("1")!), { code: "not_found" });
    await assert.rejects(mount.purge({ id: ids.get("7")! }), { code: "not_found" });
    assert.equal(await mount.path("/d/0").readText(), "content 0");
    assert.equal((await mount.trash()).length, 5);
    // With every item that was ever removed from below it.
    const d = (await mount.stat("/d")).id;
    await mount.removeRecursive("/d");
    await assert.rejects(mount.restore(ids.get("2")!), { code: "not_found" });
    assert.equal((await mount.purge({ id: d })).nodes, 10);
    assert.deepEqual(await mount.trash(), []);
    assert.equal((await fs.info()).chunks, 0);
  },
);

onEachBackend("a purge with an undefined option is refused", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { mount } = volume;
  await mount.put("/a", "a");
  await mount.remove("/a");
  for (const options of [{ id: undefined }, { olderThan: undefined }]) {
    await assert.rejects(
      mount.purge(options),
      (error) => error instanceof AloeError && error.code === "invalid",
    );
  }
  assert.equal((await mount.trash()).length, 1);
  assert.equal((await mount.purge({})).nodes, 1);
});

onEachBackend(
  "a node with several placements loses only the moved or removed one",
  async (backend) => {
    await using volume = await createVolume(backend, { chunkSize: 4 });
    const { fs, mount } = volume;
    await mount.mkdir("/to");
    await mount.put("/a", "a");
    await mount.link("/a", "/b");
    await mount.link("/a", "/c");
    await moveOrCopy(fs.db, mount.handle, { operation: "move", from: ["/b"], to: "/to" });
    await mount.rename("/c", "d");
    await mount.remove("/a");
    assert.deepEqual(await names(mount), ["to", "d"]);
    assert.deepEqual(await names(mount, "/to"), ["b"]);
    assert.equal((await mount.stat("/d")).nlink, 2);
  },
);
