/** Names read ahead of a lookup: what is known from them, and for how long. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { AloeLite } from "../../mod.ts";
import * as ops from "../../src/ops.ts";
import { Lookahead } from "../../src/vfs/lookahead.ts";
import { VolumeFilesystem } from "../../src/vfs/volume_filesystem.ts";

type Vfs = VolumeFilesystem;

/** Opens a volume that was filled before. */
async function withVolume(
  fill: (mount: Awaited<ReturnType<AloeLite["mount"]>>) => Promise<unknown>,
  task: (vfs: Vfs, path: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "aloelite-lookahead-" });
  try {
    const path = join(folder, "v.db");
    {
      await using fs = await AloeLite.open(path, { durability: "normal" });
      await fs.createVolume({ name: "main" });
      await using mount = await fs.mount();
      await fill(mount);
    }
    await using fs = await AloeLite.open(path, { durability: "normal" });
    const handle = await ops.mount(fs.db, (await fs.volume()).id);
    const vfs = await VolumeFilesystem.open(fs.db, handle, {
      uid: 0,
      gid: 0,
      readOnly: false,
      clock: () => ({ sec: 1_700_000_000, nsec: 0 }),
      log: (message) => assert.fail(message),
      invalidate: { inode() {}, entry() {}, grown() {} },
    });
    await vfs.tick();
    await task(vfs, path);
    await vfs.close();
    await ops.unmount(fs.db, handle);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Returns whether a name is answered from memory. */
const isKnown = (vfs: Vfs, name: string) => !(vfs.lookup(vfs.root, name) instanceof Promise);

Deno.test("after a few lookups a small directory is known completely", async () => {
  await withVolume(async (mount) => {
    await mount.batch(async (tx) => {
      for (let i = 0; i < 100; i++) await tx.put(`/f${i}`, "");
    });
  }, async (vfs, path) => {
    for (const name of ["f50", "absent", "f7"]) {
      const found = vfs.lookup(vfs.root, name);
      assert.ok(found instanceof Promise);
      assert.equal(await found === null, name === "absent");
    }
    for (const name of ["f99", "f0", "none"]) assert.ok(isKnown(vfs, name), name);
    // Until another process changes it.
    {
      await using fs = await AloeLite.open(path, { durability: "normal" });
      await using mount = await fs.mount();
      await mount.put("/none", "now there is");
    }
    await new Promise((resolve) => setTimeout(resolve, 450));
    await vfs.tick();
    assert.equal((await vfs.lookup(vfs.root, "none"))?.size, 12);
  });
});

Deno.test("a hidden name appears when the newer one is removed", async () => {
  await withVolume(async (mount) => {
    for (let i = 0; i < 5; i++) await mount.put(`/f${i}`, "");
    await mount.createEntry("/twice", new Uint8Array(1));
    await mount.createEntry("/twice", new Uint8Array(2));
  }, async (vfs) => {
    for (const name of ["f0", "f1", "f2"]) await vfs.lookup(vfs.root, name);
    assert.ok(isKnown(vfs, "f4"));
    assert.equal((await vfs.lookup(vfs.root, "twice"))?.size, 2);
    await vfs.unlink(vfs.root, "twice");
    await vfs.flush();
    assert.equal((await vfs.lookup(vfs.root, "twice"))?.size, 1);
  });
});

Deno.test("read-ahead in a large directory is limited to its use", () => {
  const lookahead = new Lookahead();
  let read = 0;
  // Random lookups: names read ahead are never used.
  for (let i = 1; i <= 10_000; i++) {
    const ahead = lookahead.missed(`${i * 7919 % 10_007 + 100_000}`);
    if (ahead === null) continue;
    read += ahead.count;
    lookahead.read(ahead.count, ahead.after, null);
  }
  assert.ok(read < 1500, `${read} rows`);
  // Sequential lookups: nearly all names read ahead are used.
  const sequential = new Lookahead();
  let missed = 0;
  for (let at = 0, known = 0; at < 10_000; at++) {
    if (at < known) {
      sequential.used();
      continue;
    }
    missed++;
    const ahead = sequential.missed(`${at + 100_000}`);
    if (ahead === null) continue;
    known = at + 1 + ahead.count;
    sequential.read(ahead.count, ahead.after, `${known - 1 + 100_000}`);
  }
  assert.ok(missed < 30, `${missed} looks`);
});
