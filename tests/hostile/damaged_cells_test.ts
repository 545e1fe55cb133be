/**
 * Damages one cell of a valid file: whatever its value, it affects only its own
 * row. Nothing hangs, crashes or reveals paths of the host.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { DatabaseSync } from "node:sqlite";
import { AloeError, AloeLite, type Mount } from "../../mod.ts";
import * as internal from "../../src/internal.ts";
import * as ops from "../../src/ops.ts";
import { noise, utf8 } from "../storage/crash/support.ts";
import { runs } from "../support/runs.ts";

/** SQL of the values that a cell is set to. */
const VALUES = [
  "NULL",
  "0",
  "1",
  "-1",
  `${2n ** 31n}`,
  `${2n ** 53n + 1n}`,
  `${2n ** 62n}`,
  `${2n ** 63n - 1n}`,
  `-${2n ** 63n - 1n}`,
  "1.5",
  "9e999",
  "''",
  "'x'",
  "'../../etc/passwd'",
  "CAST(x'ff00fe' AS TEXT)",
  "CAST(x'6100620a' AS TEXT)",
  "x''",
  "x'ff00fe'",
  "zeroblob(100000)",
  "'ffffffff-ffff-7fff-bfff-ffffffffffff'",
];

/** Creates a file with rows in every table. */
async function goodFile(path: string): Promise<void> {
  const fs = await AloeLite.open(path);
  await fs.createVolume({ name: "main", chunkSize: 1000 });
  await fs.createVolume({ name: "second" });
  // Keep the mount and its lock, so that their tables have rows.
  const mount = await fs.mount("main");
  await mount.mkdir("/d/e", { parents: true });
  await mount.put("/a", noise(1, 2500));
  await mount.put("/a", noise(2, 3500));
  await mount.put("/d/b", noise(3, 10));
  await mount.put("/d/e/c", "text");
  await mount.put("/gone", noise(4, 1500));
  await mount.remove("/gone");
  await mount.put("/d/old", "x");
  await mount.removeRecursive("/d/e");
  await mount.symlink("/link", "/a");
  await mount.link("/a", "/hard");
  await mount.setMetadata("/a", { key: "value" });
  await mount.setXattr("/a", "user.x", utf8("y"));
  await mount.setMode("/a", 0o644);
  await mount.setOwner("/a", { uid: 1, gid: 2 });
  await mount.setRetention("/a", 5);
  await mount.truncate("/d/old", 50_000);
  await internal.beginUpload(fs.db, mount.handle, { ttl: 1e9, note: "{}", length: 5 });
  await ops.lock(fs.db, mount.handle, "/d/b", 1e9);
  const { id } = await mount.stat("/d/b");
  await fs.close();
  const db = new DatabaseSync(path);
  db.prepare("INSERT INTO aloe_orphan SELECT chunk_hash FROM content_chunk LIMIT 1").run();
  db.prepare("INSERT INTO aloe_hole SELECT ?, version, 0 FROM content WHERE node_id = ?")
    .run(id, id);
  db.prepare("INSERT INTO aloe_size SELECT ?, version, 8 FROM content WHERE node_id = ?")
    .run(id, id);
  db.prepare(
    `INSERT INTO aloe_redo
    SELECT 1, ?, version, 0, 2, 3, x'010203', x'', x'' FROM content WHERE node_id = ?`,
  ).run(id, id);
  db.close();
}

/** Tables and columns of a file, without those of migrations. */
function cells(path: string): { table: string; column: string }[] {
  const db = new DatabaseSync(path);
  const found = db.prepare(
    `SELECT t.name AS "table", c.name AS "column"
    FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c
    WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND t.name NOT LIKE 'aloe_migration%'`,
  ).all() as { table: string; column: string }[];
  db.close();
  return found;
}

/** Constraints on values, and their replacement while any value is accepted. */
const RULES = [
  ["STRICT, WITHOUT ROWID", "/*st*/  WITHOUT ROWID"],
  [") STRICT", ") /*st*/"],
  ["NOT NULL", "/*nonu*/"],
] as const;

/**
 * Replaces texts of equal length in a file's bytes, past all constraints, as a
 * hardware fault would.
 */
function rewrite(path: string, pairs: (readonly [string, string])[]): void {
  let bytes = Buffer.from(Deno.readFileSync(path)).toString("latin1");
  for (const [from, to] of pairs) bytes = bytes.replaceAll(from, to);
  Deno.writeFileSync(path, Buffer.from(bytes, "latin1"));
}

/** Makes a file accept any value. */
function loosen(path: string): void {
  const db = new DatabaseSync(path);
  for (const { name } of triggersOf(db)) db.prepare(`DROP TRIGGER "${name}"`).run();
  db.close();
  rewrite(path, [...RULES]);
}

/**
 * A size that a file may claim. Holes up to that size are created with one row
 * each, so a larger one would only take long.
 */
function isLargeFile({ table, column, value }: Case): boolean {
  return table === "aloe_size" && column === "size" && value === `${2n ** 31n}`;
}

interface Trigger {
  name: string;
  sql: string;
}

function triggersOf(db: DatabaseSync): Trigger[] {
  return db.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
    .all() as unknown as Trigger[];
}

interface Case {
  table: string;
  column: string;
  value: string;
  last: boolean;
}

/** Sets one cell. @returns Whether the file has changed. */
function damage(
  path: string,
  { table, column, value, last }: Case,
  triggers: Trigger[],
): boolean {
  const db = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  let changed = false;
  try {
    db.prepare("PRAGMA ignore_check_constraints = ON").run();
    const key = (db.prepare(
      `SELECT name FROM pragma_table_info('${table}') WHERE pk > 0 ORDER BY pk`,
    ).all() as { name: string }[]).map((row) => `"${row.name}"`).join(", ");
    const order = last ? key.replaceAll(",", " DESC,") + " DESC" : key;
    const { changes } = db.prepare(
      `UPDATE OR IGNORE "${table}" SET "${column}" = ${value} WHERE (${key}) IN
        (SELECT ${key} FROM "${table}" ORDER BY ${order} LIMIT 1)`,
    ).run();
    changed = Number(changes) > 0;
    for (const { sql } of triggers) db.prepare(sql).run();
  } catch {
    // A key column that may not be null.
  } finally {
    db.close();
  }
  if (changed) rewrite(path, RULES.map(([from, to]) => [to, from] as const));
  return changed;
}

/**
 * Runs one of this many cases; a prime, so that all values and columns are
 * covered over time.
 */
const EVERY = 7;

/** Time limit of one call, ms; generous, because the machine may be busy. */
const SLOW = 5000;

class Attempt {
  readonly failures: string[] = [];
  readonly #name: string;
  readonly #path: string;
  readonly #moved: boolean;

  /** @param moved Whether the damage may look like another valid placement. */
  constructor(name: string, path: string, moved = false) {
    this.#name = name;
    this.#path = path;
    this.#moved = moved;
  }

  /**
   * Runs a call, which may fail only with a closed code. @returns Null on
   * failure.
   */
  async call<T>(what: string, task: () => Promise<T>): Promise<T | null> {
    const begin = performance.now();
    try {
      return await task();
    } catch (error) {
      const text = `${this.#name}: ${what}: `;
      if (!(error instanceof AloeError)) {
        this.failures.push(text + ((error as Error).stack ?? String(error)));
      } else if (/\bat .*\.ts:\d/.test(error.message)) this.failures.push(text + error.message);
      return null;
    } finally {
      const took = performance.now() - begin;
      if (took > SLOW) this.failures.push(`${this.#name}: ${what} took ${took} ms`);
    }
  }

  /**
   * Calls every reading operation and some writing ones, whatever they return.
   *
   * @param right The results before the damage.
   * @param spoilt Whether the volume itself is damaged.
   */
  async everything(right: Reads, spoilt: boolean): Promise<void> {
    await using fs = await this.call(
      "open",
      () => AloeLite.open(this.#path, { durability: "normal" }),
    );
    if (fs === null) return;
    await this.call("volumes", () => fs.volumes());
    await this.call("mounts", () => fs.mounts({ all: true }));
    await this.call("info", () => fs.info());
    // Calls that must always succeed, whichever row is damaged.
    const health = await this.call("health", () => fs.health());
    if (health === null) this.failures.push(`${this.#name}: no health`);
    const mount = await this.call("mount", () => fs.mount("main", { access: "ro" }));
    if (mount === null) return;
    const found = (health?.length ?? 0) + await this.#verify(mount, fs.db, spoilt);
    const reads = await this.reads(mount);
    for (const [path, bytes] of reads) {
      // A node with another name, or in the trash, is not found: it looks like
      // a rename.
      if (bytes === null && this.#moved) continue;
      if (bytes !== right.get(path) && found === 0) {
        this.failures.push(`${this.#name}: ${path} is read wrong, and nothing says so`);
      }
    }
    await this.call("unmount", () => mount.unmount());
    await this.call("rw", async () => {
      await using other = await fs.mount("main");
      await this.call("put", () => other.put("/new", "x"));
      await this.call("purge", () => other.purge());
    });
    await this.call("prune", () => fs.prune());
    await this.call("pruneContent", () => fs.pruneContent());
  }

  async #verify(mount: Mount, db: ops.Database, spoilt: boolean): Promise<number> {
    const usage = await this.call("usage", () => ops.volumeUsage(db, mount.handle));
    if (usage === null && !spoilt) this.failures.push(`${this.#name}: no usage`);
    const report = await this.call("verify", () => mount.verify({ deep: true }));
    if (report === null && !spoilt) this.failures.push(`${this.#name}: no verify`);
    return report === null ? 1 : report.problems.length;
  }

  /** Collects all results that reading gives. */
  async reads(mount: Mount): Promise<Reads> {
    const reads: Reads = new Map();
    for (const path of ["/", "/d"]) {
      const names = await this.call(`list ${path}`, () => mount.list(path));
      for (const { name } of names ?? []) {
        const child = `${path === "/" ? "" : path}/${name}`;
        await this.call(`stat ${child}`, () => mount.stat(child));
      }
    }
    for (const path of ["/a", "/d/b", "/d/old", "/link"]) {
      const bytes = await this.call(`read ${path}`, () => mount.readAll(path));
      reads.set(path, bytes === null ? null : bytes.toHex());
      await this.call(`history ${path}`, () => mount.history(path));
      await this.call(`xattrs ${path}`, () => mount.listXattrs(path));
    }
    await this.call("trash", () => mount.trash());
    return reads;
  }
}

/** Content by path; null where it cannot be read. */
type Reads = Map<string, string | null>;

Deno.test("a damaged cell of any table affects only its own row", async () => {
  // In memory where possible, because thousands of files are created.
  const shm = await Deno.stat("/dev/shm").then(() => "/dev/shm", () => undefined);
  const folder = await Deno.makeTempDir({ prefix: "aloelite-", dir: shm });
  using _gone = { [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }) };
  const good = `${folder}/good.fs`;
  await goodFile(good);
  const reader = new DatabaseSync(good);
  const triggers = triggersOf(reader);
  reader.close();
  const loose = `${folder}/loose.fs`;
  Deno.copyFileSync(good, loose);
  loosen(loose);
  let right: Reads;
  {
    await using fs = await AloeLite.open(good, { readOnly: true });
    await using mount = await fs.mount("main");
    right = await new Attempt("good", good).reads(mount);
    assert.deepEqual((await mount.verify({ deep: true })).problems, []);
    assert.deepEqual(await fs.health(), []);
  }
  const failures: string[] = [];
  const cases: Case[] = [];
  for (const cell of cells(good)) {
    for (const value of VALUES) {
      for (const last of [false, true]) {
        const one = { ...cell, value, last };
        if (!isLargeFile(one)) cases.push(one);
      }
    }
  }
  // A part of the cases, in some 20 seconds; `ALOELITE_TEST_RUNS=7` runs all.
  const every = Math.max(1, Math.round(EVERY / runs(1)));
  let tried = 0;
  const first = Number(Deno.env.get("ALOELITE_TEST_SEED") ?? "0") % every;
  for (let i = first; i < cases.length; i += every) {
    const one = cases[i];
    const path = `${folder}/case.fs`;
    Deno.copyFileSync(loose, path);
    if (damage(path, one, triggers)) {
      tried++;
      const name = `${one.table}.${one.column} = ${one.value}${one.last ? " (last)" : ""}`;
      const moved = one.table === "edge" && ["name", "archived"].includes(one.column);
      const attempt = new Attempt(name, path, moved);
      await attempt.everything(right, ["volume", "mount"].includes(one.table));
      failures.push(...attempt.failures);
    }
    for (const suffix of ["", "-wal", "-shm"]) {
      try {
        Deno.removeSync(path + suffix);
      } catch {
        // The file does not exist.
      }
    }
  }
  assert.deepEqual(failures, []);
  assert.ok(tried > 50, `${tried}`);
});
