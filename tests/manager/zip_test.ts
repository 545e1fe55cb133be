/**
 * ZIP archives with many members, large members and deep trees, read by other
 * programs.
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { constants } from "node:fs";
import { type AloeError, AloeLite, type Mount } from "../../mod.ts";
import type { Access } from "../../manager/volumes/access.ts";
import { members } from "../../manager/volumes/archive.ts";
import { type ZipMember, zipStream } from "../../manager/volumes/zip_stream.ts";
import { makeChain, makeCycle } from "../support/deep_tree.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** Runs a program that has to succeed. @returns Its output. */
async function run(program: string, ...args: string[]): Promise<string> {
  const done = await new Deno.Command(program, { args, env: { LC_ALL: "C.UTF-8" } }).output();
  const [out, error] = [done.stdout, done.stderr].map((each) => new TextDecoder().decode(each));
  assert.equal(done.code, 0, `${program} ${args.join(" ")}: ${out.slice(-2000)}${error}`);
  return out;
}

/** Writes an archive; blocks of zeros become holes. */
async function write(path: string, archive: AsyncIterable<Uint8Array>, zeros?: Uint8Array) {
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  for await (const block of archive) {
    if (block.buffer === zeros?.buffer) await file.seek(block.length, Deno.SeekMode.Current);
    else for (let at = 0; at < block.length;) at += await file.write(block.subarray(at));
  }
}

async function inFolder(task: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await task(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function* many(count: number): AsyncGenerator<ZipMember> {
  for (let i = 0; i < count; i++) {
    yield {
      path: bytes(`d/${i % 100}/ü${i}`),
      mode: 0o100640,
      modified: 1_700_000_001,
      content: bytes(`${i}`),
    };
  }
}

for (const count of [0, 1, 65_534, 65_535]) {
  Deno.test(`an archive of ${count} members is read by unzip and by Python`, () =>
    inFolder(async (folder) => {
      const path = `${folder}/a.zip`;
      await write(path, zipStream(many(count)));
      const list = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as z:
    assert z.testzip() is None
    infos = z.infolist()
    for i, info in enumerate(infos):
        assert info.filename == f"d/{i % 100}/ü{i}"
        assert info.external_attr >> 16 == 0o100640
    print(len(infos))`;
      assert.equal((await run("python3", "-c", list, path)).trim(), `${count}`);
      // Info-ZIP reports an archive without members as a failure.
      if (count === 0) return;
      assert.match(await run("unzip", "-tq", path), /^No errors detected/);
      assert.match(await run("zipinfo", "-h", path), new RegExp(`number of entries: ${count}\\b`));
    }));
}

const ZEROS = new Uint8Array(16 * 1024 * 1024);

async function* zeros(size: number): AsyncGenerator<Uint8Array> {
  for (let left = size; left > 0; left -= ZEROS.length) {
    yield ZEROS.subarray(0, Math.min(left, ZEROS.length));
  }
}

async function* large(sizes: number[]): AsyncGenerator<ZipMember> {
  for (const [i, size] of sizes.entries()) {
    const content = { size, pieces: zeros(size) };
    yield { path: bytes(`large${i}`), mode: 0o100600, modified: 0, content };
  }
  yield { path: bytes("after"), mode: 0o100600, modified: 0, content: bytes("after") };
}

for (
  const sizes of [
    // The size has 64 bits, and so have the offsets of later members.
    [0xffffffff],
    [0x100000001, 0],
    // Sizes of 32 bits, an offset of 64.
    [0x80000000, 0x80000001],
  ]
) {
  Deno.test(`an archive with members of ${sizes.join(" and ")} bytes`, () =>
    inFolder(async (folder) => {
      const path = `${folder}/a.zip`;
      await write(path, zipStream(large(sizes)), ZEROS);
      const read = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as z:
    print([i.file_size for i in z.infolist()], z.read("after"))
    with z.open("large0") as f:
        assert f.read(100) == bytes(100)`;
      assert.equal(
        (await run("python3", "-c", read, path)).trim(),
        `[${[...sizes, 5].join(", ")}] b'after'`,
      );
      assert.equal(await run("unzip", "-p", path, "after"), "after");
      const info = await run("zipinfo", path);
      for (const [i, size] of sizes.entries()) {
        assert.match(info, new RegExp(` ${size} .* large${i}\n`));
      }
    }));
}

Deno.test("a member that is longer or shorter than declared is refused", async () => {
  for (const size of [3, 5]) {
    const one = async function* (): AsyncGenerator<ZipMember> {
      const pieces = (async function* () {
        yield bytes("four");
      })();
      yield { path: bytes("a"), mode: 0o100600, modified: 0, content: { size, pieces } };
    };
    await assert.rejects(Array.fromAsync(zipStream(one())), { code: "corrupt" });
  }
});

/** A mount in memory with its archive. */
async function fresh(chunkSize = 4096): Promise<{ mount: Mount; held: Access }> {
  const fs = await AloeLite.open(":memory:");
  await fs.createVolume({ name: "main", chunkSize });
  const mount = await fs.mount();
  const held = { fs, mount, [Symbol.asyncDispose]: () => fs.close() } as unknown as Access;
  return { mount, held };
}

const zipOf = (held: Access, ...paths: string[]) =>
  zipStream(members(held, paths, new AbortController().signal));

for (const chunkSize of [4, 4096]) {
  Deno.test(`modes, links and times are unpacked unchanged (chunks of ${chunkSize})`, () =>
    inFolder(async (folder) => {
      const { mount, held } = await fresh(chunkSize);
      await using _ = held;
      await mount.mkdir("/d");
      await mount.setMode("/d", 0o3750);
      await mount.put("/d/run", "#!/bin/sh\n");
      await mount.setMode("/d/run", 0o6755);
      await mount.put("/d/secret", "x");
      await mount.setMode("/d/secret", 0o600);
      await mount.put("/d/none", "");
      await mount.link("/d/secret", "/d/hard");
      await mount.symlink("/d/to-run", "run");
      await mount.symlink("/d/out", "/etc/hostname");
      for (const path of ["/d/run", "/d/secret"]) {
        await mount.setMtime(path, 1_000_000_001n * 1_000_000_000n);
      }
      await mount.createSpecial("/d/pipe", "fifo");
      await write(`${folder}/a.zip`, zipOf(held, "/"));
      assert.match(await run("unzip", "-tq", `${folder}/a.zip`), /^No errors detected/);
      await run("unzip", "-q", `${folder}/a.zip`, "-d", `${folder}/out`);
      const at = (name: string) => `${folder}/out/d/${name}`;
      const mode = async (path: string) => (await Deno.lstat(path)).mode! & 0o7777;
      assert.equal(await mode(at(".")), 0o750);
      assert.equal(await mode(at("run")), 0o755);
      assert.equal(await mode(at("secret")), 0o600);
      assert.equal(await mode(at("hard")), 0o600);
      assert.equal((await Deno.lstat(at("run"))).mtime!.getTime(), 1_000_000_001_000);
      assert.equal(await Deno.readTextFile(at("hard")), "x");
      assert.equal(await Deno.readTextFile(at("none")), "");
      assert.equal(await Deno.readLink(at("to-run")), "run");
      assert.equal(await Deno.readLink(at("out")), "/etc/hostname");
      assert.equal((await Deno.lstat(at("to-run"))).mode! & constants.S_IFMT, constants.S_IFLNK);
      const names = [...Deno.readDirSync(at("."))].map((entry) => entry.name).sort();
      assert.deepEqual(names, ["hard", "none", "out", "run", "secret", "to-run"]);
      // A selected link.
      await write(`${folder}/b.zip`, zipOf(held, "/d/to-run", "/d/run", "/d/run"));
      const chosen = (await run("zipinfo", "-1", `${folder}/b.zip`)).split("\n");
      assert.deepEqual(chosen, ["to-run", "run", "run (2)", ""]);
    }));
}

Deno.test("a directory of several pages, and one below each entry", () =>
  inFolder(async (folder) => {
    const { mount, held } = await fresh();
    await using _ = held;
    const wanted: string[] = [];
    await mount.batch(async (batch) => {
      for (let i = 0; i < 1100; i++) {
        await batch.mkdir(`/${i}`);
        await batch.put(`/${i}/f`, `${i}`);
        wanted.push(`${i}/`, `${i}/f`);
      }
    });
    await write(`${folder}/a.zip`, zipOf(held, "/"));
    assert.match(await run("unzip", "-tq", `${folder}/a.zip`), /^No errors detected/);
    const names = (await run("zipinfo", "-1", `${folder}/a.zip`)).trim().split("\n");
    assert.deepEqual(names, wanted);
  }));

async function ofFile(path: string): Promise<Access> {
  const fs = await AloeLite.open(path);
  const mount = await fs.mount();
  return { fs, mount, [Symbol.asyncDispose]: () => fs.close() } as unknown as Access;
}

Deno.test("a device is left out of an archive, an empty file is not", () =>
  inFolder(async (folder) => {
    const file = `${folder}/devices.fs`;
    {
      await using fs = await AloeLite.open(file);
      await fs.createVolume({ name: "main" });
      await using mount = await fs.mount();
      for (const name of ["char", "block", "empty", "full"]) {
        await mount.put(`/${name}`, name === "full" ? "x" : "");
      }
      using db = new DatabaseSync(file);
      const insert = db.prepare("INSERT INTO aloe_device VALUES (?, ?, ?, ?)");
      for (const kind of ["char", "block"]) {
        insert.run((await mount.stat(`/${kind}`)).id, kind, 259, 70_000);
      }
      const { device } = await mount.stat("/block");
      assert.deepEqual(device, { kind: "block", major: 259, minor: 70_000 });
    }
    await using held = await ofFile(file);
    await write(`${folder}/a.zip`, zipOf(held, "/"));
    assert.deepEqual((await run("zipinfo", "-1", `${folder}/a.zip`)).trim().split("\n"), [
      "empty",
      "full",
    ]);
  }));

Deno.test("a tree of 8,000 levels fits; one beyond the limit of ZIP is refused", () =>
  inFolder(async (folder) => {
    await makeChain(`${folder}/deep.fs`, 8000);
    await using held = await ofFile(`${folder}/deep.fs`);
    let last: Uint8Array = new Uint8Array(0);
    let size = 0;
    for await (const block of zipOf(held, "/")) {
      last = block;
      size += block.length;
    }
    // Each path is in the archive twice.
    assert.ok(size > 2 * 8000 * 8000);
    const end = new DataView(last.buffer, last.byteOffset + last.length - 22);
    assert.equal(end.getUint16(10, true), 8001);
    await makeChain(`${folder}/deeper.fs`, 300, "d".repeat(250));
    await using deeper = await ofFile(`${folder}/deeper.fs`);
    let failed: unknown;
    try {
      for await (const _ of zipOf(deeper, "/"));
    } catch (error) {
      failed = error;
    }
    assert.equal((failed as AloeError).code, "unsupported");
  }));

Deno.test("a directory that contains itself ends an archive", () =>
  inFolder(async (folder) => {
    await makeCycle(`${folder}/cycle.fs`);
    await using held = await ofFile(`${folder}/cycle.fs`);
    await assert.rejects(Array.fromAsync(zipOf(held, "/")), { code: "corrupt" });
  }));
