/** The command line: whole trees in and out, including hostile ones. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { Bench, exists } from "../support/cli.ts";

const POSIX = Deno.build.os !== "windows";

/** Returns one line for each entry of a folder: kind, permissions, time, content. */
function describe(folder: string, at = ""): string[] {
  const lines: string[] = [];
  const names = [...Deno.readDirSync(`${folder}${at}`)].map((e) => e.name)
    .sort();
  for (const name of names) {
    const path = `${at}/${name}`;
    const info = Deno.lstatSync(folder + path);
    const time = info.mtime!.getTime();
    if (info.isSymlink) {
      lines.push(`${path} -> ${Deno.readLinkSync(folder + path)} ${time}`);
    } else {
      const mode = (info.mode! & 0o1777).toString(8);
      const content = info.isDirectory
        ? "directory"
        : info.size > 1000
        ? `${info.size} ${sum(Deno.readFileSync(folder + path))}`
        : Deno.readTextFileSync(folder + path);
      lines.push(`${path} ${mode} ${time} ${content}`);
    }
    if (info.isDirectory) lines.push(...describe(folder, path));
  }
  return lines;
}

function sum(data: Uint8Array): number {
  let value = 0;
  for (const byte of data) value = (value * 31 + byte) % 1_000_003;
  return value;
}

function bytes(length: number, seed: number): Uint8Array<ArrayBuffer> {
  const data = new Uint8Array(length);
  let x = seed;
  for (let i = 0; i < length; i++) {
    x = (x * 1103515245 + 12345) & 0x7fffffff;
    data[i] = x >> 16;
  }
  return data;
}

/** Creates a tree with everything that a copy has to keep. */
function makeTree(top: string): void {
  Deno.mkdirSync(`${top}/deep/er/and/deeper`, { recursive: true });
  Deno.mkdirSync(`${top}/empty`);
  Deno.mkdirSync(`${top}/many`);
  for (let i = 0; i < 1200; i++) {
    Deno.writeTextFileSync(`${top}/many/${i}`, `file ${i}`);
  }
  Deno.writeFileSync(`${top}/nothing`, new Uint8Array());
  Deno.writeFileSync(`${top}/large`, bytes(3_500_000, 7));
  Deno.writeFileSync(`${top}/medium`, bytes(256 * 1024, 8));
  Deno.writeTextFileSync(`${top}/deep/er/script`, "#!/bin/sh\n");
  Deno.writeTextFileSync(`${top}/-dash`, "dash");
  Deno.writeTextFileSync(`${top}/tab\tnew\nline`, "odd");
  Deno.writeTextFileSync(`${top}/ünïcödé 🌱`, "leaf");
  Deno.writeTextFileSync(`${top}/.hidden`, "dot");
  if (!POSIX) return;
  Deno.symlinkSync("deep/er/script", `${top}/link`);
  Deno.symlinkSync("/nowhere/at/all", `${top}/broken`);
  Deno.symlinkSync("deep", `${top}/dirlink`);
  Deno.chmodSync(`${top}/deep/er/script`, 0o755);
  Deno.chmodSync(`${top}/.hidden`, 0o400);
  Deno.chmodSync(`${top}/many`, 0o700);
  Deno.chmodSync(`${top}/empty`, 0o1777);
  const long = new Date("2003-04-05T06:07:08.009Z");
  for (
    const path of [
      "large",
      "deep/er/script",
      "nothing",
      "deep/er",
      "empty",
      "deep",
    ]
  ) {
    Deno.utimeSync(`${top}/${path}`, long, long);
  }
  new Deno.Command("touch", {
    args: ["-h", "-d", "2004-05-06T07:08:09Z", `${top}/link`],
  }).outputSync();
  new Deno.Command("mkfifo", { args: [`${top}/deep/fifo`] }).outputSync();
  Deno.utimeSync(`${top}/deep`, long, long);
}

Deno.test("cli: a tree survives put and get", async () => {
  using bench = new Bench();
  Deno.mkdirSync(bench.path("tree"));
  makeTree(bench.path("tree"));
  await bench.ok([]);
  const put = await bench.run(["put", "-r", "tree", "/", "--json"]);
  assert.equal(put.code, 0);
  if (POSIX) {
    assert.equal(put.err, "aloelite: put: tree/deep/fifo: skipped (a FIFO)\n");
  }
  const report = JSON.parse(put.out);
  assert.equal(report.files, 1208);
  assert.equal(report.directories, 7);
  assert.deepEqual(report.failed, []);
  if (POSIX) {
    assert.equal(report.symlinks, 3);
    assert.deepEqual(report.skipped, ["tree/deep/fifo"]);
    const link = await bench.json(["stat", "/tree/link"]);
    assert.equal(link.type, "symlink");
    assert.equal(link.target, "deep/er/script");
    assert.match(await bench.ok(["ls", "-l", "/tree"]), / dirlink -> deep$/m);
    assert.equal(await bench.ok(["cat", "/tree/link"]), "#!/bin/sh\n");
    assert.match(
      await bench.fails(1, ["cat", "/tree/broken"]),
      /a link to \/nowhere\/at\/all, which/,
    );
    await bench.ok(["get", "/tree/link", "followed"]);
    assert.equal(Deno.lstatSync(bench.path("followed")).isFile, true);
    Deno.removeSync(bench.path("tree/deep/fifo"));
    const long = new Date("2003-04-05T06:07:08.009Z");
    Deno.utimeSync(bench.path("tree/deep"), long, long);
  }

  const got = await bench.json(["get", "-r", "/tree", "copy"]);
  assert.deepEqual(got, { ...report, skipped: [] });
  const wanted = describe(bench.path("tree"));
  assert.deepEqual(describe(bench.path("copy")), wanted);
  // Repeat, over existing files and into a directory.
  await bench.ok(["get", "-r", "/tree", "copy2/"]);
  Deno.mkdirSync(bench.path("into"));
  await bench.ok(["get", "-r", "/tree", "into"]);
  assert.deepEqual(describe(bench.path("into/tree")), wanted);
  Deno.chmodSync(bench.path("into/tree/.hidden"), 0o600);
  Deno.writeTextFileSync(bench.path("into/tree/large"), "was changed");
  await bench.ok(["get", "-r", "/tree", "into"]);
  assert.deepEqual(describe(bench.path("into/tree")), wanted);

  // A repeated put replaces: no duplicates, and unchanged links stay.
  Deno.writeTextFileSync(bench.path("tree/many/7"), "seven");
  const again = await bench.run(["put", "-r", "tree", "/"]);
  assert.equal(again.code, 0, again.err);
  assert.equal(await bench.ok(["cat", "/tree/many/7"]), "seven");
  assert.equal(
    await bench.ok(["cat", "--version", "1", "/tree/many/7"]),
    "file 7",
  );
  assert.equal((await bench.json(["ls", "-a", "/tree/many"])).length, 1200);
  assert.deepEqual(await bench.json(["trash", "ls"]), []);
  // `.` has no name, so its content is merged.
  await bench.ok(["mkdir", "/merged"]);
  await bench.ok(["put", "-r", ".", "/merged"], {
    cwd: bench.path("tree/deep"),
  });
  assert.equal(await bench.ok(["ls", "/merged"]), "er\n");
  assert.equal(await bench.ok(["health"]), "healthy\n");
  assert.match(await bench.ok(["verify", "--deep"]), /no problem/);
});

Deno.test("cli: put continues after a failure, and skips its own file", async () => {
  using bench = new Bench();
  await bench.ok([]);
  Deno.mkdirSync(bench.path("t/sub"), { recursive: true });
  for (const name of ["a", "b", "c", "sub/d"]) {
    Deno.writeTextFileSync(bench.path(`t/${name}`), name);
  }
  await bench.ok(["mkdir", "-p", "/t/b"]);
  await bench.ok(["put", "-", "/t/sub"], { stdin: "a file" });
  const { code, err } = await bench.run(["put", "-r", "t", "/"]);
  assert.equal(code, 1);
  assert.match(err, /put: \/t\/b: a directory; a file cannot replace it/);
  assert.match(err, /put: \/t\/sub: a file; a directory cannot replace it/);
  assert.equal(err.trim().split("\n").length, 2);
  assert.equal(await bench.ok(["cat", "/t/a", "/t/c"]), "ac");

  const self = await bench.run(["put", "-r", bench.folder, "/self"]);
  assert.equal(self.code, 0);
  assert.match(self.err, /t\.aloe: skipped \(the database that is being written\)/);
  assert.doesNotMatch(await bench.ok(["find", "*"]), /aloe/);
  const two = await bench.run(["put", "t/a", "t/none", "t/c", "/t"]);
  assert.equal(two.code, 1);
  assert.match(two.err, /put: t\/none: no such file/);
  assert.equal(await bench.ok(["health"]), "healthy\n");
});

Deno.test({
  name: "cli: get writes nothing outside its destination",
  ignore: !POSIX,
  fn: async () => {
    using bench = new Bench();
    await bench.ok([]);
    const outside = bench.path("outside");
    Deno.mkdirSync(outside);
    await bench.ok(["mkdir", "-p", "/t/dots/evil", "/t/sub", "/t/x"]);
    await bench.ok(["put", "-", "/t/dots/evil/f"], { stdin: "evil" });
    for (const path of ["/t/dot", "/t/sub/slash", "/t/good", "/t/x/f"]) {
      await bench.ok(["put", "-", path], { stdin: "evil" });
    }
    {
      // No library writes such a name, but a hostile file may contain it.
      using db = new DatabaseSync(bench.file);
      const names = { slash: "../../outside/f", dots: "..", dot: "." };
      for (const [was, name] of Object.entries(names)) {
        for (const table of ["edge", "node"]) {
          db.prepare(`UPDATE ${table} SET name = ? WHERE name = ?`).run(name, was);
        }
      }
    }
    const { code, err } = await bench.run(["get", "-r", "/t", "dest/"]);
    assert.equal(code, 1);
    for (const name of ['"\\.\\."', '"\\."', '"\\.\\./\\.\\./outside/f"']) {
      assert.match(
        err,
        new RegExp(`the name ${name} leads out of the destination`),
      );
    }
    assert.deepEqual([...Deno.readDirSync(outside)], []);
    assert.deepEqual(
      [...Deno.readDirSync(bench.path("dest"))].map((e) => e.name).sort(),
      [
        "good",
        "sub",
        "x",
      ],
    );
    assert.equal(exists(bench.path("evil")), false);

    // A link in the destination is not followed: neither an existing one …
    Deno.removeSync(bench.path("dest/x"), { recursive: true });
    Deno.symlinkSync(outside, bench.path("dest/x"));
    Deno.removeSync(bench.path("dest/good"));
    Deno.symlinkSync(`${outside}/f`, bench.path("dest/good"));
    const second = await bench.run(["get", "-r", "/t", "dest/"]);
    assert.equal(second.code, 1);
    assert.equal(exists(bench.path("dest/t")), true);
    const third = await bench.run(["get", "-r", "/", "top"]);
    assert.equal(third.code, 1);
    Deno.removeSync(bench.path("top/t/x"), { recursive: true });
    Deno.symlinkSync(outside, bench.path("top/t/x"));
    Deno.removeSync(bench.path("top/t/good"));
    Deno.symlinkSync(`${outside}/f`, bench.path("top/t/good"));
    const fourth = await bench.run(["get", "-r", "/", "top"]);
    assert.match(
      fourth.err,
      /top\/t\/x: a symbolic link is in the way; not followed/,
    );
    assert.equal(Deno.lstatSync(bench.path("top/t/good")).isFile, true);
    assert.deepEqual([...Deno.readDirSync(outside)], []);

    // … nor one from the tree, followed by another entry of its name.
    Deno.mkdirSync(bench.path("l"));
    Deno.symlinkSync(outside, bench.path("l/y"));
    await bench.ok(["put", "-r", "l", "/"]);
    {
      await using fs = await (await import("../../mod.ts")).AloeLite.open(
        bench.file,
      );
      await using mount = await fs.mount();
      await mount.createEntry("/l/a", new TextEncoder().encode(outside));
      await mount.setMetadata("/l/a", { symlink: "1" });
      await mount.setMode("/l/a", 0o777);
    }
    await bench.ok(["get", "-r", "/l", "links"]);
    assert.equal(Deno.readLinkSync(bench.path("links/a")), outside);
    assert.equal(Deno.readLinkSync(bench.path("links/y")), outside);
    await bench.ok(["get", "-r", "/l", "links2/"]);
    await bench.ok(["rm", "/l/y"]);
    await bench.ok(["mkdir", "/l/y"]);
    await bench.ok(["put", "-", "/l/y/f"], { stdin: "evil" });
    const last = await bench.run(["get", "-r", "/l", "-"]);
    assert.equal(last.code, 2);
    Deno.mkdirSync(bench.path("root"));
    Deno.renameSync(bench.path("links"), bench.path("root/l"));
    const through = await bench.run(["get", "-r", "/l", "root"]);
    assert.equal(through.code, 1);
    assert.match(through.err, /root\/l\/y: a symbolic link is in the way/);
    assert.deepEqual([...Deno.readDirSync(outside)], []);
    assert.equal(Deno.statSync(outside).mode! & 0o777, 0o755);
  },
});
