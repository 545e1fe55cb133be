/**
 * Files of era 1 are upgraded, missing objects are created again, an up-to-date
 * file is left unchanged, and changes by other implementations show in trash
 * and history.
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { AloeLite } from "../../mod.ts";
import { type Era1, ERA1_CHUNK, makeEra1 } from "./crash/era1.ts";
import {
  assertCode,
  digestOf,
  edit,
  Folder,
  noise,
  rows,
  text,
  utf8,
  value,
} from "./crash/support.ts";

/** The objects that our migrations add to the format. */
const OBJECTS = [
  "aloe_edge_from",
  "aloe_removed",
  "aloe_version",
  "aloe_edge_removed",
  "aloe_edge_restored",
  "aloe_version_committed",
  "aloe_redo",
  "aloe_redo_node",
  "aloe_size",
  "aloe_unlinked",
  "aloe_orphan",
  "aloe_device",
  "aloe_subdir",
  "aloe_subdir_added",
  "aloe_subdir_removed",
  "aloe_subdir_restored",
  "aloe_subdir_deleted",
  "aloe_edge_gone",
  "aloe_mount_point",
  "aloe_lock_node",
  "aloe_upload",
  "aloe_hole",
  "aloe_seal",
  "aloe_sealed",
];

const MIGRATIONS = [
  "0001_era1",
  "0002_era3",
  "0003_aloe_additions",
  "0004_posix",
  "0005_uploads",
  "0006_holes",
  "0007_seals",
];

const ENTRIES = 12;
const NS = 1_000_000n;

/** Asserts that an open file shows everything of the file of era 1. */
async function assertContent(fs: AloeLite, made: Era1): Promise<void> {
  assert.deepEqual(await fs.health(), []);
  assert.deepEqual(await fs.volumes(), [{
    id: made.volume,
    name: "old",
    root: made.root,
    createdAt: made.at * NS,
    chunkSize: ERA1_CHUNK,
    encryption: "none",
  }]);
  await using mount = await fs.mount();
  assert.deepEqual((await mount.verify({ deep: true })).problems, []);
  assert.deepEqual((await mount.list("/")).map((child) => child.name), ["docs"]);
  assert.deepEqual(
    (await mount.list("/docs")).map((child) => child.name),
    ["empty", ...made.entries.keys()],
  );
  const empty = await mount.stat("/docs/empty");
  assert.equal(empty.createdAt, (made.at + 1n) * NS);
  // No modification time is shown as a creation time.
  assert.equal(empty.modifiedAt, (made.at + 1n) * NS);
  for (const [name, { id, versions }] of made.entries) {
    const info = await mount.stat(`/docs/${name}`);
    assert.equal(info.id, id);
    assert.equal(info.name, name);
    assert.equal(info.createdAt, (made.at + 2n) * NS);
    assert.equal(info.modifiedAt, (made.at + 3n) * NS);
    assert.equal(info.atime, info.modifiedAt);
    assert.equal(info.ctime, info.modifiedAt);
    assert.equal(info.mode, 0o644);
    assert.deepEqual(info.metadata, { mode: "644" });
    assert.equal(info.nlink, 1);
    assert.deepEqual(await mount.readAll(`/docs/${name}`), versions[1]);
    assert.deepEqual(await mount.readAll(`/docs/${name}`, { version: 1 }), versions[0]);
    assert.deepEqual(
      (await mount.history(`/docs/${name}`)).map(({ version, size, committedAt, current }) => ({
        version,
        size,
        committedAt,
        current,
      })),
      [
        {
          version: 2,
          size: versions[1].length,
          committedAt: (made.at + 3n) * NS,
          current: true,
        },
        {
          version: 1,
          size: versions[0].length,
          committedAt: (made.at + 2n) * NS,
          current: false,
        },
      ],
    );
  }
  assert.deepEqual(await mount.trash(), [{
    id: made.gone.id,
    type: "entry",
    path: "/gone.txt",
    removedAt: null,
    size: made.gone.data.length,
    nodes: 1,
  }]);
}

Deno.test("migrations: era 1 becomes era 3 with all its data", async () => {
  using folder = new Folder();
  const file = folder.at("old.aloe");
  const made = makeEra1(file, ENTRIES);
  {
    await using fs = await AloeLite.open(file, { create: false });
    await assertContent(fs, made);
  }
  assert.equal(value(file, "PRAGMA user_version"), 3n);
  assert.equal(value(file, "PRAGMA integrity_check"), "ok");
  assert.deepEqual(rows(file, "PRAGMA foreign_key_check"), []);
  assert.deepEqual(
    rows(file, "SELECT name FROM aloe_migration ORDER BY name").map((row) => row.name),
    MIGRATIONS,
  );
  assert.equal(
    value(
      file,
      "SELECT count(*) FROM edge e JOIN node n ON n.node_id = e.to_id AND n.name = e.name",
    ),
    value(file, "SELECT count(*) FROM edge"),
  );
  const objects = new Set(
    rows(file, "SELECT name FROM sqlite_schema").map((row) => String(row.name)),
  );
  for (const name of OBJECTS) assert.ok(objects.has(name), name);
  for (const gone of ["edge_active_placement", "active_edge", "directory_listing"]) {
    assert.ok(!objects.has(gone), gone);
  }
  // The old triggers are gone, also by their effect.
  {
    await using fs = await AloeLite.open(file, { create: false });
    await using mount = await fs.mount();
    await mount.createSpecial("/pipe", "fifo");
    await mount.link("/docs/file 1", "/linked");
    await mount.writeAll("/linked", utf8("a new version"));
    const { modifiedAt, nlink } = await mount.stat("/docs/file 1");
    assert.equal(nlink, 2);
    assert.ok(modifiedAt > BigInt(Date.now() - 60_000) * NS);
    assert.ok(modifiedAt < BigInt(Date.now() + 60_000) * NS);
    assert.deepEqual(await fs.health(), []);
  }
});

Deno.test("migrations: mounts, locks and ids of era 1 stay valid", async () => {
  using folder = new Folder();
  const file = folder.at("old.aloe");
  const made = makeEra1(file, ENTRIES);
  await using fs = await AloeLite.open(file);
  assert.deepEqual((await fs.mounts()).map((each) => each.id), [made.mounts[0]]);
  const [living, lapsed] = await fs.mounts({ all: true });
  assert.equal(living.createdAt, (made.at + 4n) * NS);
  assert.equal(living.expiresAt, null);
  assert.equal(living.access, "rw");
  assert.equal(living.mountPath, "/docs");
  assert.equal(lapsed.expiresAt, (made.at + 6n) * NS);
  await assertCode("mount_invalid", fs.attach(made.mounts[1]));

  const { versions } = made.entries.get("file 0")!;
  await using theirs = await fs.attach(made.mounts[0]);
  assert.deepEqual(await theirs.readAll("/file 0"), versions[1]);
  await using mount = await fs.mount();
  await assertCode("lock_held", mount.put("/docs/file 0", "x"));
  await theirs.unlock(made.lock);
  await mount.put("/docs/file 0", "x");

  const greatest = value(
    file,
    "SELECT max(id) FROM (SELECT node_id AS id FROM node UNION ALL " +
      "SELECT edge_id FROM edge)",
  ) as string;
  assert.ok(await mount.createEntry("/new") > greatest);
  assert.equal(await mount.restore(made.gone.id), "/gone.txt");
  assert.deepEqual(await mount.readAll("/gone.txt"), made.gone.data);
});

Deno.test("migrations: reading a file of era 1 does not change it", async () => {
  using folder = new Folder();
  const file = folder.at("old.aloe");
  const made = makeEra1(file, ENTRIES);
  edit(file, "PRAGMA journal_mode = DELETE");
  const before = await digestOf(file);
  {
    await using fs = await AloeLite.open(file, { readOnly: true });
    await assertContent(fs, made);
    assert.equal((await fs.info()).era, 1);
    await using mount = await fs.mount();
    await assertCode("read_only", mount.put("/new", "x"));
    assert.deepEqual(await mount.listXattrs("/docs"), []);
  }
  assert.equal(await digestOf(file), before);
  assert.deepEqual(folder.names(), ["old.aloe"]);
});

Deno.test("migrations: opening an up-to-date file writes nothing", async () => {
  using folder = new Folder();
  for (const whose of ["upgraded", "new"]) {
    const file = folder.at(`${whose}.aloe`);
    if (whose === "upgraded") makeEra1(file, ENTRIES);
    {
      await using fs = await AloeLite.open(file);
      if (whose === "new") await fs.createVolume({ name: "main" });
    }
    const before = await digestOf(file);
    const { mtime } = Deno.statSync(file);
    for (let i = 0; i < 3; i++) {
      await using fs = await AloeLite.open(file);
      await fs.volumes();
      await fs.health();
    }
    assert.equal(await digestOf(file), before);
    assert.deepEqual(Deno.statSync(file).mtime, mtime);
    // A connection that stays open sees no change either.
    const db = new DatabaseSync(file);
    const version = () => ({ ...db.prepare("PRAGMA data_version").get() });
    const was = version();
    await (await AloeLite.open(file)).close();
    assert.deepEqual(version(), was);
    db.close();
  }
});

Deno.test("migrations: two connections upgrade one file at once", async () => {
  using folder = new Folder();
  const file = folder.at("old.aloe");
  const made = makeEra1(file, ENTRIES);
  const open = await Promise.all(Array.from({ length: 4 }, () => AloeLite.open(file)));
  for (const fs of open) {
    await assertContent(fs, made);
    await fs.close();
  }
  assert.equal(value(file, "SELECT count(*) FROM aloe_migration"), BigInt(MIGRATIONS.length));
});

Deno.test("migrations: a failed upgrade leaves the file unchanged", async () => {
  using folder = new Folder();
  const file = folder.at("old.aloe");
  makeEra1(file, ENTRIES);
  // A column that the upgrade adds too.
  edit(file, "PRAGMA journal_mode = DELETE", "ALTER TABLE mount ADD COLUMN principal INTEGER");
  const before = rows(file, "SELECT * FROM node ORDER BY rowid");
  await assert.rejects(AloeLite.open(file));
  assert.equal(value(file, "PRAGMA user_version"), 1n);
  assert.deepEqual(rows(file, "SELECT * FROM node ORDER BY rowid"), before);
  assert.deepEqual(
    rows(file, "SELECT name FROM sqlite_schema WHERE name LIKE 'aloe%' OR name = 'xattr'"),
    [],
  );
});

/** Creates a file with a removed entry and an entry of three versions. */
async function makeFile(file: string): Promise<{ gone: string; kept: string }> {
  await using fs = await AloeLite.open(file);
  await fs.createVolume({ name: "main", chunkSize: 100 });
  await using mount = await fs.mount();
  const gone = await mount.createEntry("/gone", noise(1, 250));
  const kept = await mount.createEntry("/kept", noise(2, 250));
  await mount.put("/kept", noise(3, 50));
  await mount.put("/kept", "");
  await mount.mkdir("/dir/deep", { parents: true });
  await mount.put("/dir/deep/file", "in it");
  await mount.remove("/gone");
  return { gone, kept };
}

const SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name";

Deno.test("migrations: our missing objects are created again", async () => {
  using folder = new Folder();
  const drops: string[][] = [
    ...OBJECTS.map((name) => [dropping(name)]),
    OBJECTS.filter((name) => !isTable(name)).map(dropping),
    [...OBJECTS].sort((a, b) => Number(isTable(a)) - Number(isTable(b))).map(dropping),
    ["DROP TABLE aloe_migration", "DROP TABLE aloe_migration_lock"],
    ["DELETE FROM aloe_migration"],
  ];
  for (const [n, statements] of drops.entries()) {
    const file = folder.at(`${n}.aloe`);
    const { gone } = await makeFile(file);
    const schema = rows(file, SCHEMA);
    edit(file, ...statements);
    {
      // Reading does not need them.
      await using fs = await AloeLite.open(file, { readOnly: true });
      await using mount = await fs.mount();
      assert.deepEqual((await mount.trash()).map((item) => item.path), ["/gone"]);
      assert.ok((await mount.history("/kept")).length >= 2);
    }
    await using fs = await AloeLite.open(file);
    assert.deepEqual(rows(file, SCHEMA), schema, statements.join("; "));
    assert.deepEqual(await fs.health(), []);
    await using mount = await fs.mount();
    const [item] = await mount.trash();
    assert.equal(item.id, gone);
    assert.ok(item.removedAt! > BigInt(Date.now() - 60_000) * NS);
    await mount.remove("/kept");
    assert.deepEqual((await mount.trash()).map((each) => each.path), ["/kept", "/gone"]);
    await mount.restore(gone);
    assert.deepEqual(await mount.readAll("/gone"), noise(1, 250));
  }
});

const TABLES = new Set([
  "aloe_removed",
  "aloe_version",
  "aloe_redo",
  "aloe_size",
  "aloe_unlinked",
  "aloe_orphan",
  "aloe_device",
  "aloe_subdir",
  "aloe_upload",
  "aloe_hole",
  "aloe_seal",
  "aloe_sealed",
]);
const INDEXES = new Set([
  "aloe_edge_from",
  "aloe_edge_gone",
  "aloe_redo_node",
  "aloe_mount_point",
  "aloe_lock_node",
]);
const isTable = (name: string) => TABLES.has(name);

function dropping(name: string): string {
  const kind = isTable(name) ? "TABLE" : INDEXES.has(name) ? "INDEX" : "TRIGGER";
  return `DROP ${kind} IF EXISTS ${name}`;
}

Deno.test("migrations: items that were removed while our triggers were missing are in the trash", async () => {
  using folder = new Folder();
  const file = folder.at("a.aloe");
  const { gone, kept } = await makeFile(file);
  edit(
    file,
    "DROP TRIGGER aloe_edge_removed",
    "DROP TRIGGER aloe_edge_restored",
    "DROP TRIGGER aloe_version_committed",
    `UPDATE edge SET archived = 1 WHERE to_id = '${kept}'`,
    `UPDATE edge SET archived = 0 WHERE to_id = '${gone}'`,
  );
  await using fs = await AloeLite.open(file);
  await using mount = await fs.mount();
  const trash = await mount.trash();
  assert.deepEqual(trash.map((item) => item.id), [kept]);
  assert.ok(trash[0].removedAt! > BigInt(Date.now() - 60_000) * NS);
  assert.deepEqual(await mount.readAll("/gone"), noise(1, 250));
  // The time of an earlier removal is not used for the later one.
  const began = BigInt(Date.now()) * NS;
  await mount.remove("/gone");
  const item = (await mount.trash()).find((each) => each.id === gone)!;
  assert.ok(item.removedAt! >= began);
});

Deno.test("migrations: changes by another connection show in trash and history", async () => {
  using folder = new Folder();
  const file = folder.at("a.aloe");
  const { gone, kept } = await makeFile(file);
  await using fs = await AloeLite.open(file);
  await using mount = await fs.mount();
  const dir = (await mount.stat("/dir")).id;
  const before = BigInt(Date.now()) * NS;

  // Like another implementation, while the file is open here.
  edit(file, `UPDATE edge SET archived = 1 WHERE to_id = '${kept}' AND archived = 0`);
  let trash = await mount.trash();
  assert.deepEqual(trash.map((item) => item.path), ["/kept", "/gone"]);
  assert.ok(trash[0].removedAt! >= before && trash[0].removedAt! <= before + 60_000n * NS);
  assert.equal(trash[0].size, 0);

  edit(
    file,
    `UPDATE edge SET archived = 1 WHERE archived = 0 AND
      (to_id = '${dir}' OR from_id = '${dir}' OR from_id IN
        (SELECT to_id FROM edge WHERE from_id = '${dir}'))`,
  );
  trash = await mount.trash();
  assert.deepEqual([trash[0].path, trash[0].nodes, trash[0].size], ["/dir", 3, 5]);
  assert.equal(await mount.restore(dir), "/dir");
  assert.equal(text(await mount.readAll("/dir/deep/file")), "in it");

  // A placement of an older node becomes active again.
  edit(file, `UPDATE edge SET archived = 0 WHERE to_id = '${kept}'`);
  assert.deepEqual((await mount.trash()).map((item) => item.id), [gone]);

  const { address } = await import("./crash/era1.ts");
  const chunk = noise(9, 70);
  const hash = address(chunk);
  edit(
    file,
    `INSERT INTO content_chunk VALUES ('${hash}', x'${chunk.toHex()}', 70, x'', x'')`,
    `INSERT INTO content_version VALUES ('${kept}', 4, 0, '${hash}', NULL)`,
    `UPDATE content SET version = 4, size = 70 WHERE node_id = '${kept}'`,
  );
  const [newest, ...older] = await mount.history("/kept");
  assert.deepEqual(
    [newest.version, newest.size, newest.current],
    [4, 70, true],
  );
  assert.ok(newest.committedAt! >= before && newest.committedAt! <= before + 60_000n * NS);
  assert.deepEqual(older.map(({ version, size }) => [version, size]), [[3, 0], [2, 50], [1, 250]]);
  assert.deepEqual(await mount.readAll("/kept"), chunk);
  assert.deepEqual(await mount.readAll("/kept", { version: 1 }), noise(2, 250));
  assert.deepEqual(await mount.readAll("/kept", { version: 3 }), new Uint8Array(0));

  // Deleting rows deletes ours too.
  withForeignKeys(file, [
    `DELETE FROM edge WHERE to_id = '${gone}'`,
    `DELETE FROM node WHERE node_id = '${gone}'`,
  ]);
  assert.deepEqual(await mount.trash(), []);
  assert.equal(value(file, "SELECT count(*) FROM aloe_removed"), 0n);
  assert.equal(value(file, `SELECT count(*) FROM aloe_version WHERE content_id = '${gone}'`), 0n);
  assert.deepEqual(await fs.health(), []);
});

function withForeignKeys(file: string, statements: string[]): void {
  const db = new DatabaseSync(file, { enableForeignKeyConstraints: true });
  try {
    for (const statement of statements) db.exec(statement);
  } finally {
    db.close();
  }
}
