/** Locks, and the access and lifetime of mounts. */

import assert from "node:assert/strict";
import type { AloeLite, Mount } from "../../mod.ts";
import { createVolume, onEachBackend } from "./backends.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

const fails = (code: string, task: Promise<unknown>) =>
  assert.rejects(task, { name: "AloeError", code });

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until a condition holds, for a time that suits a slow machine. */
async function until(check: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 6000; i++) {
    if (await check()) return;
    await sleep(10);
  }
  assert.fail("it never came to pass");
}

type Task = (mount: Mount) => Promise<unknown>;

/** Operations that change or remove `/d/f`, by name. */
const CHANGES: Record<string, Task> = {
  writeAll: (mount) => mount.writeAll("/d/f", bytes("x")),
  put: (mount) => mount.put("/d/f", "x"),
  putAppended: (mount) => mount.put("/d/f", "x", { append: true }),
  putStream: (mount) => mount.put("/d/f", ReadableStream.from([bytes("x")])),
  append: (mount) => mount.append("/d/f", bytes("x")),
  writeRange: (mount) => mount.writeRange("/d/f", 1, bytes("x")),
  truncate: (mount) => mount.truncate("/d/f", 1),
  openWrite: (mount) => mount.openWrite("/d/f"),
  openToAppend: (mount) => mount.openWrite("/d/f", "append"),
  restoreVersion: (mount) => mount.restoreVersion("/d/f", 1),
  rename: (mount) => mount.rename("/d/f", "g"),
  move: (mount) => mount.move("/d/f", "/g"),
  remove: (mount) => mount.remove("/d/f"),
  removeItRecursively: (mount) => mount.removeRecursive("/d/f"),
  removeItsParent: (mount) => mount.removeRecursive("/d"),
  removeAll: (mount) => mount.removeRecursive("/"),
  packItsParent: (mount) => mount.pack("/d"),
  unpack: (mount) => mount.unpack("/d/f"),
};

onEachBackend("locks: other mounts may read but not change", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { fs, mount } = volume;
  await mount.mkdir("/d");
  await mount.put("/d/f", "one");
  await mount.put("/d/f", "content");
  const other = await fs.mount();
  const lock = await mount.lock("/d/f");
  assert.equal(lock.mount, mount.id);
  assert.equal(lock.node, (await mount.stat("/d/f")).id);
  assert.equal(lock.expiresAt, null);
  for (const [name, task] of Object.entries(CHANGES)) {
    await assert.rejects(task(other), { name: "AloeError", code: "lock_held" }, name);
  }
  const { id } = await mount.stat("/d/f");
  for (
    const task of [
      other.writeAllById(id, bytes("x")),
      other.appendById(id, bytes("x")),
      other.writeRangeById(id, 0, bytes("x")),
      other.truncateById(id, 0),
      other.openWriteById(id),
      other.renameById(id, "g"),
      other.moveById(id, "/g"),
      other.removeById(id),
      other.lock("/d/f"),
    ]
  ) {
    await fails("lock_held", task);
  }
  assert.equal(await other.path("/d/f").readText(), "content");
  assert.equal((await other.history("/d/f")).length, 2);
  assert.deepEqual((await other.list("/")).map((entry) => entry.name), ["d"]);
  // Changes of siblings are allowed.
  await other.put("/d/g", "beside");
  await other.remove("/d/g");
  await other.copy("/d/f", "/copy");
  assert.equal(await other.path("/copy").readText(), "content");
});

onEachBackend("locks: do not restrict their own mount", async (backend) => {
  for (const [name, task] of Object.entries(CHANGES)) {
    if (name === "unpack") continue;
    await using volume = await createVolume(backend, { chunkSize: 4 });
    const { fs, mount } = volume;
    await mount.mkdir("/d");
    await mount.put("/d/f", "one");
    await mount.lock("/d/f");
    const result = await task(mount);
    if (result !== null && typeof result === "object" && Symbol.asyncDispose in result) {
      await (result as AsyncDisposable)[Symbol.asyncDispose]();
    }
    assert.deepEqual(await fs.health(), [], name);
  }
});

onEachBackend("locks: release, renewal, and invalid ids", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { fs, mount } = volume;
  await mount.put("/f", "content");
  const other = await fs.mount();
  const lock = await mount.lock("/f");
  await fails("lock_held", mount.lock("/f"));
  // Only the owner can release a lock.
  for (const id of [lock.id, "nonsense"]) {
    await fails("lock_invalid", other.unlock(id));
    await fails("lock_invalid", other.renewLock(id, 1000));
  }
  await fails("lock_held", other.put("/f", "x"));
  await mount.unlock(lock.id);
  await fails("lock_invalid", mount.unlock(lock.id));
  await fails("lock_invalid", mount.renewLock(lock.id));
  await other.put("/f", "x");
  const theirs = await other.lock("/f");
  await fails("lock_held", mount.put("/f", "y"));
  await other.unlock(theirs.id);
  for (const ttl of [0, -1, NaN, Infinity]) await fails("invalid", mount.lock("/f", ttl));
  await other.put("/f", "y");
  await fails("not_found", mount.lock("/none"));
});

onEachBackend("locks: expire", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { fs, mount } = volume;
  await mount.put("/f", "content");
  const other = await fs.mount();
  const before = BigInt(Date.now()) * 1_000_000n;
  const lock = await mount.lock("/f", 60_000);
  const expected = before + 60_000n * 1_000_000n;
  assert.ok(lock.expiresAt! >= expected && lock.expiresAt! < expected + 10_000_000_000n);
  const renewed = await mount.renewLock(lock.id, 20);
  assert.equal(renewed.id, lock.id);
  assert.ok(renewed.expiresAt! < lock.expiresAt!);
  await until(async () => {
    try {
      await other.put("/f", "x");
      return true;
    } catch (error) {
      assert.equal((error as { code?: string }).code, "lock_held");
      return false;
    }
  });
  await fails("lock_invalid", mount.renewLock(lock.id, 1000));
  await fails("lock_invalid", mount.unlock(lock.id));
  // A renewed lock lasts as long as its mount.
  const longer = await mount.lock("/f", 60_000);
  assert.equal((await mount.renewLock(longer.id)).expiresAt, null);
  await fails("lock_held", other.put("/f", "y"));
  assert.equal((await fs.prune()).locks, 1);
  await fails("lock_held", other.put("/f", "y"));
});

onEachBackend("locks: end with their mount", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { fs, mount } = volume;
  await mount.put("/f", "content");
  const first = await fs.mount();
  await first.lock("/f");
  await fails("lock_held", mount.put("/f", "x"));
  await first.unmount();
  await mount.put("/f", "x");

  const second = await fs.mount("main", { ttl: 60_000 });
  await second.lock("/f");
  await fails("lock_held", mount.put("/f", "y"));
  await second.renew(1);
  await sleep(5);
  await mount.put("/f", "y");
  // A stream of an ended mount cannot be committed.
  const third = await fs.mount();
  const writer = await third.openWrite("/f");
  await writer.write(bytes("never"));
  await fails("lock_held", mount.put("/f", "z"));
  await third.unmount();
  await mount.put("/f", "z");
  await fails("lock_invalid", writer.close());
  await writer.abort();
  assert.equal(await mount.path("/f").readText(), "z");
  assert.deepEqual(await fs.health(), []);
});

onEachBackend("locks: on a directory", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { fs, mount } = volume;
  await mount.mkdir("/d");
  await mount.put("/d/f", "content");
  const other = await fs.mount();
  const lock = await mount.lock("/d");
  for (
    const task of [
      other.rename("/d", "e"),
      other.move("/d", "/e"),
      other.removeRecursive("/d"),
      other.pack("/d"),
    ]
  ) {
    await fails("lock_held", task);
  }
  await mount.unlock(lock.id);
  await other.rename("/d", "e");
});

onEachBackend(
  "mounts: an exclusive mount overlaps with no other writable mount",
  async (backend) => {
    await using volume = await createVolume(backend, { chunkSize: 4 });
    const { fs, mount } = volume;
    await mount.mkdir("/a/b/c", { parents: true });
    await mount.mkdir("/a/beside");
    await mount.unmount();
    const exclusive = (at: string) => fs.mount("main", { at, exclusive: true });
    {
      await using _plain = await fs.mount("main", { at: "/a/b" });
      for (const at of ["/", "/a", "/a/b", "/a/b/c"]) await fails("mount_conflict", exclusive(at));
      await using _beside = await exclusive("/a/beside");
      await fails("mount_conflict", exclusive("/a/beside"));
    }
    {
      await using _first = await exclusive("/a/b");
      for (const at of ["/", "/a", "/a/b", "/a/b/c"]) await fails("mount_conflict", exclusive(at));
    }
    {
      await using _reader = await fs.mount("main", { at: "/a/b", access: "ro" });
      await using _first = await exclusive("/a");
    }
    const ending = await fs.mount("main", { at: "/a/b", ttl: 1 });
    await sleep(5);
    await using _last = await exclusive("/");
    await fails("mount_conflict", exclusive("/a"));
    await fails("mount_invalid", ending.stat("/"));
    // A mount of another volume does not overlap.
    await fs.createVolume({ name: "other" });
    await using _other = await fs.mount("other", { exclusive: true });
    assert.equal((await fs.mounts()).length, 2);
  },
);

onEachBackend("mounts: a read-only mount refuses every change", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { fs, mount } = volume;
  await mount.mkdir("/d");
  await mount.put("/d/f", "one");
  await mount.put("/d/f", "two");
  await mount.symlink("/link", "d");
  await mount.setXattr("/d/f", "user.x", bytes("1"));
  await mount.put("/gone", "trash");
  const { id: gone } = await mount.stat("/gone");
  await mount.remove("/gone");
  await mount.mkdir("/packed");
  await mount.pack("/packed");
  const { id: f } = await mount.stat("/d/f");
  const { id: d } = await mount.stat("/d");
  const before = await snapshot(mount, fs);

  const reader = await fs.mount("main", { access: "ro" });
  assert.equal((await reader.info()).access, "ro");
  const nothing = new Uint8Array(0);
  const changes: Record<string, () => Promise<unknown>> = {
    ...Object.fromEntries(
      Object.entries(CHANGES).map(([name, task]) => [name, () => task(reader)]),
    ),
    createContainer: () => reader.createContainer("/new"),
    mkdir: () => reader.mkdir("/new"),
    mkdirBelow: () => reader.mkdir("/new/er", { parents: true }),
    createEntry: () => reader.createEntry("/new"),
    createEntryWithData: () => reader.createEntry("/new", bytes("x")),
    createSpecial: () => reader.createSpecial("/new", "fifo"),
    symlink: () => reader.symlink("/new", "d"),
    link: () => reader.link("/d/f", "/new"),
    putNew: () => reader.put("/new", "x"),
    putNewStream: () => reader.put("/new", ReadableStream.from([bytes("x")])),
    openNew: () => reader.openWrite("/new"),
    appendNothing: () => reader.append("/d/f", nothing),
    writeNothing: () => reader.writeRange("/d/f", 0, nothing),
    truncateToItsSize: () => reader.truncate("/d/f", 3),
    setMetadata: () => reader.setMetadata("/d/f", { a: "b" }),
    setMtime: () => reader.setMtime("/d/f", 1n),
    setAtime: () => reader.setAtime("/d/f", 1n),
    setMode: () => reader.setMode("/d/f", 0),
    setOwner: () => reader.setOwner("/d/f", { uid: 1 }),
    setRetention: () => reader.setRetention("/d/f", 1),
    setXattr: () => reader.setXattr("/d/f", "user.x", bytes("2")),
    removeXattr: () => reader.removeXattr("/d/f", "user.x"),
    renameDirectory: () => reader.rename("/d", "e"),
    renameToItsName: () => reader.rename("/d", "d"),
    moveDirectory: () => reader.move("/d", "/e"),
    copy: () => reader.copy("/d", "/e"),
    unpackPacked: () => reader.unpack("/packed"),
    lock: () => reader.lock("/d/f"),
    restore: () => reader.restore(gone),
    restoreElsewhere: () => reader.restore(gone, { to: "/back" }),
    purge: () => reader.purge(),
    purgeOne: () => reader.purge({ id: gone }),
    writeAllById: () => reader.writeAllById(f, bytes("x")),
    appendById: () => reader.appendById(f, bytes("x")),
    writeRangeById: () => reader.writeRangeById(f, 0, bytes("x")),
    truncateById: () => reader.truncateById(f, 0),
    openWriteById: () => reader.openWriteById(f),
    restoreVersionById: () => reader.restoreVersionById(f, 1),
    renameById: () => reader.renameById(f, "g"),
    moveById: () => reader.moveById(f, "/g"),
    copyById: () => reader.copyById(f, "/g"),
    removeById: () => reader.removeById(f),
    removeRecursiveById: () => reader.removeRecursiveById(d),
    packById: () => reader.packById(d),
    unpackById: () => reader.unpackById(f),
    inABatch: () => reader.batch((tx) => tx.put("/new", "x")),
  };
  for (const [name, task] of Object.entries(changes)) {
    await assert.rejects(task, { name: "AloeError", code: "read_only" }, name);
  }
  assert.deepEqual(await snapshot(mount, fs), before);
  assert.equal(await reader.path("/d/f").readText(), "two");
  assert.equal((await reader.trash()).length, before.trash.length);
  // It does not block another writer.
  await mount.put("/d/f", "three");
  assert.equal(await reader.path("/d/f").readText(), "three");
});

/** Reads everything that would show a change of the tree. */
async function snapshot(mount: Mount, fs: AloeLite) {
  const { mounts: _mounts, ...info } = await fs.info();
  return {
    root: await mount.list("/"),
    below: await mount.list("/d"),
    stat: await mount.stat("/d/f"),
    history: await mount.history("/d/f"),
    xattr: await mount.getXattr("/d/f", "user.x"),
    trash: await mount.trash(),
    info,
  };
}

onEachBackend("mounts: expire, and can be renewed before", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { fs, mount } = volume;
  await mount.put("/f", "content");
  const brief = await fs.mount("main", { ttl: 60_000, principal: "somebody" });
  const info = await brief.info();
  assert.equal(info.principal, "somebody");
  assert.ok(info.expiresAt! > info.createdAt);
  const renewed = await brief.renew(600_000);
  assert.ok(renewed.expiresAt! > info.expiresAt!);
  assert.equal((await brief.renew(null)).expiresAt, null);
  await brief.renew(1);
  await sleep(5);
  for (
    const task of [
      () => brief.stat("/"),
      () => brief.exists("/f"),
      () => brief.list("/"),
      () => brief.readAll("/f"),
      () => brief.put("/f", "x"),
      () => brief.openRead("/f"),
      () => brief.openWrite("/f"),
      () => brief.lock("/f"),
      () => brief.trash(),
      () => brief.verify(),
      () => brief.renew(1000),
      () => fs.attach(brief.id),
    ]
  ) {
    await fails("mount_invalid", task());
  }
  for (const ttl of [0, -1, NaN, Infinity, 1e300]) {
    await fails("invalid", fs.mount("main", { ttl }));
    await fails("invalid", mount.renew(ttl));
  }
  await brief.unmount();
  assert.equal(await mount.path("/f").readText(), "content");
});

onEachBackend(
  "mounts: a mount that is kept alive outlives its expiry, and ends when released",
  async (backend) => {
    await using volume = await createVolume(backend, { chunkSize: 4 });
    const { fs, mount } = volume;
    await mount.put("/f", "content");
    const kept = await fs.mount("main", { ttl: 3000, keepAlive: true });
    const left = await fs.mount("main", { ttl: 3000 });
    await until(async () => {
      assert.equal(await kept.path("/f").readText(), "content");
      return !(await fs.mounts()).some((each) => each.id === left.id);
    });
    await sleep(100);
    assert.equal(await kept.path("/f").readText(), "content");
    await fails("mount_invalid", left.stat("/"));
    await kept.unmount();
    await fails("mount_invalid", kept.stat("/"));
    await fails("invalid", fs.mount("main", { keepAlive: true }));
  },
);

onEachBackend("mounts: attach by id, from another connection too", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { fs, mount, store } = volume;
  if (store.connect === null) return;
  await mount.mkdir("/d");
  const below = await fs.mount("main", { at: "/d", principal: "me" });
  await using second = await store.connect();
  const attached = await second.attach(below.id);
  assert.equal(attached.id, below.id);
  assert.equal(attached.volume, below.volume);
  assert.equal(attached.token, null);
  assert.deepEqual(await attached.info(), await below.info());
  await attached.put("/f", "from there");
  assert.equal(await mount.path("/d/f").readText(), "from there");
  // Both are one mount, so one owner of its locks.
  await below.lock("/f");
  await attached.put("/f", "again");
  await fails("lock_held", mount.put("/d/f", "x"));
  await attached.unmount();
  await fails("mount_invalid", below.stat("/"));
  await fails("mount_invalid", second.attach(below.id));
  await fails("mount_invalid", second.attach("nonsense"));
  await fails("mount_invalid", second.unmount("nonsense"));
  await mount.put("/d/f", "x");
  await below.unmount();
});

onEachBackend("mounts: list valid ones, and all", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { fs, mount } = volume;
  await mount.mkdir("/a/b", { parents: true });
  await fs.createVolume({ name: "other" });
  const other = await fs.mount("other");
  const below = await fs.mount("main", { at: "/a/b", access: "ro" });
  const ended = await fs.mount("main");
  await ended.unmount();
  const lapsed = await fs.mount("main", { ttl: 1 });
  await sleep(5);
  const ids = async (options?: { volume?: string; all?: boolean }) =>
    (await fs.mounts(options)).map((each) => each.id);
  assert.deepEqual(await ids(), [mount.id, other.id, below.id]);
  assert.deepEqual(await ids({ all: true }), [
    mount.id,
    other.id,
    below.id,
    ended.id,
    lapsed.id,
  ]);
  assert.deepEqual(await ids({ volume: "other" }), [other.id]);
  assert.deepEqual(await ids({ volume: "main", all: true }), [
    mount.id,
    below.id,
    ended.id,
    lapsed.id,
  ]);
  await fails("not_found", fs.mounts({ volume: "none" }));
  const all = new Map((await fs.mounts({ all: true })).map((each) => [each.id, each]));
  assert.equal(all.get(ended.id)!.state, "unmounted");
  assert.equal(all.get(mount.id)!.mountPath, "/");
  assert.equal(all.get(below.id)!.mountPath, "/a/b");
  assert.equal(all.get(below.id)!.access, "ro");
  assert.notEqual(all.get(below.id)!.state, "unmounted");
  await fs.unmount(below.id);
  await fails("mount_invalid", below.stat("/"));
  assert.equal((await fs.prune()).mounts, 3);
  assert.deepEqual(await ids({ all: true }), [mount.id, other.id]);
});

onEachBackend("mounts: hide everything above the mount point", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { fs, mount } = volume;
  await mount.mkdir("/a/b", { parents: true });
  await mount.put("/secret", "above");
  await mount.put("/a/b/f", "below");
  const below = await fs.mount("main", { at: "/a" });
  assert.deepEqual((await below.list("/")).map((entry) => entry.name), ["b"]);
  for (const path of ["/..", "/../secret", "/b/../../secret", "/secret", "/a", "/./secret"]) {
    assert.equal(await below.exists(path), false, path);
    await fails("not_found", below.readAll(path));
  }
  await fails("not_found", below.move("/b/f", "/../f"));
  await fails("not_found", below.copy("/b", "/../../b"));
  const { id: secret } = await mount.stat("/secret");
  const { id: root } = await mount.stat("/");
  const { id: a } = await mount.stat("/a");
  await fails("not_found", below.pathOf(secret));
  await fails("not_found", below.pathOf(root));
  assert.equal(await below.pathOf(a), "/");
  assert.equal(await below.pathOf((await mount.stat("/a/b/f")).id), "/b/f");
  assert.equal((await below.stat("/")).id, a);
  // The mount point itself cannot be moved.
  await fails("not_found", below.rename("/", "x"));
  await fails("not_found", below.move("/", "/x"));
  await below.removeRecursive("/");
  assert.deepEqual(await below.list("/"), []);
  assert.deepEqual((await mount.list("/")).map((entry) => entry.name).sort(), ["a", "secret"]);

  await fails("not_found", fs.mount("main", { at: "/none" }));
  await fails("not_a_container", fs.mount("main", { at: "/secret" }));
  await fails("not_found", fs.mount("main", { at: "/a/.." }));
});

onEachBackend(
  "mounts: become valid again when a removed mount point is restored",
  async (backend) => {
    await using volume = await createVolume(backend, { chunkSize: 4 });
    const { fs, mount } = volume;
    await mount.mkdir("/a/b", { parents: true });
    await mount.put("/a/b/f", "content");
    const below = await fs.mount("main", { at: "/a/b" });
    const removals = [
      async () => {
        await mount.removeRecursive("/a/b");
        return (await mount.trash())[0].id;
      },
      // The directory above the mount point.
      async () => {
        await mount.removeRecursive("/a");
        return (await mount.trash())[0].id;
      },
    ];
    for (const remove of removals) {
      const id = await remove();
      await fails("mount_point_archived", below.stat("/"));
      await fails("mount_point_archived", below.exists("/f"));
      await fails("mount_point_archived", below.put("/f", "x"));
      await fails("mount_point_archived", below.list("/"));
      await fails("mount_point_archived", fs.attach(below.id));
      assert.equal((await below.info()).mountPath, null);
      await fails("mount_conflict", mount.purge({ id }));
      await mount.restore(id);
      assert.equal(await below.path("/f").readText(), "content");
    }
    // A moved mount point is still placed.
    await mount.move("/a/b", "/moved");
    assert.equal(await below.path("/f").readText(), "content");
    assert.equal((await below.info()).mountPath, "/moved");
    await mount.removeRecursive("/moved");
    await below.unmount();
    await fails("mount_invalid", below.stat("/"));
    await mount.purge();
    assert.deepEqual(await fs.health(), []);
  },
);
