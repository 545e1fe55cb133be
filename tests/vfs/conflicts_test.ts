/**
 * Tests of the write-back layer when something happens between a change and its commit: another
 * process writes to the volume or locks the file, or content is damaged. Also checks what stays in
 * memory meanwhile.
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { AloeError } from "../../src/errors.ts";
import type { Entry } from "../../src/vfs/filesystem.ts";
import { S_IFREG } from "../../src/vfs/inode.ts";
import {
  assertSound,
  assertStale,
  CALLER,
  CHUNK,
  delay,
  elsewhere,
  filled,
  noise,
  over,
  Subject,
  withFile,
} from "../support/vfs_subject.ts";
import { callerOf } from "../support/caller.ts";

/** Longer than a change waits for its commit, in ms. */
const COMMITTED = 1050;

Deno.test("a change of a damaged chunk does not block other commits", async () => {
  await withFile(async (path) => {
    let subject = await Subject.open(path, { pin: "1" });
    await subject.file("f", noise(3 * CHUNK, 1));
    await subject.close();
    {
      using db = new DatabaseSync(path);
      db.exec(`UPDATE content_chunk SET data = zeroblob(length(data))
        WHERE chunk_hash = (SELECT chunk_hash FROM content_version LIMIT 1)`);
    }
    subject = await Subject.open(path, { pin: "1" });
    const { vfs } = subject;
    const f = await subject.file("f");
    for (const chunk of [0, 1, 2]) {
      await vfs.write(f, chunk * CHUNK + 10, noise(100, 3), true);
    }
    await subject.file("g", noise(100, 4));
    await vfs.flush();
    await subject.file("h", noise(100, 5));
    await vfs.sync();
    // Small writes go to the log, which does not need the damaged chunk.
    assert.equal(vfs.isUnsynced(f.nodeId), false);
    for (const chunk of [0, 1, 2]) {
      await vfs.write(f, chunk * CHUNK + 10, noise(CHUNK / 2, 3), true);
    }
    await vfs.sync();
    assert.equal(vfs.isUnsynced(f.nodeId), true);
    assert.equal(vfs.isUnsynced(vfs.root.nodeId), false);
    await assert.rejects(
      vfs.close(),
      (error) => error instanceof AloeError && error.code === "corrupt" && /\bf\b/.test(`${error}`),
    );
    await subject.crash();

    subject = await Subject.open(path, { pin: "1" });
    assert.deepEqual(await subject.read(await subject.file("g")), noise(100, 4));
    assert.deepEqual(await subject.read(await subject.file("h")), noise(100, 5));
    await subject.close();
  }, { pin: "1", encryption: "random" });
});

for (const end of ["close", "crash"] as const) {
  Deno.test(`after a conflict, the log restores no old content: ${end}`, async () => {
    await withFile(async (path) => {
      let subject = await Subject.open(path);
      const { vfs } = subject;
      const f = await subject.file("f", noise(CHUNK, 1));
      const g = await subject.file("g", noise(CHUNK, 2));
      await vfs.flush();
      // A mount empties the log at its start, so it is started before.
      await elsewhere(path, async (mount) => {
        // Short and synced, so it goes to the log.
        await vfs.write(f, 0, filled(10, 65), true);
        await vfs.sync();
        await mount.put("/g", noise(100, 9));
        await vfs.write(g, 5, new Uint8Array(3), true);
        // Long, so it is folded together with the logged content.
        await vfs.write(f, 0, filled(40_000, 66), true);
        await vfs.flush();
        await vfs.sync();
      });
      await subject[end]();

      subject = await Subject.open(path);
      const expected = over(noise(CHUNK, 1), filled(40_000, 66));
      assert.deepEqual(await subject.read(await subject.file("f")), expected);
      await subject.close();
      await assertSound(path);
    });
  });
}

for (const open of [false, true]) {
  const how = open ? "while it is open" : "for good";
  Deno.test(`a file removed here, ${how}, survives under a name from another process`, async () => {
    await withFile(async (path) => {
      const subject = await Subject.open(path);
      const { vfs } = subject;
      const f = await subject.file("f", noise(100, 1));
      await vfs.sync();
      await elsewhere(path, (mount) => mount.link("/f", "/other"));
      await vfs.unlink(vfs.root, "f");
      if (!open) vfs.forget(f.nodeId, 1);
      await vfs.flush();
      if (open) {
        vfs.forget(f.nodeId, 1);
        await vfs.flush();
      }
      await subject.close();
      await elsewhere(path, async (mount) => {
        assert.deepEqual(await mount.readAll("/other"), noise(100, 1));
        assert.equal(await mount.exists("/f"), false);
      });
      await assertSound(path);
    });
  });
}

for (const open of [false, true]) {
  const how = open ? "open" : "closed";
  Deno.test(`a tree removed here goes to the trash with entries of other processes: ${how}`, async () => {
    await withFile(async (path) => {
      const subject = await Subject.open(path);
      const { vfs } = subject;
      const d = await subject.directory("d");
      const sub = await vfs.mkdir(d, "sub", 0o755, callerOf(0, 0));
      vfs.remember(sub);
      await vfs.flush();
      await vfs.rmdir(d, "sub");
      await vfs.rmdir(vfs.root, "d");
      const forget = () => {
        vfs.forget(sub.nodeId, 1);
        vfs.forget(d.nodeId, 1);
      };
      if (!open) forget();
      await elsewhere(path, (mount) => mount.put("/d/sub/precious", noise(10, 1)));
      await vfs.flush();
      if (open) forget();
      await subject.close();
      await elsewhere(path, async (mount) => {
        assert.equal(await mount.exists("/d"), false);
        const [item, ...others] = await mount.trash();
        assert.deepEqual([item.path, others.length], ["/d", 0]);
        await mount.restore(item.id);
        assert.deepEqual(await mount.readAll("/d/sub/precious"), noise(10, 1));
      });
      await assertSound(path);
    });
  });
}

for (const open of [true, false]) {
  const how = open ? "open" : "closed";
  Deno.test(`a directory whose entries were moved out is deleted permanently: ${how}`, async () => {
    await withFile(async (path) => {
      const subject = await Subject.open(path);
      const { vfs } = subject;
      const d = await subject.directory("d");
      await vfs.mkdir(d, "sub", 0o755, CALLER);
      await vfs.flush();
      await vfs.rename(d, "sub", vfs.root, "sub", 0);
      await vfs.rmdir(vfs.root, "d");
      if (!open) vfs.forget(d.nodeId, 1);
      await vfs.flush();
      if (open) vfs.forget(d.nodeId, 1);
      await subject.close();
      await elsewhere(path, async (mount) => {
        assert.deepEqual((await mount.list("/")).map(({ name }) => name), ["sub"]);
        assert.deepEqual(await mount.trash(), []);
      });
      await assertSound(path);
    });
  });
}

for (const noticed of [true, false]) {
  const when = noticed ? "before" : "by";
  Deno.test(`another process extends the content, noticed ${when} the commit`, async () => {
    await withFile(async (path) => {
      let subject = await Subject.open(path);
      const size = 180_000;
      const f = await subject.file("f", noise(size, 1));
      await subject.vfs.sync();
      await subject.vfs.write(f, 0, new Uint8Array(3), true);
      const theirs = noise(4 * CHUNK, 9);
      await elsewhere(path, (mount) => mount.put("/f", theirs));
      if (noticed) await subject.watch();
      await subject.vfs.sync();
      await subject.close();
      await assertSound(path);

      subject = await Subject.open(path);
      const again = await subject.file("f");
      // Local writes cover those of the other process, and the local size is kept.
      const expected = over(theirs, new Uint8Array(3)).subarray(0, size);
      assert.deepEqual(await subject.read(again), expected);
      await subject.vfs.setattr(again, { size: size + 20_000 }, CALLER);
      assert.deepEqual(await subject.read(again), over(expected, new Uint8Array(20_000), size));
      await subject.close();
      await assertSound(path);
    });
  });
}

Deno.test("a copy by reference survives the deletion of its source by another process", async () => {
  await withFile(async (path) => {
    let subject = await Subject.open(path);
    const { vfs } = subject;
    const bytes = noise(2 * CHUNK, 1);
    const source = await subject.file("source", bytes);
    await vfs.sync();
    const target = await subject.file("target");
    assert.equal(await vfs.copyRange(source, 0, target, 0, 2 * CHUNK), 2 * CHUNK);
    await subject.file("x", noise(10, 1));

    const other = await Subject.open(path);
    const theirs = await other.file("source");
    await other.vfs.unlink(other.vfs.root, "source");
    other.vfs.forget(theirs.nodeId, 1);
    await other.close();

    await vfs.flush();
    await subject.close();
    subject = await Subject.open(path);
    assert.deepEqual(await subject.read(await subject.file("target")), bytes);
    assert.deepEqual(await subject.read(await subject.file("x")), noise(10, 1));
    await subject.close();
    await assertSound(path);
  });
});

Deno.test("a copy from beyond the end copies nothing and keeps the size", async () => {
  await withFile(async (path) => {
    const subject = await Subject.open(path);
    const from = await subject.file("from", noise(10, 1));
    const to = await subject.file("to");
    assert.equal(await subject.vfs.copyRange(from, 100, to, 5000, 10), 0);
    assert.equal(to.size, 0);
    await subject.close();
  });
});

Deno.test("content shortened by another process is read without an error before it is noticed", async () => {
  await withFile(async (path) => {
    const subject = await Subject.open(path, { cacheBytes: 1 });
    const f = await subject.file("f", noise(180_000, 1));
    await subject.vfs.sync();
    await elsewhere(path, (mount) => mount.put("/f", noise(100, 9)));
    assert.deepEqual(await subject.read(f), noise(100, 9));
    assert.equal(f.size, 100);
    await subject.close();
  });
});

Deno.test("earlier node ids of an inode are dropped when the kernel forgets them", async () => {
  await withFile(async (path) => {
    const subject = await Subject.open(path);
    const { vfs } = subject;
    const f = await subject.file("f", noise(100, 1));
    const gone = await subject.file("gone", noise(100, 1));
    await vfs.flush();
    const before = [f, gone].map((inode) => inode.nodeId);
    await elsewhere(path, async (mount) => {
      await mount.put("/f", noise(50, 2));
      await mount.put("/gone", noise(50, 2));
    });
    await subject.watch();
    assert.notEqual(f.nodeId, before[0], "others changed it: it is another one for the kernel");
    assert.notEqual(gone.nodeId, before[1]);
    assert.equal(vfs.inode(before[0]), f);
    assert.equal(vfs.inode(f.nodeId), f);

    // The kernel looks it up again, and then forgets the earlier id.
    vfs.remember((await vfs.lookup(vfs.root, "f"))!);
    vfs.forget(before[0], 1);
    assertStale(vfs, before[0]);
    assert.equal(vfs.inode(f.nodeId), f);

    await vfs.unlink(vfs.root, "gone");
    vfs.forget(before[1], 1);
    await vfs.flush();
    assertStale(vfs, before[1]);
    assertStale(vfs, gone.nodeId);
    await subject.close();
  });
});

Deno.test("a listing without references keeps few inodes in memory", async () => {
  await withFile(async (path) => {
    const count = 10_000;
    let subject = await Subject.open(path);
    const made = await subject.directory("d");
    for (let i = 0; i < count; i++) {
      await subject.vfs.mknod(made, `f${i}`, S_IFREG | 0o644, 0, CALLER);
    }
    await subject.close();

    subject = await Subject.open(path);
    const { vfs } = subject;
    const d = (await vfs.lookup(vfs.root, "d"))!;
    vfs.remember(d);
    const names = new Set<string>();
    let high = 0;
    let low = 0;
    for (let taken = -1; taken !== 0;) {
      taken = 0;
      await vfs.readdir(d, high, low, (entry: Entry) => {
        if (taken === 100) return false;
        taken++;
        names.add(entry.name);
        high = entry.cookieHigh;
        low = entry.cookieLow;
        return true;
      });
    }
    assert.equal(names.size, count);
    const { inodes } = vfs.statistics();
    assert(inodes <= 5000, `${inodes} inodes`);
    await subject.close();
  });
});

Deno.test("extended attributes count as unwritten changes, and are dropped once stored", async () => {
  await withFile(async (path) => {
    const subject = await Subject.open(path, { dirtyBytes: 1 << 20 });
    const { vfs } = subject;
    const f = await subject.file("f");
    const value = noise(CHUNK, 1);
    await vfs.setxattr(f, "user.a", value, 0);
    await vfs.setxattr(f, "user.b", value, 0);
    assert(vfs.statistics().dirtyBytes >= 2 * CHUNK);
    await vfs.flush();
    assert.equal(vfs.statistics().dirtyBytes, 0);
    assert.equal(f.xattrs, null);
    assert.deepEqual(await vfs.getxattr(f, "user.b"), value);

    // More than the limit of unwritten changes is committed early.
    const { commits } = vfs.statistics();
    for (let i = 0; i < 40; i++) {
      await vfs.setxattr(await subject.file(`x${i}`), "user.a", value, 0);
      assert(vfs.statistics().dirtyBytes <= 1 << 20);
    }
    assert(vfs.statistics().commits > commits);

    // An attribute removed before it was stored no longer counts.
    const short = await subject.file("short");
    await vfs.flush();
    await vfs.setxattr(short, "user.a", value, 0);
    await vfs.unlink(vfs.root, "short");
    vfs.forget(short.nodeId, 1);
    assert.equal(vfs.statistics().dirtyBytes, 0);
    await subject.close();
  });
});

Deno.test("a file recovered from the log keeps its times", async () => {
  await withFile(async (path) => {
    const subject = await Subject.open(path);
    const made = await subject.file("f");
    await subject.vfs.write(made, CHUNK / 2, noise(10, 1), true);
    await subject.vfs.sync();
    const { mtimeSec, mtimeNsec, ctimeSec, ctimeNsec } = made;
    await subject.crash();
    const after = await Subject.open(path);
    const f = await after.file("f");
    assert.deepEqual(
      [f.mtimeSec, f.mtimeNsec, f.ctimeSec, f.ctimeNsec],
      [mtimeSec, mtimeNsec, ctimeSec, ctimeNsec],
    );
    await after.close();
    await assertSound(path);
  });
});

Deno.test("a commit blocked by another process waits without blocking calls", async () => {
  await withFile(async (path) => {
    let subject = await Subject.open(path);
    const { vfs } = subject;
    {
      using db = new DatabaseSync(path);
      db.exec("BEGIN IMMEDIATE");
      await subject.file("f", noise(100, 1));
      await delay(COMMITTED);
      const { commits } = vfs.statistics();
      const began = performance.now();
      const wait = await vfs.tick();
      const took = performance.now() - began;
      // Far less than the 10 s that an operation waits for another process.
      assert(took < 9000, `${took} ms`);
      assert(wait <= 1000, `the next attempt is in ${wait} ms`);
      assert.equal(vfs.statistics().commits, commits);
      db.exec("ROLLBACK");
      for (let tries = 0; vfs.statistics().commits === commits && tries < 1000; tries++) {
        await delay(Math.min(await vfs.tick(), 100));
      }
      assert(vfs.statistics().commits > commits);
    }
    await subject.crash();
    subject = await Subject.open(path);
    assert.deepEqual(await subject.read(await subject.file("f")), noise(100, 1));
    await subject.close();
  });
});

Deno.test("names change while another process blocks commits, with any number of waiting changes", async () => {
  await withFile(async (path) => {
    let subject = await Subject.open(path, { busyTimeout: 20, dirtyBytes: 1 });
    let { vfs } = subject;
    await subject.file("old");
    await subject.file("gone");
    const empty = await subject.directory("empty");
    vfs.forget(empty.nodeId, 1);
    await vfs.sync();
    {
      using db = new DatabaseSync(path);
      db.exec("BEGIN IMMEDIATE");
      const f = await subject.file("f", noise(100, 1));
      assert(vfs.statistics().dirtyBytes > 1);
      await subject.directory("d");
      await vfs.symlink(vfs.root, "s", new TextEncoder().encode("f"), CALLER);
      await vfs.link(f, vfs.root, "linked");
      await vfs.rename(vfs.root, "old", vfs.root, "new", 0);
      await vfs.unlink(vfs.root, "gone");
      await vfs.rmdir(vfs.root, "empty");
      await vfs.setxattr(f, "user.a", noise(10, 1), 0);
      db.exec("ROLLBACK");
    }
    await subject.close();
    subject = await Subject.open(path);
    ({ vfs } = subject);
    for (const name of ["f", "d", "s", "linked", "new"]) {
      assert(await vfs.lookup(vfs.root, name) !== null, name);
    }
    for (const name of ["old", "gone", "empty"]) {
      assert.equal(await vfs.lookup(vfs.root, name), null, name);
    }
    assert.deepEqual(await subject.read(await subject.file("linked")), noise(100, 1));
    await subject.close();
    await assertSound(path);
  });
});
