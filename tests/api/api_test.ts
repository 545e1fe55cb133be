/** The module's own objects: files, volumes, mounts, batches. */

import assert from "node:assert/strict";
import { AloeError, AloeLite, type Mount } from "../../mod.ts";

async function fresh(chunkSize = 4): Promise<{ fs: AloeLite; mount: Mount }> {
  const fs = await AloeLite.open(":memory:");
  await fs.createVolume({ name: "main", chunkSize });
  return { fs, mount: await fs.mount() };
}

async function names(mount: Mount, path = "/"): Promise<string[]> {
  return (await mount.list(path)).map((entry) => entry.name);
}

/** Lets whatever was not awaited come to its end. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 10));

Deno.test("batch: when one of several concurrent operations fails, nothing of the others stays", async () => {
  const { fs, mount } = await fresh();
  await using _fs = fs;
  await assert.rejects(
    mount.batch(async (tx) => {
      const fails = tx.readAll("/missing");
      const others = [tx.put("/a", "0123456789abcdef"), tx.put("/b", "x")];
      others.forEach((each) => each.catch(() => {}));
      await Promise.all([fails, ...others]);
    }),
    { code: "not_found" },
  );
  await settle();
  assert.deepEqual(await names(mount), []);
  const { nodes, chunks } = await fs.info();
  assert.deepEqual({ nodes, chunks }, { nodes: 1, chunks: 0 });
});

Deno.test("batch: an operation that nobody awaited is in the batch whole, or not at all", async () => {
  const { fs, mount } = await fresh();
  await using _fs = fs;
  let late: Promise<unknown> = Promise.resolve();
  let committed: string[] = [];
  await mount.batch((tx) => {
    late = tx.put("/a", "0123456789abcdef").then(() => "done", () => "refused");
    return Promise.resolve();
  });
  committed = await names(mount);
  const outcome = await late;
  assert.deepEqual(committed, outcome === "done" ? ["a"] : []);
  if (outcome === "done") {
    assert.equal(await mount.path("/a").readText(), "0123456789abcdef");
  }
});

Deno.test("batch: a nested batch that fails leaves nothing of itself", async () => {
  const { fs, mount } = await fresh();
  await using _fs = fs;
  const outer = mount.batch(async (tx) => {
    const inner = tx.batch(async (nested) => {
      await nested.put("/inner", "1");
      throw new RangeError("inner");
    });
    await assert.rejects(inner, RangeError);
    await tx.put("/outer", "2");
  });
  // Either the inner part alone is undone, or the whole batch refuses to commit.
  await outer.catch((error) => assert.ok(error instanceof RangeError));
  assert.ok(!(await names(mount)).includes("inner"));
});

Deno.test("a backup of a file in memory does not touch the transactions beside it", async () => {
  const { fs, mount } = await fresh();
  await using _fs = fs;
  const folder = await Deno.makeTempDir();
  try {
    // A transaction that is open while the backup begins.
    const batch = mount.batch(async (tx) => {
      await tx.put("/a", "0123456789abcdef");
      await settle();
      await tx.put("/b", "x");
    });
    const backup = fs.backup(`${folder}/copy.db`);
    await Promise.all([batch, backup, mount.put("/c", "y")]);
    assert.deepEqual((await names(mount)).sort(), ["a", "b", "c"]);
    await using copy = await AloeLite.open(`${folder}/copy.db`);
    assert.deepEqual(await copy.health(), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("an empty path is no file", async () => {
  // SQLite takes it for a temporary database that is gone when it is closed.
  await assert.rejects(
    async () => void await (await AloeLite.open("")).close(),
    (error) => error instanceof AloeError && error.code === "invalid",
  );
});

Deno.test("content that is no bytes is refused, and stores nothing", async () => {
  const { fs, mount } = await fresh();
  await using _fs = fs;
  await mount.put("/a", "ab");
  const words = new Uint16Array([1, 2]) as unknown as Uint8Array;
  const text = "abcdefgh" as unknown as Uint8Array;
  const texts = () => ReadableStream.from(["12345678"]) as unknown as ReadableStream<Uint8Array>;
  for (
    const attempt of [
      () => mount.writeAll("/a", words),
      () => mount.writeAll("/a", text),
      () => mount.append("/a", text),
      () => mount.writeRange("/a", 1, words),
      () => mount.put("/a", words),
      () => mount.put("/a", texts()),
      () => mount.createEntry("/b", words),
      () => mount.setXattr("/a", "x", text),
    ]
  ) {
    await assert.rejects(
      attempt,
      (error) => error instanceof AloeError && error.code === "invalid",
      `${attempt}`,
    );
  }
  assert.equal(await mount.path("/a").readText(), "ab");
  assert.equal((await fs.info()).chunks, 1);
});
