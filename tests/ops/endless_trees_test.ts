/** Trees that are deep, and trees without an end, which SQL can make: every walk ends. */

import assert from "node:assert/strict";
import { StatementSync } from "node:sqlite";
import { AloeError, AloeLite, type Mount } from "../../mod.ts";
import * as ops from "../../src/ops.ts";
import { Bench } from "../support/cli.ts";
import { Folder } from "../storage/crash/support.ts";
import { makeChain, makeCycle, nodeAt } from "../support/deep_tree.ts";

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
  assert.match(found.err, /^aloelite: find: \/d\/d\/d\/d\/d: the directory contains itself/);
  const tree = await bench.run(["tree", "/"]);
  assert.equal(tree.code, 1);
  assert.match(tree.out, /5 directories, 0 files\n$/);
  const json = await bench.run(["tree", "--json", "/d"]);
  assert.equal(json.code, 1);
  assert.equal(JSON.stringify(JSON.parse(json.out)).split('"children":[').length, 6);
  assert.match(await bench.fails(1, ["get", "-r", "/d", "out"]), /contains itself/);
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

const search = (fs: AloeLite, mount: Mount, text: string, options: Partial<ops.SearchOptions>) =>
  ops.searchNames(fs.db, mount.handle, { path: "/" }, text, { limit: 1000, ...options });

/** Runs a task. @returns How many statements gave it rows. */
async function countReads(task: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const { all } = StatementSync.prototype;
  StatementSync.prototype.all = function (this: StatementSync, ...values) {
    count++;
    return all.apply(this, values as never) as never;
  };
  try {
    await task();
  } finally {
    StatementSync.prototype.all = all;
  }
  return count;
}

Deno.test("a search in 40,000 levels looks at each of them once, and lets others have their turn", async () => {
  using folder = new Folder();
  const levels = 40_000;
  await makeChain(folder.at("a.fs"), levels);
  const { fs, mount } = await opened(folder.at("a.fs"));
  await using _ = fs;
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const reads = await countReads(async () => {
    const { entries, truncated, next } = await search(fs, mount, "end", {});
    assert.deepEqual([entries.length, truncated, next], [1, false, null]);
    assert.equal(entries[0].path, `${"/d".repeat(levels)}/end.txt`);
  });
  clearInterval(timer);
  assert.ok(reads > levels && reads < 1.5 * levels, `${reads} reads`);
  assert.ok(turns > 5, `${turns} turns`);
  const all = await search(fs, mount, "d", {});
  assert.equal(all.entries.length, 1000);
  assert.ok(all.truncated && all.next !== null);
});

Deno.test("a search is cut off by its limit, its time or its paths, and goes on from there", async () => {
  using folder = new Folder();
  const cases: [number, Partial<ops.SearchOptions>][] = [
    [2000, { limit: 700 }],
    [2000, { limit: 10_000 }],
    [50, { timeLimit: 0 }],
  ];
  for (const [i, [levels, options]] of cases.entries()) {
    await makeChain(folder.at(`${i}.fs`), levels);
    const { fs, mount } = await opened(folder.at(`${i}.fs`));
    await using _ = fs;
    const paths: string[] = [];
    let answers = 0;
    for (let after: string | null = ""; after !== null;) {
      const found: ops.SearchResult = await search(fs, mount, "d", { ...options, after });
      assert.equal(found.truncated, found.next !== null);
      paths.push(...found.entries.map((entry) => entry.path));
      assert.ok(found.entries.length <= (options.limit ?? 1000));
      after = found.next;
      answers++;
    }
    assert.ok(answers > 1, `${answers}`);
    const wanted = Array.from({ length: levels }, (_, i) => "/d".repeat(i + 1));
    wanted.push(`${"/d".repeat(levels)}/end.txt`);
    assert.ok(paths.length === wanted.length && new Set(paths).size === wanted.length);
    const missing = new Set(wanted).difference(new Set(paths));
    assert.equal(missing.size, 0, JSON.stringify(options));
  }
});

Deno.test("a search by a pattern with slashes in a deep tree", async () => {
  using folder = new Folder();
  const levels = 500;
  await makeChain(folder.at("a.fs"), levels);
  const { fs, mount } = await opened(folder.at("a.fs"));
  await using _ = fs;
  const glob = async (pattern: string) =>
    (await search(fs, mount, pattern, { glob: true })).entries.map((entry) => entry.path);
  assert.deepEqual(await glob("d/*/d"), ["/d/d/d"]);
  assert.deepEqual(await glob("**/end.*"), [`${"/d".repeat(levels)}/end.txt`]);
  assert.deepEqual(await glob("**/d/{x,end}.txt"), [`${"/d".repeat(levels)}/end.txt`]);
  assert.deepEqual(await glob("d/end.txt"), []);
});

Deno.test("a directory in itself does not keep a search", async () => {
  using folder = new Folder();
  await makeCycle(folder.at("a.fs"));
  const { fs, mount } = await opened(folder.at("a.fs"));
  await using _ = fs;
  await mount.put("/do", "x");
  const { entries, truncated } = await search(fs, mount, "d", {});
  assert.equal(truncated, false);
  assert.ok(entries.some((entry) => entry.path === "/do"));
  assert.ok(entries.length <= 7);
});
