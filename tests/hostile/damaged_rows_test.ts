/** Damages one row: only operations on that row are affected. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { AloeLite } from "../../mod.ts";
import { Folder } from "../storage/crash/support.ts";

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Changes a file by SQL, like a program that does not know the format. */
function damage(file: string, ...statements: string[]): void {
  const db = new DatabaseSync(file, { enableForeignKeyConstraints: false });
  try {
    for (const statement of statements) db.prepare(statement).run();
  } finally {
    db.close();
  }
}

// --- the watermark of ids --------------------------------------------------------

const WATERMARKS = [
  `${2 ** 48 - 1}`,
  `${2 ** 48}`,
  `${2 ** 47}`,
  `${2 ** 53}`,
  `${2n ** 62n}`,
  "-1",
  `${-(2n ** 63n)}`,
];

for (const ts of WATERMARKS) {
  Deno.test(`damaged rows: ids are well-formed after a watermark of ${ts}`, async () => {
    using folder = new Folder();
    const file = folder.at("a.fs");
    {
      await using fs = await AloeLite.open(file);
      await fs.createVolume({ name: "main" });
      await using mount = await fs.mount();
      for (let i = 0; i < 10; i++) await mount.put(`/${i}`, `${i}`);
    }
    damage(file, `UPDATE volume SET wm_ts = ${ts}, wm_seq = 4095`);
    await using fs = await AloeLite.open(file);
    await using mount = await fs.mount();
    const before = (await mount.list("/")).map((entry) => entry.edge);
    await mount.mkdir("/d");
    for (let i = 0; i < 20; i++) await mount.put(`/d/${i}`, `${i}`);
    await mount.put("/0", "again");
    const all = [...await mount.list("/"), ...await mount.list("/d")];
    for (const { edge, node } of all) {
      assert.match(edge, ID);
      assert.match(node, ID);
    }
    // New nodes sort after the existing ones, and a listing has each once.
    const after = (await mount.list("/")).map((entry) => entry.edge);
    assert.deepEqual(after.slice(0, before.length), before);
    const seen: string[] = [];
    for (let last = "";;) {
      const page = await mount.list("/d", { after: last, limit: 7 });
      seen.push(...page.map((entry) => entry.name));
      if (page.length < 7) break;
      last = page[page.length - 1].edge;
    }
    assert.deepEqual(seen, Array.from({ length: 20 }, (_, i) => `${i}`));
    // From then on the file has a valid watermark.
    const db = new DatabaseSync(file, { readOnly: true });
    const row = db.prepare("SELECT CAST(wm_ts AS TEXT) AS ts FROM volume").get()!;
    db.close();
    assert.ok(Math.abs(Number(row.ts) - Date.now()) < 3_600_000, `${row.ts}`);
  });
}

Deno.test("damaged rows: a volume that has the last possible id continues below it", async () => {
  using folder = new Folder();
  const file = folder.at("a.fs");
  {
    await using fs = await AloeLite.open(file);
    await fs.createVolume({ name: "main" });
    await using mount = await fs.mount();
    await mount.put("/last", "1");
  }
  const last = "ffffffff-ffff-7fff-bfff-ffffffffffff";
  damage(
    file,
    `UPDATE volume SET wm_ts = ${2 ** 48 - 1}, wm_seq = 4095`,
    `UPDATE edge SET edge_id = '${last}'`,
  );
  await using fs = await AloeLite.open(file);
  await using mount = await fs.mount();
  await mount.put("/next", "2");
  for (const { edge } of await mount.list("/")) assert.match(edge, ID);
  assert.equal(new TextDecoder().decode(await mount.readAll("/next")), "2");
});
