/** What takes how much of a file: the parts add up to it. */

import assert from "node:assert/strict";
import { AloeLite } from "../../mod.ts";
import * as internal from "../../src/internal.ts";
import type * as ops from "../../src/ops.ts";
import { noise } from "../storage/crash/support.ts";
import { Scratch } from "../fuse/support.ts";
import { TestManager } from "../manager/support.ts";

const MIB = 2 ** 20;

for (const kind of [{}, { pin: "1" }, { pin: "1", encryption: "random" }] as const) {
  Deno.test(`space adds up (${JSON.stringify(kind)})`, async () => {
    await using scratch = new Scratch();
    await using fs = await AloeLite.open(scratch.join("a.fs"));
    await fs.createVolume({ name: "main", ...kind });
    await using mount = await fs.mount("main", "pin" in kind ? { pin: kind.pin } : {});
    await mount.put("/a", noise(1, 3 * MIB));
    await mount.put("/copy", noise(1, 3 * MIB));
    await mount.put("/v", noise(2, 2 * MIB));
    await mount.put("/v", noise(3, MIB));
    await mount.put("/gone", noise(4, 5 * MIB));
    await mount.remove("/gone");
    const { id } = await internal.beginUpload(fs.db, mount.handle, { ttl: 1e9 });
    await using upload = await internal.openUpload(fs.db, mount.handle, id, { ttl: 1e9 });
    await upload.write(noise(5, 7 * MIB));
    const space = await fs.space();
    const shared = !("encryption" in kind);
    assert.equal(space.content, (shared ? 4 : 7) * MIB);
    assert.equal(space.saved, (shared ? 3 : 0) * MIB);
    assert.deepEqual(
      [space.versions, space.trash, space.unfinished, space.unused],
      [2 * MIB, 5 * MIB, 7 * MIB, 0],
    );
    const sum = (of: ops.FileSpace) =>
      of.content + of.versions + of.trash + of.unfinished + of.unused + of.metadata + of.free;
    assert.equal(sum(space), space.file);
    assert.ok(space.metadata > 0 && space.metadata < MIB, `${space.metadata}`);
    assert.equal(space.file, (await fs.info()).size);
    await mount.purge();
    const after = await fs.space();
    assert.equal(sum(after), after.file);
    assert.equal(after.trash, 0);
    assert.ok(after.free - space.free >= 5 * MIB);
    await fs.vacuum();
    const small = await fs.space();
    assert.deepEqual([sum(small), small.free], [small.file, 0]);
    assert.ok(after.file - small.file >= 5 * MIB);
  });
}

Deno.test("space over HTTP, and what freeing gave", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("main");
  const fs = (await m.ask("GET", "/filesystems")).json[0].id;
  for (const name of ["a", "b"]) {
    await m.ask("PUT", `/volumes/${id}/files/${name}`, { body: noise(name.length, 4 * MIB) });
  }
  await m.ask("PUT", `/volumes/${id}/files/c`, { body: noise(9, 3 * MIB) });
  await m.ask("DELETE", `/volumes/${id}/files/c`);
  const space = (await m.ask("GET", `/filesystems/${fs}/space`)).json;
  assert.deepEqual(
    [space.content_bytes, space.saved_bytes, space.trash_bytes],
    [4 * MIB, 4 * MIB, 3 * MIB],
  );
  const parts = ["content", "version", "trash", "unfinished", "unused", "metadata", "free"];
  assert.equal(parts.reduce((sum, part) => sum + space[`${part}_bytes`], 0), space.file_bytes);
  await m.ask("DELETE", `/volumes/${id}/trash?all=1`);
  const { json, text } = await m.ask("POST", `/filesystems/${fs}/prune`, {
    json: { vacuum: true },
  });
  assert.ok(json.freed_bytes >= 3 * MIB, text);
});
