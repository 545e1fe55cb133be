/** Two sources of one name: the first is never lost. */

import assert from "node:assert/strict";
import { Bench } from "../support/cli.ts";

/** A bench whose volume has `/x/same` and `/y/same`, of different content. */
async function bench(): Promise<Bench> {
  const made = new Bench();
  await made.ok([]);
  await made.ok(["mkdir", "/x", "/y", "/to"]);
  await made.ok(["put", "-", "/x/same"], { stdin: "x" });
  await made.ok(["put", "-", "/y/same"], { stdin: "y" });
  return made;
}

function local(made: Bench, tree: Record<string, string>): void {
  for (const [name, content] of Object.entries(tree)) {
    Deno.mkdirSync(made.path(name.replace(/\/[^/]*$/, "")), { recursive: true });
    if (content.startsWith("->")) Deno.symlinkSync(content.slice(2), made.path(name));
    else Deno.writeTextFileSync(made.path(name), content);
  }
}

Deno.test("cli: get refuses a second source of a name", async () => {
  using made = await bench();
  const read = (name: string): string => Deno.readTextFileSync(made.path(name));
  Deno.mkdirSync(made.path("dir"));
  const variants = [["/x/same", "/y/same"], ["/x/same", "//y///same"], ["/x/same", "//x/same/"]];
  for (const [first, second] of variants) {
    for (const dest of ["dir", "dir/", "./dir/../dir"]) {
      Deno.removeSync(made.path("dir"), { recursive: true });
      Deno.mkdirSync(made.path("dir"));
      const said = await made.fails(1, ["get", first, second, dest]);
      assert.match(said, /dir\/same: already written from \/x\/same; not replaced/);
      assert.equal(read("dir/same"), "x");
    }
  }
  // The first source replaces the existing file.
  Deno.writeTextFileSync(made.path("dir/same"), "old");
  const report = JSON.parse((await made.run(["get", "--json", "/y/same", "/x/same", "dir"])).out);
  assert.deepEqual(report.failed, ["/x/same"]);
  assert.equal(report.files, 1);
  assert.equal(read("dir/same"), "y");
});

Deno.test("cli: trees of one name are merged without losing files", async () => {
  using made = await bench();
  local(made, {
    "a/t/f": "a",
    "a/t/only-a": "a",
    "a/t/l": "->a",
    "b/t/f": "b",
    "b/t/only-b": "b",
    "b/t/l": "->b",
    "b/t/d/deep": "b",
  });
  Deno.linkSync(made.path("b/t/f"), made.path("b/t/g"));
  const put = await made.fails(1, ["put", "-r", "a/t", "b/t", "/"]);
  assert.match(put, /\/t\/f: already written from a\/t\/f/);
  assert.match(put, /\/t\/l: already written from a\/t\/l/);
  assert.equal(await made.ok(["cat", "/t/f", "/t/only-a", "/t/only-b", "/t/d/deep"]), "aabb");
  assert.equal(await made.ok(["cat", "/t/g"]), "b");
  assert.equal((await made.json(["stat", "/t/l"])).target, "a");

  await made.ok(["put", "-r", "a", "b", "/to"]);
  const get = await made.fails(1, ["get", "-r", "/to/a/t", "/to/b/t", "."]);
  assert.match(get, /t\/f: already written from \/to\/a\/t\/f/);
  assert.match(get, /t\/l: already written from \/to\/a\/t\/l/);
  assert.equal(Deno.readTextFileSync(made.path("t/f")), "a");
  assert.equal(Deno.readTextFileSync(made.path("t/g")), "b");
  assert.equal(Deno.readTextFileSync(made.path("t/d/deep")), "b");
  assert.equal(Deno.readLinkSync(made.path("t/l")), "a");
});

Deno.test("cli: put refuses a second source of a name", async () => {
  using made = await bench();
  local(made, { "p/same": "p", "q/same": "q", "p/big": "P".repeat(300_000), "q/big": "Q" });
  for (const [one, two] of [["p/same", "q/same"], ["p/same", "./p//same"]]) {
    const said = await made.fails(1, ["put", one, two, "/to"]);
    assert.match(said, /\/to\/same: already written from p\/same/);
    assert.equal(await made.ok(["cat", "/to/same"]), "p");
  }
  await made.fails(1, ["put", "p/big", "q/big", "/to"]);
  assert.equal((await made.json(["stat", "/to/big"])).size, 300_000);
  await made.fails(1, ["put", "q/big", "p/big", "//to//"]);
  assert.equal(await made.ok(["cat", "/to/big"]), "Q");
  assert.equal((await made.json(["trash", "ls"])).length, 0);
  // Appending to appended content loses nothing.
  await made.ok(["put", "--append", "p/same", "q/same", "/to"]);
  assert.equal(await made.ok(["cat", "/to/same"]), "ppq");
});

Deno.test("cli: cp and mv refuse a second source of a name", async () => {
  for (const command of ["cp", "mv"]) {
    using made = await bench();
    await made.ok(["put", "-", "/to/same"], { stdin: "old" });
    const said = await made.fails(1, [command, "/x/same", "//y//same", "/to/"]);
    assert.match(said, /\/to\/same: already written from \/x\/same/);
    assert.equal(await made.ok(["cat", "/to/same", "/y/same"]), "xy");
    assert.equal((await made.json(["trash", "ls"])).length, 1);
    await made.ok(["mkdir", "-p", "/x/e", "/y/e"]);
    await made.fails(1, [command, "/x/e", "/y/e", "/to"]);
    assert.equal((await made.json(["stat", "/y/e"])).kind, "directory");
    // A later source is not replaced either.
    await made.fails(1, [command, "/y/same", "/to/same", "/to"]);
    assert.equal(await made.ok(["cat", "/to/same", "/y/same"]), "xy");
  }
});
