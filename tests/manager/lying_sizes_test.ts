/** Files whose chunks and links are larger than they say, or than they can be. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { AloeLite } from "../../mod.ts";
import { Folder } from "../storage/crash/support.ts";
import { TestManager } from "./support.ts";

const LARGE = 32 * 1024 * 1024;
const COUNT = 64;

/** All that a request may take: far less than what the file refers to. */
const MOST = 4 * LARGE;

/** Makes a volume of small chunks, all of whose content is one large chunk, as SQL can. */
async function makeLiar(file: string): Promise<void> {
  {
    await using fs = await AloeLite.open(file);
    await fs.createVolume({ name: "liar", chunkSize: 4096 });
    await using mount = await fs.mount();
    await mount.put("/file", new Uint8Array(COUNT * 4096).map((_, i) => i >> 12));
    await mount.mkdir("/links");
    for (let i = 0; i < COUNT; i++) await mount.symlink(`/links/${i}`, "target");
    await mount.mkdir("/long");
    await mount.symlink("/long/link", "x".repeat(3 * 4096));
  }
  using db = new DatabaseSync(file);
  const large = "f".repeat(64);
  db.prepare("INSERT INTO content_chunk VALUES (?, zeroblob(?), ?, x'', x'')")
    .run(large, LARGE, LARGE);
  db.prepare(`UPDATE content_version SET chunk_hash = ? WHERE content_id NOT IN
    (SELECT to_id FROM edge WHERE name = 'link')`).run(large);
}

/** How far the memory of this process rises above what it is now, bytes. */
async function rise(task: () => Promise<void>): Promise<number> {
  const status = async (field: string) => {
    const text = await Deno.readTextFile("/proc/self/status");
    return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(text)![1]) * 1024;
  };
  await Deno.writeTextFile("/proc/self/clear_refs", "5");
  const before = await status("VmRSS");
  await task();
  return await status("VmHWM") - before;
}

Deno.test({
  name: "content and links that are larger than they say take no memory",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    using folder = new Folder();
    await makeLiar(folder.at("liar.db"));
    await using m = await TestManager.start();
    const taken = await m.ask("POST", "/filesystems?name=liar", {
      body: await Deno.readFile(folder.at("liar.db")),
      headers: { "content-type": "application/octet-stream" },
    });
    assert.equal(taken.status, 201, taken.text);
    const { json: volumes } = await m.ask("GET", "/volumes");
    const at = `/volumes/${volumes[0].id}`;
    const bytes = await rise(async () => {
      const list = await m.ask("GET", `${at}/list?path=/links&limit=10000`);
      assert.equal(list.status, 200, list.text);
      assert.equal(list.json.entries.length, COUNT);
      for (const entry of list.json.entries) assert.equal(entry.target ?? null, null);
      const long = await m.ask("GET", `${at}/node?path=/long/link`);
      assert.equal(long.status, 200, long.text);
      assert.equal(long.json.target ?? null, null);
      for (const range of ["bytes=0-", "bytes=5-9", "bytes=0-0,9000-9001,20000-20001"]) {
        const read = await m.ask("GET", `${at}/files/file`, { headers: { range } })
          .catch(() => ({ status: 500 }));
        assert.ok(read.status >= 400, `${range}: ${read.status}`);
      }
      for (const path of ["/", "/links"]) {
        const zip = await m.ask("GET", `${at}/archive?path=${path}`).catch(() => null);
        assert.ok(zip === null || zip.bytes.length < LARGE);
      }
    });
    assert.ok(bytes < MOST, `${bytes / 1024 / 1024} MiB`);
    await using fs = await AloeLite.open(folder.at("liar.db"));
    await using mount = await fs.mount();
    await assert.rejects(mount.readAll("/file"), { code: "corrupt" });
    assert.ok((await mount.verify({ deep: true })).problems.length > 0);
  },
});
