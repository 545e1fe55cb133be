/** The command line with local paths of every spelling. */

import assert from "node:assert/strict";
import { AloeLite } from "../../mod.ts";
import { aloelite, exists } from "../support/cli.ts";

/** A temporary folder that is removed after the test. */
class Folder implements Disposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "aloelite-cli-" });

  /** Runs a command in the folder; it must succeed. */
  async ok(args: readonly string[], stdin?: string): Promise<string> {
    const ended = await aloelite(args, {
      cwd: this.path,
      ...(stdin === undefined ? {} : { stdin }),
    });
    assert.equal(ended.err, "", args.join(" "));
    assert.equal(ended.code, 0, args.join(" "));
    return ended.out;
  }

  names(): string[] {
    return [...Deno.readDirSync(this.path)].map((entry) => entry.name).sort();
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

Deno.test("cli: a path is not interpreted as a URI by SQLite", async () => {
  using folder = new Folder();
  const file = "file:s.fs?mode=memory#1%41";
  await folder.ok(["-f", file]);
  assert.deepEqual(folder.names(), [file]);
  await folder.ok(["-f", file, "put", "-", "/a"], "kept");
  assert.equal(await folder.ok(["-f", file, "cat", "/a"]), "kept");
  await folder.ok(["-f", file, "export", "FILE:e.fs"]);
  await folder.ok(["-f", file, "backup", "file:b.fs"]);
  await folder.ok(["-f", file, "backup", "--force", "file:b.fs"]);
  await folder.ok(["-f", ":memory:"]);
  await folder.ok(["-f", file, "backup", "--force", ":memory:"]);
  assert.deepEqual(folder.names(), [":memory:", "FILE:e.fs", "file:b.fs", file].sort());
  for (const copy of ["FILE:e.fs", "file:b.fs", ":memory:"]) {
    assert.equal(await folder.ok(["-f", copy, "cat", "/a"]), "kept", copy);
  }
  await folder.ok(["-f", "file:b.fs", "import", file, "--rename", "again"]);
});

Deno.test("in the library, a path is used unchanged, and a URL must be a file URL", async () => {
  using folder = new Folder();
  const was = Deno.cwd();
  Deno.chdir(folder.path);
  try {
    {
      await using fs = await AloeLite.open("file:a.fs");
      await fs.createVolume({ name: "main" });
      await fs.backup("file:b.fs");
      await fs.backup(":memory:");
    }
    await using again = await AloeLite.open("file:b.fs", { readOnly: true });
    assert.equal((await again.volumes()).length, 1);
    await using url = await AloeLite.open(new URL(`file://${folder.path}/file:a.fs`));
    assert.equal((await url.volumes()).length, 1);
    await assert.rejects(AloeLite.open(new URL("http://localhost/a.fs")), { code: "invalid" });
    assert.deepEqual(folder.names().filter((n) => !/-(wal|shm)$/.test(n)), [
      ":memory:",
      "file:a.fs",
      "file:b.fs",
    ]);
  } finally {
    Deno.chdir(was);
  }
});

Deno.test({
  name: "cli: only regular files are opened",
  ignore: Deno.build.os === "windows",
  async fn() {
    using folder = new Folder();
    new Deno.Command("mkfifo", { args: [`${folder.path}/fifo`] }).outputSync();
    for (const file of ["fifo", "/dev/zero", "/dev/null"]) {
      for (const args of [["ls"], ["mkdir", "/a"]]) {
        const { code, err } = await aloelite(["-f", file, ...args], { cwd: folder.path });
        assert.equal(code, 1);
        assert.match(err, /a device, a FIFO or a socket/);
      }
    }
  },
});

Deno.test("cli: a read leaves no side files, and keeps those of other users", async () => {
  using folder = new Folder();
  const file = `${folder.path}/r.fs`;
  await folder.ok(["-f", file]);
  await folder.ok(["-f", file, "put", "-", "/a"], "text");
  const before = Deno.readFileSync(file);
  const { mtime } = Deno.statSync(file);
  const reads = [["ls", "-l"], ["cat", "/a"], ["get", "/a", "out"], ["find", "*"], ["info"]];
  for (const args of [...reads, ["health"], ["verify", "--deep"], ["backup", "copy.fs"]]) {
    await folder.ok(["-f", file, ...args]);
    assert.deepEqual(folder.names().filter((name) => /-(wal|shm)$/.test(name)), [], args.join(" "));
  }
  await aloelite(["-f", file, "cat", "/nothing"]);
  await aloelite(["-f", file, "-v", "no", "ls"]);
  assert.deepEqual(folder.names(), ["copy.fs", "out", "r.fs"]);
  assert.deepEqual(Deno.readFileSync(file), before);
  assert.deepEqual(Deno.statSync(file).mtime, mtime);

  {
    await using reader = await AloeLite.open(file, { readOnly: true });
    await folder.ok(["-f", file, "ls"]);
    assert.ok(exists(`${file}-shm`));
    await using fs = await AloeLite.open(file);
    await using mount = await fs.mount();
    await mount.put("/b", "in the WAL");
    assert.equal(await folder.ok(["-f", file, "cat", "/b"]), "in the WAL");
    assert.ok(Deno.statSync(`${file}-wal`).size > 0);
    await using readers = await reader.mount(undefined, { access: "ro" });
    assert.equal(new TextDecoder().decode(await readers.readAll("/b")), "in the WAL");
  }
  assert.equal(await folder.ok(["-f", file, "cat", "/b"]), "in the WAL");
});
