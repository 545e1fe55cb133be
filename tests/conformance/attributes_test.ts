/**
 * Attributes of a node: annotations, times, mode, owner, retention, extended
 * attributes.
 */

import assert from "node:assert/strict";
import { type Backend, createVolume, onEachBackend, type Volume } from "./backends.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

const fails = (code: string, task: Promise<unknown>) =>
  assert.rejects(task, { name: "AloeError", code });

/** Creates a volume with a file `/f` and a directory `/d`. */
async function createFiles(backend: Backend): Promise<Volume> {
  const volume = await createVolume(backend, { chunkSize: 4 });
  await volume.mount.put("/f", "content");
  await volume.mount.mkdir("/d");
  return volume;
}

onEachBackend("metadata: accepts any text and nothing else", async (backend) => {
  await using volume = await createFiles(backend);
  const { mount } = volume;
  const odd = JSON.parse('{"__proto__":"a","constructor":"b"}');
  for (const map of [odd, { 'k"\\\n': 'v"\\\n\u0001' }, { "😀": "\u{10ffff}" }, { k: "x\0y" }]) {
    await mount.setMetadata("/f", map);
    assert.deepEqual(Object.entries((await mount.stat("/f")).metadata), Object.entries(map));
    await mount.setMetadata("/d", map);
    assert.deepEqual(Object.entries((await mount.stat("/d")).metadata), Object.entries(map));
  }
  await mount.setMetadata("/", { top: "1" });
  assert.deepEqual((await mount.stat("/")).metadata, { top: "1" });
  await mount.setMetadata("/f", { kept: "1" });
  const bad: unknown[] = [
    { a: 1 },
    { a: null },
    { a: undefined },
    { a: {} },
    { a: ["x"] },
    { fine: "1", a: true },
    { a: "\ud800" },
    { "\udc00": "a" },
  ];
  for (const map of bad) {
    await fails("invalid", mount.setMetadata("/f", map as Record<string, string>));
  }
  assert.deepEqual((await mount.stat("/f")).metadata, { kept: "1" });
  await fails("not_found", mount.setMetadata("/none", {}));
});

onEachBackend("times: are set to the nanosecond", async (backend) => {
  await using volume = await createFiles(backend);
  const { mount } = volume;
  const moments = [
    0n,
    1n,
    -1n,
    1_700_000_000_123_456_789n,
    2n ** 53n + 1n,
    2n ** 63n - 1n,
    -(2n ** 63n),
  ];
  for (const path of ["/f", "/d", "/"]) {
    for (const at of moments) {
      await mount.setMtime(path, at);
      await mount.setAtime(path, at ^ 1n);
      const { modifiedAt, atime } = await mount.stat(path);
      assert.deepEqual([modifiedAt, atime], [at, at ^ 1n]);
    }
  }
  await mount.setMtime("/f", 5n);
  for (const at of [1 as never, "1" as never, null as never]) {
    await fails("invalid", mount.setMtime("/f", at));
    await fails("invalid", mount.setAtime("/f", at));
  }
  assert.equal((await mount.stat("/f")).modifiedAt, 5n);
  await fails("not_found", mount.setMtime("/none", 1n));
  await fails("not_found", mount.setAtime("/none", 1n));
});

onEachBackend(
  "times: an unset access time equals the last change",
  async (backend) => {
    await using volume = await createFiles(backend);
    const { mount } = volume;
    await mount.setMtime("/f", 7n);
    const { atime, ctime } = await mount.stat("/f");
    assert.equal(atime, 7n);
    assert.ok(ctime >= 7n);
    await mount.setAtime("/f", 9n);
    await mount.setMtime("/f", 8n);
    assert.equal((await mount.stat("/f")).atime, 9n);
  },
);

onEachBackend(
  "mode: permission bits, and the bits that era 1 kept in the metadata",
  async (backend) => {
    await using volume = await createFiles(backend);
    const { mount } = volume;
    assert.equal((await mount.stat("/f")).mode, null);
    for (const mode of [0, 0o644, 0o7777]) {
      for (const path of ["/f", "/d"]) {
        await mount.setMode(path, mode);
        assert.equal((await mount.stat(path)).mode, mode);
        // No metadata is added to a node that had none.
        assert.deepEqual((await mount.stat(path)).metadata, {});
      }
    }
    for (const mode of [-1, 0o10000, 1.5, NaN, Infinity, "644" as never]) {
      await fails("invalid", mount.setMode("/f", mode));
    }
    assert.equal((await mount.stat("/f")).mode, 0o7777);

    await mount.put("/old", "");
    await mount.setMetadata("/old", { mode: "755", other: "kept" });
    assert.equal((await mount.stat("/old")).mode, 0o755);
    await mount.setMode("/old", 0o4711);
    const { mode, metadata } = await mount.stat("/old");
    assert.equal(mode, 0o4711);
    assert.deepEqual(metadata, { mode: "4711", other: "kept" });
    await mount.setMode("/old", 0o7);
    assert.deepEqual((await mount.stat("/old")).metadata, { mode: "7", other: "kept" });

    // Text that is not octal is not a mode.
    for (const text of ["", "rwx", "8", "0o755", "77777", "-1"]) {
      await mount.put("/odd", "");
      await mount.setMetadata("/odd", { mode: text });
      assert.equal((await mount.stat("/odd")).mode, null, text);
    }
    await fails("not_found", mount.setMode("/none", 0));
  },
);

onEachBackend("owner: sets the user, the group, or both", async (backend) => {
  await using volume = await createFiles(backend);
  const { mount } = volume;
  const owner = async (path = "/f") => {
    const { uid, gid } = await mount.stat(path);
    return [uid, gid];
  };
  assert.deepEqual(await owner(), [null, null]);
  await mount.setOwner("/f", { gid: 5 });
  assert.deepEqual(await owner(), [null, 5]);
  await mount.setOwner("/f", { uid: 1000 });
  assert.deepEqual(await owner(), [1000, 5]);
  await mount.setOwner("/f", {});
  assert.deepEqual(await owner(), [1000, 5]);
  await mount.setOwner("/f", { uid: 0, gid: 0 });
  assert.deepEqual(await owner(), [0, 0]);
  await mount.setOwner("/d", { uid: 4_000_000_000, gid: 2 ** 32 - 2 });
  assert.deepEqual(await owner("/d"), [4_000_000_000, 2 ** 32 - 2]);
  for (const id of [-1, 1.5, 2 ** 32, NaN, "0" as never]) {
    await fails("invalid", mount.setOwner("/f", { uid: id }));
    await fails("invalid", mount.setOwner("/f", { gid: id }));
    await fails("invalid", mount.setOwner("/f", { uid: 7, gid: id }));
  }
  assert.deepEqual(await owner(), [0, 0]);
  await fails("not_found", mount.setOwner("/none", { uid: 1 }));
});

onEachBackend("retention: limits the number of kept versions", async (backend) => {
  await using volume = await createFiles(backend);
  const { fs, mount } = volume;
  assert.equal((await mount.stat("/f")).retention, null);
  for (const keep of [1, 2, 1_000_000, null]) {
    await mount.setRetention("/f", keep);
    assert.equal((await mount.stat("/f")).retention, keep);
  }
  await mount.setRetention("/f", 2);
  for (const keep of [0, -1, 1.5, NaN, Infinity, "1" as never]) {
    await fails("invalid", mount.setRetention("/f", keep));
  }
  assert.equal((await mount.stat("/f")).retention, 2);
  await fails("not_an_entry", mount.setRetention("/d", 1));
  await fails("not_found", mount.setRetention("/none", 1));
  assert.equal((await mount.stat("/d")).retention, null);

  // Setting retention frees nothing; a prune keeps the newest version.
  for (const text of ["two", "three", "four"]) await mount.put("/f", text);
  assert.equal((await mount.history("/f")).length, 4);
  await fs.pruneContent();
  assert.deepEqual((await mount.history("/f")).map((each) => each.version), [4, 3]);
  assert.equal(await mount.path("/f").readText(), "four");
});

onEachBackend("extended attributes", async (backend) => {
  await using volume = await createFiles(backend);
  const { mount } = volume;
  await mount.symlink("/link", "f");
  for (const path of ["/f", "/d", "/", "/link"]) {
    assert.deepEqual(await mount.listXattrs(path), []);
    assert.equal(await mount.getXattr(path, "user.a"), null);
    assert.equal(await mount.removeXattr(path, "user.a"), false);
    await mount.setXattr(path, "user.b", Uint8Array.of(0, 255));
    await mount.setXattr(path, "user.a", new Uint8Array(0));
    await mount.setXattr(path, "日本 é", bytes("x".repeat(70_000)));
    assert.deepEqual(await mount.listXattrs(path), ["user.a", "user.b", "日本 é"]);
    assert.deepEqual(await mount.getXattr(path, "user.a"), new Uint8Array(0));
    assert.deepEqual(await mount.getXattr(path, "user.b"), Uint8Array.of(0, 255));
    assert.equal((await mount.getXattr(path, "日本 é"))!.length, 70_000);
    await mount.setXattr(path, "user.b", bytes("new"));
    assert.deepEqual(await mount.getXattr(path, "user.b"), bytes("new"));
    assert.equal(await mount.getXattr(path, "USER.B"), null);
    assert.equal(await mount.removeXattr(path, "user.a"), true);
    assert.equal(await mount.removeXattr(path, "user.a"), false);
    assert.deepEqual(await mount.listXattrs(path), ["user.b", "日本 é"]);
  }
  await fails("nameless", mount.setXattr("/f", "", bytes("x")));
  await fails("invalid", mount.setXattr("/f", "a\0b", bytes("x")));
  await fails("invalid", mount.setXattr("/f", "\ud800", bytes("x")));
  await fails("invalid", mount.setXattr("/f", "a", null as never));
  for (
    const task of [
      mount.getXattr("/none", "a"),
      mount.listXattrs("/none"),
      mount.setXattr("/none", "a", bytes("x")),
      mount.removeXattr("/none", "a"),
    ]
  ) {
    await fails("not_found", task);
  }
  assert.deepEqual(await mount.listXattrs("/f"), ["user.b", "日本 é"]);
});

onEachBackend("a copy has all attributes, independent of the source", async (backend) => {
  await using volume = await createFiles(backend);
  const { mount } = volume;
  await mount.setMetadata("/f", { k: "v" });
  await mount.setMode("/f", 0o640);
  await mount.setOwner("/f", { uid: 1, gid: 2 });
  await mount.setXattr("/f", "user.x", bytes("1"));
  await mount.setMtime("/f", 123n);
  await mount.copy("/f", "/copy");
  const source = await mount.stat("/f");
  const copy = await mount.stat("/copy");
  for (const field of ["metadata", "mode", "uid", "gid", "modifiedAt", "createdAt"] as const) {
    assert.deepEqual(copy[field], source[field], field);
  }
  assert.deepEqual(await mount.getXattr("/copy", "user.x"), bytes("1"));
  await mount.setMode("/copy", 0);
  await mount.setMetadata("/copy", {});
  await mount.removeXattr("/copy", "user.x");
  const after = await mount.stat("/f");
  assert.deepEqual([after.mode, after.metadata], [0o640, { k: "v" }]);
  assert.deepEqual(await mount.getXattr("/f", "user.x"), bytes("1"));
});

onEachBackend("modifiedAt changes only with content and name", async (backend) => {
  await using volume = await createFiles(backend);
  const { mount } = volume;
  const { id } = await mount.stat("/f");
  const moves = async (task: () => Promise<unknown>) => {
    await mount.setMtime("/f", 1n);
    await task();
    const { modifiedAt } = await mount.statById(id);
    return modifiedAt !== 1n;
  };
  const still = {
    metadata: () => mount.setMetadata("/f", { k: "v" }),
    atime: () => mount.setAtime("/f", 3n),
    mode: () => mount.setMode("/f", 0o600),
    owner: () => mount.setOwner("/f", { uid: 1 }),
    retention: () => mount.setRetention("/f", 3),
    xattr: () => mount.setXattr("/f", "user.x", bytes("1")),
    removeXattr: () => mount.removeXattr("/f", "user.x"),
    read: () => mount.readAll("/f"),
    lock: async () => await mount.unlock((await mount.lock("/f")).id),
    link: () => mount.link("/f", "/d/other"),
    unlink: () => mount.remove("/d/other"),
    copy: () => mount.copy("/f", "/copy"),
    move: async () => {
      await mount.move("/f", "/d/f");
      await mount.move("/d/f", "/f");
    },
    sameName: () => mount.rename("/f", "f"),
    nothingAppended: () => mount.append("/f", new Uint8Array(0)),
    nothingWritten: () => mount.writeRange("/f", 2, new Uint8Array(0)),
    sameSize: async () => await mount.truncate("/f", (await mount.stat("/f")).size!),
    removeAndRestore: async () => {
      await mount.remove("/f");
      await mount.restore(id);
    },
    abort: async () => {
      const writer = await mount.openWrite("/f");
      await writer.write(bytes("never to be seen"));
      await writer.abort();
    },
  };
  for (const [name, task] of Object.entries(still)) {
    assert.equal(await moves(task), false, name);
  }
  const moving = {
    writeAll: () => mount.writeAll("/f", bytes("1")),
    append: () => mount.append("/f", bytes("2")),
    writeRange: () => mount.writeRange("/f", 0, bytes("3")),
    grow: () => mount.truncate("/f", 20),
    cut: () => mount.truncate("/f", 2),
    put: () => mount.put("/f", "4"),
    stream: async () => {
      await using writer = await mount.openWrite("/f");
      await writer.write(bytes("5"));
    },
    restoreVersion: () => mount.restoreVersion("/f", 1),
    rename: async () => {
      await mount.rename("/f", "g");
      await mount.renameById(id, "f");
    },
    moveUnderAnotherName: async () => await mount.move("/f", "/d/g"),
  };
  for (const [name, task] of Object.entries(moving)) {
    const start = BigInt(Date.now() - 1000) * 1_000_000n;
    assert.equal(await moves(task), true, name);
    const { modifiedAt } = await mount.statById(id);
    const end = BigInt(Date.now() + 1000) * 1_000_000n;
    assert.ok(start < modifiedAt && modifiedAt < end, `${name}: ${modifiedAt}`);
  }
});
