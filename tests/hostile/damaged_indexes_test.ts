/**
 * Indexes that do not agree with their tables, lost pages and pages that two
 * trees share: `health` and `verify` report each, `prune` refuses the file, and
 * `repair` rebuilds the indexes.
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { AloeError, AloeLite } from "../../mod.ts";
import { lock } from "../../src/ops.ts";
import { TestManager } from "../manager/support.ts";
import { Bench } from "../support/cli.ts";
import { makeEndless, NARROW } from "./endless_table.ts";
import { changeWithoutIndex, Pages } from "./file_damage.ts";
import { makeGoodFile } from "./files.ts";

async function makeGood(path: string): Promise<void> {
  await using fs = await AloeLite.open(path, { pageSize: 512 });
  await fs.createVolume({ name: "main" });
  // Keep the mount and its lock, so that all indexes have rows.
  const mount = await fs.mount("main");
  for (let i = 0; i < 30; i++) await mount.put(`/f${i}`, `content ${i}`);
  await mount.remove("/f0");
  await lock(fs.db, mount.handle, "/f1", 1e9);
}

/** Indexes with rows, and the content of each. */
const INDEXES = {
  edge_from_name: { table: "edge", column: "name", where: "archived = 0" },
  edge_from_active: { table: "edge", column: "from_id", where: "archived = 0" },
  edge_to_active: { table: "edge", column: "to_id", where: "archived = 0" },
  edge_to_any: { table: "edge", column: "to_id", where: "1" },
  edge_volume: { table: "edge", column: "volume_id", where: "1" },
  aloe_edge_from: { table: "edge", column: "from_id", where: "1" },
  aloe_edge_gone: { table: "edge", column: "name", where: "archived = 1" },
  content_version_chunk: { table: "content_version", column: "chunk_hash", where: "1" },
  lock_mount: { table: "lock", column: "mount_id", where: "1" },
  aloe_lock_node: { table: "lock", column: "node_id", where: "1" },
  aloe_mount_point: { table: "mount", column: "mount_point", where: "1" },
};

/** A statement that changes a table without its index. */
const CHANGES: Record<string, (of: { table: string; column: string; where: string }) => string> = {
  "has a row more": ({ table, where }) =>
    `DELETE FROM ${table} WHERE rowid = (SELECT max(rowid) FROM ${table} WHERE ${where})`,
  "has another value": ({ table, column, where }) =>
    `UPDATE ${table} SET ${column} = ${column} || 'x'
      WHERE rowid = (SELECT max(rowid) FROM ${table} WHERE ${where})`,
};

for (const [what, change] of Object.entries(CHANGES)) {
  Deno.test(`a damaged index ${what} than its table: it is reported, and rebuilt`, async () => {
    using bench = new Bench();
    const good = `${bench.folder}/good.fs`;
    await makeGood(good);
    for (const [index, of] of Object.entries(INDEXES)) {
      Deno.copyFileSync(good, bench.file);
      changeWithoutIndex(bench.file, index, () => change(of));
      {
        // A mount of a file that is open for writing is a row of its own.
        await using fs = await AloeLite.open(bench.file, { readOnly: true });
        const health = await fs.health();
        assert.ok(
          health.some(({ kind, id }) => kind === "damaged_index" && id === index),
          `${index}: ${JSON.stringify(health)}`,
        );
        await using mount = await fs.mount("main", { access: "ro" });
        for (const deep of [false, true]) {
          const { problems } = await mount.verify({ deep });
          assert.ok(problems.includes(`damaged-index index=${index}`), `${index}: ${problems}`);
        }
      }
      {
        await using fs = await AloeLite.open(bench.file);
        const isCorrupt = (error: unknown) =>
          error instanceof AloeError && error.code === "corrupt";
        await assert.rejects(fs.prune(), isCorrupt);
        await assert.rejects(fs.pruneContent(), isCorrupt);
      }
      assert.deepEqual(
        (await AloeLite.repair(bench.file)).filter(({ name }) => name === index),
        [{ type: "index", name: index, done: "rebuilt" }],
      );
      await using fs = await AloeLite.open(bench.file, { readOnly: true });
      const left = (await fs.health()).filter(({ kind }) => kind === "damaged_index");
      assert.deepEqual(left, [], index);
    }
  });
}

Deno.test("a name missing in its index: the command line and a manager report it, and repair restores it", async () => {
  using bench = new Bench();
  await makeGood(bench.file);
  // The index has another name than the table: a lookup does not find what a
  // listing shows.
  changeWithoutIndex(
    bench.file,
    "edge_from_name",
    () => "UPDATE edge SET name = 'renamed' WHERE name = 'f7'",
  );
  for (const command of [["health"], ["verify"], ["verify", "--deep"], ["health", "--json"]]) {
    const { code, out, err } = await bench.run(command);
    assert.equal(code, 1, err);
    assert.match(out, /damaged[-_]index[^]*edge_from_name/, command.join(" "));
  }
  await using m = await TestManager.start();
  const { status, json } = await m.ask("POST", "/filesystems?name=x", {
    headers: { "content-type": "application/octet-stream" },
    body: Deno.readFileSync(bench.file),
  });
  assert.equal(status, 422, JSON.stringify(json));
  assert.match(json.detail, /damaged_index: edge_from_name/);
  assert.equal(await bench.ok(["repair"]), 'rebuilt index "edge_from_name"\n');
  assert.equal(await bench.ok(["repair"]), "nothing to repair\n");
  assert.equal(await bench.ok(["cat", "/renamed"]), "content 7");
  assert.match(await bench.ok(["health"]), /healthy/);
});

/** Damage of pages that makes no read endless. */
const PAGES: Record<string, (pages: Pages) => void> = {
  "pages that nothing has": (pages) => {
    // Drop the list of free pages.
    pages.setU32(32, 0);
    pages.setU32(36, 0);
  },
  "a count of free pages that is wrong": (pages) => pages.setU32(36, pages.u32(36) + 3),
  "a free page that is in use": (pages) => {
    const trunk = pages.at(pages.u32(32));
    assert.ok(pages.u32(trunk + 4) > 0);
    pages.setU32(trunk + 8, 2);
  },
};

for (const [what, damage] of Object.entries(PAGES)) {
  Deno.test(`damaged pages: ${what}`, async () => {
    using bench = new Bench();
    await makeGood(bench.file);
    {
      using db = new DatabaseSync(bench.file);
      db.exec("CREATE TABLE filler (x); INSERT INTO filler VALUES (zeroblob(20000))");
      db.exec("DROP TABLE filler; PRAGMA journal_mode = DELETE");
    }
    const pages = new Pages(bench.file);
    damage(pages);
    pages.save();
    for (const command of [["health"], ["verify"]]) {
      const { code, out } = await bench.run(command);
      assert.equal(code, 1, out);
      assert.match(out, /damaged[-_](free[-_])?pages/);
    }
    assert.match(await bench.fails(1, ["prune"]), /damaged/);
    // Undamaged data is still read.
    assert.equal(await bench.ok(["cat", "/f3"]), "content 3");
  });
}

Deno.test("an endless index: health and verify report it, prune and a manager refuse the file", async () => {
  using bench = new Bench();
  await using m = await TestManager.start();
  const good = `${bench.folder}/good.fs`;
  await makeGoodFile(good);
  for (
    const [index, table] of [
      ["edge_from_name", "edge"],
      ["aloe_edge_from", "edge"],
      ["content_version_chunk", "content_version"],
      ["sqlite_autoindex_node_1", "node"],
    ]
  ) {
    Deno.copyFileSync(good, bench.file);
    makeEndless(bench.file, index, NARROW);
    for (const command of [["health"], ["verify"], ["verify", "--deep"]]) {
      const { code, out } = await bench.run(command);
      assert.equal(code, 1, out);
      assert.match(out, new RegExp(`damaged[-_]pages.*\\b${table}\\b`), `${index}: ${command}`);
    }
    assert.match(await bench.fails(1, ["prune"]), new RegExp(`pages of table ${table}`));
    assert.match(await bench.fails(1, ["repair"]), new RegExp(`pages of table ${table}`));
    const { status, json } = await m.ask("POST", `/filesystems?name=${index}`, {
      headers: { "content-type": "application/octet-stream" },
      body: Deno.readFileSync(bench.file),
    });
    assert.deepEqual([status, json.code], [422, "corrupt"], index);
  }
});
