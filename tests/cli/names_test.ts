/** Names created by two processes at once: nothing is hidden or lost. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { aloelite, Bench } from "../support/cli.ts";
import { mountTest, spawnDaemon, until } from "../fuse/support.ts";

/** Returns duplicate names within a container. */
function doubles(file: string): unknown[] {
  using db = new DatabaseSync(file, { readOnly: true });
  return db.prepare(
    `SELECT name, count(*) AS n FROM edge WHERE archived = 0
      GROUP BY from_id, name HAVING n > 1`,
  ).all();
}

async function run(file: string, args: string[], stdin?: string): Promise<string> {
  const ended = await aloelite(["-f", file, ...args], stdin === undefined ? {} : { stdin });
  assert.equal(ended.code, 0, `${args.join(" ")}: ${ended.err}`);
  return ended.out;
}

Deno.test("cli: equal trees put concurrently become one tree", async () => {
  using bench = new Bench();
  await bench.ok([]);
  const sides = ["one", "two", "three"];
  // More than one commit, so that the processes alternate.
  for (const side of sides) {
    for (const directory of ["a", "a/b", "c"]) {
      Deno.mkdirSync(bench.path(`${side}/t/${directory}`), { recursive: true });
      for (let i = 0; i < 300; i++) {
        Deno.writeTextFileSync(bench.path(`${side}/t/${directory}/f${i}`), side);
      }
      Deno.writeTextFileSync(bench.path(`${side}/t/${directory}/${side}`), side);
      Deno.symlinkSync(side, bench.path(`${side}/t/${directory}/link`));
    }
  }
  await Promise.all(sides.map((side) => bench.ok(["put", "-r", bench.path(`${side}/t`), "/"])));
  assert.deepEqual(doubles(bench.file), []);
  for (const directory of ["a", "a/b", "c"]) {
    for (const side of sides) {
      assert.equal(await bench.ok(["cat", `/t/${directory}/${side}`]), side);
    }
  }
  using db = new DatabaseSync(bench.file, { readOnly: true });
  const { n } = db.prepare("SELECT count(*) AS n FROM edge WHERE archived = 0").get()!;
  assert.equal(n, 1 + 3 + 3 * (300 + 3 + 1));
});

Deno.test("cli: put finds entries that other processes add to its new directories", async () => {
  using bench = new Bench();
  await bench.ok([]);
  const count = 6000;
  Deno.mkdirSync(bench.path("t/z"), { recursive: true });
  for (let i = 0; i < count; i++) Deno.writeTextFileSync(bench.path(`t/f${i}`), "");
  Deno.writeTextFileSync(bench.path("t/z/ours"), "");
  Deno.symlinkSync("ours", bench.path("t/zlink"));
  const putting = bench.ok(["put", "-r", bench.path("t"), "/"]);
  const isThere = () => {
    using db = new DatabaseSync(bench.file, { readOnly: true });
    return db.prepare("SELECT 1 FROM edge WHERE name = 't'").get() !== undefined;
  };
  await until(isThere, 20_000, "the directory");
  await Promise.all([
    bench.ok(["mkdir", "/t/z"]),
    bench.ok(["put", "-", "/t/zlink"], { stdin: "theirs" }),
  ]);
  await putting;
  assert.deepEqual(doubles(bench.file), []);
  assert.equal(await bench.ok(["ls", "/t/z"]), "ours\n");
});

Deno.test("cli: concurrent mkdir -p of one path creates it once", async () => {
  using bench = new Bench();
  await bench.ok([]);
  await Promise.all(
    Array.from({ length: 5 }, (_, i) => bench.ok(["mkdir", "-p", `/x/y/z/${i}`])),
  );
  assert.deepEqual(doubles(bench.file), []);
  assert.equal(await bench.ok(["ls", "/x/y/z"]), "0\n1\n2\n3\n4\n");
});

for (const history of ["none", "all"]) {
  mountTest(`a name from a mount and from the command line: history ${history}`, async () => {
    await using daemon = await spawnDaemon({ history: history as "none" });
    const { dir, file } = daemon;
    Deno.writeTextFileSync(`${dir}/same`, "mount\n");
    await run(file, ["put", "-", "/same"], "cli\n");
    Deno.mkdirSync(`${dir}/p/q`, { recursive: true });
    Deno.writeTextFileSync(`${dir}/p/q/ours`, "ours");
    await run(file, ["mkdir", "-p", "/p/q/r"]);
    await run(file, ["put", "-", "/p/q/theirs"], "theirs");
    // An open directory, and one with running work, stay usable.
    {
      using open = Deno.openSync(`${dir}/p/q/ours`, { write: true, read: true });
      open.syncSync();
    }
    assert.deepEqual(doubles(file), []);
    const names = () => [...Deno.readDirSync(`${dir}/p/q`)].map(({ name }) => name).sort().join();
    await until(() => names() === "ours,r,theirs", 10_000, "the mount shows both sides");
    await until(() => Deno.readTextFileSync(`${dir}/same`) === "cli\n", 10_000, "the later file");
    Deno.writeTextFileSync(`${dir}/p/q/r/later`, "later");
    await daemon.unmount();
    assert.deepEqual(doubles(file), []);
    assert.equal(await run(file, ["ls", "--all", "/"]), "p\nsame\n");
    assert.equal(await run(file, ["cat", "/same"]), "cli\n");
    assert.equal(await run(file, ["cat", "/p/q/r/later"]), "later");
    const [item, ...others] = JSON.parse(await run(file, ["trash", "ls", "--json"]));
    assert.deepEqual([item.path, others], ["/same", []]);
    await run(file, ["mv", "/same", "/other"]);
    await run(file, ["trash", "restore", item.id]);
    assert.equal(await run(file, ["cat", "/same"]), "mount\n");
  });
}

mountTest("trees created concurrently on two mounts become one on both", async () => {
  await using one = await spawnDaemon();
  await using two = await spawnDaemon({ file: one.file });
  const make = (dir: string, side: string) =>
    new Deno.Command("sh", {
      args: [
        "-ec",
        `mkdir -p a/b/c/d; for i in $(seq 200); do echo ${side} > a/b/${side}$i; done
        echo ${side} > a/b/c/same; ln -s ${side} a/link; cd a/b/c/d; echo ${side} > ${side}; sync ${side}`,
      ],
      cwd: dir,
    }).output();
  for (const { success, stderr } of await Promise.all([make(one.dir, "x"), make(two.dir, "y")])) {
    assert(success, new TextDecoder().decode(stderr));
  }
  const list = (dir: string, path: string) =>
    [...Deno.readDirSync(`${dir}/${path}`)].map(({ name }) => name).sort();
  for (const { dir } of [one, two]) {
    await until(() => list(dir, "a/b").length === 401, 20_000, "all files");
    await until(() => list(dir, "a/b/c/d").join() === "x,y", 20_000, "both files");
    await until(() => list(dir, "a").join() === "b,link", 20_000, "the link");
  }
  const same = () => [one, two].map(({ dir }) => Deno.readTextFileSync(`${dir}/a/b/c/same`));
  await until(() => new Set(same()).size === 1, 20_000, "one file");
  await one.unmount();
  await two.unmount();
  assert.deepEqual(doubles(one.file), []);
  assert.equal(JSON.parse(await run(one.file, ["trash", "ls", "--json"])).length, 2);
});
