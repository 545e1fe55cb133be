/** The command line with sparse files and special files. */

import assert from "node:assert/strict";
import { aloelite, Bench } from "../support/cli.ts";

const LINUX = Deno.build.os === "linux";
const MIB = 2 ** 20;

function blocks(path: string): number {
  return Deno.statSync(path).blocks! * 512;
}

/** Creates a file with data at some offsets. */
function sparse(path: string, size: number, data: Record<number, string>): void {
  using file = Deno.createSync(path);
  file.truncateSync(size);
  for (const [at, text] of Object.entries(data)) {
    file.seekSync(Number(at), Deno.SeekMode.Start);
    file.writeSync(new TextEncoder().encode(text));
  }
}

function same(a: string, b: string): void {
  const { success } = new Deno.Command("cmp", { args: [a, b] }).outputSync();
  assert.ok(success, `${a} ${b}`);
}

for (const how of ["plain", "convergent"]) {
  Deno.test({
    name: `cli: holes stay holes, in and out (${how})`,
    ignore: !LINUX,
    async fn() {
      using bench = new Bench();
      Deno.writeTextFileSync(bench.path("pin"), "1234");
      const pin = how === "plain" ? [] : ["--pin-file", bench.path("pin")];
      await bench.ok(pin);
      const size = 3 * 1024 * MIB;
      sparse(bench.path("s"), size, { 0: "start", [1000 * MIB + 5]: "middle", [size - 3]: "end" });
      sparse(bench.path("tail"), 700 * MIB + 1, { [MIB]: "x" });
      sparse(bench.path("hole"), 512 * MIB, {});
      sparse(bench.path("small"), 200_000, { 5: "x" });
      const names = ["s", "tail", "hole", "small"];
      await bench.ok([...pin, "put", ...names, "/"]);
      const { contentBytes, chunkBytes } = await bench.json(["info"]);
      assert.ok(contentBytes > size && chunkBytes < 20 * MIB, `${chunkBytes}`);
      Deno.mkdirSync(bench.path("out"));
      await bench.ok([...pin, "get", ...names.map((name) => `/${name}`), "out"]);
      for (const name of ["tail", "hole", "small"]) {
        same(bench.path(name), bench.path(`out/${name}`));
      }
      assert.equal(Deno.statSync(bench.path("out/s")).size, size);
      for (const name of names) assert.ok(blocks(bench.path(`out/${name}`)) < MIB, name);
      // A sparse file replaces the existing one; a tree keeps holes too.
      await bench.ok([...pin, "get", "/s", "out/s"]);
      await bench.ok([...pin, "get", "-r", "/", "tree"]);
      for (const name of names) assert.ok(blocks(bench.path(`tree/${name}`)) < MIB, name);
      using file = Deno.openSync(bench.path("tree/s"));
      const found = new Uint8Array(6);
      file.seekSync(1000 * MIB + 5, Deno.SeekMode.Start);
      file.readSync(found);
      assert.equal(new TextDecoder().decode(found), "middle");
      file.seekSync(size - 3, Deno.SeekMode.Start);
      assert.equal(file.readSync(found), 3);
      assert.equal(new TextDecoder().decode(found.subarray(0, 3)), "end");
    },
  });
}

Deno.test({
  name: "cli: append keeps the holes of a file",
  ignore: !LINUX,
  async fn() {
    using bench = new Bench();
    await bench.ok([]);
    sparse(bench.path("a"), 100 * MIB + 7, { 3: "a" });
    sparse(bench.path("b"), 300 * MIB, { [200 * MIB]: "b" });
    await bench.ok(["put", "a", "/f"], { cwd: bench.folder });
    await bench.ok(["put", "--append", "b", "/f"], { cwd: bench.folder });
    await bench.ok(["get", "/f", "f"]);
    new Deno.Command("sh", { args: ["-c", "cat a b > both"], cwd: bench.folder }).outputSync();
    same(bench.path("f"), bench.path("both"));
    assert.ok(blocks(bench.path("f")) < MIB);
    await bench.ok(["verify", "--deep"]);
    // A pipe cannot have holes, so zeros are written to it, and over existing content.
    const piped = await bench.run(["get", "/f", "-"]);
    assert.equal(piped.bytes.length, 400 * MIB + 7);
  },
});

Deno.test({
  name: "cli: special files are read only on request",
  ignore: !LINUX,
  async fn() {
    using bench = new Bench();
    await bench.ok([]);
    const { folder: cwd } = bench;
    new Deno.Command("mkfifo", { args: ["fifo"], cwd }).outputSync();
    new Deno.Command("ln", { args: ["-s", "/dev/zero", "link"], cwd }).outputSync();
    using listener = Deno.listen({ transport: "unix", path: bench.path("socket") });
    for (const source of ["/dev/zero", "link", "fifo", "socket"]) {
      for (const flags of [[], ["--append"], ["-p"]]) {
        const said = await bench.fails(1, ["put", ...flags, source, "/x"], { cwd });
        assert.match(said, source === "socket" ? /a socket, which has/ : /add --read-special/);
      }
    }
    await bench.fails(1, ["put", "--read-special", "socket", "/x"], { cwd });
    const skipped = await bench.run(["put", "-r", "/dev/zero", "fifo", "/"], { cwd });
    assert.equal(skipped.code, 0);
    assert.match(skipped.err, /\/dev\/zero: skipped \(a device\)\n.*fifo: skipped \(a FIFO\)/);
    assert.equal(await bench.ok(["ls"]), "");

    await bench.ok(["put", "--read-special", "/dev/null", "/null"]);
    const feeding = new Deno.Command("sh", { args: ["-c", "echo fed > fifo"], cwd }).output();
    await bench.ok(["put", "--read-special", "fifo", "/fed"], { cwd });
    await feeding;
    assert.equal(await bench.ok(["cat", "/null", "/fed"]), "fed\n");
    // Standard input works under each of its names.
    for (const name of ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"]) {
      await bench.ok(["put", name, "/in"], { stdin: name });
      assert.equal(await bench.ok(["cat", "/in"]), name);
    }
    listener.close();
  },
});

Deno.test({
  name: "cli: an endless file is not read as a PIN",
  ignore: !LINUX,
  async fn() {
    using bench = new Bench();
    await bench.ok([]);
    const given = [["--pin-file", "/dev/zero"], ["--pin-fd", "0"]];
    for (const words of given) {
      const { code, stderr } = await new Deno.Command("bash", {
        args: ["-c", 'exec "$0" "$@" < /dev/zero', Deno.execPath(), "run", "-A"].concat(
          [
            new URL("../../cli/main.ts", import.meta.url).pathname,
            "-f",
            bench.file,
            ...words,
            "ls",
          ],
        ),
        env: { NO_COLOR: "1" },
      }).output();
      assert.equal(code, 1);
      assert.match(new TextDecoder().decode(stderr), /longer than 1 MiB/);
    }
    const served = await aloelite([
      "serve",
      "--root",
      bench.path("r"),
      "--token-file",
      "/dev/zero",
    ]);
    assert.equal(served.code, 1);
    assert.match(served.err, /longer than 1 MiB/);
  },
});
