/** The command line: hard links, owners and replaced files. */

import assert from "node:assert/strict";
import { Bench, start } from "../support/cli.ts";

const POSIX = Deno.build.os !== "windows";
const ROOT = POSIX && Deno.uid() === 0;

function inode(path: string): number {
  return Deno.lstatSync(path).ino!;
}

/** Larger than a batched file, so that it is streamed. */
const LARGE = 700_000;

function large(letter: string): Uint8Array {
  return new Uint8Array(LARGE).fill(letter.charCodeAt(0));
}

Deno.test({
  name: "cli: hard links survive put and get",
  ignore: !POSIX,
  fn: async () => {
    using bench = new Bench();
    await bench.ok([]);
    Deno.mkdirSync(bench.path("t/sub"), { recursive: true });
    Deno.writeTextFileSync(bench.path("t/a"), "small");
    Deno.linkSync(bench.path("t/a"), bench.path("t/b"));
    Deno.linkSync(bench.path("t/a"), bench.path("t/sub/c"));
    Deno.writeFileSync(bench.path("t/large"), large("x"));
    Deno.linkSync(bench.path("t/large"), bench.path("t/sub/large"));
    Deno.linkSync(bench.path("t/sub/large"), bench.path("outside"));
    Deno.writeTextFileSync(bench.path("t/own"), "own");

    const put = await bench.json(["put", "-r", "t", "/"]);
    assert.equal(put.files, 3);
    assert.equal(put.hardLinks, 3);
    assert.equal(put.bytes, LARGE + 8);
    const id = async (path: string): Promise<string> => (await bench.json(["stat", path])).id;
    assert.equal(await id("/t/a"), await id("/t/sub/c"));
    assert.equal((await bench.json(["stat", "/t/b"])).nlink, 3);
    assert.equal(await id("/t/large"), await id("/t/sub/large"));

    assert.deepEqual(await bench.json(["get", "-r", "/t", "out"]), put);
    const same = (a: string, b: string) => inode(bench.path(a)) === inode(bench.path(b));
    assert.ok(same("out/a", "out/b") && same("out/a", "out/sub/c"));
    assert.ok(same("out/large", "out/sub/large"));
    assert.deepEqual(Deno.readFileSync(bench.path("out/sub/large")), large("x"));
    // Over existing files: names that are linked already, and one that is not.
    Deno.removeSync(bench.path("out/b"));
    Deno.writeTextFileSync(bench.path("out/b"), "other");
    assert.equal((await bench.json(["get", "-r", "/t/", "out/"])).failed.length, 0);
    await bench.ok(["get", "-r", "/", "all"]);
    await bench.ok(["get", "-r", "/t", "all"]);
    assert.ok(same("all/t/a", "all/t/b"));

    // A repeated put changes nothing. Once the names are unlinked, so are the nodes.
    await bench.ok(["put", "-r", "t", "/"]);
    assert.equal(await id("/t/a"), await id("/t/b"));
    assert.deepEqual(await bench.json(["trash", "ls"]), []);
    for (const [name, text] of [["a", "small"], ["b", "b"], ["sub/c", "c"]]) {
      Deno.removeSync(bench.path(`t/${name}`));
      Deno.writeTextFileSync(bench.path(`t/${name}`), text);
    }
    for (const [name, letter] of [["large", "y"], ["sub/large", "z"]]) {
      Deno.removeSync(bench.path(`t/${name}`));
      Deno.writeFileSync(bench.path(`t/${name}`), large(letter));
    }
    await bench.ok(["put", "-r", "t", "/"]);
    assert.equal(await bench.ok(["cat", "/t/a", "/t/b", "/t/sub/c"]), "smallbc");
    assert.equal((await bench.ok(["cat", "/t/large"]))[0], "y");
    assert.equal((await bench.ok(["cat", "/t/sub/large"]))[0], "z");

    // The first name cannot be copied, but the others are.
    Deno.mkdirSync(bench.path("u"));
    Deno.writeTextFileSync(bench.path("u/1"), "kept");
    Deno.linkSync(bench.path("u/1"), bench.path("u/2"));
    Deno.linkSync(bench.path("u/1"), bench.path("u/3"));
    await bench.ok(["mkdir", "-p", "/u/1"]);
    const partly = await bench.run(["put", "-r", "u", "/", "--json"]);
    assert.equal(partly.code, 1);
    assert.match(partly.err, /put: \/u\/1: a directory; a file cannot replace it\n$/);
    const report = JSON.parse(partly.out);
    assert.deepEqual([report.files, report.hardLinks, report.failed], [1, 1, ["u/1"]]);
    assert.equal(await bench.ok(["cat", "/u/2", "/u/3"]), "keptkept");
    assert.equal(await bench.ok(["health"]), "healthy\n");
  },
});

Deno.test({
  name: "cli: owners are kept on request",
  ignore: !ROOT,
  fn: async () => {
    using bench = new Bench();
    await bench.ok([]);
    Deno.mkdirSync(bench.path("t"));
    Deno.writeTextFileSync(bench.path("t/f"), "f");
    Deno.writeFileSync(bench.path("t/large"), large("l"));
    Deno.symlinkSync("f", bench.path("t/link"));
    for (const name of ["t/f", "t/large", "t"]) Deno.chownSync(bench.path(name), 1234, 5678);
    new Deno.Command("chown", { args: ["-h", "1234:5678", bench.path("t/link")] }).outputSync();

    await bench.ok(["put", "-r", "t", "/without"]);
    assert.equal((await bench.json(["stat", "/without/f"])).uid, null);
    await bench.ok(["put", "-r", "--owner", "t", "/"]);
    for (const path of ["/t", "/t/f", "/t/large", "/t/link"]) {
      const { uid, gid } = await bench.json(["stat", path]);
      assert.deepEqual([path, uid, gid], [path, 1234, 5678]);
    }
    const owner = (path: string): number[] => {
      const { uid, gid } = Deno.lstatSync(bench.path(path));
      return [uid!, gid!];
    };
    await bench.ok(["get", "-r", "/t", "plain"]);
    assert.deepEqual(owner("plain/f"), owner("t.aloe"));
    await bench.ok(["get", "-r", "--owner", "/t", "owned"]);
    for (const path of ["owned", "owned/f", "owned/large", "owned/link"]) {
      assert.deepEqual(owner(path), [1234, 5678]);
    }
  },
});

Deno.test({
  name: "cli: a replaced file stays until the new one is complete",
  ignore: !POSIX,
  fn: async () => {
    using bench = new Bench();
    await bench.ok([]);
    Deno.mkdirSync(bench.path("t"));
    Deno.symlinkSync("there", bench.path("t/x"));
    await bench.ok(["put", "-r", "t", "/"]);
    const target = async (): Promise<string> => (await bench.json(["stat", "/t/x"])).target;

    // An interrupted stream leaves the link unchanged, and no other file.
    const put = start(["-f", bench.file, "put", "-", "/t/x"], { stdin: "" });
    const writer = put.stdin.getWriter();
    await writer.write(new Uint8Array(2_500_000));
    for (let i = 0; i < 100 && (await bench.json(["ls", "/t"])).length < 2; i++);
    assert.equal((await bench.json(["ls", "/t"])).length, 2);
    assert.equal(await target(), "there");
    put.kill("SIGINT");
    await put.status;
    await Promise.all([put.stdout.cancel(), put.stderr.cancel()]);
    await writer.close().catch(() => {});
    assert.equal(await bench.ok(["ls", "/t"]), "x\n");
    assert.equal(await target(), "there");
    assert.deepEqual(await bench.json(["trash", "ls"]), []);

    // Complete files replace the link: from standard input, small and large.
    await bench.ok(["put", "-", "/t/x"], { stdin: "in" });
    assert.equal(await bench.ok(["cat", "/t/x"]), "in");
    await bench.ok(["put", "-r", "t", "/"]);
    assert.equal(await target(), "there");
    Deno.writeFileSync(bench.path("x"), large("x"));
    await bench.ok(["put", "x", "/t/x"]);
    assert.equal((await bench.json(["stat", "/t/x"])).kind, "file");
    assert.equal((await bench.ok(["cat", "/t/x"])).length, LARGE);
    assert.equal((await bench.json(["ls", "-a", "/t"])).length, 1);
    // Append writes to a link's target.
    await bench.ok(["put", "-", "/t/there"], { stdin: "one" });
    await bench.ok(["put", "-r", "t", "/"]);
    await bench.ok(["put", "--append", "-", "/t/x"], { stdin: ", two" });
    assert.equal(await target(), "there");
    assert.equal(await bench.ok(["cat", "/t/there"]), "one, two");

    // In get, a link that was named is written through, atomically.
    Deno.writeTextFileSync(bench.path("real"), "old");
    Deno.symlinkSync("real", bench.path("named"));
    await bench.ok(["get", "/t/there", "named"]);
    assert.equal(Deno.readTextFileSync(bench.path("real")), "one, two");
    assert.ok(Deno.lstatSync(bench.path("named")).isSymlink);

    Deno.writeTextFileSync(bench.path("b.aloe"), "an old backup");
    assert.match(
      await bench.fails(1, ["backup", "b.aloe"]),
      /b\.aloe: already exists; replace it with --force/,
    );
    await bench.ok(["backup", "--force", "b.aloe"]);
    const copy = new Bench();
    try {
      Deno.copyFileSync(bench.path("b.aloe"), copy.file);
      assert.equal(await copy.ok(["cat", "/t/there"]), "one, two");
    } finally {
      copy[Symbol.dispose]();
    }
    Deno.mkdirSync(bench.path("dir"));
    assert.match(await bench.fails(1, ["backup", "--force", "dir"]), /dir: a directory/);
    const left = [...Deno.readDirSync(bench.folder)].map((e) => e.name);
    assert.deepEqual(left.filter((name) => name.startsWith(".")), []);
    assert.equal(await bench.ok(["health"]), "healthy\n");
  },
});
