/** What is checked while it is written: one state at a time, so nothing is damaged. */

import assert from "node:assert/strict";
import { AloeLite } from "../../mod.ts";
import { noise } from "../storage/crash/support.ts";
import { mountTest, Scratch, sleep, spawnDaemon } from "../fuse/support.ts";
import { python } from "../fuse/python.ts";
import { TestManager } from "../manager/support.ts";

/** Verifies and checks a file over and over while something is done. */
async function checked(file: string, doing: Promise<unknown>): Promise<number> {
  let ended = false;
  const end = doing.finally(() => ended = true);
  end.catch(() => {});
  let rounds = 0;
  try {
    await using fs = await AloeLite.open(file, { readOnly: true });
    await using mount = await fs.mount("main");
    do {
      const deep = rounds++ % 2 === 0;
      assert.deepEqual((await mount.verify({ deep })).problems, []);
      assert.deepEqual(await fs.health(), []);
      await sleep(0);
    } while (!ended);
  } finally {
    await end;
  }
  return rounds;
}

mountTest("verify beside rm -rf and rewrites on a mount finds no damage", async () => {
  await using daemon = await spawnDaemon();
  const { file, dir } = daemon;
  const doing = python(
    dir,
    `
import shutil
for round in range(2):
    os.mkdir("t")
    for i in range(25):
        write("t/%d" % i, os.urandom(1000 * i))
    for i in range(25):
        with open("t/%d" % i, "r+b") as f:
            f.write(os.urandom(500 * i))
            f.truncate(300 * i)
    fd = os.open("t", os.O_RDONLY); os.fsync(fd); os.close(fd)
    shutil.rmtree("t")
`,
    120_000,
  );
  assert.ok(await checked(file, doing) > 1);
  await daemon.unmount();
});

Deno.test("verify beside streams, edits and purges finds no damage", async () => {
  await using scratch = new Scratch();
  const file = scratch.join("a.fs");
  await using fs = await AloeLite.open(file, { durability: "normal" });
  await fs.createVolume({ name: "main", chunkSize: 4096 });
  await using mount = await fs.mount();
  const doing = async () => {
    for (let round = 0; round < 12; round++) {
      for (let i = 0; i < 10; i++) await mount.put(`/${i}`, noise(round * 10 + i, 50_000));
      await mount.truncate("/1", 1 + round * 3000);
      await mount.append("/2", noise(round, 9000));
      for (let i = 0; i < 10; i++) await mount.remove(`/${i}`);
      await mount.purge();
      await sleep(0);
      await fs.pruneContent();
    }
  };
  assert.ok(await checked(file, doing()) > 1);
});

Deno.test("health over HTTP beside uploads finds no damage", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("main");
  let ended = false;
  const uploads = (async () => {
    for (let round = 0; round < 8; round++) {
      for (let i = 0; i < 4; i++) {
        const body = noise(round * 10 + i, 1_500_000);
        const { status } = await m.ask("PUT", `/volumes/${id}/files/${i}`, { body });
        assert.ok(status < 300, `${status}`);
      }
      for (let i = 0; i < 4; i++) await m.ask("DELETE", `/volumes/${id}/files/${i}`);
      await m.ask("DELETE", `/volumes/${id}/trash?all=1`);
    }
  })().finally(() => ended = true);
  uploads.catch(() => {});
  do {
    const { json } = await m.ask("GET", `/volumes/${id}/health?deep=1`);
    assert.deepEqual([json.problems, json.anomalies], [[], []]);
  } while (!ended);
  await uploads;
});
