/**
 * Uploads and snapshots at the level of operations: results, deletions,
 * refusals.
 */

import assert from "node:assert/strict";
import { AloeError, type AloeLite, type Mount } from "../../mod.ts";
import * as internal from "../../src/internal.ts";
import * as ops from "../../src/ops.ts";
import { createVolume, onEachBackend } from "./backends.ts";

const TTL = 60_000;

const code = (wanted: string) => (error: unknown) =>
  error instanceof AloeError && error.code === wanted;

async function sound(fs: AloeLite, mount: Mount): Promise<void> {
  assert.deepEqual(await ops.healthCheck(fs.db), []);
  assert.deepEqual((await ops.verify(fs.db, mount.handle, { deep: true })).problems, []);
}

const bytes = (length: number, first = 0) =>
  Uint8Array.from({ length }, (_, i) => (first + i * 7) & 255);

for (const pin of [undefined, "1234"]) {
  const kind = pin === undefined ? "plain" : "encrypted";
  onEachBackend(`an upload grows invisibly and becomes a file (${kind})`, async (backend) => {
    await using volume = await createVolume(backend, { chunkSize: 16, pin: pin });
    const { fs, mount } = volume;
    const { db } = fs;
    const { handle } = mount;
    const content = bytes(100);
    const { id } = await internal.beginUpload(db, handle, { length: 100, ttl: TTL });
    for (const [from, to] of [[0, 5], [5, 16], [16, 17], [17, 64], [64, 99]]) {
      await using writer = await internal.openUpload(db, handle, id, { ttl: TTL });
      assert.equal(writer.size, from);
      await writer.write(content.subarray(from, to));
      assert.equal(writer.size, to);
    }
    await sound(fs, mount);
    assert.deepEqual(await mount.list("/"), []);
    // A prune deletes unreachable nodes, but not this one.
    await ops.prune(db);
    await ops.pruneContent(db);
    await ops.purgeTrash(db, handle);
    assert.equal((await internal.getUpload(db, handle, id)).size, 99);
    await assert.rejects(internal.finishUpload(db, handle, id, "/x"), code("invalid"));
    {
      await using writer = await internal.openUpload(db, handle, id, { ttl: TTL });
      await assert.rejects(writer.write(bytes(2)), code("invalid"));
      await writer.write(content.subarray(99));
    }
    await assert.rejects(internal.finishUpload(db, handle, id, "/no/x"), code("not_found"));
    const made = await internal.finishUpload(db, handle, id, "/d/x", { parents: true });
    assert.deepEqual(made, {
      node: made.node,
      version: 1,
      size: 100,
      created: true,
      path: "/d/x",
      outcome: "created",
      replaced: null,
    });
    assert.deepEqual(await ops.readAll(db, handle, "/d/x"), content);
    await assert.rejects(internal.getUpload(db, handle, id), code("not_found"));
    await sound(fs, mount);

    const next = await internal.beginUpload(db, handle, { ttl: TTL });
    {
      await using writer = await internal.openUpload(db, handle, next.id, { ttl: TTL });
      await writer.write(bytes(50, 3));
    }
    const over = await internal.finishUpload(db, handle, next.id, "/d/x");
    assert.deepEqual(over, {
      node: made.node,
      version: 2,
      size: 50,
      created: false,
      path: "/d/x",
      outcome: "replaced",
      replaced: 1,
    });
    assert.deepEqual(await ops.readAll(db, handle, "/d/x"), bytes(50, 3));
    assert.deepEqual(await ops.readAll(db, handle, "/d/x", { version: 1 }), content);
    await sound(fs, mount);
  });
}

onEachBackend("two writers of an upload do not mix", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 16 });
  const { fs, mount } = volume;
  const { id } = await internal.beginUpload(fs.db, mount.handle, { ttl: TTL });
  const one = await internal.openUpload(fs.db, mount.handle, id, { ttl: TTL });
  const two = await internal.openUpload(fs.db, mount.handle, id, { ttl: TTL });
  await one.write(bytes(20));
  await two.write(bytes(30));
  await one.close();
  await assert.rejects(two.close(), code("mount_conflict"));
  await internal.finishUpload(fs.db, mount.handle, id, "/x");
  assert.deepEqual(await ops.readAll(fs.db, mount.handle, "/x"), bytes(20));
});

onEachBackend(
  "an expired upload is deleted with its chunks; an active one is not",
  async (backend) => {
    await using volume = await createVolume(backend, { chunkSize: 16 });
    const { fs, mount } = volume;
    const { db } = fs;
    const ids: string[] = [];
    // Long enough for a busy machine to write to it before it expires.
    for (const ttl of [1500, TTL]) {
      const { id } = await internal.beginUpload(db, mount.handle, { ttl });
      await using writer = await internal.openUpload(db, mount.handle, id, { ttl });
      await writer.write(bytes(40, ids.length * 100));
      ids.push(id);
    }
    while (await internal.getUpload(db, mount.handle, ids[0]).then(() => true, () => false)) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await assert.rejects(internal.getUpload(db, mount.handle, ids[0]), code("not_found"));
    assert.equal(await internal.dropExpiredUploads(db, 10), 1);
    assert.equal(await internal.dropExpiredUploads(db, 10), 0);
    while (await internal.reclaimChunks(db, 100) > 0);
    assert.equal((await ops.fileInfo(db)).chunks, 3);
    assert.deepEqual((await internal.listUploads(db, mount.handle)).map(({ id }) => id), [ids[1]]);
    await internal.dropUpload(db, mount.handle, ids[1]);
    while (await internal.reclaimChunks(db, 100) > 0);
    assert.equal((await ops.fileInfo(db)).chunks, 0);
    await sound(fs, mount);
  },
);

onEachBackend("a precondition is checked in the transaction that writes", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 16 });
  const { fs, mount } = volume;
  const refuse = () => {
    throw new AloeError("busy", "not now");
  };
  const write = (condition: internal.PutFileOptions["condition"]) =>
    internal.putFile(fs.db, mount.handle, "/d/x", bytes(3), { parents: true, condition });
  await assert.rejects(write(refuse), code("busy"));
  assert.deepEqual(await mount.list("/"), []);
  let seen: internal.CurrentContent | null = null;
  await write((current) => assert.equal(current, null));
  await write((current) => void (seen = current));
  const snapshot = await internal.openSnapshot(fs.db, mount.handle, { path: "/d/x" }, {
    version: 1,
  });
  assert.deepEqual(seen, { node: snapshot.node, version: 1, size: 3, tag: snapshot.tag });
});

onEachBackend(
  "a snapshot returns the bytes of one moment, or reports that they are gone",
  async (backend) => {
    await using volume = await createVolume(backend, { chunkSize: 16 });
    const { fs, mount } = volume;
    const { db } = fs;
    const content = bytes(200);
    await mount.put("/x", content);
    const snapshot = await internal.openSnapshot(db, mount.handle, { path: "/x" });
    const read = async (from: number, length: number) => {
      const pieces = await snapshot.read(from, length);
      return Uint8Array.from(pieces.flatMap((piece) => [...piece]));
    };
    assert.deepEqual(await read(10, 30), content.slice(10, 40));
    // An overwritten version is still readable as an old one.
    await mount.put("/x", bytes(200, 99));
    assert.deepEqual(await read(40, 500), content.slice(40));
    await ops.setRetention(db, mount.handle, "/x", 1);
    await ops.pruneContent(db);
    await assert.rejects(read(0, 10), code("mount_conflict"));
    const other = await internal.openSnapshot(db, mount.handle, { path: "/x" });
    assert.notEqual(other.tag, snapshot.tag);
    await mount.put("/y", content);
    const again = await internal.openSnapshot(db, mount.handle, { path: "/y" });
    assert.equal(again.tag, snapshot.tag, "equal bytes have equal tags");
  },
);

onEachBackend(
  "a move or copy onto a taken name follows its policy, or changes nothing",
  async (backend) => {
    await using volume = await createVolume(backend, { chunkSize: 16 });
    const { fs, mount } = volume;
    const { db } = fs;
    const { handle } = mount;
    await mount.mkdir("/a/b", { parents: true });
    await mount.mkdir("/t");
    for (const path of ["/a/1.txt", "/a/b/2", "/t/1.txt", "/t/1 (2).txt"]) {
      await mount.put(path, path);
    }
    const moveOrCopy = (options: Partial<internal.MoveOrCopyOptions>) =>
      internal.moveOrCopy(db, handle, {
        operation: "move",
        from: ["/a/1.txt"],
        to: "/t",
        ...options,
      });
    await assert.rejects(moveOrCopy({}), code("already_exists"));
    const [renamed] = await moveOrCopy({ operation: "copy", onConflict: "rename" });
    assert.equal(renamed.to, "/t/1 (3).txt");
    await assert.rejects(moveOrCopy({ from: ["/a/b/2", "/none"] }), code("not_found"));
    assert.equal((await mount.stat("/a/b/2")).size, 6);
    await assert.rejects(moveOrCopy({ from: ["/a"], to: "/a/b" }), code("would_cycle"));
    // Replacing the item's own parent would put the item into the trash with
    // it.
    await mount.put("/a/b/a", "inner");
    await assert.rejects(
      moveOrCopy({ from: ["/a/b/a"], to: "/", onConflict: "replace" }),
      code("would_cycle"),
    );
    const [same] = await moveOrCopy({ from: ["/a/1.txt"], to: "/a", onConflict: "replace" });
    assert.equal(same.to, "/a/1.txt");
    await moveOrCopy({ onConflict: "replace" });
    assert.equal(new TextDecoder().decode(await mount.readAll("/t/1.txt")), "/a/1.txt");
    assert.equal((await ops.listTrash(db, handle)).length, 1);
  },
);

onEachBackend("a search respects its limit and finds no hidden sibling", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 16 });
  const { fs, mount } = volume;
  await mount.batch(async (tx) => {
    for (let i = 0; i < 30; i++) await tx.put(`/File ${i}`, "x");
  });
  const find = (text: string, limit: number) =>
    ops.searchNames(fs.db, mount.handle, { path: "/" }, text, { limit });
  assert.equal((await find("FILE", 30)).truncated, false);
  const some = await find("file", 7);
  assert.equal(some.entries.length, 7);
  assert.equal(some.truncated, true);
  await assert.rejects(find("", 7), code("invalid"));
  const ended = AbortSignal.abort(new Error("enough"));
  await assert.rejects(
    ops.searchNames(fs.db, mount.handle, { path: "/" }, "x", { limit: 1, signal: ended }),
    /enough/,
  );
  await ops.createEntry(fs.db, mount.handle, "/File 3", bytes(4));
  const twice = await find("file 3", 10);
  assert.deepEqual(twice.entries.map(({ path, size }) => [path, size]), [["/File 3", 4]]);
});
