/** A full disk can be freed again, and unfinished writes take no room. */

import assert from "node:assert/strict";
import { AloeError, AloeLite } from "../../mod.ts";
import { assertCode, noise } from "./crash/support.ts";
import {
  assertSound,
  isRoot,
  mountTest,
  PIN,
  Scratch,
  spawnDaemon,
  until,
} from "../fuse/support.ts";
import { python } from "../fuse/python.ts";
import { TestManager } from "../manager/support.ts";

const MIB = 2 ** 20;
const WRITER = new URL("./disk_full_writer.ts", import.meta.url).pathname;

/** Declares a test with a disk of 40 MB. */
function diskTest(name: string, body: (disk: string) => Promise<void>): void {
  Deno.test({
    name: isRoot() ? name : `${name} (ignored: a small disk needs root)`,
    ignore: !isRoot(),
    fn: async () => {
      await using scratch = new Scratch();
      await body(scratch.tmpfs("disk", "40m"));
    },
  });
}

/** Fills a disk completely. */
async function fill(disk: string): Promise<void> {
  using filler = await Deno.open(`${disk}/filler`, { write: true, create: true });
  const zeros = new Uint8Array(4096);
  await assert.rejects(async () => {
    for (;;) await filler.write(zeros);
  });
}

/** A stream of pieces of 1 MiB, all different. */
function pieces(mib: number, seed = 1): ReadableStream<Uint8Array> {
  let count = 0;
  return new ReadableStream({
    pull(to) {
      if (count === mib) to.close();
      else to.enqueue(noise(seed * 1000 + count++, MIB));
    },
  });
}

const KINDS = [
  { chunkSize: MIB },
  { chunkSize: 65_536 },
  { chunkSize: MIB, pin: PIN, encryption: "random" },
] as const;

for (const kind of KINDS) {
  const name = `${kind.chunkSize}, ${"pin" in kind ? "encrypted" : "plain"}`;
  const pin = "pin" in kind ? { pin: kind.pin } : {};

  diskTest(`disk full: by a stream, then freed (${name})`, async (disk) => {
    const file = `${disk}/a.fs`;
    await using fs = await AloeLite.open(file);
    await fs.createVolume(kind);
    await using mount = await fs.mount(undefined, pin);
    await mount.put("/kept", noise(1, 100_000));
    for (let round = 0; round < 2; round++) {
      await assertCode("no_space", () => mount.put("/big", pieces(60)));
      assert.ok(!await mount.exists("/big"));
      // The room is free at once, without a prune.
      assert.ok((await fs.info()).chunkBytes < 1.1 * MIB);
    }
    await mount.put("/small", noise(2, 100_000));
    await mount.remove("/kept");
    assert.equal((await mount.purge()).nodes, 1);
    await fs.prune();
    await fs.pruneContent();
    await mount.put("/half", pieces(20));
    await mount.remove("/half");
    await mount.purge();
    await mount.put("/again", pieces(20, 2));
    assert.deepEqual((await mount.verify({ deep: true })).problems, []);
    assert.deepEqual(await fs.pageCheck(), []);
  });

  diskTest(`disk full: in one transaction, and by many small files (${name})`, async (disk) => {
    const file = `${disk}/a.fs`;
    await using fs = await AloeLite.open(file);
    await fs.createVolume(kind);
    await using mount = await fs.mount(undefined, pin);
    await mount.put("/kept", noise(1, 100_000));
    await assertCode("no_space", () => mount.put("/big", noise(3, 60 * MIB)));
    let made = 0;
    const small = async () => {
      for (;; made++) await mount.put(`/${made}`, noise(made + 10, 50_000));
    };
    await assertCode("no_space", small);
    assert.ok(made > 500, `${made}`);
    await assertCode("no_space", () => mount.mkdir("/d"));
    // Remove each file, then everything.
    for (let i = 0; i < made; i++) await mount.remove(`/${i}`);
    assert.equal((await mount.purge()).nodes, made);
    await mount.mkdir("/d");
    await mount.put("/d/half", pieces(15));
    assert.deepEqual((await mount.verify({ deep: true })).problems, []);
  });
}

diskTest("disk full: a tree is removed and an old version is dropped", async (disk) => {
  await using fs = await AloeLite.open(`${disk}/a.fs`);
  await fs.createVolume();
  await using mount = await fs.mount();
  await mount.put("/versions", noise(1, 8 * MIB));
  await mount.put("/versions", noise(2, 8 * MIB));
  await mount.mkdir("/t/a/b/c", { parents: true });
  for (let i = 0; i < 100; i++) await mount.put(`/t/a/b/${i}`, noise(i, 1000));
  await assertCode("no_space", () => mount.put("/big", pieces(60)));
  await mount.setRetention("/versions", 1);
  assert.equal((await fs.pruneContent()).versions, 1);
  await mount.truncate("/versions", 10);
  await fs.pruneContent();
  await mount.batch(async (tx) => {
    await tx.remove("/t/a/b/1");
    await tx.removeRecursive("/t");
  });
  await mount.purge();
  await mount.put("/new", pieces(8, 9));
  assert.deepEqual(await fs.health(), []);
});

for (const when of ["at once", "after writes"]) {
  diskTest(`disk full: by another program's file, ${when}`, async (disk) => {
    await using fs = await AloeLite.open(`${disk}/a.fs`, { checkpointAside: true });
    await fs.createVolume();
    await using mount = await fs.mount();
    for (let i = 0; i < 20; i++) await mount.put(`/${i}`, noise(i, 300_000));
    if (when === "after writes") await mount.put("/20", pieces(10));
    await fill(disk);
    await assertCode("no_space", () => mount.put("/more", noise(99, 35 * MIB)));
    for (let i = 0; i < 20; i++) await mount.remove(`/${i}`);
    await mount.purge();
    await fs.prune();
    await fs.pruneContent();
    // The file has free pages, though the disk is full.
    await Deno.remove(`${disk}/filler`);
    await mount.put("/more", noise(99, 3 * MIB));
    assert.deepEqual((await mount.verify({ deep: true })).problems, []);
  });
}

/** A process that writes a file in pieces of 1 MiB. */
function writer(file: string, path: string, steps: number) {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", WRITER, file, path, `${steps}`],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const input = process.stdin.getWriter();
  let text = "";
  return {
    process,
    step: async () => await input.write(new Uint8Array([10])),
    wait: async (line: string) => {
      while (!text.split("\n").includes(line)) {
        const { value, done } = await lines.read();
        assert.ok(!done, text);
        text += value;
      }
    },
    end: async () => {
      await input.close().catch(() => {});
      await process.status;
      await lines.cancel();
    },
  };
}

Deno.test("the next process that opens the file frees the writes of a killed one", async () => {
  await using scratch = new Scratch();
  const file = scratch.join("a.fs");
  {
    await using fs = await AloeLite.open(file);
    await fs.createVolume();
  }
  for (let round = 0; round < 2; round++) {
    const one = writer(file, "/x", 50);
    for (let step = 0; step < 12; step++) {
      await one.wait(`${step}`);
      await one.step();
    }
    await one.wait("12");
    one.process.kill("SIGKILL");
    await one.end();
    await using fs = await AloeLite.open(file);
    assert.equal((await fs.info()).chunkBytes, 0);
    await using mount = await fs.mount();
    assert.equal((await mount.readAll("/x")).length, 0);
    // The file that it had locked can be written again.
    await mount.put("/x", "");
  }
});

Deno.test("the writes of a living process are left alone", async () => {
  await using scratch = new Scratch();
  const file = scratch.join("a.fs");
  {
    await using fs = await AloeLite.open(file);
    await fs.createVolume();
  }
  const one = writer(file, "/x", 20);
  for (let step = 0; step < 20; step++) {
    await one.wait(`${step}`);
    if (step % 5 === 4) {
      await using fs = await AloeLite.open(file);
      await fs.prune();
      await fs.pruneContent();
      assert.ok((await fs.info()).chunkBytes >= (step - 2) * MIB);
    }
    await one.step();
  }
  await one.wait("closed");
  await one.end();
  await using fs = await AloeLite.open(file);
  await using mount = await fs.mount();
  const bytes = await mount.readAll("/x");
  assert.equal(bytes.length, 20 * MIB);
  for (let step = 0; step < 20; step++) {
    assert.deepEqual(bytes.subarray(step * MIB, (step + 1) * MIB), noise(step + 100, MIB));
  }
});

// --- mounts ----------------------------------------------------------------------

for (const by of ["the mount", "somebody else"]) {
  mountTest(`disk full: by ${by}, rm and truncate on a mount`, async () => {
    await using scratch = new Scratch();
    const disk = scratch.tmpfs("disk", "40m");
    const file = `${disk}/v.fs`;
    {
      await using fs = await AloeLite.open(file);
      await fs.createVolume({ name: "main" });
    }
    await using daemon = await spawnDaemon({ file });
    await python(
      daemon.dir,
      `
for i in range(10): write("f%d" % i, os.urandom(1 << 20))
write("g", os.urandom(4 << 20))
for name in os.listdir("."):
    fd = os.open(name, os.O_RDWR)
    os.fsync(fd)
    os.close(fd)
`,
    );
    if (by === "somebody else") await fill(disk);
    else {
      await python(
        daemon.dir,
        `
try:
    fd = os.open("big", os.O_RDWR | os.O_CREAT)
    for i in range(60): os.write(fd, os.urandom(1 << 20))
    os.fsync(fd)
    print("no fault")
except OSError as error:
    same(error.errno, errno.ENOSPC)
`,
      );
    }
    await python(
      daemon.dir,
      `
for i in range(10): os.remove("f%d" % i)
fd = os.open("g", os.O_RDWR)
os.ftruncate(fd, 1 << 20)
os.fsync(fd)
os.close(fd)
os.path.exists("big") and os.remove("big")
d = os.open(".", os.O_RDONLY)
os.fsync(d)
`,
    );
    if (by === "somebody else") await Deno.remove(`${disk}/filler`);
    await python(daemon.dir, `write("new", os.urandom(6 << 20)); os.sync()`);
    await daemon.unmount();
    await assertSound(file);
  }, { root: true });
}

// --- HTTP ------------------------------------------------------------------------

diskTest("disk full: over HTTP delete, empty trash and prune work", async (disk) => {
  await using m = await TestManager.start({ root: `${disk}/root` });
  const id = await m.volume("main");
  const fs = (await m.ask("GET", "/filesystems")).json[0].id;
  const put = async (path: string, body: Uint8Array<ArrayBuffer>) =>
    (await m.ask("PUT", `/volumes/${id}/files/${path}`, { body })).status;
  for (let i = 0; i < 6; i++) assert.equal(await put(`${i}`, noise(i, MIB)), 201);
  const full = async () => {
    const body = noise(9, 60 * MIB);
    const refused = await m.ask("PUT", `/volumes/${id}/files/big`, { body });
    assert.equal(refused.status, 507);
    assert.ok(!refused.text.includes(disk), refused.text);
    assert.equal((await m.ask("GET", `/volumes/${id}/files/big`)).status, 404);
  };
  await full();
  assert.equal((await m.ask("DELETE", `/volumes/${id}/files/0`)).status, 204);
  assert.equal((await m.ask("DELETE", `/volumes/${id}/trash?all=1`)).status, 204);
  assert.equal(await put("small", noise(7, 100_000)), 201);
  await full();
  assert.equal((await m.ask("POST", `/filesystems/${fs}/prune`, { json: {} })).status, 200);
  await fill(disk);
  assert.equal(await put("more", noise(8, 45 * MIB)), 507);
  for (let i = 1; i < 6; i++) {
    const { status, text } = await m.ask("DELETE", `/volumes/${id}/files/${i}`);
    assert.equal(status, 204, text);
  }
  const { status, text } = await m.ask("DELETE", `/volumes/${id}/trash?all=1`);
  assert.equal(status, 204, text);
  const pruned = await m.ask("POST", `/filesystems/${fs}/prune`, { json: {} });
  assert.equal(pruned.status, 200, pruned.text);
  await Deno.remove(`${disk}/filler`);
  assert.equal(await put("more", noise(8, 3 * MIB)), 201);
});

Deno.test("an interrupted PUT leaves nothing, however often", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("main");
  const stored = async () => {
    const { stored_bytes } = (await m.ask("GET", `/volumes/${id}/usage`)).json;
    const [{ path }] = [...Deno.readDirSync(`${m.root}/filesystems`)]
      .filter((entry) => entry.name.endsWith(".db") || !/-(wal|shm)$/.test(entry.name))
      .map((entry) => ({ path: `${m.root}/filesystems/${entry.name}` }));
    await using fs = await AloeLite.open(path, { readOnly: true });
    return { stored: stored_bytes as number, pool: (await fs.info()).chunkBytes };
  };
  const { port } = new URL(m.url);
  for (let round = 0; round < 3; round++) {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
    const head = `PUT /volumes/${id}/files/x HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n` +
      `Content-Length: ${40 * MIB}\r\n\r\n`;
    const send = async (bytes: Uint8Array) => {
      for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    };
    await send(new TextEncoder().encode(head));
    for (let i = 0; i < 8; i++) await send(noise(round * 100 + i, MIB));
    await until(async () => (await stored()).pool > 0, 20_000, "some of it is stored");
    connection.close();
    await until(async () => (await stored()).pool === 0, 20_000, "it is given back");
  }
  assert.equal((await m.ask("GET", `/volumes/${id}/files/x`)).status, 404);
});

diskTest("the error on a disk that lets no file be opened is no_space", async (disk) => {
  const file = `${disk}/a.fs`;
  {
    await using fs = await AloeLite.open(file);
    await fs.createVolume();
  }
  await fill(disk);
  const error = await AloeLite.open(file).then((fs) => fs.close(), (error) => error);
  if (error !== undefined) {
    assert.ok(error instanceof AloeError && error.code === "no_space", `${error}`);
  }
});

// --- files that were closed ------------------------------------------------------

const CLI = new URL("../../cli/main.ts", import.meta.url).pathname;

/** Runs the command line. @returns Its output and exit status. */
async function cli(file: string, ...words: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", "--no-check", CLI, "-f", file, ...words],
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

for (const kind of [{}, { pageSize: 16_384 }, { pin: PIN }] as const) {
  const pin = "pin" in kind ? { pin: PIN } : {};
  const name = "pin" in kind ? "encrypted" : `pages of ${"pageSize" in kind ? 16_384 : 4096}`;
  diskTest(
    `disk full: filled while the file was closed, rm, purge and prune work (${name})`,
    async (disk) => {
      const file = `${disk}/a.fs`;
      {
        await using fs = await AloeLite.open(file, "pageSize" in kind ? kind : {});
        await fs.createVolume({ name: "main", ...pin });
        await using mount = await fs.mount("main", pin);
        for (let i = 0; i < 8; i++) await mount.put(`/${i}`, noise(i, MIB));
        await mount.mkdir("/tree/a", { parents: true });
        for (let i = 0; i < 100; i++) await mount.put(`/tree/a/${i}`, `${i}`);
      }
      Deno.writeTextFileSync(`${disk}/pin`, PIN);
      const size = Deno.statSync(file).size;
      const run = async (...words: string[]) => {
        // Fill the disk before each step.
        await fill(disk);
        const given = "pin" in kind ? ["--pin-file", `${disk}/pin`] : [];
        const { code, err } = await cli(file, ...words, ...given);
        assert.equal(code, 0, `${words}: ${err}`);
      };
      await run("rm", "/0");
      await run("rm", "-r", "/tree");
      await run("rm", "/1", "/2", "/3");
      await run("trash", "purge", "--all");
      await run("prune");
      await run("retention", "/4", "1");
      assert.ok(Deno.statSync(file).size <= size + 65_536);
      // The file has free pages now.
      await Deno.remove(`${disk}/filler`);
      await using fs = await AloeLite.open(file);
      await using mount = await fs.mount("main", pin);
      assert.deepEqual((await mount.list("/")).map((entry) => entry.name), ["4", "5", "6", "7"]);
      await mount.put("/new", noise(9, 2 * MIB));
      assert.deepEqual((await mount.verify({ deep: true })).problems, []);
      assert.deepEqual(await fs.pageCheck(), []);
    },
  );
}

diskTest("disk full: filled while no manager ran, delete over HTTP works", async (disk) => {
  let id: string, fs: string;
  {
    await using m = await TestManager.start({ root: `${disk}/root` });
    id = await m.volume("main");
    fs = (await m.ask("GET", "/filesystems")).json[0].id;
    for (let i = 0; i < 4; i++) {
      await m.ask("PUT", `/volumes/${id}/files/${i}`, { body: noise(i, MIB) });
    }
  }
  await fill(disk);
  await using m = await TestManager.start({ root: `${disk}/root` });
  for (let i = 0; i < 3; i++) {
    const { status, text } = await m.ask("DELETE", `/volumes/${id}/files/${i}`);
    assert.equal(status, 204, text);
  }
  const { status, text } = await m.ask("DELETE", `/volumes/${id}/trash?all=1`);
  assert.equal(status, 204, text);
  const pruned = await m.ask("POST", `/filesystems/${fs}/prune`, { json: {} });
  assert.equal(pruned.status, 200, pruned.text);
});

mountTest("disk full: filled before the mount, rm on the mount works", async () => {
  await using scratch = new Scratch();
  const disk = scratch.tmpfs("disk", "40m");
  const file = `${disk}/v.fs`;
  {
    await using fs = await AloeLite.open(file);
    await fs.createVolume({ name: "main" });
    await using mount = await fs.mount("main");
    for (let i = 0; i < 8; i++) await mount.put(`/f${i}`, noise(i, MIB));
    for (let i = 0; i < 100; i++) await mount.put(`/g${i}`, `${i}`);
  }
  await fill(disk);
  await using daemon = await spawnDaemon({ file });
  await python(
    daemon.dir,
    `
for name in os.listdir("."): os.remove(name)
d = os.open(".", os.O_RDONLY)
os.fsync(d)
same(os.listdir("."), [])
`,
  );
  await daemon.unmount();
  await Deno.remove(`${disk}/filler`);
  await assertSound(file);
  await using fs = await AloeLite.open(file);
  await using mount = await fs.mount("main");
  assert.deepEqual(await mount.list("/"), []);
}, { root: true });

diskTest(
  "a disk, or a directory, that was made read-only: reads work, writes report it",
  async (disk) => {
    const file = `${disk}/a.fs`;
    {
      await using fs = await AloeLite.open(file);
      await fs.createVolume({ name: "main" });
      await using mount = await fs.mount("main");
      await mount.put("/a", "alpha");
    }
    const remount = async (how: string) => {
      const { success } = await new Deno.Command("mount", {
        args: ["-o", `remount,${how}`, disk],
      }).output();
      assert.ok(success);
    };
    await remount("ro");
    try {
      assert.deepEqual(await cli(file, "cat", "/a"), { code: 0, out: "alpha", err: "" });
      for (const words of [["rm", "/a"], ["prune"], ["mkdir", "/d"], ["trash", "purge", "--all"]]) {
        const { code, err } = await cli(file, ...words);
        assert.equal(code, 1, `${words}`);
        assert.match(err, /read-only|cannot be written/, `${words}: ${err}`);
      }
    } finally {
      await remount("rw");
    }
    assert.equal((await cli(file, "rm", "/a")).code, 0);
  },
);

// --- incomplete volumes
// -----------------------------------------------------------

for (const encrypted of [false, true]) {
  for (const where of ["in its file", "into another file"]) {
    const name = `a copy of ${encrypted ? "an encrypted" : "a plain"} volume ${where}, killed`;
    Deno.test(`${name}, is freed by the next process that opens the file`, async () => {
      await using scratch = new Scratch();
      const file = scratch.join("a.fs");
      const target = where === "in its file" ? file : scratch.join("b.fs");
      const pin = encrypted ? { pin: PIN } : {};
      {
        await using fs = await AloeLite.open(file);
        await fs.createVolume({ name: "main", ...pin });
        await using mount = await fs.mount("main", pin);
        for (let i = 0; i < 40; i++) await mount.put(`/${i}`, noise(i, MIB));
      }
      const before = await AloeLite.open(file).then(async (fs) => {
        const info = await fs.info();
        await fs.close();
        return info;
      });
      const copier = new URL("../support/half_copier.ts", import.meta.url).pathname;
      for (let round = 0; round < 2; round++) {
        const { signal } = await new Deno.Command(Deno.execPath(), {
          args: ["run", "-A", "--no-check", copier, file, target, ...(encrypted ? [PIN] : [])],
        }).output();
        assert.equal(signal, "SIGKILL");
        await using fs = await AloeLite.open(target);
        const names = (await fs.volumes()).map((volume) => volume.name);
        assert.deepEqual(names, target === file ? ["main"] : []);
        const { nodes, chunks } = await fs.info();
        assert.deepEqual([nodes, chunks], target === file ? [before.nodes, before.chunks] : [0, 0]);
        assert.deepEqual(await fs.health(), []);
      }
      // A volume that a living process is copying is left alone.
      await using fs = await AloeLite.open(file);
      await using mount = await fs.mount("main", pin);
      let looked: Promise<void> | null = null;
      const copy = await fs.fork(mount, {
        name: "copy",
        ...pin,
        onProgress: () => {
          looked ??= (async () => {
            await using other = await AloeLite.open(file);
            await other.prune();
          })();
        },
      });
      await looked!;
      await using copied = await fs.mount(copy.id, pin);
      assert.equal((await copied.list("/")).length, 40);
      assert.deepEqual((await copied.verify({ deep: true })).problems, []);
      assert.equal((await fs.mounts({ volume: copy.id })).length, 1);
    });
  }
}

Deno.test("a limit of the process is reported as a full disk is", async () => {
  await using scratch = new Scratch();
  const file = scratch.join("a.fs");
  {
    await using fs = await AloeLite.open(file);
    await fs.createVolume({ name: "main" });
    await using mount = await fs.mount("main");
    await mount.put("/kept", noise(1, MIB));
  }
  const big = scratch.join("big");
  await Deno.writeFile(big, noise(2, 12 * MIB));
  const words = [Deno.execPath(), "run", "--quiet", "--allow-all", "--no-check", CLI, "-f", file];
  const limited = await new Deno.Command("sh", {
    // 8 MiB in any one file; without the signal, as a quota has none.
    args: ["-c", `trap '' XFSZ; ulimit -f 16384; exec "$@"`, "sh", ...words, "put", big, "/big"],
  }).output();
  const said = new TextDecoder().decode(limited.stderr);
  assert.equal(limited.code, 1, said);
  assert.match(said, /no space left on the device \(a quota, or a limit\)/);
  assert.equal((await cli(file, "ls", "/")).out, "kept\n");
  assert.deepEqual(await cli(file, "rm", "/kept"), { code: 0, out: "", err: "" });
});
