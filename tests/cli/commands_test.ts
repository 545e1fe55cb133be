/** The command line: all commands, their JSON and their exit codes. */

import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { aloelite, Bench, exists, quoted, RUN } from "../support/cli.ts";

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

Deno.test("cli: version, help and usage errors", async () => {
  using bench = new Bench();
  const version = await aloelite(["--version"]);
  assert.equal(version.out, `aloelite ${manifest.version}\n`);
  assert.deepEqual(JSON.parse((await aloelite(["--json", "--version"])).out), {
    version: manifest.version,
  });
  const help = await aloelite(["--help"]);
  assert.equal(help.code, 0);
  const names = help.out.slice(
    help.out.indexOf("Commands:"),
    help.out.indexOf("Options"),
  )
    .match(/^ {2}[a-z]+(?: [a-z]+)?(?= )/gm)!.map((n) => n.trim());
  assert.ok(names.length > 35, `${names}`);
  await Promise.all(["put", "volume create", "trash"].map(async (name) => {
    const one = await aloelite([...name.split(" "), "--help"]);
    assert.equal(one.code, 0);
    assert.match(one.out, /Examples:\n {2}aloelite -f/);
  }));
  assert.equal(
    (await aloelite(["help", "ls"])).out,
    (await aloelite(["ls", "-h"])).out,
  );

  const nothing = await aloelite([], { env: { ALOELITE_FILE: "" } });
  assert.equal(nothing.code, 2);
  assert.equal(nothing.out, "");
  const wrong: [string[], RegExp][] = [
    [["lss"], /unknown command lss; did you mean ls\?/],
    [["trash"], /trash needs one of: ls, restore, purge/],
    [["ls", "--lon"], /unknown option --lon; did you mean --long\?/],
    [["stat"], /usage: aloelite stat PATH/],
    [["stat", "/a", "/b"], /one operand too many: \/b/],
    [["tree", "--depth"], /--depth needs a value/],
    [["ls", "--json=1"], /--json takes no value/],
    [["trash", "purge"], /purge needs one of/],
    [["restore", "/a"], /a version is required/],
    [["retention", "/a", "0"], /number of versions must be at least 1/],
    [["volume", "create", "x", "--chunk-size", "lots"], /not a size: lots/],
    [["put", "-r", "--append", ".", "/x"], /leave -r out/],
  ];
  for (const [args, message] of wrong) {
    assert.match(await bench.fails(2, args), message);
  }
  const missing = await aloelite(["ls"], { env: { ALOELITE_FILE: "" } });
  assert.equal(missing.code, 2);
  assert.match(missing.err, /give -f FILE or set ALOELITE_FILE/);
});

Deno.test("cli: put creates the file on request and lists stored entries", async () => {
  using bench = new Bench();
  Deno.mkdirSync(bench.path("tree/below"), { recursive: true });
  Deno.writeTextFileSync(bench.path("tree/a"), "a");
  Deno.writeTextFileSync(bench.path("tree/below/b"), "b");
  assert.match(await bench.fails(1, ["put", "-r", "tree"]), /no such file/);
  const listed = (await bench.ok(["put", "-rcl", "tree"])).trimEnd().split("\n");
  assert.deepEqual(listed.sort(), ["/tree", "/tree/a", "/tree/below", "/tree/below/b"]);
  assert.equal(
    await bench.ok(["volume", "ls", "--json"]).then((t) => JSON.parse(t)[0].name),
    "main",
  );
  // The file exists now; putting again adds to it.
  assert.equal(await bench.ok(["put", "--create", "--list", "tree/a", "/b"]), "/b\n");
  assert.equal(await bench.ok(["ls"]), "b\ntree\n");

  // An encrypted file; its PIN is read once.
  Deno.writeTextFileSync(bench.path("pin"), "a secret");
  const sealed = await aloelite(
    ["-f", "sealed.aloe", "-v", "mine", "put", "-rc", "--pin-fd", "0", "tree"],
    { cwd: bench.folder, stdin: "a secret" },
  );
  assert.deepEqual([sealed.code, sealed.out, sealed.err], [0, "", ""]);
  const read = await aloelite(
    ["-f", "sealed.aloe", "--pin-file", "pin", "cat", "/tree/below/b"],
    { cwd: bench.folder },
  );
  assert.deepEqual([read.code, read.out], [0, "b"]);
});

Deno.test("cli: only the bare command creates a file without --create", async () => {
  using bench = new Bench();
  const readers = [["ls"], ["info"], ["health"], ["volume", "ls"], ["mounts"]];
  const writers = [["mkdir", "/a"], ["put", "-", "/a"], [
    "volume",
    "create",
    "x",
  ], ["prune"]];
  for (
    const args of [...readers, ...writers, ["backup", "b.aloe"], [
      "export",
      "e.aloe",
    ]]
  ) {
    assert.match(
      await bench.fails(1, args),
      /t\.aloe: no such file; .* creates it/,
    );
  }
  assert.deepEqual([...Deno.readDirSync(bench.folder)], []);

  assert.match(await bench.ok([]), /^main /m);
  const shown = await bench.json([]);
  assert.equal(shown.volumes.length, 1);
  assert.equal(shown.volumes[0].name, "main");
  assert.match(shown.volumes[0].createdAt, ISO);
  const again = await bench.json(["info"]);
  // Other processes may change the disk's free space meanwhile.
  for (const { space } of [shown, again]) {
    assert.ok(space.disk > 0);
    delete space.disk;
  }
  assert.deepEqual(again, shown);
  // The environment variable names the file too, and options may stand anywhere.
  const env = { ALOELITE_FILE: bench.file };
  assert.deepEqual(
    JSON.parse((await aloelite(["ls", "--json"], { env })).out),
    [],
  );
  assert.deepEqual(
    JSON.parse((await aloelite(["ls", "--json", "-f", bench.file])).out),
    [],
  );

  Deno.writeTextFileSync(
    bench.path("text.txt"),
    "not a database, only text ".repeat(100),
  );
  const other = await aloelite(["-f", bench.path("text.txt"), "ls"]);
  assert.equal(other.code, 1);
  assert.match(other.err, /^aloelite: ls: .*text\.txt: /);
  const none = await aloelite(["-f", bench.path("no/where.aloe")]);
  assert.equal(none.code, 1);
  assert.match(none.err, /no\/where\.aloe: /);
});

Deno.test("cli: put, ls, tree, stat, cat, get of single files", async () => {
  using bench = new Bench();
  await bench.ok([]);
  await bench.ok(["mkdir", "/docs", "/docs/old"]);
  Deno.writeTextFileSync(bench.path("a.txt"), "alpha\n");
  Deno.chmodSync(bench.path("a.txt"), 0o640);
  Deno.utimeSync(
    bench.path("a.txt"),
    new Date(1e12 + 123),
    new Date(1e12 + 123),
  );
  await bench.ok(["put", "a.txt", "/docs/"]);
  await bench.ok(["put", "a.txt", "/docs/b.txt"]);
  await bench.ok(["put", "a.txt"]);
  await bench.ok(["put", "-", "/docs/in"], { stdin: "from stdin" });
  await bench.ok(["put", "--append", "-", "/docs/in"], { stdin: ", more" });
  await bench.ok(["put", "--append", "a.txt", "/docs/in"]);
  assert.equal(
    await bench.ok(["cat", "/docs/in", "/a.txt"]),
    "from stdin, morealpha\nalpha\n",
  );

  assert.equal(await bench.ok(["ls"]), "a.txt\ndocs\n");
  assert.equal(await bench.ok(["ls", "/docs"]), "a.txt\nb.txt\nin\nold\n");
  const long = await bench.ok(["ls", "-l", "/docs"]);
  assert.match(long, /^-rw-r----- +6 {2}2001-09-0[89] \d\d:\d\d {2}a\.txt$/m);
  const [first] = await bench.json(["ls", "-l", "/docs"]);
  assert.equal(first.name, "a.txt");
  assert.equal(first.path, "/docs/a.txt");
  assert.equal(first.size, 6);
  assert.equal(first.mode, 0o640);
  assert.equal(first.modifiedAt, "2001-09-09T01:46:40.123000000Z");
  assert.equal(first.metadata.mode, "640");
  assert.match(first.id, UUID);

  const two = await bench.ok(["ls", "/", "/docs/old"]);
  assert.equal(two, "/:\na.txt\ndocs\n\n/docs/old:\n");
  const tree = await bench.ok(["tree"]);
  assert.match(tree, /├── a\.txt\n└── docs\/\n {4}├── a\.txt/);
  assert.match(tree, /2 directories, 4 files/);
  const nested = await bench.json(["tree", "/docs", "--depth", "1"]);
  assert.equal(nested.type, "container");
  assert.equal(nested.children.length, 4);

  const stat = await bench.json(["stat", "/docs/a.txt"]);
  assert.equal(stat.path, "/docs/a.txt");
  assert.equal(stat.kind, "file");
  assert.equal(stat.version, 1);
  assert.match(stat.createdAt, ISO);
  assert.match(await bench.ok(["stat", "/docs"]), /^type +directory$/m);

  await bench.ok(["get", "/docs/in", "out.txt"]);
  assert.equal(
    Deno.readTextFileSync(bench.path("out.txt")),
    "from stdin, morealpha\n",
  );
  assert.equal(await bench.ok(["get", "/docs/b.txt", "-"]), "alpha\n");
  Deno.mkdirSync(bench.path("dir"));
  await bench.ok(["get", "/docs/a.txt", "/docs/b.txt", "dir"]);
  const info = Deno.statSync(bench.path("dir/a.txt"));
  assert.equal(info.mode! & 0o777, 0o640);
  assert.equal(info.mtime!.getTime(), 1e12 + 123);

  assert.match(
    await bench.fails(1, ["ls", "/nope"]),
    /^aloelite: ls: \/nope: not found/,
  );
  assert.match(
    await bench.fails(1, ["cat", "/docs"]),
    /^aloelite: cat: \/docs: is a directory/,
  );
  assert.match(
    await bench.fails(1, ["stat", "/a.txt/b"]),
    /^aloelite: stat: \/a\.txt\/b: .* not a directory/,
  );
  assert.match(
    await bench.fails(1, ["put", "nope", "/x"]),
    /nope: no such file or directory/,
  );
  assert.match(
    await bench.fails(1, ["put", "dir", "/x"]),
    /dir: a directory; add -r/,
  );
  assert.match(
    await bench.fails(1, ["put", "a.txt", "/new/"]),
    /\/new: no such directory; add -p/,
  );
  assert.match(
    await bench.fails(1, ["put", "a.txt", "/n/b"]),
    /\/n: no such directory; add -p/,
  );
  assert.match(
    await bench.fails(1, ["put", "-", "/docs"], { stdin: "" }),
    /add a file name/,
  );
  assert.match(
    await bench.fails(1, ["get", "/docs", "x"]),
    /\/docs: a directory; add -r/,
  );
  assert.match(
    await bench.fails(1, ["get", "/a.txt", "none/"]),
    /none\/: no such directory/,
  );
  await bench.ok(["put", "-p", "a.txt", "/n/m/"]);
  assert.equal(await bench.ok(["cat", "/n/m/a.txt"]), "alpha\n");
  // One failure does not prevent the other operands.
  const mixed = await bench.run(["cat", "/a.txt", "/nope", "/a.txt"]);
  assert.equal(mixed.code, 1);
  assert.equal(mixed.out, "alpha\nalpha\n");
  // Names are escaped in messages.
  assert.match(
    await bench.fails(1, ["ls", "/\x1b[31mred\n"]),
    /: \/\\u001b\[31mred\\n: not found/,
  );
});

Deno.test("cli: mkdir, rm, mv, cp, find, meta", async () => {
  using bench = new Bench();
  await bench.ok([]);
  await bench.ok(["mkdir", "-p", "/a/b/c", "/d"]);
  await bench.ok(["mkdir", "-p", "/a/b"]);
  assert.match(
    await bench.fails(1, ["mkdir", "/a"]),
    /^aloelite: mkdir: \/a: /,
  );
  assert.match(
    await bench.fails(1, ["mkdir", "/x/y"]),
    /^aloelite: mkdir: \/x\/y: \/x: not found/,
  );
  for (
    const [path, text] of [["/a/1.txt", "one"], ["/a/b/2.txt", "two"], [
      "/d/3.md",
      "three",
    ]]
  ) {
    await bench.ok(["put", "-", path], { stdin: text });
  }

  const found = async (...args: string[]): Promise<string[]> =>
    (await bench.ok(["find", ...args])).split("\n").slice(0, -1);
  assert.deepEqual(await found("*.txt"), ["/a/1.txt", "/a/b/2.txt"]);
  assert.deepEqual(await found("/a/*.txt"), ["/a/1.txt"]);
  assert.deepEqual(await found("**/*.[tm]*", "/"), [
    "/a/1.txt",
    "/a/b/2.txt",
    "/d/3.md",
  ]);
  assert.deepEqual(await found("*", "/a", "--type", "d"), ["/a/b", "/a/b/c"]);
  assert.deepEqual(await found("*", "/a", "--type", "f"), [
    "/a/1.txt",
    "/a/b/2.txt",
  ]);
  assert.deepEqual(
    (await bench.json(["find", "3.*"])).map((f: { path: string }) => f.path),
    [
      "/d/3.md",
    ],
  );

  await bench.ok(["mv", "/a/1.txt", "/a/one.txt"]);
  await bench.ok(["mv", "/a/one.txt", "/a/b/2.txt", "/d"]);
  assert.equal(await bench.ok(["ls", "/d"]), "2.txt\n3.md\none.txt\n");
  await bench.ok(["cp", "/d", "/e"]);
  await bench.ok(["cp", "-r", "/d", "/a"]);
  assert.equal(await bench.ok(["ls", "/a/d"]), "2.txt\n3.md\none.txt\n");
  // A replaced file goes to the trash.
  await bench.ok(["cp", "/d/3.md", "/e/2.txt"]);
  assert.equal(await bench.ok(["cat", "/e/2.txt"]), "three");
  await bench.ok(["mv", "/d/3.md", "/e/2.txt"]);
  assert.equal((await bench.json(["ls", "/e", "-a"])).length, 3);
  assert.equal((await bench.json(["trash", "ls"])).length, 2);

  assert.match(await bench.fails(1, ["mv", "/d", "/d/x"]), /\/d: /);
  assert.match(
    await bench.fails(1, ["mv", "/d/2.txt", "/d/2.txt"]),
    /are the same/,
  );
  assert.match(
    await bench.fails(1, ["cp", "/d", "/e/2.txt"]),
    /a directory cannot replace it/,
  );
  assert.match(
    await bench.fails(1, ["mv", "/d", "/e", "/none"]),
    /\/none: no such directory/,
  );
  assert.match(
    await bench.fails(1, ["mv", "/nope", "/d"]),
    /^aloelite: mv: \/nope: not found/,
  );

  assert.match(await bench.fails(1, ["rm", "/e"]), /\/e: .*not empty; add -r/);
  assert.match(
    await bench.fails(1, ["rm", "-r", "/"]),
    /^aloelite: rm: \/: the root/,
  );
  assert.match(await bench.fails(1, ["rm", "-r", "//"]), /the root/);
  const some = await bench.run(["rm", "-r", "/nope", "/e"]);
  assert.equal(some.code, 1);
  assert.match(some.err, /^aloelite: rm: \/nope: not found/);
  assert.equal(await bench.ok(["ls"]), "a\nd\n");

  await bench.ok(["meta", "set", "/a", "k=v", "note=a=b", "__proto__=x"]);
  await bench.ok(["meta", "set", "/a", "k=w"]);
  assert.equal(await bench.ok(["meta", "get", "/a", "note"]), "a=b\n");
  const keys = await bench.json(["meta", "get", "/a"]);
  assert.equal(keys.k, "w");
  assert.ok(Object.hasOwn(keys, "__proto__"));
  await bench.ok(["meta", "unset", "/a", "note", "__proto__"]);
  assert.equal(await bench.ok(["meta", "get", "/a"]), "k=w\n");
  assert.match(
    await bench.fails(1, ["meta", "get", "/a", "note"]),
    /\/a: no metadata note/,
  );
  assert.match(
    await bench.fails(2, ["meta", "set", "/a", "novalue"]),
    /not KEY=VALUE/,
  );
});

Deno.test("cli: find matches alternatives", async () => {
  using bench = new Bench();
  await bench.ok([]);
  const long = "a".repeat(120);
  await bench.ok(["mkdir", "-p", "/p", "/q/p", "/r/{p,q}", `/${long}`]);
  const find = async (...args: string[]) =>
    (await bench.ok(["find", ...args])).split("\n").slice(0, -1);
  assert.deepEqual(await find("{p,q}"), ["/p", "/q", "/q/p"]);
  assert.deepEqual(await find("{q,r}/*"), ["/q/p", "/r/{p,q}"]);
  assert.deepEqual(await find("[{]p,q}"), ["/r/{p,q}"]);
  assert.deepEqual(await find("\\{p,q}"), ["/r/{p,q}"]);
  assert.deepEqual(await find("r/\\{*\\}"), ["/r/{p,q}"]);
  assert.deepEqual(await find("\\{*\\,\\q}", "/r"), ["/r/{p,q}"]);
  assert.deepEqual(await find("{a*,?}", "/q"), ["/q/p"]);
  assert.deepEqual(await find("*a*a*a*a*a*a*b"), []);
  assert.deepEqual(await find("*a*a*a*a*a*a"), [`/${long}`]);
});

Deno.test("cli: history, restore, retention, trash, prune", async () => {
  using bench = new Bench();
  await bench.ok([]);
  for (const text of ["one", "two!", "three"]) {
    await bench.ok(["put", "-", "/f"], { stdin: text });
  }
  const versions = await bench.json(["history", "/f"]);
  assert.deepEqual(versions.map((v: { version: number }) => v.version), [
    3,
    2,
    1,
  ]);
  assert.equal(versions[0].current, true);
  assert.equal(versions[1].size, 4);
  assert.match(versions[0].committedAt, ISO);
  assert.match(
    await bench.ok(["history", "/f"]),
    /^VERSION +BYTES +WRITTEN\n +3 +5 .*current\n +2 +4 /,
  );
  assert.equal(await bench.ok(["cat", "--version", "2", "/f"]), "two!");
  await bench.ok(["get", "--version", "1", "/f", "old"]);
  assert.equal(Deno.readTextFileSync(bench.path("old")), "one");
  await bench.ok(["restore", "/f", "--version", "1"]);
  assert.equal(await bench.ok(["cat", "/f"]), "one");
  assert.match(
    await bench.fails(1, ["restore", "/f", "--version", "99"]),
    /\/f: version 99 is not retained; .*history/,
  );
  assert.equal(await bench.ok(["retention", "/f"]), "all\n");
  await bench.ok(["retention", "/f", "2"]);
  assert.deepEqual(await bench.json(["retention", "/f"]), { path: "/f", keep: 2 });
  assert.match(await bench.ok(["stat", "/f"]), /^kept +the newest 2 versions$/m);
  assert.match(await bench.fails(1, ["retention", "/"]), /\/: a directory/);
  const freed = await bench.json(["prune"]);
  assert.equal(freed.versions, 2);
  assert.equal((await bench.json(["history", "/f"])).length, 2);
  await bench.ok(["retention", "/f", "all"]);

  await bench.ok(["mkdir", "/d"]);
  await bench.ok(["put", "-", "/d/x"], { stdin: "x".repeat(1000) });
  await bench.ok(["rm", "-r", "/d"]);
  await bench.ok(["rm", "/f"]);
  const items = await bench.json(["trash", "ls"]);
  assert.deepEqual(items.map((i: { path: string }) => i.path), ["/f", "/d"]);
  assert.equal(items[1].nodes, 2);
  assert.equal(items[1].size, 1000);
  assert.match(items[0].removedAt, ISO);
  assert.match(
    await bench.ok(["trash", "ls"]),
    /^ID +REMOVED +SIZE +NODES +PATH\n.* 3 B +1 {2}\/f\n.* 2 {2}\/d\/\n$/,
  );
  assert.equal(
    await bench.ok(["trash", "restore", "/d", "--to", "/e"]),
    "/e\n",
  );
  assert.equal(await bench.ok(["trash", "restore", items[0].id]), "/f\n");
  assert.equal(await bench.ok(["ls"]), "e\nf\n");
  assert.match(
    await bench.fails(1, ["trash", "restore", "/never"]),
    /\/never: not in the trash/,
  );
  await bench.ok(["rm", "-r", "/e", "/f"]);
  assert.equal(
    (await bench.json(["trash", "purge", "--older-than", "1d"])).nodes,
    0,
  );
  assert.equal((await bench.json(["trash", "purge", "/f"])).nodes, 1);
  assert.match(await bench.ok(["trash", "purge", "--all"]), /deleted 2 nodes/);
  assert.deepEqual(await bench.json(["trash", "ls"]), []);
  await bench.ok(["prune", "--vacuum"]);
  assert.equal(await bench.ok(["health"]), "healthy\n");
});

Deno.test("cli: volumes, mounts, pack, verify, health", async () => {
  using bench = new Bench();
  await bench.ok([]);
  const made = await bench.json([
    "volume",
    "create",
    "big",
    "--chunk-size",
    "64KiB",
  ]);
  assert.equal(made.chunkSize, 65536);
  assert.equal(made.encryption, "none");
  assert.match(
    await bench.fails(1, ["volume", "create", "big"]),
    /big: .*already/,
  );
  assert.match(
    await bench.fails(1, ["ls"]),
    /several volumes; choose one with -v: main, big/,
  );
  assert.match(
    await bench.fails(1, ["ls", "-v", "bug"]),
    /no volume bug; there are: main, big/,
  );
  await bench.ok(["-v", "big", "mkdir", "/p"]);
  await bench.ok(["-v", made.id, "put", "-", "/p/x"], { stdin: "packed" });
  assert.equal(await bench.ok(["ls", "-v", "main"]), "");
  await bench.ok(["volume", "rename", "big", "large"]);
  assert.match(
    await bench.fails(1, ["volume", "rename", "large", "main"]),
    /already/,
  );
  assert.deepEqual(
    (await bench.json(["volume", "ls"])).map((v: { name: string }) => v.name),
    ["main", "large"],
  );
  assert.match(
    await bench.ok(["volume", "ls"]),
    /^VOLUME .*ENCRYPTION\n.*\nlarge +\S+ +\S+ \S+ +64 KiB {2}plain$/m,
  );

  await bench.ok(["-v", "large", "pack", "/p"]);
  assert.equal((await bench.json(["-v", "large", "stat", "/p"])).type, "entry");
  await bench.ok(["-v", "large", "unpack", "/p"]);
  assert.equal(await bench.ok(["-v", "large", "cat", "/p/x"]), "packed");
  assert.match(await bench.fails(1, ["-v", "large", "pack", "/"]), /the root/);
  assert.match(
    await bench.fails(1, ["-v", "large", "unpack", "/p/x"]),
    /\/p\/x: /,
  );

  const report = await bench.json(["-v", "large", "verify", "--deep"]);
  assert.deepEqual(report.problems, []);
  assert.ok(report.chunksChecked > 0);
  assert.match(
    await bench.ok(["-v", "large", "verify"]),
    /checked: no problem/,
  );
  assert.deepEqual(await bench.json(["health"]), {
    healthy: true,
    anomalies: [],
  });

  // Commands leave no mounts behind; a mount left by a crash can be ended.
  assert.deepEqual(await bench.json(["mounts"]), []);
  const { AloeLite } = await import("../../mod.ts");
  const fs = await AloeLite.open(bench.file);
  const mount = await fs.mount("main", { principal: "test" });
  const [listed] = await bench.json(["mounts"]);
  assert.equal(listed.id, mount.id);
  assert.equal(listed.access, "rw");
  assert.match(
    await bench.ok(["mounts", "-v", "main"]),
    new RegExp(`^ID +VOLUME .*\n${mount.id} +main +rw`),
  );
  assert.match(
    await bench.fails(1, ["volume", "rm", "main"]),
    /mounted; end the mounts first/,
  );
  await bench.ok(["mounts", "--end", mount.id]);
  assert.match(await bench.fails(1, ["mounts", "--end", "nope"]), /nope: no such mount/);
  await fs.close();
  assert.equal(await bench.ok(["mounts"]), "");
  await bench.ok(["volume", "rm", "main"]);
  assert.equal((await bench.json(["info"])).volumes.length, 1);
  assert.match(
    await bench.fails(1, ["volume", "rm", "main"]),
    /no volume main/,
  );
});

Deno.test({
  name: "cli: what is copied out of a private file is as private",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    using bench = new Bench();
    await bench.ok([]);
    const modeOf = (path: string) => (Deno.statSync(path).mode! & 0o777).toString(8);
    for (const mode of [0o600, 0o640, 0o644]) {
      Deno.chmodSync(bench.file, mode);
      const [copy, other] = [bench.path(`${mode}.backup`), bench.path(`${mode}.export`)];
      await bench.ok(["backup", copy]);
      await bench.ok(["backup", "--force", copy]);
      await bench.ok(["export", other]);
      const wanted = (mode & ~Deno.umask()).toString(8);
      assert.deepEqual([modeOf(copy), modeOf(other)], [wanted, wanted]);
    }
    assert.equal(await bench.ok(["health"]), "healthy\n");
  },
});

Deno.test("cli: snapshot, export, import, backup", async () => {
  using bench = new Bench();
  await bench.ok([]);
  await bench.ok(["put", "-", "/f"], { stdin: "first" });
  await bench.ok(["snapshot", "then"]);
  await bench.ok(["-v", "main", "put", "-", "/f"], { stdin: "second" });
  assert.equal(await bench.ok(["-v", "then", "cat", "/f"]), "first");
  assert.match(
    await bench.fails(1, ["-v", "main", "snapshot", "then"]),
    /then: .*already/,
  );

  const other = bench.path("other.aloe");
  await bench.ok(["-v", "then", "export", other, "--rename", "copy"]);
  await bench.ok(["-v", "main", "export", other]);
  const again = await bench.fails(1, ["-v", "main", "export", other]);
  assert.match(again, /already has a volume main; give --rename/);
  const cat = async (volume: string): Promise<string> =>
    (await aloelite(["-f", other, "-v", volume, "cat", "/f"])).out;
  assert.equal(await cat("copy"), "first");
  assert.equal(await cat("main"), "second");
  assert.match(
    await bench.fails(1, ["-v", "main", "export", bench.file]),
    /the same file/,
  );

  const imported = await bench.json([
    "import",
    other,
    "--from",
    "copy",
    "--rename",
    "back",
  ]);
  assert.equal(imported.name, "back");
  assert.equal(await bench.ok(["-v", "back", "cat", "/f"]), "first");
  assert.match(
    await bench.fails(1, ["import", other]),
    /several volumes; choose one with/,
  );
  assert.match(
    await bench.fails(1, ["import", bench.path("no")]),
    /no such file/,
  );
  assert.equal(exists(bench.path("no")), false);

  const copy = bench.path("backup.aloe");
  const done = await bench.json(["backup", copy]);
  assert.equal(done.size, Deno.statSync(copy).size);
  assert.match(
    await bench.fails(1, ["backup", copy]),
    /already exists; replace it with --force/,
  );
  await bench.ok(["backup", "--force", copy]);
  assert.equal(
    (await aloelite(["-f", copy, "-v", "main", "cat", "/f"])).out,
    "second",
  );
  assert.equal((await aloelite(["-f", copy, "health"])).out, "healthy\n");
  // A failed export or backup leaves no file behind.
  await bench.fails(1, ["-v", "nope", "export", bench.path("e.aloe")]);
  await bench.fails(1, ["backup", bench.path("no/b.aloe")]);
  assert.equal(exists(bench.path("e.aloe")), false);
});

Deno.test("cli: hidden siblings are listed on demand", async () => {
  using bench = new Bench();
  await bench.ok([]);
  const { AloeLite } = await import("../../mod.ts");
  {
    await using fs = await AloeLite.open(bench.file);
    await using mount = await fs.mount();
    await mount.createEntry("/twin", new Uint8Array([1]));
    await mount.createEntry("/twin", new Uint8Array([2, 2]));
  }
  assert.equal(await bench.ok(["ls"]), "twin\n");
  assert.match(
    await bench.ok(["ls", "-a"]),
    /^twin\ntwin {2}\(hidden, [0-9a-f-]{36}\)\n$/,
  );
  const all = await bench.json(["ls", "-l", "-a"]);
  assert.deepEqual(all.map((e: { visible: boolean }) => e.visible), [
    true,
    false,
  ]);
  assert.deepEqual(all.map((e: { size: number }) => e.size), [2, 1]);
});

Deno.test("cli: completions", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, out } = await aloelite(["completions", shell]);
    assert.equal(code, 0);
    for (const word of ["snapshot", "chunk-size", "rename", "retention"]) {
      assert.ok(out.includes(word), `${shell}: ${word}`);
    }
    if (shell !== "bash") continue;
    const complete = async (...words: string[]): Promise<string[]> => {
      const script = `${out}
        COMP_WORDS=(aloelite ${words.map((w) => `'${w}'`).join(" ")})
        COMP_CWORD=${words.length}
        _aloelite
        printf '%s\\n' "\${COMPREPLY[@]}"`;
      const ran = await new Deno.Command("bash", { args: ["-c", script] })
        .output();
      return new TextDecoder().decode(ran.stdout).trim().split("\n");
    };
    assert.deepEqual(await complete("-f", "x", "sn"), ["snapshot"]);
    assert.deepEqual(await complete("volume", ""), [
      ...["create", "ls", "rename", "rm"],
      ...[
        "-f",
        "--file",
        "-v",
        "--volume",
        "--pin-file",
        "--pin-env",
        "--pin-fd",
      ],
      ...["--json", "-h", "--help"],
    ]);
    assert.deepEqual(await complete("volume", "create", "--ch"), [
      "--chunk-size",
    ]);
  }
  const other = await aloelite(["completions", "tcsh"]);
  assert.equal(other.code, 2);
  assert.equal((await aloelite(["completions", "bash", "zsh"])).code, 2);
});

/** Returns whether a program is installed. */
async function has(program: string): Promise<boolean> {
  const found = await new Deno.Command("sh", { args: ["-c", `command -v ${program}`] }).output();
  return found.success;
}

Deno.test("cli: completions offer volume paths, or local paths where appropriate", async () => {
  using bench = new Bench();
  const folder = bench.folder;
  Deno.mkdirSync(bench.path("local"));
  Deno.writeTextFileSync(bench.path("local file"), "");
  await bench.ok([]);
  await bench.ok(["mkdir", "-p", "/docs/two words", "/drafts"]);
  await bench.ok(["put", "local file", "/docs/file"]);
  // The program as users run it: by its name on the PATH.
  const program = quoted([Deno.execPath(), ...RUN]);
  Deno.mkdirSync(bench.path("bin"));
  Deno.writeTextFileSync(bench.path("bin/aloelite"), `#!/bin/sh\nexec ${program} "$@"\n`);
  Deno.chmodSync(bench.path("bin/aloelite"), 0o755);
  const env = { PATH: `${bench.path("bin")}:${Deno.env.get("PATH")}` };
  const run = async (shell: string, script: string): Promise<string[]> => {
    const ran = await new Deno.Command(shell, { args: ["-c", script], cwd: folder, env }).output();
    return new TextDecoder().decode(ran.stdout).split("\n").filter((line) => line !== "");
  };
  const scripts = {
    bash: await bench.ok(["completions", "bash"]),
    zsh: await bench.ok(["completions", "zsh"]),
    fish: await bench.ok(["completions", "fish"]),
  };
  const bash = (...words: string[]): Promise<string[]> =>
    run(
      "bash",
      `${scripts.bash}
        COMP_WORDS=(aloelite ${quoted(words)})
        COMP_CWORD=${words.length}
        _aloelite
        for word in "\${COMPREPLY[@]}"; do [[ "$word" == -* ]] || printf '%s\\n' "$word"; done`,
    );
  const file = ["-f", "t.aloe"];
  assert.deepEqual(await bash(...file, "ls", "/d"), ["/docs/", "/drafts/"]);
  assert.deepEqual(await bash(...file, "ls", "dr"), ["drafts/"]);
  assert.deepEqual(await bash(...file, "cat", "/docs/"), ["/docs/file", "/docs/two words/"]);
  assert.deepEqual(await bash("--file", "=", "t.aloe", "-v", "main", "rm", "/docs/t"), [
    "/docs/two words/",
  ]);
  assert.deepEqual(await bash(...file, "meta", "get", "/dr"), ["/drafts/"]);
  assert.deepEqual(await bash(...file, "get", "/dr"), ["/drafts/"]);
  assert.deepEqual((await bash(...file, "put", "loc")).sort(), ["local", "local file"]);
  assert.deepEqual((await bash(...file, "export", "loc")).sort(), ["local", "local file"]);
  // Words are passed as typed, quoted or not, and names may contain spaces.
  await bench.ok(["put", "local file", "/docs/two words/it's one"]);
  Deno.mkdirSync(bench.path("my files"));
  Deno.copyFileSync(bench.file, bench.path("my files/a b.aloe"));
  const inside = ["/docs/two words/it's one"];
  for (
    const typed of [
      "/docs/two\\ words/",
      '"/docs/two words/i',
      "'/docs/two words/i",
      "/docs/two\\ ",
    ]
  ) {
    const expected = typed.endsWith(" ") ? ["/docs/two words/"] : inside;
    assert.deepEqual(await bash(...file, "cat", typed), expected, typed);
  }
  for (const typed of ["my\\ files/a\\ b.aloe", '"my files/a b.aloe"', "'my files/a b.aloe'"]) {
    assert.deepEqual(await bash("-f", typed, "ls", "/dr"), ["/drafts/"], typed);
  }
  for (const words of [["-f"], ["--file"], ["--file", "="], ["mount", "--log"]]) {
    assert.deepEqual((await bash(...words, "loc")).sort(), ["local", "local file"], `${words}`);
  }
  // No local files for a value that is not a path.
  for (const words of [["-v"], ["serve", "--port"]]) {
    assert.deepEqual(await bash(...words, "loc"), [], `${words}`);
  }
  // No local files for volume paths, and no error without a file.
  assert.deepEqual(await bash(...file, "ls", "loc"), []);
  assert.deepEqual(await bash("ls", "/d"), []);
  if (await has("fish")) {
    const fish = (line: string): Promise<string[]> =>
      run("fish", `${scripts.fish}\ncomplete -C '${line}'`);
    assert.deepEqual(await fish("aloelite -f t.aloe ls /d"), ["/docs/", "/drafts/"]);
    assert.deepEqual(await fish("aloelite -f t.aloe cat /docs/"), [
      "/docs/file",
      "/docs/two words/",
    ]);
    assert.ok((await fish("aloelite -f t.aloe put loc")).includes("local/"));
  }
  if (await has("zsh")) {
    Deno.writeTextFileSync(bench.path("script"), scripts.zsh);
    const read = await new Deno.Command("zsh", { args: ["-n", bench.path("script")] }).output();
    assert.equal(new TextDecoder().decode(read.stderr), "");
    // Test the function for paths, with a stub of the shell's own function.
    const zsh = await run(
      "zsh",
      `compdef() { :; }; compadd() { shift 3; print -rl -- "$@"; }
        ${scripts.zsh}
        words=(aloelite) of=(-f t.aloe) PREFIX=/docs/; _aloelite_paths`,
    );
    assert.deepEqual(zsh, ["/docs/file", "/docs/two words/"]);
  }
});

Deno.test("names of built-in object properties are ordinary words", async () => {
  using bench = new Bench();
  await bench.ok([]);
  await bench.ok(["put", "-", "/a"], { stdin: "1" });
  for (const word of ["__proto__", "constructor", "toString"]) {
    assert.match(
      await bench.fails(2, ["find", "*", "--type", word]),
      /--type needs f, d, l, p, s, c or b/,
    );
    assert.match(await bench.fails(2, ["ls", `--${word}`]), /unknown option/);
    assert.match(await bench.fails(2, [word]), /unknown command/);
    await bench.ok(["meta", "set", "/a", `${word}=of ${word}`]);
    assert.equal(await bench.ok(["meta", "get", "/a", word]), `of ${word}\n`);
    await bench.ok(["meta", "unset", "/a", word]);
    assert.match(await bench.fails(1, ["meta", "get", "/a", word]), /no metadata/);
  }
});
