/** Operations on large trees: whatever they are, the event loop gets its turns meanwhile. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { AloeLite } from "../../mod.ts";
import * as ops from "../../src/ops.ts";
import { Folder } from "../storage/crash/support.ts";
import { makeChain, makeWide } from "../support/deep_tree.ts";

/** So many that each step takes several times the 15 ms after which there is a turn. */
const COUNT = 4000;

/** Does something, and counts the turns of the event loop meanwhile. */
async function turnsOf(task: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let going = true;
  const turn = () => {
    turns++;
    if (going) setTimeout(turn, 0);
  };
  setTimeout(turn, 0);
  await task();
  going = false;
  return turns;
}

const TREES: Record<string, (file: string) => Promise<void>> = {
  "of files": (file) => makeWide(file, COUNT),
  "of directories": (file) => makeWide(file, COUNT, "container"),
  "of one directory in the other": (file) => makeChain(file, COUNT / 2),
};

for (const [what, make] of Object.entries(TREES)) {
  Deno.test(`a large tree ${what}: other work goes on while it is changed`, async () => {
    using folder = new Folder();
    const file = folder.at("a.fs");
    await make(file);
    await using fs = await AloeLite.open(file);
    const mount = await fs.mount();
    const { id } = await mount.stat("/d");
    const steps: [string, () => Promise<unknown>][] = [
      ["copy", () => mount.copy("/d", "/copy")],
      ["fork", () => fs.fork(mount, { name: "fork" })],
      ["remove", () => mount.removeRecursive("/d")],
      ["restore", () => mount.restore(id)],
      ["remove by id", () => ops.removeRecursiveById(fs.db, mount.handle, id)],
      ["purge one", () => mount.purge({ id })],
      ["remove the copy", () => mount.removeRecursive("/copy")],
      ["purge all", () => mount.purge()],
    ];
    const starved: string[] = [];
    for (const [step, task] of steps) {
      const turns = await turnsOf(task);
      if (turns === 0) starved.push(step);
    }
    assert.deepEqual(starved, []);
    assert.deepEqual(await mount.list("/"), []);
    assert.deepEqual(await mount.trash(), []);
    assert.deepEqual(await fs.health(), []);
    assert.equal((await fs.volumes()).length, 2);
  });
}

Deno.test("chunks that nothing needs are freed while other work goes on", async () => {
  using folder = new Folder();
  const file = folder.at("a.fs");
  {
    await using fs = await AloeLite.open(file);
    await fs.createVolume({ name: "main" });
    await using mount = await fs.mount();
    await mount.put("/kept", "kept");
  }
  using db = new DatabaseSync(file);
  db.prepare(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
    INSERT INTO content_chunk (chunk_hash, data, length, N_c, enc_tag)
    SELECT printf('%064x', i), x'2a', 1, x'', x'' FROM n`).run(25 * COUNT);
  await using fs = await AloeLite.open(file);
  let report;
  const turns = await turnsOf(async () => {
    report = await fs.pruneContent();
  });
  assert.deepEqual(report, { versions: 0, chunks: 25 * COUNT });
  assert.ok(turns > 0);
  await using mount = await fs.mount();
  assert.equal(await mount.path("/kept").readText(), "kept");
});
