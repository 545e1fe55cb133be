/**
 * A commit of which any one row cannot be stored: the row is set aside and reported, and all others
 * are stored. Faults are injected into each statement of a commit, and into the file by triggers.
 */

import assert from "node:assert/strict";
import { AloeLite } from "../../mod.ts";
import { AloeError } from "../../src/errors.ts";
import type * as internal from "../../src/internal.ts";
import * as ops from "../../src/ops.ts";
import { raw } from "../../templates/template.ts";
import { type Inode, S_IFBLK, S_IFREG } from "../../src/vfs/inode.ts";
import { VolumeFilesystem } from "../../src/vfs/volume_filesystem.ts";
import type { History } from "../../src/internal.ts";
import { CALLER, CHUNK, filled, nothing, withFile } from "../support/vfs_subject.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array) => new TextDecoder().decode(data);

// --- faults in statements -------------------------------------------------------

type Values = Record<string, unknown>;

/** A statement of a commit, and its row. */
interface Row {
  template: string;
  values: Values;
}

/** The values that identify a row, also in a retry. */
const OWN = ["node", "edge", "old", "name", "index", "hash", "first", "volume"];

/** Returns whether a statement concerns a row, alone or with others. */
function isAbout({ template, values }: Row, row: Row): boolean {
  if (template !== row.template) return false;
  if (typeof row.values.nodes === "string") {
    const [victim] = JSON.parse(row.values.nodes);
    return JSON.parse(values.nodes as string).includes(victim);
  }
  return OWN.every((key) => values[key] === row.values[key]);
}

/** A database whose writing statements are recorded and can be made to fail. */
class Faulty {
  readonly rows: Row[] = [];
  fault: Row | null = null;
  hits = 0;
  readonly db: ops.Database;

  constructor(db: ops.Database) {
    this.db = new Proxy(db, {
      get: (target, key) => {
        if (key === "write") {
          return (task: (tx: unknown) => Promise<unknown>, options: internal.CommitOptions) =>
            target.write((tx) => task(this.#watched(tx)), options);
        }
        const value = Reflect.get(target, key, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  #watched<T extends object>(tx: T): T {
    return new Proxy(tx, {
      get: (target, key) => {
        const value = Reflect.get(target, key, target);
        if (typeof value !== "function") return value;
        if (key !== "run") return value.bind(target);
        return (statement: { name?: string }, values: Values) => {
          const row = { template: statement.name ?? "", values };
          if (row.template !== "") this.rows.push(row);
          if (this.fault !== null && isAbout(row, this.fault)) {
            this.hits++;
            return Promise.reject(new Error(`a fault in ${row.template}`));
          }
          return value.call(target, statement, values);
        };
      },
    });
  }
}

/** A scenario, and the file's expected content when nothing fails. */
interface Scenario {
  vfs: VolumeFilesystem;
  /** The content of each path: bytes of a file, the target of a link, or the type. */
  expected: Map<string, string>;
  /** Paths that must be gone, each with the path that reports it. */
  gone: Map<string, string>;
}

const OLD = ["kept", "over", "moved", "onto", "away", "gone", "tailed", "chmod", "xattr", "holed"];

async function lookup(vfs: VolumeFilesystem, path: string): Promise<Inode> {
  let at = vfs.root;
  for (const name of path.split("/").slice(1)) at = (await vfs.lookup(at, name))!;
  return at;
}

async function file(vfs: VolumeFilesystem, parent: Inode, name: string, data: Uint8Array) {
  const made = await vfs.mknod(parent, name, S_IFREG | 0o644, 0, CALLER);
  if (data.length > 0) await vfs.write(made, 0, data, true);
  return made;
}

/** Creates and stores the initial state. */
async function prepare(vfs: VolumeFilesystem): Promise<void> {
  const old = await vfs.mkdir(vfs.root, "old", 0o755, CALLER);
  for (const name of OLD) await file(vfs, old, name, filled(3 * CHUNK, name.charCodeAt(0)));
  await vfs.setxattr(await lookup(vfs, "/old/xattr"), "user.gone", bytes("x"), 0);
  await vfs.mkdir(old, "emptied", 0o755, CALLER);
  await file(vfs, await lookup(vfs, "/old/emptied"), "in", bytes("in"));
  await vfs.mkdir(old, "dir", 0o755, CALLER);
  await vfs.flush();
  await vfs.flush();
}

/** Makes every kind of change at once. */
async function change(vfs: VolumeFilesystem): Promise<Scenario> {
  const at = (path: string) => lookup(vfs, path);
  const old = await at("/old");
  const expected = new Map<string, string>();
  const content = (name: string, byte = name.charCodeAt(0)) => text(filled(3 * CHUNK, byte));
  expected.set("/old/kept", content("kept"));
  await vfs.write(await at("/old/over"), 0, filled(3 * CHUNK, 90), true);
  expected.set("/old/over", content("over", 90));
  await vfs.write(await at("/old/tailed"), 3 * CHUNK, bytes("tail"), true);
  expected.set("/old/tailed", `${content("tailed")}tail`);
  await vfs.rename(old, "moved", vfs.root, "moved", 0);
  expected.set("/moved", content("moved"));
  await vfs.rename(old, "onto", old, "away", 0);
  expected.set("/old/away", content("onto"));
  await vfs.unlink(old, "gone");
  await vfs.setattr(await at("/old/chmod"), { mode: 0o600, uid: 7 }, CALLER);
  expected.set("/old/chmod", content("chmod"));
  await vfs.setxattr(await at("/old/xattr"), "user.a", bytes("1"), 0);
  await vfs.removexattr(await at("/old/xattr"), "user.gone");
  expected.set("/old/xattr", content("xattr"));
  await vfs.setattr(await at("/old/holed"), { size: 100 }, CALLER);
  await vfs.write(await at("/old/holed"), 9 * CHUNK + 5, bytes("x"), true);
  expected.set("/old/holed", `${content("holed").slice(0, 100)}${"\0".repeat(9 * CHUNK - 95)}x`);
  await vfs.unlink(await at("/old/emptied"), "in");
  await vfs.rmdir(old, "emptied");
  await vfs.rename(old, "dir", vfs.root, "dir", 0);
  expected.set("/dir", "directory");

  const gone = new Map([
    ["/old/gone", "/old/gone"],
    ["/old/onto", "/old/away"],
    ["/old/moved", "/moved"],
    ["/old/emptied", "/old/emptied"],
    ["/old/dir", "/dir"],
  ]);

  const d = await vfs.mkdir(vfs.root, "new", 0o755, CALLER);
  const sub = await vfs.mkdir(d, "sub", 0o755, CALLER);
  for (const name of ["a", "b"]) {
    await file(vfs, d, name, bytes(name));
    expected.set(`/new/${name}`, name);
  }
  await file(vfs, sub, "c", filled(2 * CHUNK, 67));
  expected.set("/new/sub/c", text(filled(2 * CHUNK, 67)));
  await file(vfs, sub, "empty", bytes(""));
  expected.set("/new/sub/empty", "");
  await vfs.symlink(d, "link", bytes("b"), CALLER);
  expected.set("/new/link", "b");
  await vfs.mknod(d, "device", S_IFBLK | 0o600, 0x0801, CALLER);
  expected.set("/new/device", "");
  await vfs.link(await at("/new/a"), sub, "hard");
  expected.set("/new/sub/hard", "a");
  const unnamed = await vfs.tmpfile(d, 0o600, CALLER);
  vfs.remember(unnamed);
  await vfs.write(unnamed, 0, bytes("nowhere"), true);
  return { vfs, expected, gone };
}

async function open(db: ops.Database, fs: AloeLite, history: History, log: string[]) {
  const handle = await ops.mount(fs.db, (await fs.volume()).id, {});
  return await VolumeFilesystem.open(db, handle, {
    uid: 0,
    gid: 0,
    readOnly: false,
    clock: () => ({ sec: 1_700_000_000, nsec: 5 }),
    log: (line) => log.push(line),
    invalidate: nothing,
    history,
  });
}

/** Returns the paths of a scenario that the file does not have. */
async function missing(path: string, { expected, gone }: Scenario): Promise<string[]> {
  await using fs = await AloeLite.open(path, { durability: "normal" });
  await using mount = await fs.mount();
  const found: string[] = [];
  for (const [at, content] of expected) {
    if (!await mount.exists(at)) found.push(at);
    else if (content === "directory") continue;
    else if (text(await mount.readAll(at)) !== content) found.push(at);
  }
  for (const [at, told] of gone) if (await mount.exists(at)) found.push(told);
  const attributes = async (at: string, what: (info: ops.NodeInfo) => boolean) => {
    if (!found.includes(at) && await mount.exists(at) && !what(await mount.stat(at))) {
      found.push(at);
    }
  };
  await attributes("/old/chmod", ({ mode, uid }) => mode === 0o600 && uid === 7);
  for (const at of expected.keys()) {
    await attributes(at, ({ ctime }) => ctime === 1_700_000_000_000_000_005n || at === "/old/kept");
  }
  const names = await mount.listXattrs("/old/xattr");
  if (names.join() !== "user.a" && !found.includes("/old/xattr")) found.push("/old/xattr");
  const problems = (await mount.verify({ deep: true })).problems;
  assert.deepEqual(problems, []);
  return found;
}

/** Returns whether a text names a path or one of its directories. */
function isToldOf(said: string, path: string): boolean {
  for (let at = path; at !== ""; at = at.slice(0, at.lastIndexOf("/"))) {
    if ([":", " (", ","].some((after) => said.includes(`${at}${after}`))) return true;
  }
  return false;
}

/** Returns the rows that a commit writes. */
async function rowsOf(history: History, durable: boolean): Promise<Row[]> {
  let rows: Row[] = [];
  await withFile(async (path) => {
    await using fs = await AloeLite.open(path, { durability: "normal" });
    const faulty = new Faulty(fs.db);
    const vfs = await open(faulty.db, fs, history, []);
    await prepare(vfs);
    await change(vfs);
    faulty.rows.length = 0;
    await (durable ? vfs.sync() : vfs.flush());
    rows = [...faulty.rows];
  });
  return rows;
}

/**
 * Statements without a node: a commit is complete without the first ones, and impossible without
 * the others.
 */
const HOUSEKEEPING = ["content.deleteChunks", "content_change.deleteNotes"];
const WHOLE = ["volume.storeWatermark"];

for (const history of ["none", "all"] as const) {
  for (const durable of [true, false]) {
    const how = `history ${history}, ${durable ? "durable" : "not durable"}`;
    Deno.test(`if any one row of a commit cannot be stored, the others are: ${how}`, async (t) => {
      const rows = await rowsOf(history, durable);
      const templates = [...new Set(rows.map(({ template }) => template))].sort();
      assert(templates.length > 15, `${templates}`);
      for (const template of templates) {
        const all = rows.flatMap((row, i) => row.template === template ? [i] : []);
        const tried = [...new Set([all[0], all.at(-1)!])];
        for (const index of tried) {
          await t.step(`${template}, row ${index}`, () => faultAt(history, durable, index));
        }
      }
    });
  }
}

async function faultAt(history: History, durable: boolean, index: number): Promise<void> {
  await withFile(async (path) => {
    const log: string[] = [];
    let scenario!: Scenario;
    let failed: unknown = null;
    let template = "";
    {
      await using fs = await AloeLite.open(path, { durability: "normal" });
      const faulty = new Faulty(fs.db);
      const vfs = await open(faulty.db, fs, history, log);
      await prepare(vfs);
      scenario = await change(vfs);
      // The order of a commit is deterministic, so this is the same row.
      faulty.rows.length = 0;
      const rows = await rowsOnce(faulty, () => durable ? vfs.sync() : vfs.flush(), index);
      template = rows[index].template;
      const whole = WHOLE.includes(template);
      if (whole) {
        await assert.rejects(vfs.sync(), /a fault in/);
      } else {
        await vfs.sync();
        const aside = HOUSEKEEPING.includes(template) ? 0 : 1;
        assert(vfs.statistics().setAside >= aside, `nothing is set aside: ${log}`);
        assert.equal(vfs.isUnsynced(0), vfs.statistics().setAside > 0);
        const one = /insertInode|insertEdge|replaceEdge/.test(template) ? 10 : 3;
        assert(vfs.statistics().setAside <= one, log.join("\n"));
        const lines = HOUSEKEEPING.includes(template) ? 1 : 0;
        const told = () => log.filter((line) => !line.startsWith("chunks are not")).length;
        assert.equal(told(), vfs.statistics().setAside, log.join("\n"));
        // A retry does not report it again.
        await vfs.flush();
        await vfs.sync();
        assert.equal(told(), vfs.statistics().setAside, log.join("\n"));
        assert(log.length - told() <= lines);
        // Later changes are stored too.
        const later = await vfs.mknod(vfs.root, "later", S_IFREG | 0o644, 0, CALLER);
        await vfs.write(later, 0, bytes("later"), true);
        await vfs.sync();
        assert.equal(vfs.isUnsynced(later.nodeId), false);
        scenario.expected.set("/later", "later");
      }
      assert(faulty.hits > 0);
      await vfs.close().catch((error) => failed = error);
    }
    if (WHOLE.includes(template)) return assert(failed !== null);
    const lost = await missing(path, scenario);
    const told = log.join("\n");
    if (HOUSEKEEPING.includes(template)) {
      assert.deepEqual([lost, failed], [[], null]);
      return;
    }
    // The nameless file is deleted at the end in any case.
    if (log.every((line) => line.startsWith("node "))) {
      assert.deepEqual([lost, failed], [[], null]);
      return;
    }
    assert(failed instanceof AloeError, `closing tells of nothing; ${template}\n${told}`);
    for (const at of lost) {
      assert(isToldOf(told, at), `${at} is not told of:\n${told}`);
      assert(isToldOf(failed.message, at), `${at} is not told of:\n${failed.message}`);
    }
  });
}

/** Commits with a fault in the row at an index, repeated whenever the row is written again. */
async function rowsOnce(faulty: Faulty, commit: () => Promise<void>, index: number) {
  const { rows } = faulty;
  const push = rows.push.bind(rows);
  rows.push = (...added: Row[]) => {
    const length = push(...added);
    if (length - 1 === index && faulty.fault === null) faulty.fault = added[0];
    return length;
  };
  await commit().catch((error) => {
    if (!/a fault in/.test(String(error))) throw error;
  });
  rows.push = push;
  return rows;
}

Deno.test("a failed row is stored by a later commit, which is reported", async () => {
  await withFile(async (path) => {
    const log: string[] = [];
    await using fs = await AloeLite.open(path, { durability: "normal" });
    const faulty = new Faulty(fs.db);
    const vfs = await open(faulty.db, fs, "none", log);
    await prepare(vfs);
    const scenario = await change(vfs);
    faulty.rows.length = 0;
    const rows = await rowsOnce(faulty, () => vfs.sync(), 0);
    assert.equal(rows[0].template, "inode.insertInode");
    assert(vfs.statistics().setAside > 0);
    const before = log.length;
    faulty.fault = null;
    await vfs.sync();
    assert.equal(vfs.statistics().setAside, 0);
    assert.equal(log.length, 2 * before, log.join("\n"));
    assert.match(log.at(-1)!, /written back on a retry/);
    await vfs.close();
    assert.deepEqual(await missing(path, scenario), []);
    assert.deepEqual(await fs.health(), []);
  });
});

Deno.test("a failed row whose node is deleted is not reported as lost", async () => {
  await withFile(async (path) => {
    const log: string[] = [];
    await using fs = await AloeLite.open(path, { durability: "normal" });
    const faulty = new Faulty(fs.db);
    const vfs = await open(faulty.db, fs, "none", log);
    faulty.fault = {
      template: "inode.insertInode",
      values: { node: undefined, name: "bad", volume: fs.db && (await fs.volume()).id },
    };
    const insert = faulty.fault;
    const made = await vfs.mknod(vfs.root, "bad", S_IFREG | 0o644, 0, CALLER);
    insert.values.node = made.id;
    await vfs.sync();
    assert.equal(vfs.statistics().setAside, 1);
    await vfs.unlink(vfs.root, "bad");
    assert.equal(vfs.statistics().setAside, 0);
    await vfs.close();
  });
});

// --- faults in the file ---------------------------------------------------------

/** Tables that a commit writes, each with a condition that makes one row impossible. */
const TRIGGERS: Record<string, string> = {
  "a node": "BEFORE INSERT ON node WHEN NEW.name = 'b'",
  "times": "BEFORE UPDATE OF modified_at ON node WHEN NEW.name = 'b'",
  "an owner": "BEFORE UPDATE OF uid ON node WHEN NEW.name = 'chmod'",
  "a name": "BEFORE INSERT ON edge WHEN NEW.name = 'b'",
  "a renaming": "BEFORE UPDATE OF name ON edge WHEN NEW.name = 'moved'",
  "a removal": "BEFORE DELETE ON node WHEN OLD.name = 'gone'",
  "a manifest row":
    "BEFORE INSERT ON content_version WHEN (SELECT name FROM node WHERE node_id = NEW.content_id) = 'c'",
  "a size": "BEFORE UPDATE OF size ON content WHEN NEW.size > 600000",
  "an attribute": "BEFORE INSERT ON xattr WHEN NEW.name = 'user.a'",
  "a device": "BEFORE INSERT ON aloe_device",
  "a log record": "BEFORE INSERT ON aloe_redo",
  "a note of a file in use": "BEFORE INSERT ON aloe_unlinked",
  "a note of a directory": "BEFORE INSERT ON aloe_subdir",
};

for (const [what, when] of Object.entries(TRIGGERS)) {
  Deno.test(`the file refuses ${what}: all other rows are stored`, async () => {
    await withFile(async (path) => {
      const log: string[] = [];
      let scenario!: Scenario;
      let failed: unknown = null;
      {
        await using fs = await AloeLite.open(path, { durability: "normal" });
        const vfs = await open(fs.db, fs, "none", log);
        await prepare(vfs);
        // Only on this connection; a trigger in the file would be refused as a whole.
        const trigger = `CREATE TEMP TRIGGER refused ${when.replace(/ ON /, " ON main.")}
          BEGIN SELECT RAISE(ABORT, 'refused'); END`;
        await fs.db.alone((tx) => tx.run(raw(trigger), {}));
        scenario = await change(vfs);
        await vfs.sync();
        await vfs.close().catch((error) => failed = error);
      }
      const lost = await missing(path, scenario);
      for (const at of lost) assert(isToldOf(log.join("\n"), at), `${at}: ${log.join("\n")}`);
      if (lost.length > 0) assert(failed instanceof AloeError);
    });
  });
}
