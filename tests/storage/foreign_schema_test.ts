/**
 * SQL that another program adds to an open file does not run; schema changes by
 * our own processes and SQLite itself are accepted.
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { AloeError, AloeLite, type Mount } from "../../mod.ts";
import * as internal from "../../src/internal.ts";
import { openRegistry } from "../../src/registry/mod.ts";
import { makeEra1 } from "./crash/era1.ts";
import { Folder } from "./crash/support.ts";
import { HOSTILE_FILES, type HostileFile, makeGoodFile } from "../hostile/files.ts";

/** A connection of another program; it waits for writers. */
function otherProgram(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA busy_timeout = 60000");
  return db;
}

/** Kinds that are undone by restoring the original schema. */
const KINDS = HOSTILE_FILES.filter(({ kind }) => kind !== "negative-era");

async function refusal(task: () => Promise<unknown>): Promise<AloeError> {
  try {
    await task();
  } catch (error) {
    assert(error instanceof AloeError, `${error}`);
    return error;
  }
  assert.fail("it was done");
}

/** All operations that read or change the file. */
function everything(fs: AloeLite, mount: Mount): Record<string, () => Promise<unknown>> {
  return {
    list: () => mount.list("/"),
    stat: () => mount.stat("/a.txt"),
    read: () => mount.readAll("/a.txt"),
    volumes: () => fs.volumes(),
    health: () => fs.health(),
    info: () => fs.info(),
    verify: () => mount.verify({ deep: true }),
    counter: () => internal.changeCounter(fs.db),
    pages: () => fs.pageCheck(),
    ...fs.db.readOnly ? {} : {
      put: () => mount.put("/b.txt", "b"),
      remove: () => mount.remove("/a.txt"),
      mount: () => fs.mount("main"),
      batch: () => mount.batch((batch) => batch.mkdir("/d")),
      prune: () => fs.prune(),
      vacuum: () => fs.vacuum(),
    },
  };
}

/** The number of files with content. */
function contents(path: string, file: HostileFile): { n: number }[] {
  // SQLite itself cannot read text that is not SQL.
  if (file.kind === "schema-that-is-no-sql") return [{ n: 2 }];
  using db = new DatabaseSync(path, { readOnly: true });
  return db.prepare("SELECT count(*) AS n FROM content WHERE size > 0").all() as { n: number }[];
}

async function refusesAll(fs: AloeLite, mount: Mount, file: HostileFile): Promise<void> {
  for (const [what, task] of Object.entries(everything(fs, mount))) {
    const { code, message } = await refusal(task);
    assert.equal(code, file.code, `${what}: ${message}`);
    // For text that is not SQL, SQLite may report the error first.
    if (file.kind === "schema-that-is-no-sql") continue;
    assert.match(message, /came while the file was in use/, what);
  }
}

Deno.test("foreign schema: no kind of it runs in an open file", async (t) => {
  for (const file of KINDS) {
    await t.step(file.kind, async () => {
      using folder = new Folder();
      const path = folder.at("a.aloe");
      await makeGoodFile(path);
      {
        await using fs = await AloeLite.open(path);
        const mount = await fs.mount("main");
        // Statements of all kinds are compiled before the change.
        await mount.put("/c.txt", "c");
        await mount.list("/");
        {
          using other = otherProgram(path);
          file.make(other);
        }
        await refusesAll(fs, mount, file);
      }
      const [{ n }] = contents(path, file);
      assert.equal(n, 2);
    });
  }
});

Deno.test("foreign schema: a file that is open for reading, and one whose schema is valid again", async () => {
  for (const file of KINDS.filter(({ repairable }) => repairable)) {
    using folder = new Folder();
    const path = folder.at("a.aloe");
    await makeGoodFile(path);
    await using reader = await AloeLite.open(path, { readOnly: true });
    await using readers = await reader.mount("main", { access: "ro" });
    await using writer = await AloeLite.open(path);
    await using writers = await writer.mount("main");
    await writers.put("/a.txt", "again");
    using other = otherProgram(path);
    file.make(other);
    await refusesAll(reader, readers, file);
    await refusesAll(writer, writers, file);
    assert.notDeepEqual(await AloeLite.repair(path), [], file.kind);
    await writers.put("/b.txt", "b");
    assert.equal(new TextDecoder().decode(await readers.readAll("/b.txt")), "b");
    assert.equal(new TextDecoder().decode(await readers.readAll("/a.txt")), "again");
    assert.deepEqual((await writers.verify({ deep: true })).problems, []);
  }
});

Deno.test("foreign schema: uncommitted writes stay in a batch that fails as a whole", async () => {
  using folder = new Folder();
  const path = folder.at("a.aloe");
  await makeGoodFile(path);
  await using fs = await AloeLite.open(path, { busyTimeout: 100 });
  await using mount = await fs.mount("main");
  using other = otherProgram(path);
  other.exec("PRAGMA busy_timeout = 0");
  await mount.batch(async (batch) => {
    await batch.put("/one", "1");
    // A writer has the file to itself.
    assert.throws(() => other.exec("CREATE VIEW evil AS SELECT 1"), /locked/);
    await batch.put("/two", "2");
  });
  other.exec("CREATE VIEW evil AS SELECT 1");
  assert.equal((await refusal(() => mount.put("/three", "3"))).code, "unsupported");
  other.exec("DROP VIEW evil");
  assert.deepEqual((await mount.list("/")).map(({ name }) => name).sort(), ["a.txt", "one", "two"]);
});

Deno.test("foreign schema: changes by SQLite, our own processes and upgrades are accepted", async () => {
  using folder = new Folder();
  const path = folder.at("a.aloe");
  await makeGoodFile(path);
  await using one = await AloeLite.open(path);
  await using first = await one.mount("main");
  await using two = await AloeLite.open(path);
  await using second = await two.mount("main");
  using other = otherProgram(path);
  const bothWrite = async (name: string) => {
    await first.put(`/1${name}`, name);
    await second.put(`/2${name}`, name);
    assert.equal(new TextDecoder().decode(await first.readAll(`/2${name}`)), name);
    assert.equal(new TextDecoder().decode(await second.readAll(`/1${name}`)), name);
  };
  await bothWrite("before");
  other.exec("ANALYZE");
  await bothWrite("analyzed");
  other.exec("VACUUM");
  await bothWrite("vacuumed");
  await one.vacuum();
  await bothWrite("vacuumed by one");
  await two.prune();
  await two.pruneContent();
  await bothWrite("pruned");
  other.exec("DROP TABLE sqlite_stat1");
  // The Python package drops our objects, which are created again.
  other.exec("DROP TRIGGER aloe_version_committed; DROP INDEX aloe_lock_node");
  await bothWrite("made again");
  for (const name of ["aloe_version_committed", "aloe_lock_node"]) {
    assert(other.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?").get(name), name);
  }
  await using three = await AloeLite.open(path);
  assert.deepEqual(await three.health(), []);
  await bothWrite("after");
  assert.deepEqual((await first.verify({ deep: true })).problems, []);
});

Deno.test("foreign schema: a reader of an older file accepts its upgrade", async () => {
  using folder = new Folder();
  const path = folder.at("a.aloe");
  makeEra1(path, 3);
  await using reader = await AloeLite.open(path, { readOnly: true });
  const [{ name }] = await reader.volumes();
  await using mount = await reader.mount(name!, { access: "ro" });
  const before = await mount.list("/");
  await using writer = await AloeLite.open(path);
  await using writers = await writer.mount(name!);
  assert.deepEqual(await mount.list("/"), before);
  assert.deepEqual(await writers.list("/"), before);
  await writers.put("/new", "new");
  await writers.put("/new", "newer");
  assert.equal(new TextDecoder().decode(await mount.readAll("/new")), "newer");
  assert.deepEqual(await mount.history("/new"), await writers.history("/new"));
});

Deno.test("foreign schema: the check for a replaced file runs none of its SQL", async () => {
  using folder = new Folder();
  const path = folder.at("a.aloe");
  await makeGoodFile(path);
  await using fs = await AloeLite.open(path, { checkpointAside: true });
  const mount = await fs.mount("main");
  await mount.put("/b.txt", "b");
  {
    using other = otherProgram(path);
    HOSTILE_FILES.find(({ kind }) => kind === "view-named-volume")!.make(other);
    other.exec("PRAGMA wal_checkpoint(PASSIVE)");
  }
  // Longer than the interval of the check of the stored identity.
  for (const end = performance.now() + 1500; performance.now() < end;) {
    assert.equal((await refusal(() => mount.put("/c.txt", "c"))).code, "corrupt");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
});

Deno.test({
  name: "foreign schema: a companion that is not a regular file is refused, without waiting for it",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const make: Record<string, (path: string, folder: Folder) => void> = {
      "a symbolic link": (path, folder) => {
        Deno.writeTextFileSync(folder.at("victim"), "precious");
        Deno.symlinkSync(folder.at("victim"), path);
      },
      "a symbolic link to nothing": (path) => Deno.symlinkSync("nothing", path),
      "a FIFO": (path) => {
        const { success } = new Deno.Command("mkfifo", { args: [path] }).outputSync();
        assert(success);
      },
      "a directory": (path) => Deno.mkdirSync(path),
    };
    for (const suffix of ["-wal", "-shm", "-journal"]) {
      for (const [what, put] of Object.entries(make)) {
        using folder = new Folder();
        const path = folder.at("a.aloe");
        await makeGoodFile(path);
        Deno.symlinkSync("a.aloe", folder.at("link"));
        put(`${path}${suffix}`, folder);
        for (const each of [path, folder.at("link")]) {
          for (
            const task of [
              () => AloeLite.open(each),
              () => AloeLite.open(each, { readOnly: true }),
              () => AloeLite.repair(each),
              () => openRegistry(each),
            ]
          ) {
            const { code, message } = await refusal(task);
            assert.equal(code, "invalid", `${what}: ${message}`);
            assert(message.includes(`a.aloe${suffix}: is a `), message);
          }
        }
        if (what === "a symbolic link") {
          assert.equal(Deno.readTextFileSync(folder.at("victim")), "precious");
        }
        Deno.removeSync(`${path}${suffix}`);
        // A link to a file is not a regular file.
        await using fs = await AloeLite.open(folder.at("link"));
        await using mount = await fs.mount("main");
        await mount.put("/b.txt", "b");
      }
    }
  },
});
