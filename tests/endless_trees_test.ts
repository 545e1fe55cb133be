/** Trees that are deep, and trees without an end, which SQL can make: every walk ends. */

import assert from "node:assert/strict";
import { AloeError, AloeLite, type Mount } from "../mod.ts";
import * as ops from "../src/ops.ts";
import { Bench } from "./cli_support_test.ts";
import { Folder } from "./crash/support.ts";
import { makeChain, makeCycle, nodeAt } from "./deep_tree.ts";

const isCorrupt = (error: unknown) => error instanceof AloeError && error.code === "corrupt";

async function opened(file: string): Promise<{ fs: AloeLite; mount: Mount }> {
  const fs = await AloeLite.open(file);
  return { fs, mount: await fs.mount() };
}

Deno.test("a directory in itself: what copies a tree refuses it, and changes nothing", async () => {
  using folder = new Folder();
  await makeCycle(folder.at("a.fs"));
  const { fs, mount } = await opened(folder.at("a.fs"));
  await using _ = fs;
  await mount.mkdir("/to");
  const before = (await mount.list("/")).length;
  await assert.rejects(mount.copy("/d", "/to/copy"), isCorrupt);
  await assert.rejects(mount.copy("/d/d", "/to/copy"), isCorrupt);
  await assert.rejects(mount.pack("/d"), isCorrupt);
  await assert.rejects(mount.move("/d/d", "/d/d/d/x"), { code: "would_cycle" });
  assert.equal((await mount.list("/")).length, before);
  assert.deepEqual(await mount.list("/to"), []);
  // Neither is it kept from being removed.
  await mount.removeRecursive("/d");
  assert.deepEqual((await mount.list("/")).map((entry) => entry.name), ["to"]);
});

Deno.test("a directory in itself: it ends a walk and a glob of the library", async () => {
  using folder = new Folder();
  await makeCycle(folder.at("a.fs"));
  const { fs, mount } = await opened(folder.at("a.fs"));
  await using _ = fs;
  await assert.rejects(Array.fromAsync(mount.path("/").walk()), isCorrupt);
  await assert.rejects(Array.fromAsync(mount.path("/").glob("**/*.txt")), isCorrupt);
  // Where it is not gone into there is no fault.
  assert.equal((await Array.fromAsync(mount.path("/").glob("*/d"))).length, 1);
});

Deno.test("a directory in itself is reported", async () => {
  using folder = new Folder();
  await makeCycle(folder.at("a.fs"));
  const { fs, mount } = await opened(folder.at("a.fs"));
  await using _ = fs;
  const kinds = (await fs.health()).map(({ kind, id }) => `${kind} ${id}`);
  assert.ok(kinds.includes(`cycle ${nodeAt(2)}`), kinds.join());
  const { problems } = await mount.verify();
  assert.ok(problems.includes(`cycle node=${nodeAt(2)}`), problems.join());
});

Deno.test("a directory in itself: find, tree, get and cp end, and tell of it", async () => {
  using bench = new Bench();
  await makeCycle(bench.file);
  const found = await bench.run(["find", "*"]);
  assert.equal(found.code, 1);
  assert.equal(found.out, "/d\n/d/d\n/d/d/d\n/d/d/d/d\n/d/d/d/d/d\n");
  assert.match(found.err, /^aloelite: find: \/d\/d\/d\/d\/d: is a directory in itself/);
  const tree = await bench.run(["tree", "/"]);
  assert.equal(tree.code, 1);
  assert.match(tree.out, /5 directories, 0 files\n$/);
  const json = await bench.run(["tree", "--json", "/d"]);
  assert.equal(json.code, 1);
  assert.equal(JSON.stringify(JSON.parse(json.out)).split('"children":[').length, 6);
  assert.match(await bench.fails(1, ["get", "-r", "/d", "out"]), /in itself/);
  assert.match(await bench.fails(1, ["cp", "/d", "/copy"]), /in itself/);
  assert.match((await bench.run(["verify"])).out, /cycle node=/);
});

Deno.test("a tree of 3,000 levels: find, tree, pack and copies", async () => {
  using bench = new Bench();
  await makeChain(bench.file, 3000);
  assert.equal(await bench.ok(["find", "end.*"]), `${"/d".repeat(3000)}/end.txt\n`);
  assert.match(await bench.ok(["tree", "/"]), /\n3000 directories, 1 file\n$/);
  // Too deep for most that reads JSON.
  const json = await bench.ok(["tree", "--json", "/"]);
  assert.equal(json.split('"children": [').length, 3002);
  assert.equal(json.match(/[{[]/g)!.length, json.match(/[}\]]/g)!.length);
  const shallow = await bench.json(["tree", "--depth", "2", "/"]);
  assert.deepEqual(shallow.children[0].children[0], { name: "d", type: "container", children: [] });
  const { fs, mount } = await opened(bench.file);
  await using _ = fs;
  await mount.copy("/d", "/copy");
  await mount.pack("/copy");
  await mount.unpack("/copy");
  let levels = 0;
  for await (const { directories, files } of mount.path("/copy").walk()) {
    levels++;
    assert.equal(directories.length + files.length, 1);
  }
  assert.equal(levels, 3000);
  assert.deepEqual(await ops.healthCheck(fs.db), []);
});

Deno.test("tree --json is the JSON that it was", async () => {
  using bench = new Bench();
  {
    await using fs = await AloeLite.open(bench.file);
    await fs.createVolume({ name: "main" });
    await using mount = await fs.mount();
    await mount.mkdir("/a/b", { parents: true });
    await mount.mkdir("/c");
    await mount.put("/a/f", "x");
  }
  const file = (name: string) => ({ name, type: "entry" });
  const directory = (name: string, ...children: unknown[]) => ({
    name,
    type: "container",
    children,
  });
  const whole = directory("/", directory("a", directory("b"), file("f")), directory("c"));
  const text = await bench.ok(["tree", "--json"]);
  assert.equal(text, `${JSON.stringify(whole, null, 2)}\n`);
  assert.equal(
    await bench.ok(["tree", "--json", "/a/f"]),
    `${JSON.stringify(file("f"), null, 2)}\n`,
  );
});
