/** How annotations are stored: the bytes that the format prescribes. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { AloeLite } from "../../mod.ts";

Deno.test("metadata: equal maps are equal bytes, whatever their order", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = join(folder, "a.aloe");
    await using fs = await AloeLite.open(file);
    await fs.createVolume({ name: "main" });
    const mount = await fs.mount();
    await mount.put("/f", "content");
    await mount.mkdir("/d");
    const map = { b: "2", a: "1", "10": "x", "9": "y", "": "empty", grün: "日本", Z: "" };
    const reversed = Object.fromEntries(Object.entries(map).reverse());
    await mount.put("/g", "");
    await mount.put("/empty", "");
    await mount.setMetadata("/f", map);
    await mount.setMetadata("/g", reversed);
    await mount.setMetadata("/empty", map);
    await mount.setMetadata("/empty", {});
    for (const path of ["/f", "/g"]) assert.deepEqual((await mount.stat(path)).metadata, map);
    assert.deepEqual((await mount.stat("/empty")).metadata, {});
    using database = new DatabaseSync(file, { readOnly: true });
    const stored = async (path: string) =>
      database.prepare("SELECT metadata FROM node WHERE node_id = ?")
        .get((await mount.stat(path)).id)!.metadata as Uint8Array | null;
    assert.ok((await stored("/f"))!.length > 0);
    assert.deepEqual(await stored("/f"), await stored("/g"));
    assert.equal(await stored("/empty"), null);
    assert.equal(await stored("/d"), null);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
