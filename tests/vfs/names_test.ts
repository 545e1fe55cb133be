/**
 * One name created on both sides: in a mounted volume, and by another process before the mount has
 * committed. Nothing is hidden or lost, and the mount shows the result.
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { AloeLite, type Mount } from "../../mod.ts";
import { ErrnoError } from "../../src/vfs/errno.ts";
import { RENAME_NOREPLACE } from "../../src/vfs/filesystem.ts";
import { type Inode, S_IFREG } from "../../src/vfs/inode.ts";
import type { History } from "../../src/internal.ts";
import { assertSound, CALLER, elsewhere, Subject, withFile } from "../support/vfs_subject.ts";
import { runs } from "../support/runs.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array) => new TextDecoder().decode(data);

/** The wall clock, as for other processes; it can be set ahead. */
let ahead = 0;
const clock = () => {
  const ms = Date.now() + ahead;
  return { sec: Math.floor(ms / 1000), nsec: (ms % 1000) * 1_000_000 + 999_999 };
};

const open = (path: string, history: History = "none", more = {}) =>
  Subject.open(path, { history, clock, ...more });

/** Asserts that no container contains a name twice. */
function assertSingle(path: string): void {
  using db = new DatabaseSync(path);
  const doubles = db.prepare(
    `SELECT name, count(*) AS n FROM edge WHERE archived = 0
      GROUP BY from_id, name HAVING n > 1`,
  ).all();
  assert.deepEqual(doubles.map((row) => ({ ...row })), []);
}

/** Returns every path with its content: `/` for a directory, the target of a link. */
async function tree(mount: Mount): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const walk = async (path: string) => {
    for (const { name, type } of await mount.list(path)) {
      const at = path === "/" ? `/${name}` : `${path}/${name}`;
      if (type === "container") {
        found[at] = "/";
        await walk(at);
      } else found[at] = text(await mount.readAll(at));
    }
  };
  await walk("/");
  return found;
}

/** Returns the content of the trash, by former path. */
async function trash(mount: Mount): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const { id, path, type } of await mount.trash()) {
    const content = type === "container" ? "/" : text(await mount.readAllById(id));
    (found[path] ??= []).push(content);
  }
  return found;
}

async function assertFile(
  path: string,
  visible: Record<string, string>,
  removed: Record<string, string[]>,
): Promise<void> {
  assertSingle(path);
  await elsewhere(path, async (mount) => {
    assert.deepEqual(await tree(mount), visible);
    assert.deepEqual(await trash(mount), removed);
  });
  await assertSound(path);
}

/** Returns what a mount shows, in the form of {@linkcode tree}. */
async function shown(subject: Subject): Promise<Record<string, string>> {
  const { vfs } = subject;
  const found: Record<string, string> = {};
  const walk = async (directory: Inode, path: string) => {
    const names: string[] = [];
    await vfs.readdir(directory, 0, 0, ({ name }) => names.push(name) > 0);
    assert.equal(new Set(names).size, names.length, `${names}`);
    for (const name of names) {
      const inode = (await vfs.lookup(directory, name))!;
      const at = `${path}/${name}`;
      if (inode.isDirectory) {
        found[at] = "/";
        await walk(inode, at);
      } else if (inode.isSymlink) found[at] = text(await vfs.readlink(inode));
      else found[at] = text(await subject.read(inode));
    }
  };
  await walk(vfs.root, "");
  return found;
}

async function write(subject: Subject, directory: Inode, name: string, content: string) {
  const inode = await subject.vfs.lookup(directory, name) ??
    await subject.vfs.mknod(directory, name, S_IFREG | 0o644, 0, CALLER);
  subject.vfs.remember(inode);
  await subject.vfs.setattr(inode, { size: 0 }, CALLER);
  await subject.vfs.write(inode, 0, bytes(content), true);
  return inode;
}

async function mkdir(subject: Subject, directory: Inode, name: string): Promise<Inode> {
  const made = await subject.vfs.mkdir(directory, name, 0o755, CALLER);
  subject.vfs.remember(made);
  return made;
}

for (const history of ["none", "all", 2] as const) {
  for (const later of ["theirs", "ours"] as const) {
    Deno.test(`two files of one name, ${later} being newer: history ${history}`, async () => {
      await withFile(async (path) => {
        const subject = await open(path, history);
        await write(subject, subject.vfs.root, "same", "mount");
        await elsewhere(path, (mount) => mount.put("/same", "cli"));
        ahead = 10_000;
        if (later === "ours") await write(subject, subject.vfs.root, "same", "mount");
        ahead = 0;
        await subject.vfs.sync();
        const [visible, removed] = later === "ours" ? ["mount", "cli"] : ["cli", "mount"];
        assert.deepEqual(await shown(subject), { "/same": visible });
        await subject.close();
        await assertFile(path, { "/same": visible }, { "/same": [removed] });
      });
    });
  }

  Deno.test(`a tree created twice is merged: history ${history}`, async () => {
    await withFile(async (path) => {
      const subject = await open(path, history);
      const a = await mkdir(subject, subject.vfs.root, "a");
      const b = await mkdir(subject, a, "b");
      const c = await mkdir(subject, b, "c");
      await write(subject, c, "ours", "1");
      await write(subject, b, "both", "2");
      await elsewhere(path, async (mount) => {
        await mount.mkdir("/a/b/c/d", { parents: true });
        await mount.put("/a/b/c/theirs", "3");
        await mount.put("/a/b/both", "4");
      });
      await subject.vfs.sync();
      // Open inodes stay usable as the merged ones.
      await write(subject, subject.vfs.inode(c.nodeId), "after", "5");
      await write(subject, c, "later", "6");
      await subject.vfs.unlink(subject.vfs.inode(b.nodeId), "both");
      await write(subject, b, "both", "7");
      const expected = {
        "/a": "/",
        "/a/b": "/",
        "/a/b/c": "/",
        "/a/b/c/d": "/",
        "/a/b/c/theirs": "3",
        "/a/b/c/ours": "1",
        "/a/b/c/after": "5",
        "/a/b/c/later": "6",
        "/a/b/both": "7",
      };
      assert.deepEqual(await shown(subject), expected);
      for (const inode of [a, b, c]) subject.vfs.forget(inode.nodeId, 1);
      await subject.close();
      const removed = history === "none" ? ["2"] : ["4", "2"];
      await assertFile(path, expected, { "/a/b/both": removed });
    });
  });

  Deno.test(`a tree created on two mounts is merged on both: history ${history}`, async () => {
    await withFile(async (path) => {
      const subjects = [await open(path, history), await open(path, history)];
      for (const [i, subject] of subjects.entries()) {
        ahead += 1000;
        let at = subject.vfs.root;
        for (const name of ["x", "y", "z"]) {
          at = await mkdir(subject, at, name);
          await write(subject, at, `f${i}`, `${name}${i}`);
        }
        await write(subject, at, "same", `${i}`);
      }
      ahead = 0;
      await subjects[0].vfs.sync();
      await subjects[1].vfs.sync();
      await subjects[0].watch();
      const expected: Record<string, string> = {};
      for (const [at, name] of [["/x", "x"], ["/x/y", "y"], ["/x/y/z", "z"]]) {
        expected[at] = "/";
        for (const i of [0, 1]) expected[`${at}/f${i}`] = `${name}${i}`;
      }
      expected["/x/y/z/same"] = "1";
      for (const subject of subjects) assert.deepEqual(await shown(subject), expected);
      for (const subject of subjects) await subject.close();
      await assertFile(path, expected, { "/x/y/z/same": ["0"] });
    });
  });

  Deno.test(`a file and a directory of one name: history ${history}`, async () => {
    await withFile(async (path) => {
      const subject = await open(path, history);
      const d = await mkdir(subject, subject.vfs.root, "d");
      await write(subject, d, "in", "1");
      await write(subject, subject.vfs.root, "f", "ours");
      await elsewhere(path, async (mount) => {
        await mount.put("/d", "a file");
        await mount.mkdir("/f");
        await mount.put("/f/in", "2");
      });
      await subject.vfs.sync();
      const expected = { "/d": "/", "/d/in": "1", "/f": "/", "/f/in": "2" };
      assert.deepEqual(await shown(subject), expected);
      await subject.close();
      await assertFile(path, expected, { "/d": ["a file"], "/f": ["ours"] });
    });
  });

  Deno.test(`renames onto names created meanwhile: history ${history}`, async () => {
    await withFile(async (path) => {
      const subject = await open(path, history);
      const { vfs } = subject;
      await write(subject, vfs.root, "old", "old file");
      const from = await mkdir(subject, vfs.root, "from");
      await write(subject, from, "in", "moved");
      await write(subject, from, "same", "ours");
      await mkdir(subject, from, "sub");
      await vfs.sync();
      await elsewhere(path, async (mount) => {
        await mount.put("/new", "theirs");
        await mount.mkdir("/to/sub/deep", { parents: true });
        await mount.put("/to/same", "theirs");
        await mount.put("/to/other", "other");
      });
      ahead = 5000;
      await vfs.rename(vfs.root, "old", vfs.root, "new", 0);
      await vfs.rename(vfs.root, "from", vfs.root, "to", 0);
      ahead = 0;
      await write(subject, from, "after", "after");
      await vfs.sync();
      const expected = {
        "/new": "old file",
        "/to": "/",
        "/to/in": "moved",
        "/to/same": "theirs",
        "/to/other": "other",
        "/to/sub": "/",
        "/to/sub/deep": "/",
        "/to/after": "after",
      };
      assert.deepEqual(await shown(subject), expected);
      await subject.close();
      assertSingle(path);
      await elsewhere(path, async (mount) => {
        assert.deepEqual(await tree(mount), expected);
        const removed = await trash(mount);
        assert.deepEqual(removed["/new"], ["theirs"]);
        assert.deepEqual(removed["/to/same"], ["ours"]);
      });
      await assertSound(path);
    });
  });

  Deno.test(`links of one name: history ${history}`, async () => {
    await withFile(async (path) => {
      const subject = await open(path, history);
      const { vfs } = subject;
      const f = await write(subject, vfs.root, "f", "1");
      await vfs.sync();
      await vfs.link(f, vfs.root, "hard");
      await vfs.link(f, vfs.root, "taken");
      await vfs.symlink(vfs.root, "soft", bytes("ours"), CALLER);
      await elsewhere(path, async (mount) => {
        await mount.link("/f", "/hard");
        await mount.put("/taken", "theirs");
        await mount.symlink("/soft", "theirs");
      });
      await vfs.sync();
      const expected = { "/f": "1", "/hard": "1", "/soft": "theirs", "/taken": "theirs" };
      assert.deepEqual(await shown(subject), expected);
      assert.equal((await vfs.lookup(vfs.root, "f"))!.nlink, 2);
      await subject.close();
      await assertFile(path, expected, { "/soft": ["ours"] });
    });
  });
}

Deno.test("a file that has lost its name stays writable, and is complete in the trash", async () => {
  await withFile(async (path) => {
    const subject = await open(path);
    const { vfs } = subject;
    const log = await write(subject, vfs.root, "log", "one ");
    await elsewhere(path, (mount) => mount.put("/log", "theirs"));
    await vfs.sync();
    await vfs.write(log, 4, bytes("two "), true);
    await vfs.sync();
    await vfs.write(log, 8, bytes("three"), true);
    vfs.forget(log.nodeId, 1);
    await subject.watch();
    await subject.close();
    await assertFile(path, { "/log": "theirs" }, { "/log": ["one two three"] });
  });
});

for (const open_ of [false, true]) {
  Deno.test(`a node moved to the trash by another process stays there, ${open_ ? "open" : "closed"} here`, async () => {
    await withFile(async (path) => {
      const subject = await open(path);
      const { vfs } = subject;
      const f = await write(subject, vfs.root, "f", "precious");
      await vfs.sync();
      if (!open_) vfs.forget(f.nodeId, 1);
      await elsewhere(path, (mount) => mount.remove("/f"));
      await subject.watch();
      await write(subject, vfs.root, "other", "1");
      if (open_) vfs.forget(f.nodeId, 1);
      await subject.watch();
      await subject.close();
      await assertFile(path, { "/other": "1" }, { "/f": ["precious"] });
    });
  });
}

Deno.test("content written by another process is not deleted by a rename over it", async () => {
  await withFile(async (path) => {
    const subject = await open(path);
    const { vfs } = subject;
    for (const name of ["a", "b", "c"]) {
      vfs.forget((await write(subject, vfs.root, name, name)).nodeId, 1);
    }
    await vfs.sync();
    await vfs.rename(vfs.root, "a", vfs.root, "b", 0);
    await vfs.unlink(vfs.root, "c");
    await elsewhere(path, async (mount) => {
      await mount.put("/b", "theirs");
      await mount.put("/c", "theirs too");
    });
    await vfs.sync();
    assert.deepEqual(await shown(subject), { "/b": "a" });
    await subject.close();
    await assertFile(path, { "/b": "a" }, { "/b": ["theirs"], "/c": ["theirs too"] });
  });
});

Deno.test("the first of two conflicting directory moves wins", async () => {
  await withFile(async (path) => {
    const subject = await open(path);
    const { vfs } = subject;
    const a = await mkdir(subject, vfs.root, "a");
    const b = await mkdir(subject, vfs.root, "b");
    await write(subject, a, "in", "1");
    await write(subject, b, "in", "2");
    await vfs.sync();
    await vfs.rename(vfs.root, "a", b, "a", 0);
    await elsewhere(path, (mount) => mount.move("/b", "/a/b"));
    await vfs.sync();
    await subject.watch();
    const expected = { "/a": "/", "/a/b": "/", "/a/b/in": "2", "/a/in": "1" };
    assert.deepEqual(await shown(subject), expected);
    await subject.close();
    await assertFile(path, expected, {});
  });
});

Deno.test("the first of two moves of a directory wins", async () => {
  await withFile(async (path) => {
    const subject = await open(path);
    const { vfs } = subject;
    const a = await mkdir(subject, vfs.root, "a");
    await write(subject, a, "in", "1");
    await vfs.sync();
    await vfs.rename(vfs.root, "a", vfs.root, "ours", 0);
    await elsewhere(path, (mount) => mount.move("/a", "/theirs"));
    await write(subject, a, "more", "2");
    await vfs.sync();
    await subject.watch();
    const expected = { "/theirs": "/", "/theirs/in": "1", "/theirs/more": "2" };
    assert.deepEqual(await shown(subject), expected);
    await subject.close();
    await assertFile(path, expected, {});
  });
});

Deno.test("thousands of conflicting names are resolved in one commit and invalidated in the kernel", async () => {
  await withFile(async (path) => {
    const entries = new Set<string>();
    const told: string[] = [];
    const subject = await open(path, "none", {
      invalidate: {
        inode() {},
        entry: (_: Inode, name: string) => entries.add(name),
        grown() {},
      },
      log: (line: string) => told.push(line),
    });
    const count = 3000;
    const d = await mkdir(subject, subject.vfs.root, "d");
    for (let i = 0; i < count; i++) {
      await subject.vfs.mknod(d, `f${i}`, S_IFREG | 0o644, 0, CALLER);
    }
    await elsewhere(path, (mount) =>
      mount.batch(async (tx) => {
        await tx.mkdir("/d");
        for (let i = 0; i < count; i += 2) await tx.put(`/d/f${i}`, "theirs");
      }));
    const began = performance.now();
    await subject.vfs.sync();
    assert(performance.now() - began < 20_000);
    assert(entries.has("d") && entries.has("f0"));
    assert(told.some((line) => line.startsWith("/d/f0: another process created the name too")));
    await subject.close();
    assertSingle(path);
    await using fs = await AloeLite.open(path);
    await using mount = await fs.mount();
    assert.equal((await mount.list("/d")).length, count);
    assert.equal((await mount.trash()).length, count / 2);
  });
});

/** Returns a deterministic generator of numbers below a bound. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
}

for (let run = 0; run < runs(12); run++) {
  const seed = Number(Deno.env.get("ALOELITE_TEST_SEED") ?? Date.now() % 100_000) + run;
  Deno.test(`three sides create names at random, and nothing is lost: seed ${seed}`, async () => {
    await withFile(async (path) => {
      const next = random(seed);
      const history = next(2) === 0 ? "none" : "all";
      const log: string[] = [];
      const subjects = [
        await open(path, history, { log: (line: string) => log.push(line) }),
        await open(path, history),
      ];
      const names = ["a", "b", "c", "d"];
      const name = () => names[next(names.length)];
      let tokens = 0;
      const directory = async ({ vfs }: Subject): Promise<Inode> => {
        let at = vfs.root;
        for (let depth = next(4); depth > 0; depth--) {
          const child = await vfs.lookup(at, name());
          if (child?.isDirectory) at = child;
        }
        return at;
      };
      const ours = async (subject: Subject) => {
        const { vfs } = subject;
        const at = await directory(subject);
        const wish = name();
        switch (next(7)) {
          case 0:
          case 1: {
            if (await vfs.lookup(at, wish) !== null) return;
            const made = await vfs.mknod(at, wish, S_IFREG | 0o644, 0, CALLER);
            await vfs.write(made, 0, bytes(`token ${tokens++}`), true);
            return;
          }
          case 2:
          case 3:
            return void await vfs.mkdir(at, wish, 0o755, CALLER);
          case 4: {
            const from = await vfs.lookup(at, wish);
            if (from === null || from.isDirectory) return;
            return await vfs.link(from, await directory(subject), name());
          }
          default:
            return await vfs.rename(at, wish, await directory(subject), name(), RENAME_NOREPLACE);
        }
      };
      const theirs = (mount: Mount) =>
        mount.batch(async (tx) => {
          const somewhere = async () => {
            let at = "";
            for (let depth = next(4); depth > 0; depth--) {
              const child = `${at}/${name()}`;
              if (await tx.exists(child) && (await tx.stat(child)).type === "container") at = child;
            }
            return `${at}/${name()}`;
          };
          const at = await somewhere();
          const to = await somewhere();
          const there = await tx.exists(at);
          const kind = next(3);
          if (kind === 0 && !there) await tx.put(at, `token ${tokens++}`);
          else if (kind === 1 && !there) await tx.mkdir(at);
          else if (kind === 2 && there && !await tx.exists(to) && !to.startsWith(`${at}/`)) {
            await tx.move(at, to);
          }
        });
      await elsewhere(path, async (mount) => {
        for (let step = 0; step < 120; step++) {
          const side = next(3);
          try {
            if (side === 2) await theirs(mount);
            else await ours(subjects[side]);
          } catch (error) {
            if (!(error instanceof ErrnoError)) throw error;
          }
          if (next(5) === 0) await subjects[next(2)].vfs.sync();
          if (next(20) === 0) await subjects[next(2)].watch();
        }
      });
      for (const subject of subjects) await subject.vfs.sync();
      for (const subject of subjects) await subject.watch();
      assert.deepEqual(await shown(subjects[0]), await shown(subjects[1]), log.join("\n"));
      for (const subject of subjects) await subject.close();
      assertSingle(path);
      await assertSound(path);
      await elsewhere(path, async (mount) => {
        for (const { id } of await mount.trash()) {
          await mount.restore(id, { to: `/restored ${id}` });
        }
        const found = Object.values(await tree(mount));
        for (let token = 0; token < tokens; token++) {
          assert(found.includes(`token ${token}`), `token ${token} is lost\n${log.join("\n")}`);
        }
      });
    });
  });
}

Deno.test("an entry added to a directory in the trash keeps its name after a restore", async () => {
  await withFile(async (path) => {
    const subject = await open(path);
    const d = await mkdir(subject, subject.vfs.root, "d");
    await subject.vfs.sync();
    await write(subject, d, "f", "new");
    await elsewhere(path, async (mount) => {
      await mount.put("/d/f", "old");
      await mount.removeRecursive("/d");
    });
    await subject.vfs.sync();
    await subject.close();
    await elsewhere(path, async (mount) => {
      const item = (await mount.trash()).find((each) => each.path === "/d")!;
      await mount.restore(item.id);
      assert.deepEqual(await tree(mount), { "/d": "/", "/d/f": "new" });
    });
    assertSingle(path);
  });
});
