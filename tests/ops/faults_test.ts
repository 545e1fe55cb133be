/**
 * Faults of disks, of files, of rows and of keys: each a clear error, or found
 * by `health` or `verify`; what is refused is left as it was.
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { AloeError, type AloeErrorCode, AloeLite, type Mount, MountHandle } from "../../mod.ts";
import * as ops from "../../src/ops.ts";
import { makeEra1 } from "../storage/crash/era1.ts";
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
  withRaw,
} from "../storage/crash/support.ts";

const CHUNK = 100;
const PIN = "a pin";

/**
 * Makes the file that is then damaged: a plain volume `main` with `/a` (three
 * chunks, two versions), `/docs/b` and `/docs/deep`; another one, `other`,
 * with `/x`; an encrypted one, `secret`, with `/s`.
 */
async function makeFile(path: string): Promise<void> {
  await using fs = await AloeLite.open(path);
  await fs.createVolume({ name: "main", chunkSize: CHUNK });
  await fs.createVolume({ name: "other", chunkSize: CHUNK });
  await fs.createVolume({ name: "secret", chunkSize: CHUNK, pin: PIN });
  await using main = await fs.mount("main");
  await main.put("/a", noise(1, 40));
  await main.put("/a", noise(2, 250));
  await main.setMetadata("/a", { key: "value" });
  await main.mkdir("/docs/deep", { parents: true });
  await main.put("/docs/b", noise(3, 150));
  await main.put("/gone", noise(4, 50));
  await main.remove("/gone");
  await using other = await fs.mount("other");
  await other.put("/x", noise(5, 150));
  await using secret = await fs.mount("secret", { pin: PIN });
  await secret.put("/s", noise(6, 250));
}

/** The file above, made once, in a folder of each test's own. */
class Sample implements Disposable {
  readonly folder: Folder = new Folder();
  readonly file: string = this.folder.at("a.aloe");
  static #whole: Promise<Uint8Array> | undefined;

  static async make(): Promise<Sample> {
    const sample = new Sample();
    Sample.#whole ??= (async () => {
      await makeFile(sample.file);
      return await Deno.readFile(sample.file);
    })();
    await Deno.writeFile(sample.file, await Sample.#whole);
    return sample;
  }

  [Symbol.dispose](): void {
    this.folder[Symbol.dispose]();
  }
}

// --- what is no file of ours ----------------------------------------------------------

/**
 * Asserts that nothing came to be beside a file. Of one in WAL mode SQLite's
 * read-only connections leave the index and an empty log; they cannot take
 * the lock that it needs to be sure that nobody else uses them.
 */
function assertAlone(folder: Folder, names: string[], readOnly: boolean): void {
  const left = folder.names().filter((name) => {
    const empty = name.endsWith("-wal") && Deno.statSync(folder.at(name)).size === 0;
    return !readOnly || !(empty || name.endsWith("-shm"));
  });
  assert.deepEqual(left, names);
  for (const name of folder.names()) if (!left.includes(name)) Deno.removeSync(folder.at(name));
}

/** Asserts that a file is refused both ways, and left as it was with nothing beside it. */
async function assertRefused(
  folder: Folder,
  name: string,
  codes: AloeErrorCode | AloeErrorCode[],
): Promise<void> {
  const file = folder.at(name);
  const before = await digestOf(file);
  const names = folder.names();
  for (const options of [{}, { create: false }, { readOnly: true }]) {
    const error = await assertCode(codes, AloeLite.open(file, options));
    assert.ok(error.message.includes(file), error.message);
    assert.equal(await digestOf(file), before);
    assertAlone(folder, names, "readOnly" in options);
  }
}

Deno.test("faults: a file that is no database", async () => {
  using folder = new Folder();
  const contents: Record<string, Uint8Array> = {
    "text.txt": utf8("Dear diary,\n".repeat(1000)),
    "short.txt": utf8("x"),
    "noise.bin": noise(1, 100_000),
    "header only": utf8("SQLite format 3\0"),
    "header and noise": new Uint8Array([...utf8("SQLite format 3\0"), ...noise(2, 8176)]),
    "zeros.bin": new Uint8Array(8192),
  };
  for (const [name, bytes] of Object.entries(contents)) {
    Deno.writeFileSync(folder.at(name), bytes);
    await assertRefused(folder, name, "corrupt");
  }
});

Deno.test("faults: another SQLite database", async () => {
  using folder = new Folder();
  for (const era of [0, 1, 3]) {
    for (const journal of ["DELETE", "WAL"]) {
      const name = `${era}-${journal}.db`;
      edit(
        folder.at(name),
        `PRAGMA journal_mode = ${journal}`,
        "CREATE TABLE node (id INTEGER PRIMARY KEY, name TEXT)",
        "INSERT INTO node VALUES (1, 'mine')",
        `PRAGMA user_version = ${era}`,
      );
      await assertRefused(folder, name, "corrupt");
    }
  }
});

Deno.test("faults: a newer era, and one that never was", async () => {
  using sample = await Sample.make();
  for (const era of [2, 4, 99, 2 ** 31 - 1]) {
    edit(sample.file, `PRAGMA user_version = ${era}`);
    await assertRefused(sample.folder, "a.aloe", "unsupported");
  }
  // Also where nothing else of it is known.
  edit(sample.folder.at("future.aloe"), "CREATE TABLE inode (x)", "PRAGMA user_version = 5");
  await assertRefused(sample.folder, "future.aloe", "unsupported");
});

Deno.test("faults: a file that says its era but lacks a table", async () => {
  using sample = await Sample.make();
  edit(sample.file, "PRAGMA journal_mode = DELETE", "DROP TABLE lock");
  await assertRefused(sample.folder, "a.aloe", "corrupt");
});

Deno.test("faults: an empty file", async () => {
  using folder = new Folder();
  const file = folder.at("empty.aloe");
  for (const options of [{ create: false }, { readOnly: true }]) {
    Deno.writeFileSync(file, new Uint8Array(0));
    await assertCode("corrupt", AloeLite.open(file, options));
    assert.equal(Deno.statSync(file).size, 0);
    assert.deepEqual(folder.names(), ["empty.aloe"]);
  }
  // Whoever may create a file may make one of it.
  await using fs = await AloeLite.open(file);
  await fs.createVolume({ name: "main" });
  assert.deepEqual(await fs.health(), []);
});

Deno.test("faults: nothing there, or nowhere to be", async () => {
  using folder = new Folder();
  await assertCode("not_found", AloeLite.open(folder.at("a.aloe"), { create: false }));
  await assertCode("not_found", AloeLite.open(folder.at("a.aloe"), { readOnly: true }));
  for (const options of [{}, { create: false }, { readOnly: true }]) {
    await assertCode(["invalid", "io_error"], AloeLite.open(folder.path, options));
  }
  await assertCode(["not_found", "io_error"], AloeLite.open(folder.at("nowhere/a.aloe")));
  await assertCode("io_error", AloeLite.open(folder.at("a\0.aloe")));
  assert.deepEqual(folder.names(), []);
  Deno.writeTextFileSync(folder.at("file"), "");
  await assertCode(["not_found", "io_error"], AloeLite.open(folder.at("file/a.aloe")));
  assert.deepEqual(folder.names(), ["file"]);
});

Deno.test("faults: a truncated file", async () => {
  using sample = await Sample.make();
  const { file, folder } = sample;
  const whole = Deno.readFileSync(file);
  const lengths = [1, 50, 99, 100, 512, 1000, 4095, 4096, 4097, 8192, whole.length - 1];
  for (let part = 1; part < 16; part++) lengths.push(Math.floor(whole.length * part / 16));
  let refused = 0;
  let opened = 0;
  for (const length of lengths) {
    Deno.writeFileSync(file, whole.subarray(0, length));
    const before = await digestOf(file);
    for (const readOnly of [false, true]) {
      let fs: AloeLite;
      try {
        fs = await AloeLite.open(file, { readOnly, create: false });
        opened++;
      } catch (error) {
        assert.ok(error instanceof AloeError, `${length}: ${error}`);
        assert.equal(error.code, "corrupt", `${length}: ${error.message}`);
        assert.equal(await digestOf(file), before, `${length}`);
        assertAlone(folder, ["a.aloe"], readOnly);
        refused++;
        continue;
      }
      // Where enough of it is left to be opened, what is missing is told of.
      await using open = fs;
      const told = await poke(open);
      // The last page's end may be a zero that is read where nothing is.
      if (length === whole.length - 1) continue;
      assert.ok(told.has("corrupt"), `${length}: ${[...told]}`);
    }
  }
  assert.ok(refused > 0 && opened > 0, `${refused} refused, ${opened} opened`);
});

/**
 * Does everything with a file that reads it, and in a batch that is undone
 * some of what writes it. Only errors of the closed set may come.
 *
 * @param encrypted Whether the encrypted volume is looked into too, which takes a while.
 * @returns Their codes, with `anomaly` and `problem` where health and verify found something.
 */
async function poke(fs: AloeLite, encrypted = false): Promise<Set<string>> {
  const told = new Set<string>();
  const attempt = async <T>(what: string, task: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await task();
    } catch (error) {
      if (!(error instanceof AloeError)) {
        throw new Error(`${what}: not an AloeError`, { cause: error });
      }
      told.add(error.code);
    }
  };
  if ((await attempt("health", () => fs.health()) ?? []).length > 0) told.add("anomaly");
  await attempt("info", () => fs.info());
  await attempt("mounts", () => fs.mounts({ all: true }));
  for (const volume of await attempt("volumes", () => fs.volumes()) ?? []) {
    const pin = volume.name === "secret" ? PIN : undefined;
    if (pin !== undefined && !encrypted) continue;
    const mount = await attempt("mount", () => fs.mount(volume.id, { pin }));
    if (mount === undefined) continue;
    const deep = await attempt("verify", () => mount.verify({ deep: true }));
    if ((deep?.problems ?? []).length > 0) told.add("problem");
    await attempt("trash", () => mount.trash());
    const seen = new Set<string>();
    const pending = [""];
    for (let here = pending.pop(); here !== undefined; here = pending.pop()) {
      const children = await attempt(`list ${here}`, () => mount.list(here)) ?? [];
      for (const { name, node } of children) {
        // A cycle would have no end.
        if (seen.has(node)) continue;
        seen.add(node);
        const path = `${here}/${name}`;
        pending.push(path);
        await look(mount, path, node, attempt);
        if (!fs.readOnly) await change(mount, path, attempt);
      }
    }
    await attempt("unmount", () => mount.unmount());
  }
  return told;
}

type Attempt = <T>(what: string, task: () => Promise<T>) => Promise<T | undefined>;

async function look(mount: Mount, path: string, node: string, attempt: Attempt): Promise<void> {
  await attempt(`stat ${path}`, () => mount.stat(path));
  await attempt(`stat ${node}`, () => mount.statById(node));
  await attempt(`path of ${node}`, () => mount.pathOf(node));
  await attempt(`read ${path}`, () => mount.readAll(path));
  await attempt(`read part of ${path}`, () => mount.readRange(path, 90, 50));
  await attempt(`stream ${path}`, async () => {
    await using input = await mount.openRead(path);
    while ((await input.read(64)).length > 0);
  });
  for (const { version } of await attempt(`history ${path}`, () => mount.history(path)) ?? []) {
    await attempt(`read ${path}@${version}`, () => mount.readAll(path, { version }));
  }
  await attempt(`xattrs ${path}`, () => mount.listXattrs(path));
}

async function change(mount: Mount, path: string, attempt: Attempt): Promise<void> {
  const changes: [string, (tx: Mount) => Promise<unknown>][] = [
    ["write", (tx) => tx.writeAll(path, noise(1, 120))],
    ["append", (tx) => tx.append(path, noise(1, 120))],
    ["patch", (tx) => tx.writeRange(path, 120, noise(1, 20))],
    ["truncate", (tx) => tx.truncate(path, 120)],
    ["grow", (tx) => tx.truncate(path, 1000)],
    ["create in", (tx) => tx.createEntry(`${path}/new`, noise(1, 10))],
    ["rename", (tx) => tx.rename(path, "renamed")],
    ["move", (tx) => tx.move(path, "/moved")],
    ["remove", (tx) => tx.removeRecursive(path)],
    ["metadata", (tx) => tx.setMetadata(path, { a: "b" })],
    ["restore version", (tx) => tx.restoreVersion(path, 1)],
  ];
  for (const [what, task] of changes) {
    await attempt(`${what} ${path}`, async () => {
      const undo = new Error("undo");
      try {
        await mount.batch(async (tx) => {
          await task(tx);
          throw undo;
        });
      } catch (error) {
        if (error !== undo) throw error;
      }
    });
  }
}

// --- rows edited into nonsense -------------------------------------------------------------

/** A way to edit a file, and who tells of it. */
interface Nonsense {
  name: string;
  /** Statements; `{a}` stands for the id of the node named so. */
  sql: string[];
  /** The kind that `health` finds. */
  anomaly?: string;
  /** What a line of `verify({ deep: true })` begins with, for the volume named. */
  problem?: [volume: string, starts: string];
  /** What is refused, and how. */
  refused?: [task: (fs: AloeLite) => Promise<unknown>, codes: AloeErrorCode | AloeErrorCode[]][];
}

/** Uses a mounted volume of the sample. */
function within<T>(
  name: string,
  task: (mount: Mount) => Promise<T>,
): (fs: AloeLite) => Promise<T> {
  return async (fs) => {
    await using mount = await fs.mount(name, { pin: name === "secret" ? PIN : undefined });
    return await task(mount);
  };
}

const readA = within("main", (mount) => mount.readAll("/a"));
const readS = within("secret", (mount) => mount.readAll("/s"));
const mountMain = (fs: AloeLite) => fs.mount("main");
const mountSecret = (fs: AloeLite) => fs.mount("secret", { pin: PIN });

/** The chunk that an entry's committed content begins with. */
const FIRST_CHUNK = (node: string) =>
  `(SELECT v.chunk_hash FROM content_version v JOIN content c
    ON c.node_id = v.content_id AND c.version = v.version
    WHERE v.content_id = '${node}' AND v.chunk_index = 0)`;

const NONSENSE: Nonsense[] = [
  {
    name: "a cycle",
    sql: ["UPDATE edge SET from_id = '{deep}' WHERE to_id = '{docs}'"],
    anomaly: "cycle",
    refused: [[within("main", (mount) => mount.stat("/docs")), "not_found"]],
  },
  {
    name: "a directory within itself",
    sql: ["UPDATE edge SET from_id = '{deep}' WHERE to_id = '{deep}'"],
    anomaly: "cycle",
  },
  {
    name: "an edge between volumes",
    sql: ["UPDATE edge SET to_id = '{x}' WHERE to_id = '{a}'"],
    anomaly: "edge_volume_mismatch",
    problem: ["main", "volume-mismatch edge="],
  },
  {
    name: "an edge of another volume",
    sql: [
      "UPDATE edge SET volume_id = (SELECT volume_id FROM volume WHERE name = 'other') " +
      "WHERE to_id = '{a}'",
    ],
    anomaly: "edge_volume_mismatch",
    problem: ["main", "volume-mismatch edge="],
  },
  {
    name: "an edge to nowhere",
    sql: ["UPDATE edge SET to_id = 'nowhere' WHERE to_id = '{a}'"],
    anomaly: "edge_without_node",
    refused: [[readA, "not_found"]],
  },
  {
    name: "an edge from a file",
    sql: ["UPDATE edge SET from_id = '{a}' WHERE to_id = '{b}'"],
    anomaly: "edge_from_non_container",
  },
  {
    name: "an edge without a name",
    sql: ["UPDATE edge SET name = NULL WHERE to_id = '{a}'"],
    anomaly: "edge_without_name",
    refused: [[readA, "not_found"]],
  },
  {
    name: "two active placements of a directory",
    sql: [
      "DROP TRIGGER edge_guard_single_parent",
      "INSERT INTO edge SELECT 'second', '{mainroot}', to_id, volume_id, 0, 'second' " +
      "FROM edge WHERE to_id = '{deep}'",
    ],
    anomaly: "container_with_two_placements",
  },
  {
    name: "a directory placed in itself too",
    sql: [
      "DROP TRIGGER edge_guard_single_parent",
      "INSERT INTO edge SELECT 'second', '{deep}', to_id, volume_id, 0, 'again' " +
      "FROM edge WHERE to_id = '{docs}'",
    ],
    anomaly: "container_with_two_placements",
  },
  {
    name: "a root that is placed",
    sql: [
      "INSERT INTO edge SELECT 'second', '{docs}', root_node_id, volume_id, 0, 'root' " +
      "FROM volume WHERE name = 'main'",
    ],
    anomaly: "root_with_placement",
  },
  {
    name: "a volume without a root",
    sql: ["UPDATE volume SET root_node_id = NULL WHERE name = 'main'"],
    anomaly: "volume_without_root",
    refused: [[mountMain, "corrupt"]],
  },
  {
    name: "a root that is nowhere",
    sql: ["UPDATE volume SET root_node_id = 'nowhere' WHERE name = 'main'"],
    anomaly: "volume_without_root",
    refused: [[mountMain, "corrupt"]],
  },
  {
    name: "a missing content row",
    sql: ["DELETE FROM content WHERE node_id = '{a}'"],
    anomaly: "entry_without_content",
    refused: [[within("main", (mount) => mount.writeAll("/a", utf8("x"))), "corrupt"]],
  },
  {
    name: "a missing chunk",
    sql: [`DELETE FROM content_chunk WHERE chunk_hash = ${FIRST_CHUNK("{a}")}`],
    problem: ["main", "chunk-missing"],
    refused: [[readA, "corrupt"]],
  },
  {
    name: "a gap in a manifest",
    sql: ["DELETE FROM content_version WHERE content_id = '{a}' AND chunk_index = 1"],
    problem: ["main", "chunk-missing"],
    refused: [[readA, "corrupt"]],
  },
  {
    name: "a manifest without its end",
    sql: ["DELETE FROM content_version WHERE content_id = '{a}' AND chunk_index = 2"],
    problem: ["main", "size-mismatch"],
    refused: [[readA, "corrupt"]],
  },
  {
    name: "a size that is too large",
    sql: ["UPDATE content SET size = 999 WHERE node_id = '{a}'"],
    problem: ["main", "size-mismatch"],
    refused: [[readA, "corrupt"]],
  },
  {
    name: "a size that is too small",
    sql: ["UPDATE content SET size = 10 WHERE node_id = '{a}'"],
    problem: ["main", "size-mismatch"],
  },
  {
    name: "a size below nothing",
    sql: ["UPDATE content SET size = -10 WHERE node_id = '{a}'"],
    problem: ["main", "size-not-possible"],
  },
  {
    name: "a version that nobody wrote",
    sql: ["UPDATE content SET version = 77 WHERE node_id = '{a}'"],
    problem: ["main", "size-mismatch"],
    refused: [[readA, "corrupt"]],
  },
  {
    name: "a chunk that lies about its length",
    sql: [`UPDATE content_chunk SET length = 99 WHERE chunk_hash = ${FIRST_CHUNK("{a}")}`],
    problem: ["main", "length-mismatch"],
    refused: [[readA, "corrupt"]],
  },
  {
    name: "a chunk that is too short",
    sql: [
      `UPDATE content_chunk SET data = substr(data, 1, 50), length = 50
        WHERE chunk_hash = ${FIRST_CHUNK("{a}")}`,
    ],
    problem: ["main", "length-mismatch"],
    refused: [[readA, "corrupt"]],
  },
  {
    name: "a flipped bit in a plain chunk",
    sql: [`UPDATE content_chunk SET data = {flip data} WHERE chunk_hash = ${FIRST_CHUNK("{a}")}`],
    problem: ["main", "address-mismatch"],
  },
  ...["data", "N_c", "enc_tag"].map((column): Nonsense => ({
    name: `a flipped bit in an encrypted chunk's ${column}`,
    sql: [
      `UPDATE content_chunk SET ${column} = {flip ${column}}
        WHERE chunk_hash = ${FIRST_CHUNK("{s}")}`,
    ],
    problem: ["secret", column === "data" ? "address-mismatch" : "not-authentic"],
    refused: [[readS, "corrupt"]],
  })),
  ...["N_c", "enc_tag"].flatMap((column) =>
    ["x''", "x'00'", "zeroblob(40)"].map((bytes): Nonsense => ({
      name: `${column} of another length, ${bytes}`,
      sql: [
        `UPDATE content_chunk SET ${column} = ${bytes} WHERE chunk_hash = ${FIRST_CHUNK("{s}")}`,
      ],
      problem: ["secret", "not-authentic"],
      refused: [[readS, "corrupt"]],
    }))
  ),
  ...["wrapped_key", "wrap_nonce"].flatMap((column): Nonsense[] => [
    {
      name: `a flipped bit in the ${column}`,
      sql: [`UPDATE volume SET ${column} = {flip ${column}} WHERE name = 'secret'`],
      refused: [[mountSecret, ["bad_key", "corrupt"]]],
    },
    {
      name: `a ${column} that is too short`,
      sql: [`UPDATE volume SET ${column} = x'0011' WHERE name = 'secret'`],
      refused: [[mountSecret, ["bad_key", "corrupt"]]],
    },
    {
      name: `no ${column}`,
      sql: [`UPDATE volume SET ${column} = NULL WHERE name = 'secret'`],
      refused: [[mountSecret, "corrupt"]],
    },
  ]),
  ...[
    "x'ff00'",
    "jsonb('[1, 2]')",
    "jsonb('7')",
    "jsonb('{\"a\":1}')",
    "jsonb('{\"a\":{}}')",
    "x''",
  ]
    .map((bytes): Nonsense => ({
      name: `metadata that is no map of texts, ${bytes}`,
      sql: [`UPDATE node SET metadata = ${bytes} WHERE node_id = '{a}'`],
      refused: [[within("main", (mount) => mount.stat("/a")), "corrupt"]],
    })),
  ...[0, -5].map((size): Nonsense => ({
    name: `a chunk size of ${size}`,
    sql: [`UPDATE volume SET chunk_size = ${size} WHERE name = 'main'`],
    refused: [
      [readA, "corrupt"],
      [within("main", (mount) => mount.put("/new", noise(1, 500))), "corrupt"],
    ],
  })),
];

for (const { name, sql, anomaly, problem, refused } of NONSENSE) {
  Deno.test(`faults: ${name}`, async () => {
    using sample = await Sample.make();
    const { file } = sample;
    const ids = new Map(
      rows(file, "SELECT name, node_id FROM node").map((row) => [row.name, String(row.node_id)]),
    );
    ids.set("mainroot", String(value(file, "SELECT root_node_id FROM volume WHERE name = 'main'")));
    withRaw(file, (db) => {
      db.function("flip", (bytes) => {
        const copy = (bytes as Uint8Array).slice();
        copy[3] ^= 0x10;
        return copy;
      });
      for (const statement of sql) {
        const text = statement.replaceAll(/\{flip (\w+)\}/g, "flip($1)")
          .replaceAll(/\{(\w+)\}/g, (_, key) => ids.get(key)!);
        const { changes } = db.prepare(text).run();
        assert.ok(changes > 0 || text.startsWith("DROP"), text);
      }
    });
    await using fs = await AloeLite.open(file);
    const kinds = (await fs.health()).map((each) => each.kind);
    // A value that cannot be is told of by itself, whatever it leads to.
    const others = kinds.filter((kind) => !kind.startsWith("impossible_"));
    if (anomaly === undefined) assert.deepEqual(others, []);
    else assert.ok(kinds.includes(anomaly), `${kinds}`);
    if (problem !== undefined) {
      const [volume, starts] = problem;
      const { problems } = await within(volume, (mount) => mount.verify({ deep: true }))(fs);
      assert.ok(problems.some((line) => line.startsWith(starts)), problems.join("\n"));
    }
    for (const [task, codes] of refused ?? []) await assertCode(codes, () => task(fs));
    const size = Deno.statSync(file).size;
    await poke(fs, sql.some((statement) => /secret|\{s\}/.test(statement)));
    // Nothing that was tried on it was done.
    assert.equal((await fs.health()).length, kinds.length);
    assert.ok(Deno.statSync(file).size <= size + 100_000);
    // What is not concerned is as it was.
    const { problems } = await within("other", (mount) => mount.verify({ deep: true }))(fs);
    assert.deepEqual(problems, []);
    assert.deepEqual(
      await within("other", (mount) => mount.readAll("/x"))(fs),
      noise(5, 150),
    );
  });
}

// --- keys ------------------------------------------------------------------------------------

Deno.test("faults: wrong PINs, missing PINs, PINs that nobody asked for", async () => {
  using sample = await Sample.make();
  {
    await using fs = await AloeLite.open(sample.file);
    for (const pin of ["", "A PIN", "a pin ", PIN.slice(1), new Uint8Array([0, 255])]) {
      await assertCode("bad_key", fs.mount("secret", { pin }));
    }
    await assertCode("bad_key", fs.checkPin("secret", "wrong"));
    await assertCode("bad_key", fs.changePin("secret", "wrong", "new"));
    await assertCode("encryption_required", fs.mount("secret"));
    await assertCode("encryption_required", fs.mount("main", { pin: PIN }));
    await assertCode("encryption_required", fs.mount("main", { pin: "" }));
    await assertCode("encryption_required", fs.checkPin("main", PIN));
    await assertCode("encryption_required", fs.changePin("main", PIN, "new"));
    // None of it left a mount: those there are are the ended ones of the sample's making.
    assert.deepEqual(await fs.mounts(), []);
    await using secret = await fs.mount("secret", { pin: new TextEncoder().encode(PIN) });
    assert.deepEqual(await secret.readAll("/s"), noise(6, 250));
    await assertCode("bad_key", fs.attach(secret.id, { pin: "wrong" }));
    await assertCode("bad_key", fs.attach(secret.id, { token: new Uint8Array(16) }));
    await assertCode("bad_key", fs.attach(secret.id, { token: new Uint8Array(3) }));
    await assertCode("encryption_required", fs.attach(secret.id));
    await using main = await fs.mount("main");
    await assertCode("encryption_required", fs.attach(main.id, { pin: PIN }));
    await assertCode("mount_invalid", fs.attach("nowhere"));
    await using again = await fs.attach(secret.id, { token: secret.token!.slice() });
    assert.deepEqual(await again.readAll("/s"), noise(6, 250));
  }
});

Deno.test("faults: a PIN of nothing is a PIN", async () => {
  await using fs = await AloeLite.open(":memory:");
  await fs.createVolume({ name: "secret", pin: "" });
  await assertCode("encryption_required", fs.mount("secret"));
  await assertCode("bad_key", fs.mount("secret", { pin: "x" }));
  await using mount = await fs.mount("secret", { pin: "" });
  await mount.put("/a", "a");
  assert.equal(text(await mount.readAll("/a")), "a");
});

Deno.test("faults: handles of other volumes, without keys, or ended", async () => {
  using sample = await Sample.make();
  await using fs = await AloeLite.open(sample.file);
  await using main = await fs.mount("main");
  await using other = await fs.mount("other");
  const secret = await fs.mount("secret", { pin: PIN });
  const { id: x } = await other.stat("/x");
  const { id: s } = await secret.stat("/s");

  // A node of another volume.
  for (
    const task of [
      () => main.statById(x),
      () => main.readAllById(x),
      () => main.openReadById(x),
      () => main.openWriteById(x),
      () => main.listById(x),
      () => main.pathOf(x),
      () => main.moveById(x, "/x"),
      () => main.copyById(x, "/x"),
      () => main.renameById(x, "y"),
      () => main.removeById(x),
      () => main.removeRecursiveById(x),
      () => main.packById(x),
      () => main.unpackById(x),
      () => main.historyById(x),
      () => main.restore(x),
      () => main.statById(s),
      () => secret.readAllById(x),
    ]
  ) {
    await assertCode("volume_mismatch", task);
  }

  // The mount's id alone is no key.
  const before = (await fs.info()).chunks;
  for (
    const mount of [
      secret.id,
      new MountHandle(secret.id, secret.volume, null, null),
      // The key of one volume with the mount of another.
      new MountHandle(secret.id, main.volume, MountHandle.cipherOf(secret.handle), null),
      new MountHandle(main.id, secret.volume, MountHandle.cipherOf(secret.handle), null),
      new MountHandle(main.id, main.volume, MountHandle.cipherOf(secret.handle), null),
    ]
  ) {
    const path = (typeof mount === "string" ? mount : mount.id) === secret.id ? "/s" : "/a";
    for (
      const task of [
        () => ops.readAll(fs.db, mount, path),
        () => ops.readRange(fs.db, mount, path, 0, 1),
        () => ops.openRead(fs.db, mount, path),
        () => ops.openWrite(fs.db, mount, path),
        () => ops.writeAll(fs.db, mount, path, utf8("x")),
        () => ops.append(fs.db, mount, path, utf8("x")),
        () => ops.put(fs.db, mount, "/new", "x"),
        () => ops.createEntry(fs.db, mount, "/new", utf8("x")),
        () => ops.verify(fs.db, mount, { deep: true }),
        () => ops.forkVolume(fs.db, mount),
      ]
    ) {
      await assertCode("encryption_required", task);
    }
  }
  assert.equal((await fs.info()).chunks, before);
  assert.equal(await main.exists("/new") || await secret.exists("/new"), false);
  assert.equal((await fs.volumes()).length, 3);

  // An ended mount is of no use to anybody.
  const token = secret.token!.slice();
  await secret.unmount();
  await secret.unmount();
  await assertCode("mount_invalid", secret.readAll("/s"));
  await assertCode("mount_invalid", secret.stat("/"));
  await assertCode("mount_invalid", secret.put("/new", "x"));
  await assertCode("mount_invalid", secret.renew(1000));
  await assertCode(["mount_invalid", "bad_key"], fs.attach(secret.id, { token }));
  assert.ok(secret.token!.every((byte) => byte === 0));
  await using lapsing = await fs.mount("main", { ttl: 1 });
  await new Promise((resolve) => setTimeout(resolve, 5));
  await assertCode("mount_invalid", lapsing.stat("/"));
  await assertCode("mount_invalid", lapsing.renew(1000));
});

// --- disks -------------------------------------------------------------------------------------

/** Runs a command of the system. @returns Whether it succeeded. */
function system(command: string, ...args: string[]): boolean {
  try {
    return new Deno.Command(command, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** Why no file system can be mounted here; null where it can. */
function unmountable(): string | null {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return "needs root on Linux";
  using folder = new Folder();
  if (!system("mount", "-t", "tmpfs", "none", folder.path)) return "may not mount";
  system("umount", folder.path);
  return null;
}

const NO_MOUNTS = unmountable();

/** A test that mounts file systems. */
function mountTest(name: string, fn: () => Promise<void>): void {
  const ignore = NO_MOUNTS !== null;
  Deno.test({ name: ignore ? `${name} (ignored: ${NO_MOUNTS})` : name, ignore, fn });
}

/** A small disk. */
class Disk implements Disposable {
  readonly #folder = new Folder();
  readonly path: string = this.#folder.path;

  constructor(mebibytes: number) {
    assert.ok(system("mount", "-t", "tmpfs", "-o", `size=${mebibytes}m`, "none", this.path));
  }

  at(name: string): string {
    return `${this.path}/${name}`;
  }

  /** Fills it but for some bytes. */
  fill(left: number): void {
    using file = Deno.openSync(this.at("ballast"), { create: true, append: true });
    const page = new Uint8Array(4096);
    try {
      for (;;) file.writeSync(page);
    } catch (error) {
      assert.match(String(error), /No space/);
    }
    const { size } = file.statSync();
    file.truncateSync(Math.max(0, size - left));
  }

  [Symbol.dispose](): void {
    assert.ok(system("umount", this.path));
    this.#folder[Symbol.dispose]();
  }
}

mountTest("faults: a full disk", async () => {
  using disk = new Disk(24);
  const file = disk.at("a.aloe");
  await using fs = await AloeLite.open(file);
  await fs.createVolume({ name: "main", chunkSize: 64 * 1024 });
  await using mount = await fs.mount();
  const kept = noise(1, 1024 * 1024);
  await mount.put("/kept", kept);
  await mount.put("/old", noise(2, 2 * 1024 * 1024));
  disk.fill(1024 * 1024);

  const large = noise(3, 20 * 1024 * 1024);
  await assertCode("no_space", mount.put("/large", large));
  await assertCode("no_space", mount.writeAll("/kept", large));
  await assertCode("no_space", mount.append("/kept", large));
  await assertCode(
    "no_space",
    mount.batch(async (tx) => {
      await tx.put("/small", "small");
      await tx.put("/large", large);
    }),
  );
  // What comes after the fault is no transaction of its own.
  await assertCode(
    "no_space",
    mount.batch(async (tx) => {
      await tx.put("/small", "small");
      await tx.put("/large", large).catch(() => {});
      await tx.put("/late", "late").catch(() => {});
    }),
  );
  await assertCode("no_space", mount.put("/streamed", new Blob([large]).stream()));
  await assertCode("no_space", async () => {
    await using out = await mount.openWrite("/kept");
    await out.write(large);
  });
  await assertCode("no_space", fs.backup(disk.at("backup.aloe")));
  await assertCode("no_space", async () => {
    await using another = await AloeLite.open(disk.at("another.aloe"));
    await another.createVolume({ name: "main" });
    await using theirs = await another.mount();
    await theirs.put("/large", large);
  });

  // All is as it was, and what is small still fits.
  const names = Array.from(Deno.readDirSync(disk.path), (entry) => entry.name);
  assert.ok(!names.includes("backup.aloe"));
  assert.deepEqual(await mount.readAll("/kept"), kept);
  assert.deepEqual((await mount.history("/kept")).length, 1);
  assert.deepEqual(
    (await mount.list("/")).map((child) => child.name),
    ["kept", "old"],
  );
  assert.deepEqual(await fs.health(), []);
  assert.deepEqual((await mount.verify({ deep: true })).problems, []);
  assert.equal(value(file, "PRAGMA integrity_check"), "ok");

  // With room again, writing goes on.
  Deno.removeSync(disk.at("ballast"));
  Deno.removeSync(disk.at("another.aloe"));
  await fs.pruneContent();
  await mount.put("/kept", noise(4, 1024 * 1024));
  await mount.remove("/old");
  await mount.purge();
  await fs.vacuum();
  assert.deepEqual(await mount.readAll("/kept"), noise(4, 1024 * 1024));
  assert.deepEqual(await mount.readAll("/kept", { version: 1 }), kept);
  assert.deepEqual((await mount.verify({ deep: true })).problems, []);
});

mountTest("faults: a disk without any room", async () => {
  using disk = new Disk(8);
  const file = disk.at("a.aloe");
  const old = disk.at("old.aloe");
  await makeFile(file);
  makeEra1(old, 200);
  const before = await digestOf(old);
  disk.fill(0);
  await assertCode(["no_space", "io_error"], AloeLite.open(disk.at("new.aloe")));
  await assertCode(["no_space", "io_error"], AloeLite.open(old));
  await assertCode(["no_space", "io_error"], async () => {
    await using fs = await AloeLite.open(file);
    await using mount = await fs.mount("main");
    await mount.put("/large", noise(1, 1024 * 1024));
  });
  assert.equal(await digestOf(old), before);
  // Reading needs no room.
  await using fs = await AloeLite.open(file, { readOnly: true });
  await using mount = await fs.mount("main");
  assert.deepEqual(await mount.readAll("/a"), noise(2, 250));
  // The mount had the room that the file holds for removals, the content had none.
  assert.equal(await mount.exists("/large"), false);
  assert.deepEqual(await fs.health(), []);
  assert.deepEqual((await mount.verify({ deep: true })).problems, []);
});

mountTest("faults: a vacuum without the room for it", async () => {
  using disk = new Disk(24);
  const file = disk.at("a.aloe");
  await using fs = await AloeLite.open(file);
  await fs.createVolume({ name: "main" });
  await using mount = await fs.mount();
  await mount.put("/kept", noise(1, 6 * 1024 * 1024));
  disk.fill(512 * 1024);
  await assertCode("no_space", fs.vacuum());
  assert.deepEqual(await mount.readAll("/kept"), noise(1, 6 * 1024 * 1024));
  assert.deepEqual(await fs.health(), []);
  Deno.removeSync(disk.at("ballast"));
  await fs.vacuum();
  assert.deepEqual((await mount.verify({ deep: true })).problems, []);
});

mountTest("faults: a disk that fills up while a batch reads", async () => {
  using disk = new Disk(48);
  const file = disk.at("a.aloe");
  await using fs = await AloeLite.open(file);
  await fs.createVolume({ name: "main" });
  await using mount = await fs.mount();
  for (let i = 0; i < 6; i++) await mount.put(`/old${i}`, noise(i, 3 * 1024 * 1024));
  await fs.vacuum();
  disk.fill(256 * 1024);
  // The batch's pages are in memory until reading needs the room for others.
  const fate = await mount.batch(async (tx) => {
    for (let i = 0; i < 14; i++) await tx.put(`/new${i}`, noise(i, 1024 * 1024));
    for (let i = 0; i < 6; i++) {
      try {
        await tx.readAll(`/old${i}`);
      } catch (error) {
        assert.ok(error instanceof AloeError, `${error}`);
      }
    }
    for (let i = 0; i < 3; i++) await tx.put(`/more${i}`, "more").catch(() => {});
  }).then(() => "done", (error) => {
    assert.ok(error instanceof AloeError, `${error?.stack}`);
    return error.code;
  });
  const names = (await mount.list("/")).map((child) => child.name);
  if (fate === "done") assert.equal(names.length, 6 + 14 + 3);
  else assert.deepEqual([fate, names.length], ["no_space", 6]);
  assert.deepEqual((await mount.verify({ deep: true })).problems, []);
});

/** Makes a folder, or a file, read-only for everybody. */
class Frozen implements Disposable {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    assert.ok(system("mount", "--bind", path, path));
    assert.ok(system("mount", "-o", "remount,bind,ro", path));
  }

  [Symbol.dispose](): void {
    assert.ok(system("umount", this.#path));
  }
}

/** Asserts that a file can be read as the sample, and that nothing can be written to it. */
async function assertReadable(file: string, path = "/a", bytes = noise(2, 250)): Promise<void> {
  await using fs = await AloeLite.open(file, { readOnly: true });
  assert.deepEqual(await fs.health(), []);
  await using mount = await fs.mount("main");
  assert.deepEqual(await mount.readAll(path), bytes);
  assert.deepEqual((await mount.verify({ deep: true })).problems, []);
  assert.deepEqual((await mount.trash()).map((item) => item.path), ["/gone"]);
  await assertCode("read_only", mount.put("/new", "x"));
}

/** Asserts that opening for writing is refused, or every write is. */
async function assertUnwritable(file: string): Promise<void> {
  await assertCode(["read_only", "io_error"], async () => {
    await using fs = await AloeLite.open(file);
    await fs.createVolume({ name: "new" });
  });
}

mountTest("faults: a read-only file", async () => {
  for (const journal of ["WAL", "DELETE"]) {
    using sample = await Sample.make();
    const { file } = sample;
    edit(file, `PRAGMA journal_mode = ${journal}`);
    const before = await digestOf(file);
    {
      using _frozen = new Frozen(file);
      await assertUnwritable(file);
      await assertReadable(file);
    }
    assert.equal(await digestOf(file), before);
    await (await AloeLite.open(file)).close();
  }
});

mountTest("faults: a read-only folder", async () => {
  for (const journal of ["WAL", "DELETE"]) {
    using sample = await Sample.make();
    const { file, folder } = sample;
    edit(file, `PRAGMA journal_mode = ${journal}`);
    const before = await digestOf(file);
    {
      using _frozen = new Frozen(folder.path);
      await assertUnwritable(file);
      await assertReadable(file);
      await assertCode(["io_error", "read_only"], AloeLite.open(folder.at("new.aloe")));
      await assertCode("not_found", AloeLite.open(folder.at("new.aloe"), { readOnly: true }));
    }
    assert.equal(await digestOf(file), before);
    assert.deepEqual(folder.names(), ["a.aloe"]);
  }
});

mountTest("faults: a file of era 1 in a read-only folder", async () => {
  using folder = new Folder();
  const file = folder.at("old.aloe");
  const made = makeEra1(file, 5);
  using _frozen = new Frozen(folder.path);
  await using fs = await AloeLite.open(file, { readOnly: true });
  await using mount = await fs.mount("old");
  assert.deepEqual(await mount.readAll("/docs/file 1"), made.entries.get("file 1")!.versions[1]);
  assert.deepEqual(await fs.health(), []);
  await assertUnwritable(file);
});

/** Copies a file as it is while a transaction of another is committed but not checkpointed. */
async function copyLive(sample: Sample, into: Folder): Promise<void> {
  await using fs = await AloeLite.open(sample.file);
  await using mount = await fs.mount("main");
  await mount.put("/late", noise(7, 70));
  for (const suffix of ["", "-wal", "-shm"]) {
    Deno.copyFileSync(sample.file + suffix, into.at(`a.aloe${suffix}`));
  }
  assert.ok(Deno.statSync(into.at("a.aloe-wal")).size > 0);
}

mountTest("faults: a read-only folder with commits that are in the WAL alone", async () => {
  using sample = await Sample.make();
  {
    using copy = new Folder();
    await copyLive(sample, copy);
    using _frozen = new Frozen(copy.path);
    await assertReadable(copy.at("a.aloe"), "/late", noise(7, 70));
  }
  {
    // Without its index the WAL cannot be read here, and without the WAL commits are missing.
    using copy = new Folder();
    await copyLive(sample, copy);
    Deno.removeSync(copy.at("a.aloe-shm"));
    using _frozen = new Frozen(copy.path);
    const error = await assertCode(
      ["io_error", "read_only"],
      AloeLite.open(copy.at("a.aloe"), { readOnly: true }),
    );
    assert.ok(error.message.includes("a.aloe"));
  }
  {
    // An empty one is none.
    using copy = new Folder();
    Deno.copyFileSync(sample.file, copy.at("a.aloe"));
    edit(copy.at("a.aloe"), "PRAGMA journal_mode = WAL");
    Deno.writeFileSync(copy.at("a.aloe-wal"), new Uint8Array(0));
    using _frozen = new Frozen(copy.path);
    await assertReadable(copy.at("a.aloe"));
  }
});

mountTest("faults: a transaction that was cut short, in a read-only folder", async () => {
  using sample = await Sample.make();
  edit(sample.file, "PRAGMA journal_mode = DELETE");
  using copy = new Folder();
  const db = new DatabaseSync(sample.file);
  db.exec("PRAGMA cache_size = 5; BEGIN IMMEDIATE");
  db.exec("UPDATE content_chunk SET data = zeroblob(length)");
  db.exec(
    "CREATE TABLE filler (x); INSERT INTO filler SELECT zeroblob(4000) FROM " +
      "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT i FROM n)",
  );
  for (const suffix of ["", "-journal"]) {
    Deno.copyFileSync(sample.file + suffix, copy.at(`a.aloe${suffix}`));
  }
  db.exec("ROLLBACK");
  db.close();
  const before = await digestOf(copy.at("a.aloe"));
  {
    using _frozen = new Frozen(copy.path);
    await assertCode(
      ["io_error", "read_only"],
      AloeLite.open(copy.at("a.aloe"), { readOnly: true }),
    );
  }
  assert.equal(await digestOf(copy.at("a.aloe")), before);
  // Whoever may write it undoes the half transaction.
  await (await AloeLite.open(copy.at("a.aloe"))).close();
  await assertReadable(copy.at("a.aloe"));
});
