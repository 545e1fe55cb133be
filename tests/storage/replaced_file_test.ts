/**
 * A file that is moved, deleted or replaced while it is open: nothing is
 * written to the lost file.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { AloeLite } from "../../mod.ts";
import { aloelite, Bench, start } from "../support/cli.ts";
import {
  assertSound,
  makeVolume,
  mountTest,
  Scratch,
  spawnDaemon,
  until,
} from "../fuse/support.ts";
import { TestManager } from "../manager/support.ts";

/** Ways in which the file at a path changes; `other` is a valid file. */
const WAYS: Record<string, (file: string, other: string) => void> = {
  "replaced by mv": (file, other) => Deno.renameSync(other, file),
  "moved away": (file) => Deno.renameSync(file, `${file}.moved`),
  "deleted": (file) => Deno.removeSync(file),
  "deleted and made anew": (file, other) => {
    Deno.removeSync(file);
    Deno.copyFileSync(other, file);
  },
  "replaced by a link": (file, other) => {
    Deno.removeSync(file);
    Deno.symlinkSync(other, file);
  },
  "without its WAL": (file) => Deno.removeSync(`${file}-wal`),
};

async function content(file: string): Promise<string[]> {
  await using fs = await AloeLite.open(file);
  await using mount = await fs.mount();
  return (await mount.list("/")).map(({ name }) => name).sort();
}

async function withFiles(task: (file: string, other: string) => Promise<void>): Promise<void> {
  await using scratch = new Scratch();
  const [file, other] = [scratch.join("file.fs"), scratch.join("other.fs")];
  for (const each of [file, other]) {
    await makeVolume(each);
    await using fs = await AloeLite.open(each);
    await using mount = await fs.mount();
    await mount.put(each === file ? "/old" : "/other", "1");
  }
  await task(file, other);
}

for (const [way, go] of Object.entries(WAYS)) {
  Deno.test(`the library does not write to a file that is ${way}`, async () => {
    await withFiles(async (file, other) => {
      {
        await using fs = await AloeLite.open(file);
        const mount = await fs.mount();
        await mount.put("/before", "1");
        go(file, other);
        // The WAL is not checked each time.
        const refused = async () => {
          try {
            await mount.put("/after", "2");
            return false;
          } catch (error) {
            assert.equal((error as { code?: string }).code, "io_error", `${error}`);
            assert.match(`${error}`, /nothing is written to it any more/);
            return true;
          }
        };
        await until(refused, 5000, "the refusal");
        assert.equal(await refused(), true, "and it stays");
        // An open file can be read while a file of the name exists.
        if (!/moved|deleted$/.test(way)) {
          assert.equal(new TextDecoder().decode(await mount.readAll("/before")), "1");
        }
      }
      if (way === "moved away") assert.deepEqual(await content(`${file}.moved`), ["before", "old"]);
      if (/replaced|anew/.test(way)) {
        assert.deepEqual(await content(file), ["other"]);
        await assertSound(file);
      }
    });
  });

  mountTest(`a mount of a file that is ${way} says so`, async () => {
    await withFiles(async (file, other) => {
      await using daemon = await spawnDaemon({ file });
      const sync = (name: string) => {
        using open = Deno.openSync(`${daemon.dir}/${name}`, { create: true, write: true });
        open.writeSync(new TextEncoder().encode(name));
        open.syncSync();
      };
      sync("before");
      go(file, other);
      const refused = () => {
        try {
          sync("after");
          return false;
        } catch (error) {
          assert.match(`${error}`, /os error 5/);
          return true;
        }
      };
      await until(refused, 10_000, "EIO");
      const isTold = () =>
        daemon.log.some((line) => /nothing is written to it any more/.test(line));
      await until(isTold, 5000, "a line in the log");
      assert(daemon.log.length < 20, daemon.log.join("\n"));
      await assert.rejects(daemon.unmount(), /did not close: .*nothing is written/);
      if (/replaced|anew/.test(way)) {
        assert.deepEqual(await content(file), ["other"]);
        await assertSound(file);
      }
      if (way === "moved away") {
        const names = await content(`${file}.moved`);
        assert(names.includes("before") && names.includes("old"), `${names}`);
        await assertSound(`${file}.moved`);
      }
    });
  });
}

for (
  const [what, source] of [
    ["another database", "other"],
    ["something else", "text"],
    ["an older copy of itself", "older"],
  ]
) {
  mountTest(`a mount of a file that is overwritten with ${what} says so`, async () => {
    await withFiles(async (file, other) => {
      const text = `${other}.text`;
      await Deno.writeFile(text, new Uint8Array(100_000).fill(65));
      const older = `${other}.older`;
      if (source === "older") {
        await Deno.copyFile(file, older);
        await using fs = await AloeLite.open(file);
        await using mount = await fs.mount();
        await mount.put("/newer", "1");
      }
      const from = { other, text, older }[source]!;
      const bytes = await Deno.readFile(from);
      await using daemon = await spawnDaemon({ file });
      let number = 0;
      const refused = () => {
        try {
          using open = Deno.openSync(`${daemon.dir}/f${number++}`, { create: true, write: true });
          open.syncSync();
          return false;
        } catch (error) {
          assert.match(`${error}`, /os error 5/);
          return true;
        }
      };
      assert.equal(refused(), false);
      // Overwritten in place, as cp does it.
      new Deno.Command("cp", { args: [from, file] }).outputSync();
      await until(refused, 20_000, "EIO");
      const isTold = () => daemon.log.some((line) => /was overwritten with another/.test(line));
      await until(isTold, 5000, "a line in the log");
      await assert.rejects(daemon.unmount(), /did not close: /);
      // Not by `deepEqual`, because its difference report takes gigabytes.
      const untouched = Buffer.compare(await Deno.readFile(file), bytes) === 0;
      assert(untouched, "nothing of the lost one got into it");
      if (source !== "text") {
        assert.deepEqual(await content(file), source === "other" ? ["other"] : ["old"]);
        await assertSound(file);
      }
    });
  });
}

mountTest(
  "a vacuum and other writers do not make a file look replaced",
  async () => {
    await withFiles(async (file) => {
      await using daemon = await spawnDaemon({ file });
      await Deno.writeFile(`${daemon.dir}/large`, new Uint8Array(30 << 20).fill(7));
      for (let i = 0; i < 4; i++) {
        await using fs = await AloeLite.open(file);
        await using mount = await fs.mount();
        await mount.put(`/theirs${i}`, new Uint8Array(3 << 20).fill(i));
        await fs.vacuum();
        Deno.writeTextFileSync(`${daemon.dir}/ours${i}`, "1");
        await new Promise((resolve) => setTimeout(resolve, 1100));
        using open = Deno.openSync(`${daemon.dir}/ours${i}`, { write: true });
        open.syncSync();
      }
      assert.deepEqual(daemon.log, []);
      await daemon.unmount();
      await assertSound(file);
    });
  },
);

Deno.test("cli: a put whose file is replaced fails, and leaves the other file unchanged", async () => {
  using bench = new Bench();
  await bench.ok([]);
  await bench.ok(["put", "-", "/old"], { stdin: "old" });
  Deno.copyFileSync(bench.file, bench.path("other"));
  const putting = start(["-f", bench.file, "put", "-", "/new"], { stdin: "" });
  const writer = putting.stdin.getWriter();
  const block = new Uint8Array(1 << 20).fill(1);
  for (let i = 0; i < 8; i++) await writer.write(block);
  await until(() => (Deno.statSync(`${bench.file}-wal`).size ?? 0) > 1 << 20, 20_000, "a write");
  Deno.renameSync(bench.path("other"), bench.file);
  const feeding = (async () => {
    for (let i = 0; i < 64; i++) await writer.write(block);
    await writer.close();
  })().catch(() => {});
  const { code, stderr } = await putting.output();
  await feeding;
  assert.equal(code, 1);
  assert.match(new TextDecoder().decode(stderr), /was replaced by another one/);
  assert.equal((await aloelite(["-f", bench.file, "ls"])).out, "old\n");
  await assertSound(bench.file);
});

Deno.test("the manager reopens a replaced file, and writes nothing to the lost one", async () => {
  await using m = await TestManager.start();
  const [a, b] = [await m.volume("a"), await m.volume("b")];
  const put = (id: string, name: string) =>
    m.ask("PUT", `/volumes/${id}/files/${name}`, { body: name });
  assert.equal((await put(a, "one")).status, 201);
  assert.equal((await put(b, "two")).status, 201);
  const filesystems = (await m.ask("GET", "/filesystems")).json;
  const volumes = (await m.ask("GET", "/volumes")).json;
  const list = Array.isArray(volumes) ? volumes : volumes.volumes;
  const fsOf = (id: string) => list.find((each: { id: string }) => each.id === id).fs_id;
  assert.equal((Array.isArray(filesystems) ? filesystems : filesystems.filesystems).length, 2);
  const path = (id: string) => {
    const [found] = [...Deno.readDirSync(`${m.root}/filesystems`)]
      .filter(({ name }) => name.startsWith(fsOf(id)) && !/-(wal|shm)$/.test(name));
    return `${m.root}/filesystems/${found.name}`;
  };
  {
    await using fs = await AloeLite.open(path(b), { readOnly: true });
    await fs.backup(`${m.root}/copy`);
  }
  Deno.renameSync(`${m.root}/copy`, path(a));
  const after = await put(a, "three");
  assert(after.status >= 400, after.text);
  assert(m.log.some((line) => line.includes("was replaced while it was open")), m.log.join("\n"));
  assert.deepEqual(await content(path(a)), ["two"]);
  await assertSound(path(a));
  // The other file is unchanged.
  assert.equal((await put(b, "four")).status, 201);
});
