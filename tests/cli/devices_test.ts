/** Device nodes created by a mount, in other front ends. */

import assert from "node:assert/strict";
import { aloelite } from "../support/cli.ts";
import { python } from "../fuse/python.ts";
import { assertSound, mountTest, Scratch, spawnDaemon } from "../fuse/support.ts";

const MAKE = `
os.mkdir("d")
os.mknod("d/char", stat.S_IFCHR | 0o640, os.makedev(5, 1))
os.mknod("d/block", stat.S_IFBLK | 0o600, os.makedev(259, 70000))
os.mknod("d/white", stat.S_IFCHR, os.makedev(0, 0)); os.link("d/white", "d/linked")
os.mkfifo("d/fifo"); write("d/empty", b""); write("d/file", b"text")
`;

const CHECK = `
for path, kind, major, minor in [("char", stat.S_ISCHR, 5, 1), ("block", stat.S_ISBLK, 259, 70000), ("white", stat.S_ISCHR, 0, 0)]:
    st = os.lstat(TOP + "/" + path)
    same((path, kind(st.st_mode), os.major(st.st_rdev), os.minor(st.st_rdev)), (path, True, major, minor))
same(os.lstat(TOP + "/linked").st_nlink, 2)
same(stat.S_ISREG(os.lstat(TOP + "/empty").st_mode), True); same(read(TOP + "/file"), b"text")
`;

mountTest("devices are told apart from files, and copied as devices", async () => {
  await using scratch = new Scratch();
  let file: string;
  {
    await using daemon = await spawnDaemon();
    await python(daemon.dir, MAKE);
    await daemon.unmount();
    file = scratch.join("volume.aloe");
    await Deno.copyFile(daemon.file, file);
  }
  const run = (args: string[]) => aloelite(args, { cwd: scratch.join(".") });
  const ok = async (...args: string[]): Promise<string> => {
    const { code, out, err } = await run(args);
    assert.deepEqual({ code, err }, { code: 0, err: "" }, args.join(" "));
    return out;
  };

  const lines = (await ok("-f", file, "ls", "-l", "/d")).trim().split("\n").map((line) =>
    line.replace(/ {2,}[\d-]{10} [\d:]{5} {2,}/, " ").replace(/ {2,}/g, " ")
  );
  assert.deepEqual(lines, [
    "brw------- 259, 70000 block",
    "crw-r----- 5, 1 char",
    "-rw-r--r-- 0 empty",
    "prw-r--r-- 0 fifo",
    "-rw-r--r-- 4 file",
    "c--------- 0, 0 linked",
    "c--------- 0, 0 white",
  ]);
  const stat = JSON.parse(await ok("-f", file, "stat", "/d/char", "--json"));
  assert.equal(stat.kind, "character device");
  assert.deepEqual(stat.device, { kind: "char", major: 5, minor: 1 });
  assert.match(await ok("-f", file, "stat", "/d/block"), /^device +259, 70000$/m);
  assert.equal(await ok("-f", file, "find", "*", "--type", "f"), "/d/empty\n/d/file\n");
  assert.equal(await ok("-f", file, "find", "*", "--type", "b"), "/d/block\n");
  assert.equal(
    await ok("-f", file, "find", "*", "--type", "c"),
    "/d/char\n/d/linked\n/d/white\n",
  );
  assert.equal(await ok("-f", file, "find", "*", "--type", "p"), "/d/fifo\n");

  const got = await run(["-f", file, "get", "-r", "/d", "out"]);
  assert.equal(got.code, 0, got.err);
  assert.match(got.err, /^aloelite: get: \/d\/char: skipped \(a character device\)$/m);
  assert.match(got.err, /^aloelite: get: \/d\/block: skipped \(a block device\)$/m);
  assert.deepEqual([...Deno.readDirSync(scratch.join("out"))].map((e) => e.name).sort(), [
    "empty",
    "file",
  ]);
  for (
    const [name, kind] of [["char", "character device"], ["block", "block device"], [
      "fifo",
      "fifo",
    ]]
  ) {
    for (const words of [["get"], ["get", "-r"]]) {
      const named = await run(["-f", file, ...words, `/d/${name}`, "one"]);
      assert.equal(named.code, 1, named.err);
      assert.equal(
        named.err,
        `aloelite: get: /d/${name}: is a ${kind}, which cannot be copied out; a mount shows it as one\n`,
      );
    }
    const both = await run(["-f", file, "get", `/d/${name}`, "/d/file", "out"]);
    assert.equal(both.code, 1);
    assert.equal(await Deno.readTextFile(scratch.join("out/file")), "text");
    assert.equal((await run(["-f", file, "cat", `/d/${name}`])).code, 1, name);
  }
  const packed = await run(["-f", file, "pack", "/d"]);
  assert.equal(packed.code, 1);
  assert.match(packed.err, /a pack cannot contain a device/);

  await ok("-f", file, "cp", "/d", "/copy");
  const other = scratch.join("other.aloe");
  await ok("-f", file, "snapshot", "fork");
  await ok("-f", file, "-v", "main", "export", other);
  await ok("-f", other, "import", file, "--from", "main", "--rename", "again");
  await ok("-f", file, "backup", scratch.join("backup.aloe"));
  for (
    const [i, [at, volume]] of [
      [file, "main"],
      [file, "fork"],
      [other, "main"],
      [other, "again"],
      [scratch.join("backup.aloe"), "main"],
    ].entries()
  ) {
    await using daemon = await spawnDaemon({
      file: at,
      volume,
      mountpoint: scratch.dir(`mnt${i}`),
    });
    for (const top of ["d", "copy"]) {
      await python(daemon.dir, `TOP = ${JSON.stringify(top)}\n${CHECK}`);
    }
    await daemon.unmount();
  }
  await assertSound(file);
  await assertSound(other);
});
