/** Names: which nothing new may have, what becomes of older ones, and which are safe. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { AloeLite, safeName } from "../../mod.ts";
import { Bench, canMount } from "../support/cli.ts";

const DOTS = [".", ".."];

const fails = (code: string, task: Promise<unknown>) => assert.rejects(task, { code });

/** Gives placements names that nothing of ours would give them. */
function rename(file: string, names: Record<string, string>): void {
  using db = new DatabaseSync(file);
  for (const [was, name] of Object.entries(names)) {
    for (const table of ["edge", "node"]) {
      db.prepare(`UPDATE ${table} SET name = ? WHERE name = ?`).run(name, was);
    }
  }
}

Deno.test("names: nothing new is called . or ..", async () => {
  await using fs = await AloeLite.open(":memory:");
  await fs.createVolume({ name: "main" });
  await using mount = await fs.mount();
  await mount.mkdir("/d");
  await mount.put("/f", "text");
  for (const name of DOTS) {
    const path = `/d/${name}`;
    await fails("invalid", mount.put(path, "x"));
    await fails("invalid", mount.put(path, new Blob(["x"]).stream()));
    await fails("invalid", mount.mkdir(path));
    await fails("invalid", mount.mkdir(`${path}/below`, { parents: true }));
    await fails("invalid", mount.createContainer(path));
    await fails("invalid", mount.createEntry(path));
    await fails("invalid", mount.symlink(path, "/f"));
    await fails("invalid", mount.link("/f", path));
    await fails("invalid", mount.openWrite(path));
    await fails("invalid", mount.copy("/f", path));
    await fails("invalid", mount.move("/f", path));
    await fails("invalid", mount.rename("/f", name));
    await fails("invalid", mount.path("/f").rename(path).then(() => {}));
  }
  await mount.remove("/f");
  const [{ id }] = await mount.trash();
  await fails("invalid", mount.restore(id, { to: "/.." }));
  assert.deepEqual((await mount.list("/d")).map((entry) => entry.name), []);
  assert.deepEqual(await fs.health(), []);
  assert.deepEqual((await mount.verify()).problems, []);
});

Deno.test("names: older ones are read and removed, and not made anew", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/old.fs`;
  try {
    {
      await using fs = await AloeLite.open(file);
      await fs.createVolume({ name: "main" });
      await using mount = await fs.mount();
      await mount.mkdir("/d/dots", { parents: true });
      await mount.put("/d/dot", "one");
      await mount.put("/d/dots/f", "two");
      await mount.mkdir("/tree/dots", { parents: true });
    }
    rename(file, { dot: ".", dots: ".." });
    await using fs = await AloeLite.open(file);
    await using mount = await fs.mount();
    // The format allows them: the file is in order.
    assert.deepEqual(await fs.health(), []);
    assert.deepEqual((await mount.verify({ deep: true })).problems, []);
    assert.equal(new TextDecoder().decode(await mount.readAll("/d/.")), "one");
    await mount.put("/d/.", "changed");
    assert.equal(new TextDecoder().decode(await mount.readAll("/d/../f")), "two");
    await fails("invalid", mount.copy("/tree", "/copy"));
    await fails("invalid", mount.pack("/tree"));
    await fails("invalid", fs.fork(mount, { name: "fork" }));
    await using other = await AloeLite.open(":memory:");
    await fails("invalid", fs.exportTo(mount, other));
    assert.equal((await fs.volumes()).length, 1);
    assert.deepEqual(await other.volumes(), []);
    await mount.move("/d/.", "/d/good");
    await mount.rename("/d/..", "better");
    await mount.removeRecursive("/tree/..");
    assert.deepEqual((await mount.list("/d")).map((entry) => entry.name).sort(), [
      "better",
      "good",
    ]);
    await mount.copy("/tree", "/copy");
    await fs.exportTo(mount, other);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("names: health and verify tell of those that the format does not allow", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/hostile.fs`;
  try {
    {
      await using fs = await AloeLite.open(file);
      await fs.createVolume({ name: "main" });
      await using mount = await fs.mount();
      for (const name of ["slip", "abs", "empty", "nul", "good"]) await mount.put(`/${name}`, "x");
      await mount.put("/gone", "x");
      await mount.remove("/gone");
    }
    rename(file, { slip: "../../x", abs: "/x", empty: "", nul: "a\0b", gone: "a/b" });
    await using fs = await AloeLite.open(file);
    await using mount = await fs.mount();
    const kinds = (await fs.health()).map(({ kind }) => kind);
    assert.deepEqual(kinds, Array(5).fill("name_not_allowed"));
    const { problems } = await mount.verify();
    assert.equal(problems.length, 5);
    assert.ok(problems.every((each) => each.startsWith("name-not-allowed node=")));
    assert.ok(problems.some((each) => each.endsWith(`name="../../x"`)));
    await fails("invalid", fs.fork(mount));
    await using other = await AloeLite.open(":memory:");
    await fails("invalid", fs.exportTo(mount, other));
    for (const { node, name } of await mount.list("/")) {
      if (name !== "good") await mount.renameById(node, `was ${name.length}`);
    }
    await mount.purge();
    assert.deepEqual(await fs.health(), []);
    await fs.exportTo(mount, other);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("names: what leaves a volume is safe", () => {
  const safe: [string, string, string][] = [
    ["a", "a", "a"],
    ["", "_", "_"],
    [".", "_", "_"],
    ["..", "__", "__"],
    ["...", "...", "..."],
    ["../../x", ".._.._x", ".._.._x"],
    ["/etc/passwd", "_etc_passwd", "_etc_passwd"],
    ["a\0b", "a_b", "a_b"],
    ["a\\..\\b", "a\\..\\b", "a_.._b"],
    ["C:\\x", "C:\\x", "C__x"],
    ["12:30", "12:30", "12:30"],
    ["a\r\nSet-Cookie: x", "a\r\nSet-Cookie: x", "a__Set-Cookie: x"],
    ["名 'x' \"y\"", "名 'x' \"y\"", "名 'x' \"y\""],
  ];
  for (const [name, disk, anywhere] of safe) {
    if (Deno.build.os !== "windows") assert.equal(safeName(name, "disk"), disk);
    assert.equal(safeName(name, "anywhere"), anywhere);
    assert.equal(safeName(anywhere, "anywhere"), anywhere);
  }
});

Deno.test("cli: . and .. are no names for anything new", async () => {
  using bench = new Bench();
  await bench.ok([]);
  await bench.ok(["mkdir", "/d"]);
  await bench.ok(["put", "-", "/f"], { stdin: "x" });
  for (const name of DOTS) {
    const said = /cannot be the name of a new node/;
    assert.match(await bench.fails(1, ["mkdir", `/d/${name}`]), said);
    assert.match(await bench.fails(1, ["mkdir", "-p", `/d/${name}/x`]), said);
    assert.match(await bench.fails(1, ["put", "-", `/${name}`], { stdin: "x" }), said);
    assert.match(await bench.fails(1, ["put", "-p", "-", `/${name}/x`], { stdin: "x" }), said);
    assert.match(await bench.fails(1, ["cp", "/f", `/d/${name}`]), said);
    assert.match(await bench.fails(1, ["mv", "/f", `/d/${name}`]), said);
  }
  assert.equal(await bench.ok(["ls"]), "d\nf\n");
  assert.equal(await bench.ok(["ls", "/d"]), "");
});

Deno.test({
  name: "names: a mount shows older ones once, by names that it finds again",
  ignore: !canMount(),
  async fn() {
    using bench = new Bench();
    await bench.ok([]);
    await bench.ok(["mkdir", "-p", "/d/dots/in"]);
    for (const name of ["dot", "slip", "empty"]) {
      await bench.ok(["put", "-", `/d/${name}`], { stdin: name });
    }
    rename(bench.file, { dot: ".", dots: "..", slip: "../../x", empty: "" });
    const point = bench.path("m");
    Deno.mkdirSync(point);
    await bench.ok(["mount", "--daemon", point]);
    try {
      const { stdout, stderr, success } = await new Deno.Command("python3", {
        args: [
          "-c",
          `
import os, shutil
names = os.listdir(b"d")
assert len(names) == 4 and b"." not in names and b".." not in names, names
assert not any(b"/" in name or name == b"" for name in names), names
texts = sorted(open(b"d/" + n, "rb").read() for n in names if os.path.isfile(b"d/" + n))
assert texts == [b"dot", b"empty", b"slip"], texts
for name in names:
    try: os.mkdir(b"new"); os.rename(b"new", name); raise SystemExit("renamed")
    except OSError as e: assert e.errno == 22, e
    finally: os.path.isdir(b"new") and os.rmdir(b"new")
    for make in (os.mkdir, lambda p: open(p, "xb"), lambda p: os.symlink(b"x", p)):
        try: make(name); raise SystemExit("made")
        except OSError as e: assert e.errno == 22, e
one = next(n for n in names if n.startswith(b"\\xf4") and os.path.isfile(b"d/" + n))
os.rename(b"d/" + one, b"d/good")
shutil.rmtree(b"d")
print(os.listdir(b"."))
`,
        ],
        cwd: point,
      }).output();
      assert.ok(success, new TextDecoder().decode(stderr));
      assert.equal(new TextDecoder().decode(stdout), "[]\n");
    } finally {
      await bench.run(["unmount", point]);
    }
    assert.equal(await bench.ok(["ls"]), "");
  },
});
