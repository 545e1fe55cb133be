/** On a full disk, a removal that is more than one transaction has room for goes by several. */

import assert from "node:assert/strict";
import { AloeLite, type Mount } from "../../mod.ts";
import { assertCode, noise } from "./crash/support.ts";
import { python } from "../fuse/python.ts";
import { assertSound, isRoot, mountTest, PIN, Scratch, spawnDaemon } from "../fuse/support.ts";
import { TestManager } from "../manager/support.ts";

/** Files of a tree whose removal does not fit into what is held for removals. */
const FILES = 5000;

/** Declares a test that has a disk of 40 MB. */
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

/** Takes all that a disk has left. */
async function fill(disk: string): Promise<void> {
  using filler = await Deno.open(`${disk}/filler`, { write: true, create: true });
  const zeros = new Uint8Array(4096);
  await assert.rejects(async () => {
    for (;;) await filler.write(zeros);
  });
}

/** Makes `/tree` with many small files, no two alike, and a link of one of them outside. */
async function makeTree(mount: Mount): Promise<void> {
  await mount.mkdir("/tree");
  for (let i = 0; i < FILES;) {
    await mount.batch(async (tx) => {
      for (const end = i + 500; i < end; i++) {
        const dir = `/tree/d${Math.floor(i / 100)}`;
        if (i % 100 === 0) await tx.mkdir(dir);
        await tx.put(`${dir}/${i}`, noise(i, 500));
      }
    });
  }
  await mount.link("/tree/d0/0", "/linked");
}

const KINDS = [{}, { pin: PIN, encryption: "random" }] as const;

for (const kind of KINDS) {
  const name = "pin" in kind ? "encrypted" : "plain";
  const pin = "pin" in kind ? { pin: PIN } : {};
  diskTest(`disk full: a large tree is removed, brought back, purged (${name})`, async (disk) => {
    const file = `${disk}/a.fs`;
    {
      await using fs = await AloeLite.open(file);
      await fs.createVolume({ name: "main", chunkSize: 65_536, ...kind });
      await using mount = await fs.mount("main", pin);
      await makeTree(mount);
    }
    await fill(disk);
    await using fs = await AloeLite.open(file);
    await using mount = await fs.mount("main", pin);
    // In a batch it is one transaction, for which there is no room.
    await assertCode("no_space", () => mount.batch((tx) => tx.removeRecursive("/tree")));
    assert.ok(await mount.exists("/tree/d1/100"));
    await mount.removeRecursive("/tree");
    assert.deepEqual((await mount.list("/")).map((entry) => entry.name), ["linked"]);
    const [item, ...others] = await mount.trash();
    assert.deepEqual([item.path, others.length], ["/tree", 0]);
    assert.equal(item.nodes, FILES - 1 + FILES / 100 + 1);
    const report = await mount.purge();
    assert.deepEqual([report.nodes, report.chunks], [item.nodes, FILES - 1]);
    assert.deepEqual(await mount.trash(), []);
    await fs.prune();
    await fs.pruneContent();
    assert.equal((await mount.readAll("/linked")).length, 500);
    assert.deepEqual(await fs.health(), []);
    assert.deepEqual((await mount.verify({ deep: true })).problems, []);
    assert.deepEqual(await fs.pageCheck(), []);
    assert.equal((await fs.info()).chunkBytes, 500);
  });
}

diskTest("disk full: what is in the top goes, and comes back from the trash", async (disk) => {
  const file = `${disk}/a.fs`;
  {
    await using fs = await AloeLite.open(file);
    await fs.createVolume({ name: "main", chunkSize: 65_536 });
    await using mount = await fs.mount("main");
    await makeTree(mount);
  }
  await fill(disk);
  await using fs = await AloeLite.open(file);
  await using mount = await fs.mount("main");
  await mount.removeRecursive("/");
  assert.deepEqual(await mount.list("/"), []);
  await Deno.remove(`${disk}/filler`);
  await mount.restore((await mount.trash()).find(({ path }) => path === "/tree")!.id);
  for (let i = 0; i < FILES / 100; i++) {
    assert.equal((await mount.list(`/tree/d${i}`)).length, 100);
  }
  assert.deepEqual(await fs.health(), []);
});

diskTest("disk full: a volume is deleted, and chunks that nothing needs", async (disk) => {
  const file = `${disk}/a.fs`;
  {
    await using fs = await AloeLite.open(file);
    await fs.createVolume({ name: "kept", chunkSize: 65_536 });
    await fs.createVolume({ name: "big", chunkSize: 65_536 });
    await using kept = await fs.mount("kept");
    await kept.put("/f", noise(0, 500));
    await using big = await fs.mount("big");
    await makeTree(big);
  }
  await fill(disk);
  await using fs = await AloeLite.open(file);
  const report = await fs.removeVolume("big");
  assert.deepEqual([report.nodes, report.chunks], [FILES + FILES / 100 + 2, FILES - 1]);
  assert.deepEqual((await fs.volumes()).map(({ name }) => name), ["kept"]);
  await fs.prune();
  await fs.pruneContent();
  assert.equal((await fs.info()).chunkBytes, 500);
  assert.deepEqual(await fs.health(), []);
  assert.deepEqual(await fs.pageCheck(), []);
  await using kept = await fs.mount("kept");
  assert.equal((await kept.readAll("/f")).length, 500);
});

diskTest("disk full: thousands of old versions are pruned", async (disk) => {
  const file = `${disk}/a.fs`;
  {
    await using fs = await AloeLite.open(file);
    await fs.createVolume({ name: "main", chunkSize: 4096 });
    await using mount = await fs.mount("main");
    await mount.createEntry("/f");
    for (let i = 0; i < FILES;) {
      await mount.batch(async (tx) => {
        for (const end = i + 500; i < end; i++) await tx.writeAll("/f", noise(i, 500));
      });
    }
  }
  await fill(disk);
  await using fs = await AloeLite.open(file);
  await using mount = await fs.mount("main");
  await mount.setRetention("/f", 1);
  assert.deepEqual(await fs.pruneContent(), { versions: FILES - 1, chunks: FILES - 1 });
  assert.equal((await mount.readAll("/f")).length, 500);
  assert.deepEqual((await mount.verify({ deep: true })).problems, []);
  assert.deepEqual(await fs.pageCheck(), []);
});

diskTest("disk full: over HTTP large trees are removed and purged", async (disk) => {
  let id: string;
  {
    await using m = await TestManager.start({ root: `${disk}/root` });
    id = await m.volume("main");
    const [{ path }] = [...Deno.readDirSync(`${m.root}/filesystems`)]
      .filter(({ name }) => !/-(wal|shm)$/.test(name))
      .map(({ name }) => ({ path: `${m.root}/filesystems/${name}` }));
    await using fs = await AloeLite.open(path);
    await using mount = await fs.mount("main");
    await makeTree(mount);
    await mount.createContainer("/two");
    for (let i = 0; i < FILES / 200; i++) await mount.move(`/tree/d${i}`, `/two/d${i}`);
  }
  await fill(disk);
  await using m = await TestManager.start({ root: `${disk}/root` });
  const at = `/volumes/${id}`;
  const gone = await m.ask("DELETE", `${at}/files/tree?recursive=1`);
  assert.equal(gone.status, 204, gone.text);
  const done = async (wish: unknown) => {
    const begun = await m.ask("POST", `${at}/tasks`, { json: wish });
    assert.equal(begun.status, 202, begun.text);
    for (;;) {
      const { json } = await m.ask("GET", `${at}/tasks/${begun.json.id}`);
      if (json.state !== "running") return json;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const removed = await done({ operation: "remove", paths: ["/two", "/linked"] });
  assert.deepEqual([removed.state, removed.succeeded, removed.error], ["done", 2, null]);
  const items = (await m.ask("GET", `${at}/trash`)).json.entries as { id: string; path: string }[];
  assert.deepEqual(items.map(({ path }) => path).sort(), ["/linked", "/tree", "/two"]);
  const tree = items.find(({ path }) => path === "/tree")!.id;
  const some = await m.ask("DELETE", `${at}/trash?id=${tree}`);
  assert.equal(some.status, 204, some.text);
  const purged = await done({ operation: "purge", all: true });
  assert.deepEqual([purged.state, purged.failed, purged.error], ["done", 0, null]);
  assert.deepEqual((await m.ask("GET", `${at}/trash`)).json.entries, []);
});

for (const history of ["none", "all"] as const) {
  mountTest(`disk full: rm -rf of a large tree on a mount (history: ${history})`, async () => {
    await using scratch = new Scratch();
    const disk = scratch.tmpfs("disk", "40m");
    const file = `${disk}/v.fs`;
    {
      await using fs = await AloeLite.open(file);
      await fs.createVolume({ name: "main", chunkSize: 65_536 });
      await using mount = await fs.mount("main");
      await makeTree(mount);
    }
    await fill(disk);
    await using daemon = await spawnDaemon({ file, history });
    await python(
      daemon.dir,
      `
import shutil
held = os.open("tree/d3/300", os.O_RDONLY); shutil.rmtree("tree")
same(os.listdir("."), ["linked"]); os.fsync(os.open(".", os.O_RDONLY)); same(os.fstat(held).st_nlink, 0); same(len(os.read(held, 999)), 500)`,
      120_000,
    );
    await daemon.unmount();
    await assertSound(file);
    await using fs = await AloeLite.open(file);
    await using mount = await fs.mount("main");
    assert.deepEqual((await mount.list("/")).map((entry) => entry.name), ["linked"]);
    if (history === "none") assert.equal((await fs.info()).chunkBytes, 500);
    await mount.purge();
  }, { root: true });
}

diskTest(
  "disk full: a process that ends within a divided removal leaves it to the next",
  async (disk) => {
    const file = `${disk}/a.fs`;
    {
      await using fs = await AloeLite.open(file);
      await fs.createVolume({ name: "main", chunkSize: 65_536 });
      await using mount = await fs.mount("main");
      await makeTree(mount);
    }
    await fill(disk);
    const script = `import { AloeLite } from ${
      JSON.stringify(new URL("../../mod.ts", import.meta.url))
    };
const fs = await AloeLite.open(${JSON.stringify(file)}); const mount = await fs.mount("main");
console.log("begun"); await mount.removeRecursive("/tree"); console.log("gone"); await mount.purge(); console.log("done");`;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--quiet", script],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ""; !text.includes("gone");) {
      const { value, done } = await lines.read();
      assert.ok(!done, text);
      text += value;
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
    child.kill("SIGKILL");
    await lines.cancel();
    await child.status;
    await using fs = await AloeLite.open(file);
    await using mount = await fs.mount("main");
    assert.ok(!await mount.exists("/tree"));
    await mount.purge();
    await fs.prune();
    await fs.pruneContent();
    assert.equal((await fs.info()).chunkBytes, 500);
    assert.deepEqual(await fs.health(), []);
    assert.deepEqual(await fs.pageCheck(), []);
  },
);
