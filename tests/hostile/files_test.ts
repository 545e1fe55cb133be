/** Files with SQL of an attacker: none of it runs, whatever opens them. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { AloeLite } from "../../mod.ts";
import { AloeError } from "../../src/errors.ts";
import { HOSTILE_FILES, makeGoodFile, makeHostile } from "./files.ts";

/** A folder with a valid file. */
async function withGood(task: (good: string, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "aloelite-hostile-" });
  try {
    const good = `${folder}/good.aloe`;
    await makeGoodFile(good);
    await task(good, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function refusal(task: () => Promise<unknown>): Promise<AloeError> {
  try {
    await task();
  } catch (error) {
    assert(error instanceof AloeError, `${error}`);
    return error;
  }
  assert.fail("it was opened");
}

Deno.test("hostile files: the library refuses every kind, and repair fixes those without unknown data", async (t) => {
  await withGood(async (good, folder) => {
    for (const file of HOSTILE_FILES) {
      await t.step(file.kind, async () => {
        const path = `${folder}/${file.kind}`;
        makeHostile(good, path, file);
        const before = await Deno.readFile(path);
        for (const readOnly of [true, false]) {
          const error = await refusal(async () => {
            await using _ = await AloeLite.open(path, { readOnly });
          });
          assert.equal(error.code, file.code, error.message);
          assert.equal(/`aloelite repair`/.test(error.message), file.repairable, error.message);
        }
        if (!file.repairable) {
          await refusal(() => AloeLite.repair(path));
          assert.deepEqual(await Deno.readFile(path), before);
          return;
        }
        assert.notDeepEqual(await AloeLite.repair(path), []);
        assert.deepEqual(await AloeLite.repair(path), []);
        await using fs = await AloeLite.open(path);
        await using mount = await fs.mount("main");
        assert.equal(new TextDecoder().decode(await mount.readAll("/a.txt")), "kept");
        await mount.put("/b.txt", "more");
        assert.deepEqual((await mount.verify({ deep: true })).problems, []);
        using db = new DatabaseSync(path, { readOnly: true });
        using sound = new DatabaseSync(good, { readOnly: true });
        const names = (of: DatabaseSync) =>
          of.prepare("SELECT type, name, sql FROM sqlite_schema ORDER BY 1, 2").all();
        assert.deepEqual(names(db), names(sound));
      });
    }
  });
});
