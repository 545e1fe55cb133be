/** Names and link targets that are not UTF-8, on the command line. */

import assert from "node:assert/strict";
import { AloeLite } from "../../mod.ts";
import { Bench, canMount, RUN } from "../support/cli.ts";

const LINUX = Deno.build.os === "linux";

/** Decodes bytes as Latin-1, one character for each byte. */
function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

interface Ended {
  code: number;
  out: string;
  err: string;
}

/** Runs a bash script in which `A` is the command line on the bench's file. */
async function bash(bench: Bench, script: string): Promise<Ended> {
  const run = [Deno.execPath(), ...RUN].map((word) => `'${word}'`).join(" ");
  const { code, stdout, stderr } = await new Deno.Command("bash", {
    args: ["-c", `A() { ${run} -f '${bench.file}' "$@"; }; ${script}`],
    cwd: bench.folder,
    stdin: "null",
    env: { NO_COLOR: "1" },
  }).output();
  return { code, out: latin1(stdout), err: new TextDecoder().decode(stderr) };
}

/** Runs a script that must succeed without output on standard error. */
async function well(bench: Bench, script: string): Promise<string> {
  const { code, out, err } = await bash(bench, `set -e; ${script}`);
  assert.equal(err, "", script);
  assert.equal(code, 0, script);
  return out;
}

/**
 * Names of several kinds: Latin-1, truncated UTF-8, text like an escape, and names already lost.
 */
const TREE = String.raw`mkdir -p src/$'d\xfe'; echo one > src/$'a\xff'
echo two > src/$'d\xfe/\xc3\xa9'; echo three > src/$'d\xfe/\xc3'; ln -s $'t\xfd' src/l
ln -s $'\xfc' src/$'\xfb'; echo lost > src/$'\xef\xbf\xbd'; echo looks > src/$'\xf4\x8f\xba\x80'
ln src/$'a\xff' src/$'hard\x80'; mkdir src/$'empty\xf0'; touch -d @1000 src/$'a\xff'; chmod 640 src/$'a\xff'`;

Deno.test({
  name: "cli: a tree of names that are not UTF-8 survives put and get",
  ignore: !LINUX,
  async fn() {
    using bench = new Bench();
    await bench.ok([]);
    await well(bench, TREE);
    const listed = (at: string): Promise<string> =>
      well(bench, `cd ${at}; find . -printf '%p %l %m %n\\n' | LC_ALL=C sort`);
    // Repeat, over existing files.
    for (const at of ["out/src", "out/src"]) {
      await well(bench, "mkdir -p out; A put -r src /; A get -r /src out");
      await well(bench, `diff -r --no-dereference src ${at}`);
      assert.equal(await listed(at), await listed("src"));
    }
    assert.equal(await well(bench, String.raw`stat -c '%Y %a' out/src/$'a\xff'`), "1000 640\n");
    assert.equal(
      await well(bench, "A ls /src | LC_ALL=C sort"),
      await well(bench, "LC_ALL=C ls src | LC_ALL=C sort"),
    );
    assert.equal(
      await well(bench, "A find '*' /src --print0 | LC_ALL=C sort -z"),
      await well(bench, "find src -mindepth 1 -printf '/%p\\0' | LC_ALL=C sort -z"),
    );
    assert.match(await well(bench, "A ls -l /src"), /l -> t\xfd\n.*\xfb -> \xfc\n/s);
    await bench.ok(["verify", "--deep"]);
  },
});

Deno.test({
  name: "cli: arguments keep their bytes",
  ignore: !LINUX,
  async fn() {
    using bench = new Bench();
    await bench.ok([]);
    await well(bench, TREE);
    const at = String.raw`$'/n\xaa'`;
    await well(bench, String.raw`A put src/$'a\xff' ${at}; A put -r src/$'d\xfe' /`);
    assert.equal(await well(bench, `A cat ${at}`), "one\n");
    await well(bench, `A get ${at} . && cmp $'n\\xaa' src/$'a\\xff' && A get ${at} $'dest\\xab'`);
    assert.match(await well(bench, "ls"), /dest\xab\nn\xaa\n/);
    await well(bench, String.raw`echo more | A put --append - ${at}; A cp ${at} $'/c\xac'`);
    await well(bench, String.raw`A mv $'/c\xac' $'/m\xad'; A mkdir -p $'/p\xae/q\xaf'`);
    assert.equal(await well(bench, String.raw`A cat $'/m\xad'`), "one\nmore\n");
    assert.match(await well(bench, String.raw`A stat $'/m\xad'`), /path +\/m\xad\n/);
    assert.equal(
      await well(bench, String.raw`A find $'m\xad'; A find '?[!x]' --type f`),
      "/m\xad\n/m\xad\n/n\xaa\n",
    );
    await well(bench, String.raw`A meta set ${at} k=v; A history ${at}; A retention ${at} 2`);
    await well(
      bench,
      String.raw`A rm -r $'/p\xae' $'/m\xad'; A trash restore $'/m\xad' --to $'/back\xb0'`,
    );
    assert.match(await well(bench, "A trash ls; A tree"), /\/p\xae.* back\xb0\n/s);
    await well(
      bench,
      String.raw`A find '*' --type f --print0 | xargs -0 sh -c 'exec "$0" "$@"' echo > /dev/null`,
    );
    // Through a program that loses the bytes.
    const task = `cd '${
      new URL("../..", import.meta.url).pathname
    }'; ${Deno.execPath()} task --quiet`;
    assert.equal(
      await well(bench, String.raw`${task} aloelite -f '${bench.file}' cat $'/back\xb0'`),
      "one\nmore\n",
    );
  },
});

Deno.test({
  name: "cli: JSON contains text, and the bytes in extra fields",
  ignore: !LINUX,
  async fn() {
    using bench = new Bench();
    await bench.ok([]);
    await well(bench, String.raw`echo x | A put - $'/a\xff'; echo x | A put - /é`);
    const json = JSON.parse(await well(bench, "A ls --json"));
    assert.deepEqual(json.map((each: { name: string }) => each.name), [
      "a\u{10feff}",
      latin1(new TextEncoder().encode("é")),
    ]);
    assert.equal(json[0].nameBytes, new Uint8Array([0x61, 0xff]).toBase64());
    assert.equal(json[0].pathBytes, new Uint8Array([0x2f, 0x61, 0xff]).toBase64());
    assert.equal(json[1].nameBytes, undefined);
    // Text that looks like an escape is not a name.
    await bench.ok(["meta", "set", "/é", "k=\u{10fe80}"]);
    assert.equal(await bench.ok(["meta", "get", "/é", "k"]), "\u{10fe80}\n");
    assert.equal((await bench.json(["meta", "get", "/é"])).k, "\u{10fe80}");
    await bench.ok(["volume", "rename", "main", "v\u{10fe80}"]);
    assert.match(await bench.ok(["volume", "ls"]), /^v\u{10fe80} /mu);
  },
});

Deno.test({
  name: "cli: bytes that are not UTF-8 are refused where text is required",
  ignore: !LINUX,
  async fn() {
    using bench = new Bench();
    await bench.ok([]);
    await bench.ok(["put", "-", "/f"], { stdin: "x" });
    const wrong = [
      String.raw`A meta set /f $'k=\xff'`,
      String.raw`A volume create $'\xff'`,
      String.raw`A -v $'\xff' ls`,
      String.raw`A -f $'\xff.fs'`,
      String.raw`A -f $'\xff.fs' ls`,
      String.raw`A export $'e\xff'`,
      String.raw`A backup $'b\xff'`,
      String.raw`A import $'b\xff'`,
      String.raw`A --pin-file $'p\xff' ls`,
      String.raw`A mount $'m\xff'`,
      String.raw`ALOELITE_FILE=$'\xff.fs'; export ALOELITE_FILE; '${Deno.execPath()}' ${
        RUN.map((word) => `'${word}'`).join(" ")
      } ls`,
      String.raw`SECRET=$'tell\xffme' A --pin-env SECRET ls`,
    ];
    for (const script of wrong) {
      const { code, err } = await bash(bench, script);
      assert.equal(code, 1, script);
      assert.match(err, /^aloelite: .*not UTF-8/, script);
      assert.doesNotMatch(err, /tell|\ufffd/, script);
    }
    assert.deepEqual([...Deno.readDirSync(bench.folder)].map(({ name }) => name), ["t.aloe"]);
    const missing = await bash(bench, String.raw`A cat $'/no\xff'`);
    assert.match(missing.err, /^aloelite: cat: \/no\\xff: not found/);
    const local = await bash(bench, String.raw`A put $'no\xff' /`);
    assert.match(local.err, /^aloelite: put: no\\xff: no such file/);
  },
});

Deno.test({
  name: "cli: names of any bytes equal those of a mount",
  ignore: !canMount(),
  async fn() {
    using bench = new Bench();
    await bench.ok([]);
    await well(bench, TREE);
    await well(bench, "A put -r src /; mkdir m; A mount --daemon m > /dev/null");
    try {
      await well(bench, "diff -r --no-dereference src m/src; cp -a src m/other");
    } finally {
      await bash(bench, "A unmount m");
    }
    await well(bench, "A get -r /other other && diff -r --no-dereference src other");
  },
});

Deno.test("a link's target keeps its bytes in the library", async () => {
  await using fs = await AloeLite.open(":memory:");
  await fs.createVolume({ name: "main" });
  await using mount = await fs.mount();
  const bytes = new Uint8Array([0x74, 0xff, 0xc3]);
  await mount.symlink("/a", bytes);
  const target = await mount.readLink("/a");
  assert.equal(target, "t\u{10feff}\u{10fec3}");
  await mount.symlink("/b", target);
  assert.deepEqual(await mount.readAll("/b"), bytes);
  await mount.symlink("/c", "plain é");
  assert.equal(await mount.readLink("/c"), "plain é");
});
