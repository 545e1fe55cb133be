/** Each change of placements reports the directories that it touches, whichever operation makes it. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { AloeLite } from "../../mod.ts";
import * as ops from "../../src/ops.ts";
import { touchedDirectories } from "../../src/tree/placement_store.ts";

type Db = AloeLite["db"];

/** Runs a task in one transaction. @returns The names of what it touched, as `ids` has them. */
async function touchedBy(
  db: Db,
  ids: Record<string, string>,
  task: (db: Db) => Promise<unknown>,
): Promise<{ directories: string[]; subtrees: string[] }> {
  const names = new Map(Object.entries(ids).map(([name, id]) => [id, name]));
  return await db.batch(async (batch) => {
    await task(batch as Db);
    return await batch.write((tx) => {
      const { directories, subtrees } = touchedDirectories(tx);
      const named = (found: ReadonlySet<string>) =>
        [...found].map((id) => names.get(id) ?? id).sort();
      return Promise.resolve({
        directories: named(directories),
        subtrees: named(subtrees),
      });
    });
  });
}

Deno.test("placements: each operation reports the directories that it touches", async () => {
  const folder = await Deno.makeTempDir({ prefix: "aloelite-placements-" });
  try {
    await using fs = await AloeLite.open(join(folder, "a.aloe"), { durability: "normal" });
    await fs.createVolume({ name: "main" });
    const mount = await ops.mount(fs.db, (await fs.volume()).id, {});
    const ids: Record<string, string> = {};
    for (const path of ["/a", "/b", "/a/sub"]) {
      ids[path] = await ops.createContainer(fs.db, mount, path);
    }
    ids["/"] = (await fs.volume()).root;
    const touches = (task: (db: Db) => Promise<unknown>) => touchedBy(fs.db, ids, task);
    const one = (...directories: string[]) => ({ directories, subtrees: [] as string[] });

    assert.deepEqual(await touches((db) => ops.put(db, mount, "/a/x", "1")), one("/a"));
    // The content of what has a place already is none of a directory's.
    assert.deepEqual(await touches((db) => ops.put(db, mount, "/a/x", "2")), one());
    assert.deepEqual(await touches((db) => ops.rename(db, mount, "/a/x", "y")), one("/a"));
    assert.deepEqual(await touches((db) => ops.move(db, mount, "/a/y", "/b/z")), one("/a", "/b"));
    assert.deepEqual(await touches((db) => ops.link(db, mount, "/b/z", "/a/sub/l")), one("/a/sub"));
    assert.deepEqual(await touches((db) => ops.remove(db, mount, "/a/sub/l")), one("/a/sub"));
    assert.deepEqual(await touches((db) => ops.copy(db, mount, "/b/z", "/w")), one("/"));
    assert.deepEqual(await touches((db) => ops.put(db, mount, "/a/sub/q", "3")), one("/a/sub"));
    assert.deepEqual(await touches((db) => ops.removeRecursive(db, mount, "/a")), {
      directories: ["/"],
      subtrees: ["/a"],
    });
    assert.deepEqual(
      await touches((db) => ops.restoreTrash(db, mount, ids["/a"])),
      one("/", "/a", "/a/sub"),
    );
    assert.deepEqual(await touches((db) => ops.pack(db, mount, "/a")), {
      directories: ["/"],
      subtrees: ["/a"],
    });
    assert.deepEqual(await fs.health(), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("placements: what only reads, or fails, touches no directory", async () => {
  const folder = await Deno.makeTempDir({ prefix: "aloelite-placements-" });
  try {
    await using fs = await AloeLite.open(join(folder, "a.aloe"), { durability: "normal" });
    await fs.createVolume({ name: "main" });
    const mount = await ops.mount(fs.db, (await fs.volume()).id, {});
    await ops.put(fs.db, mount, "/x", "1");
    const none = { directories: [], subtrees: [] };
    assert.deepEqual(await touchedBy(fs.db, {}, (db) => ops.stat(db, mount, "/x")), none);
    assert.deepEqual(
      await touchedBy(fs.db, {}, (db) => assert.rejects(ops.move(db, mount, "/none", "/y"))),
      none,
    );
    assert.deepEqual(
      await touchedBy(fs.db, {}, (db) => assert.rejects(ops.remove(db, mount, "/"))),
      none,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
