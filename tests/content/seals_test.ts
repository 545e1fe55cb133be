/** Changes of an encrypted volume's metadata without the key are detected. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { AloeError, AloeLite, type Mount } from "../../mod.ts";
import * as internal from "../../src/internal.ts";
import { CHUNK, Subject } from "../support/vfs_subject.ts";

const PIN = "0";

/** Keys of the volumes, because deriving one takes a quarter of a second. */
const keys = new Map<string, Uint8Array>();

let folder = "";
let files = 0;
/**
 * Creates a volume of each mode with equal files; one has pending writes in the
 * redo log.
 */
const made: Record<string, string> = {};

const patterned = (length: number, seed: number) =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) + (i >> 16) * 7 + seed) & 0xff);

const A = patterned(3 * CHUNK, 1);
const B = patterned(3 * CHUNK, 2);
const MORE = patterned(3, 9);
const SHORT = patterned(CHUNK + 100, 3);

async function fill(mount: Mount): Promise<void> {
  await mount.put("/a", A);
  await mount.put("/b", B);
  await mount.put("/short", SHORT);
  await mount.put("/old", patterned(2 * CHUNK, 4));
  await mount.put("/old", patterned(2 * CHUNK, 5));
  await mount.put("/empty", "");
  await mount.symlink("/link", "/a");
}

Deno.test.beforeAll(async () => {
  folder = await Deno.makeTempDir({ prefix: "aloelite-seals-" });
  for (const encryption of ["convergent", "random"] as const) {
    const path = join(folder, `${encryption}.aloe`);
    await using fs = await AloeLite.open(path);
    await fs.createVolume({ name: "main", chunkSize: CHUNK, pin: PIN, encryption });
    await using mount = await fs.mount(undefined, { pin: PIN });
    await fill(mount);
    keys.set(mount.volume, (await internal.mountKey(fs.db, mount.handle))!);
    made[encryption] = path;
  }
  {
    const path = join(folder, "plain.aloe");
    await using fs = await AloeLite.open(path);
    await fs.createVolume({ name: "main", chunkSize: CHUNK });
    await using mount = await fs.mount();
    await fill(mount);
    made.none = path;
  }
  made.redo = await copy("convergent");
  const subject = await Subject.open(made.redo, { pin: PIN });
  for (const [name, seed] of [["a", 7], ["b", 8]] as const) {
    for (const offset of [10, CHUNK + 20, 10]) {
      const inode = await subject.file(name);
      await subject.vfs.write(inode, offset, patterned(10, seed + offset), true);
      await subject.vfs.sync();
    }
  }
  await subject.crash();
  assert.ok(sql(made.redo, "SELECT * FROM aloe_redo").length >= 6);
});

Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

async function unlocked(fs: AloeLite): Promise<Mount> {
  const { id } = await fs.volume();
  return await fs.mount(id, { key: keys.get(id) });
}

async function copy(which: string): Promise<string> {
  const path = join(folder, `copy-${files++}.aloe`);
  const from = new DatabaseSync(made[which]);
  from.exec(`VACUUM INTO '${path}'`);
  from.close();
  await Promise.resolve();
  return path;
}

// deno-lint-ignore no-explicit-any -- rows of any shape
function sql(path: string, ...statements: string[]): any[] {
  const db = new DatabaseSync(path);
  try {
    db.exec("PRAGMA foreign_keys = OFF");
    let rows: unknown[] = [];
    for (const text of statements) {
      const statement = db.prepare(text);
      statement.setReadBigInts(true);
      rows = statement.all();
    }
    return rows;
  } finally {
    db.close();
  }
}

const id = (name: string) => `(SELECT node_id FROM node WHERE name = '${name}')`;

/** Returns the faults of the mount or of `verify`; null if there are none. */
async function found(path: string, readOnly = false): Promise<string | null> {
  await using fs = await AloeLite.open(path, { readOnly });
  let mount: Mount;
  try {
    mount = await unlocked(fs);
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    assert.equal(code, "corrupt", message);
    return message;
  }
  const { problems } = await mount.verify();
  await mount.unmount();
  return problems.length === 0 ? null : problems.join("; ");
}

for (const which of ["convergent", "random", "redo"]) {
  Deno.test(`an unmodified ${which} volume has no faults, also after writes`, async () => {
    const path = await copy(which);
    assert.equal(await found(path, true), null);
    assert.equal(await found(path), null);
    {
      await using fs = await AloeLite.open(path);
      await using mount = await unlocked(fs);
      await mount.put("/new", A);
      await mount.append("/a", MORE);
      await mount.truncate("/b", 5);
      await mount.copy("/old", "/copied");
      await mount.rename("/short", "renamed");
      await mount.restoreVersion("/old", 1);
      await mount.remove("/empty");
      await mount.batch(async (tx) => {
        for (let i = 0; i < 5; i++) await tx.put("/new", patterned(CHUNK * i, i));
        await tx.copy("/new", "/twice");
        await tx.append("/twice", MORE);
      });
    }
    assert.equal(await found(path), null);
    assert.equal(await found(path, true), null);
    {
      await using fs = await AloeLite.open(path);
      await using mount = await unlocked(fs);
      await mount.setRetention("/old", 1);
      await fs.pruneContent();
      await mount.purge();
      await fs.prune();
    }
    assert.equal(await found(path), null);
  });
}

const MODES = ["none", "convergent", "random"];
for (const from of MODES) {
  for (const to of MODES.filter((mode) => mode !== from)) {
    Deno.test(`a change of the volume's mode from ${from} to ${to} is detected at the mount`, async () => {
      const path = await copy(from);
      sql(path, `UPDATE volume SET enc_mode = '${to}'`);
      for (const readOnly of [true, false]) {
        for (const pin of [PIN, undefined]) {
          await using fs = await AloeLite.open(path, { readOnly });
          const code = from !== "none" && to !== "none" && pin === undefined
            ? "encryption_required"
            : "corrupt";
          await assert.rejects(fs.mount(undefined, pin === undefined ? {} : { pin }), { code });
        }
      }
    });
  }
}

const CHANGES: Record<string, { of?: string; statements: string[] }> = {
  "another chunk size": { statements: [`UPDATE volume SET chunk_size = ${2 * CHUNK}`] },
  "the mode, with the volume's tag gone": {
    statements: ["DELETE FROM aloe_sealed", "UPDATE volume SET enc_mode = 'random'"],
  },
  "the volume's tag gone": { statements: ["DELETE FROM aloe_sealed"] },
  "all tags gone": { statements: ["DELETE FROM aloe_sealed", "DELETE FROM aloe_seal"] },
  "the tags of content gone": { statements: ["DELETE FROM aloe_seal"] },
  "the tag of one file gone": {
    statements: [`DELETE FROM aloe_seal WHERE node_id = ${id("short")}`],
  },
  "the watermark set back": { statements: ["UPDATE aloe_sealed SET watermark = ''"] },
  "a cut at a chunk's border": {
    statements: [
      `DELETE FROM content_version WHERE content_id = ${id("a")} AND chunk_index = 2`,
      `UPDATE content SET size = ${2 * CHUNK} WHERE node_id = ${id("a")}`,
    ],
  },
  "the content gone": {
    statements: [
      `DELETE FROM content_version WHERE content_id = ${id("a")}`,
      `DELETE FROM aloe_seal WHERE node_id = ${id("a")}`,
      `DELETE FROM content WHERE node_id = ${id("a")}`,
    ],
  },
  "the row of the content alone gone": {
    statements: [
      "PRAGMA foreign_keys = OFF",
      `DELETE FROM content WHERE node_id = ${id("a")}`,
    ],
  },
  "a file of no volume": {
    statements: [`UPDATE node SET volume_id = NULL WHERE node_id = ${id("a")}`],
  },
  "a file of another volume": {
    statements: [
      "PRAGMA foreign_keys = OFF",
      `UPDATE node SET volume_id = '01900000-0000-7000-8000-000000000000'
        WHERE node_id = ${id("a")}`,
    ],
  },
  "a cut to nothing": {
    statements: [
      `DELETE FROM content_version WHERE content_id = ${id("a")}`,
      `UPDATE content SET size = 0 WHERE node_id = ${id("a")}`,
    ],
  },
  "a chunk twice": {
    statements: [
      `UPDATE content_version SET chunk_hash = (SELECT chunk_hash FROM content_version
        WHERE content_id = ${id("a")} AND chunk_index = 0)
        WHERE content_id = ${id("a")} AND chunk_index = 1`,
    ],
  },
  "the manifests of two files exchanged": {
    statements: [
      `UPDATE content_version SET version = 99 WHERE content_id = ${id("a")}`,
      `UPDATE content_version SET content_id = ${id("a")} WHERE content_id = ${id("b")}`,
      `UPDATE content_version SET content_id = ${id("b")}, version = 1 WHERE version = 99`,
    ],
  },
  "the tags exchanged with the manifests": {
    statements: [
      `UPDATE content_version SET version = 99 WHERE content_id = ${id("a")}`,
      `UPDATE content_version SET content_id = ${id("a")} WHERE content_id = ${id("b")}`,
      `UPDATE content_version SET content_id = ${id("b")}, version = 1 WHERE version = 99`,
      `UPDATE aloe_seal SET version = 99 WHERE node_id = ${id("a")}`,
      `UPDATE aloe_seal SET node_id = ${id("a")} WHERE node_id = ${id("b")}`,
      `UPDATE aloe_seal SET node_id = ${id("b")}, version = 1 WHERE version = 99`,
    ],
  },
  "the sizes of two files exchanged": {
    statements: [
      `UPDATE content SET size = ${CHUNK + 101} WHERE node_id = ${id("short")}`,
    ],
  },
  "an earlier version committed again": {
    statements: [`UPDATE content SET version = 1 WHERE node_id = ${id("old")}`],
  },
  "an earlier version's chunks in place of the last one's": {
    statements: [
      `UPDATE content_version SET chunk_hash = (SELECT v.chunk_hash FROM content_version v
        WHERE v.content_id = content_version.content_id AND v.version = 1
        AND v.chunk_index = content_version.chunk_index)
        WHERE content_id = ${id("old")} AND version = 2`,
    ],
  },
  "the chunks of an earlier version exchanged": {
    statements: [
      `UPDATE content_version SET chunk_hash = (SELECT chunk_hash FROM content_version
        WHERE content_id = ${id("a")} AND chunk_index = 0)
        WHERE content_id = ${id("old")} AND version = 1 AND chunk_index = 1`,
    ],
  },
  "the tag of an earlier version gone": {
    statements: [`DELETE FROM aloe_seal WHERE node_id = ${id("old")} AND version = 1`],
  },
  "a redo record of another file": {
    of: "redo",
    statements: [
      `UPDATE aloe_redo SET node_id = ${id("b")} WHERE seq =
        (SELECT min(seq) FROM aloe_redo WHERE node_id = ${id("a")})`,
    ],
  },
  "a redo record at another offset": {
    of: "redo",
    statements: [
      "UPDATE aloe_redo SET start = start + 1 WHERE seq = (SELECT min(seq) FROM aloe_redo)",
    ],
  },
  "a redo record in another chunk": {
    of: "redo",
    statements: [
      "UPDATE aloe_redo SET chunk_index = 2 WHERE seq = (SELECT min(seq) FROM aloe_redo)",
    ],
  },
  "two redo records in the other order": {
    of: "redo",
    statements: [
      `UPDATE aloe_redo SET seq = seq + 1000 WHERE seq =
        (SELECT min(seq) FROM aloe_redo WHERE node_id = ${id("a")})`,
    ],
  },
  "a redo record again": {
    of: "redo",
    statements: [
      `INSERT INTO aloe_redo (node_id, version, chunk_index, start, length, data, N_c, enc_tag)
        SELECT node_id, version, chunk_index, start, length, data, N_c, enc_tag FROM aloe_redo
        ORDER BY seq LIMIT 1`,
    ],
  },
  "the last redo record gone": {
    of: "redo",
    statements: ["DELETE FROM aloe_redo WHERE seq = (SELECT max(seq) FROM aloe_redo)"],
  },
  "the bytes of a redo record": {
    of: "redo",
    statements: [
      `UPDATE aloe_redo SET data = zeroblob(length(data))
        WHERE seq = (SELECT min(seq) FROM aloe_redo)`,
    ],
  },
  "the bytes of the last redo record cut": {
    of: "redo",
    statements: [
      `UPDATE aloe_redo SET data = substr(data, 2)
        WHERE seq = (SELECT max(seq) FROM aloe_redo)`,
    ],
  },
  "the nonce of a redo record": {
    of: "redo",
    statements: [
      "UPDATE aloe_redo SET N_c = zeroblob(12) WHERE seq = (SELECT min(seq) FROM aloe_redo)",
    ],
  },
  "a true size that is another": {
    of: "redo",
    statements: [`UPDATE aloe_size SET size = 5 WHERE node_id = ${id("a")}`],
  },
  "a true size that nobody noted": {
    statements: [`INSERT INTO aloe_size SELECT node_id, version, 5 FROM content
      WHERE node_id = ${id("a")}`],
  },
};

for (const [what, { of = "convergent", statements }] of Object.entries(CHANGES)) {
  Deno.test(`${what}: is detected, and a mount or write creates no tag for it`, async () => {
    const path = await copy(of);
    sql(path, ...statements);
    assert.notEqual(await found(path, true), null);
    assert.notEqual(await found(path), null);
    // A writable mount has created no tags for it, nor do writes to these
    // files.
    await using fs = await AloeLite.open(path);
    try {
      await using mount = await unlocked(fs);
      for (const name of ["/a", "/b", "/short", "/old"]) {
        await mount.append(name, MORE).catch(() => {});
      }
      await mount.put("/other", "x");
    } catch (error) {
      assert.equal((error as { code?: string }).code, "corrupt");
    }
    assert.notEqual(await found(path), null);
  });
}

Deno.test("an older redo record that was folded already is detected", async () => {
  const path = await copy("redo");
  const [row] = sql(path, "SELECT * FROM aloe_redo ORDER BY seq LIMIT 1");
  assert.equal(await found(path), null);
  assert.equal(sql(path, "SELECT * FROM aloe_redo").length, 0);
  const db = new DatabaseSync(path);
  db.prepare("INSERT INTO aloe_redo VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)").run(
    ...[row.seq, row.node_id, row.version, row.chunk_index, row.start, row.length],
    ...[row.data, row.N_c, row.enc_tag],
  );
  db.prepare("INSERT INTO aloe_size SELECT node_id, version, size FROM content WHERE node_id = ?")
    .run(row.node_id);
  db.close();
  assert.match((await found(path, true))!, /seal-mismatch/);
  assert.match((await found(path))!, /seal-mismatch/);
  const subject = await Subject.open(path, { pin: PIN });
  const inode = await subject.file("a");
  await assert.rejects(subject.read(inode));
  await subject.crash();
});

Deno.test("a modified file is not read, and all others are", async () => {
  const path = await copy("convergent");
  sql(path, ...CHANGES["a cut at a chunk's border"].statements);
  await using fs = await AloeLite.open(path);
  await using mount = await unlocked(fs);
  const corrupt = { code: "corrupt" };
  await assert.rejects(mount.readAll("/a"), corrupt);
  await assert.rejects(mount.readRange("/a", 5, 5), corrupt);
  await assert.rejects(mount.copy("/a", "/c"), corrupt);
  await assert.rejects(mount.truncate("/a", 1), corrupt);
  {
    await using descriptor = await mount.openRead("/a");
    await assert.rejects(descriptor.read(1), corrupt);
  }
  assert.deepEqual(await mount.readAll("/b"), B);
  await mount.remove("/a");
});

Deno.test("a file without tags gets them at the first writable mount", async () => {
  const path = await copy("redo");
  // As an earlier release left it, except for the mark of its key.
  const db = new DatabaseSync(path);
  db.exec("DELETE FROM aloe_sealed; DELETE FROM aloe_seal");
  db.close();
  await unmark(path);
  assert.equal(await found(path, true), null);
  assert.equal(sql(path, "SELECT * FROM aloe_seal").length, 0);
  assert.equal(await found(path), null);
  assert.equal(sql(path, "SELECT * FROM aloe_sealed").length, 1);
  sql(path, `DELETE FROM content_version WHERE content_id = ${id("b")} AND chunk_index = 2`);
  sql(path, `UPDATE content SET size = ${2 * CHUNK} WHERE node_id = ${id("b")}`);
  assert.match((await found(path))!, /seal-mismatch/);
});

/**
 * Wraps the volume's key under an unmarked nonce, as releases without tags do.
 */
async function unmark(path: string): Promise<void> {
  const { unlockKey, unwrapVolumeKey, volumeHash, wrapVolumeKey } = await import(
    "../../src/crypto/key_ladder.ts"
  );
  const [row] = sql(path, "SELECT * FROM volume");
  const unlock = await unlockKey(PIN, volumeHash(row.volume_id, row.root_node_id));
  const key = unwrapVolumeKey(unlock, { bytes: row.wrapped_key, nonce: row.wrap_nonce })!;
  const { bytes, nonce } = wrapVolumeKey(unlock, key);
  const db = new DatabaseSync(path);
  db.prepare("UPDATE volume SET wrapped_key = ?, wrap_nonce = ?").run(bytes, nonce);
  db.close();
}

Deno.test("content of another implementation is accepted, and gets a tag", async () => {
  const path = await copy("convergent");
  // Like the reference: a new version of the same chunks, and a new node after
  // all others.
  sql(
    path,
    `INSERT INTO content_version SELECT content_id, 2, chunk_index, chunk_hash, NULL
      FROM content_version WHERE content_id = ${id("a")}`,
    `UPDATE content SET version = 2 WHERE node_id = ${id("a")}`,
    `INSERT INTO node (node_id, type, name, created_at, volume_id) SELECT
      'ffffffff' || substr(node_id, 9), 'entry', 'theirs', created_at, volume_id FROM node
      WHERE name = 'b'`,
    `INSERT INTO content (node_id, version, size) SELECT
      node_id, 1, ${3 * CHUNK} FROM node WHERE name = 'theirs'`,
    `INSERT INTO content_version SELECT ${id("theirs")}, 1, chunk_index, chunk_hash, NULL
      FROM content_version WHERE content_id = ${id("b")}`,
  );
  assert.equal(await found(path, true), null);
  assert.equal(await found(path), null);
  assert.equal(sql(path, `SELECT * FROM aloe_seal WHERE node_id = ${id("theirs")}`).length, 1);
  {
    await using fs = await AloeLite.open(path);
    await using mount = await unlocked(fs);
    await mount.append("/a", MORE);
  }
  const versions = sql(path, `SELECT version FROM aloe_seal WHERE node_id = ${id("a")}`);
  assert.deepEqual(versions.map((row) => Number(row.version)), [1, 2, 3]);
  assert.equal(await found(path), null);
});

Deno.test("a change of the PIN keeps the mark of a sealed volume", async () => {
  const path = await copy("convergent");
  {
    await using fs = await AloeLite.open(path);
    await fs.changePin("main", PIN, "1");
    await fs.changePin("main", "1", PIN);
  }
  assert.equal(await found(path), null);
  sql(path, "DELETE FROM aloe_sealed");
  assert.match((await found(path))!, /is missing/);
});

Deno.test("streams and uploads create tags, and unfinished ones need none", async () => {
  const path = await copy("random");
  await using fs = await AloeLite.open(path);
  await using mount = await unlocked(fs);
  await using writer = await mount.openWrite("/a");
  await writer.write(patterned(2 * CHUNK + 9, 3));
  const { id: upload } = await internal.beginUpload(fs.db, mount.handle, { ttl: 60_000 });
  const going = await internal.openUpload(fs.db, mount.handle, upload, { ttl: 60_000 });
  await going.write(patterned(5 * CHUNK, 3));
  await going.flush();
  assert.deepEqual((await mount.verify()).problems, []);
  await mount.put("/between", "x");
  await going.close();
  await internal.finishUpload(fs.db, mount.handle, upload, "/uploaded");
  await writer.close();
  assert.deepEqual((await mount.verify()).problems, []);
  const without = sql(
    path,
    "SELECT c.node_id FROM content c WHERE NOT EXISTS (SELECT 1 FROM aloe_seal s " +
      "WHERE s.node_id = c.node_id AND s.version = c.version)",
  );
  assert.deepEqual(without, []);
});

const LOST: Record<string, (name: string) => string[]> = {
  "a size of nothing": (name) => [`UPDATE content SET size = 0 WHERE node_id = ${id(name)}`],
  "the row of its content gone": (name) => [`DELETE FROM content WHERE node_id = ${id(name)}`],
  "its content another node's": (name) => [
    `UPDATE content SET node_id = 'x-${name}' WHERE node_id = ${id(name)}`,
  ],
  "a size and chunks of nothing": (name) => [
    `UPDATE content SET size = 0 WHERE node_id = ${id(name)}`,
    `DELETE FROM content_version WHERE content_id = ${id(name)}`,
  ],
  "a negative size": (name) => [`UPDATE content SET size = -1 WHERE node_id = ${id(name)}`],
};

for (const [what, statementsOf] of Object.entries(LOST)) {
  Deno.test(`${what}: every way to read the file is refused`, async () => {
    for (const which of ["convergent", "random"]) {
      const path = await copy(which);
      for (const name of ["a", "short", "link"]) {
        sql(path, "PRAGMA ignore_check_constraints = ON", ...statementsOf(name));
      }
      for (const readOnly of [true, false]) {
        await using fs = await AloeLite.open(path, { readOnly });
        const mount = await unlocked(fs);
        const ways: Record<string, () => Promise<unknown>> = {
          all: () => mount.readAll("/a"),
          small: () => mount.readAll("/short"),
          range: () => mount.readRange("/a", 0, 10),
          "a later range": () => mount.readRange("/a", CHUNK, 10),
          "by id": async () => {
            const entry = (await mount.list("/")).find(({ name }) => name === "a")!;
            return await mount.readAllById(entry.node);
          },
          link: () => mount.readLink("/link"),
          descriptor: async () => {
            await using descriptor = await mount.openRead("/a");
            return await descriptor.read();
          },
          "a descriptor's chunk": async () => {
            await using descriptor = await mount.openRead("/a");
            return await descriptor.readChunk();
          },
          snapshot: async () => {
            const snapshot = await internal.openSnapshot(fs.db, mount.handle, { path: "/a" });
            return await snapshot.read(0, 10);
          },
          ...(readOnly ? {} : {
            copy: () => mount.copy("/a", "/copied"),
            append: () => mount.append("/a", MORE),
            truncate: () => mount.truncate("/a", 1),
          }),
        };
        for (const [way, read] of Object.entries(ways)) {
          await assert.rejects(read, AloeError, `${which}: ${way}`);
        }
        assert.deepEqual(await mount.readAll("/b"), B);
        assert.deepEqual(await mount.readAll("/empty"), new Uint8Array());
        assert.deepEqual(await mount.readRange("/b", B.length, 5), new Uint8Array());
        await mount.unmount();
      }
    }
  });
}
