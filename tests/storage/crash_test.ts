/**
 * Kills processes at random points of their work: the file opens, is valid, has
 * every acknowledged change, and the running change completely or not at all.
 *
 * `ALOELITE_TEST_RUNS` multiplies the number of kills.
 */

import assert from "node:assert/strict";
import { AloeLite, type Durability } from "../../mod.ts";
import type { Job } from "./crash/child.ts";
import { makeEra1 } from "./crash/era1.ts";
import { all, assertCode, Folder, random, rows, text, utf8, value } from "./crash/support.ts";
import {
  actual,
  CHUNK,
  EMPTY,
  expected,
  nextStep,
  pruned,
  type State,
  type View,
  type Work,
  WORKS,
} from "./crash/work.ts";
import { runs } from "../support/runs.ts";

const CHILD = new URL("crash/child.ts", import.meta.url);
const UPGRADER = new URL("crash/upgrader.ts", import.meta.url);
const MAKER = new URL("crash/maker.ts", import.meta.url);
const WRITER = new URL("crash/writer.ts", import.meta.url);

/** A process that works until it is killed. */
class Child implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  #rest = "";

  constructor(program: URL, args: string[]) {
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "--allow-all", program.pathname, ...args],
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#lines = this.#process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Returns the next line of its output; undefined at the end. */
  async line(): Promise<string | undefined> {
    while (!this.#rest.includes("\n")) {
      const { done, value } = await this.#lines.read();
      if (done) return undefined;
      this.#rest += value;
    }
    const end = this.#rest.indexOf("\n");
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + 1);
    return line;
  }

  /**
   * Kills it after some milliseconds of work. @returns Its remaining output.
   */
  async kill(after: number): Promise<string[]> {
    await new Promise((resolve) => setTimeout(resolve, after));
    this.#process.kill("SIGKILL");
    const { signal, code } = await this.#process.status;
    assert.equal(signal, "SIGKILL", `the child ended by itself, with ${code}`);
    const said: string[] = [];
    for (let line = await this.line(); line !== undefined; line = await this.line()) {
      said.push(line);
    }
    return said;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // The process has ended already.
    }
    await this.#process.status;
    await this.#lines.cancel();
  }
}

/** The number of kills for each kind of work and durability. */
const KILLS: Record<Work | "encrypted", number> = {
  put: 14,
  stream: 16,
  batch: 14,
  pack: 14,
  purge: 16,
  fork: 10,
  encrypted: 4,
};

/** One file, with repeated work and kills. */
class Victim {
  readonly #work: Work;
  readonly #durability: Durability;
  readonly #seed: number;
  readonly #file: string;
  readonly #pin: string | undefined;
  readonly #chance: () => number;
  #state: State = EMPTY;
  #step = 0;

  constructor(
    folder: Folder,
    work: Work,
    durability: Durability,
    seed: number,
    pin?: string,
  ) {
    this.#work = work;
    this.#durability = durability;
    this.#seed = seed;
    this.#file = folder.at(`${durability}.aloe`);
    this.#pin = pin;
    this.#chance = random(seed);
  }

  async make(): Promise<void> {
    await using fs = await AloeLite.open(this.#file);
    await fs.createVolume({
      name: "main",
      chunkSize: CHUNK,
      pin: this.#pin,
      encryption: this.#pin === undefined ? undefined : "random",
    });
  }

  /** Runs and kills one child, and checks the file. */
  async round(): Promise<void> {
    const job: Job = {
      file: this.#file,
      durability: this.#durability,
      work: this.#work,
      seed: this.#seed,
      state: this.#state,
      from: this.#step,
      pin: this.#pin,
    };
    await Deno.writeTextFile(`${this.#file}.json`, JSON.stringify(job));
    let dead: string;
    {
      await using child = new Child(CHILD, [`${this.#file}.json`]);
      const ready = await child.line();
      assert.match(ready ?? "", /^ready /);
      dead = ready!.slice("ready ".length);
      for (const line of await child.kill(5 + this.#chance() * 145)) {
        assert.equal(line, `${this.#step}`);
        this.#advance();
      }
    }
    await this.#examine(dead);
  }

  /** Records the next step as done. */
  #advance(): void {
    this.#state = nextStep(this.#work, this.#seed, this.#state, this.#step).after;
    this.#step++;
  }

  async #examine(dead: string): Promise<void> {
    await using fs = await AloeLite.open(this.#file, {
      create: false,
      durability: this.#durability,
    });
    assert.deepEqual(await fs.health(), []);
    assert.equal(value(this.#file, "PRAGMA integrity_check"), "ok");
    assert.deepEqual(rows(this.#file, "PRAGMA foreign_key_check"), []);
    // The next process ends the mount of the killed one.
    assert.ok((await fs.mounts()).some((each) => each.id === dead));
    for (const { id } of await fs.mounts()) await fs.unmount(id);
    await removeUnfinished(fs);

    await using mount = await fs.mount("main", { pin: this.#pin });
    await this.#settle(fs, mount);
    for (const { id } of await fs.volumes()) {
      await using each = id === mount.volume ? undefined : await fs.mount(id);
      assert.deepEqual((await (each ?? mount).verify({ deep: true })).problems, []);
    }
    if (this.#chance() < 0.5) {
      await fs.pruneContent();
      pruned(this.#state);
      assert.equal(value(this.#file, ABORTED_ROWS), 0n);
      assert.equal(value(this.#file, ORPHAN_CHUNKS), 0n);
    }
    // The next process continues the interrupted writes.
    const next = nextStep(this.#work, this.#seed, this.#state, this.#step);
    await next.run(fs, mount);
    this.#advance();
    assert.deepEqual(await actual(fs, mount), await expected(this.#state), next.what);
  }

  /** Finds whether the running step was done completely or not at all. */
  async #settle(fs: AloeLite, mount: Awaited<ReturnType<AloeLite["mount"]>>): Promise<void> {
    const found = await actual(fs, mount);
    const next = nextStep(this.#work, this.#seed, this.#state, this.#step);
    if (same(found, await expected(next.after))) return this.#advance();
    for (const between of next.between ?? []) {
      if (same(found, await expected(between))) {
        this.#state = between;
        return;
      }
    }
    assert.deepEqual(found, await expected(this.#state), `killed in step ${next.what}`);
  }
}

const ABORTED_ROWS = `SELECT count(*) FROM content_version v
  JOIN content c ON c.node_id = v.content_id WHERE v.version > c.version`;
const ORPHAN_CHUNKS = `SELECT count(*) FROM content_chunk
  WHERE chunk_hash NOT IN (SELECT chunk_hash FROM content_version)`;

/**
 * An incomplete fork has no name, so that it is not mistaken for a complete
 * one.
 */
async function removeUnfinished(fs: AloeLite): Promise<void> {
  for (const { id, name } of await fs.volumes()) {
    if (name === null) await fs.removeVolume(id);
  }
}

function same(a: View, b: View): boolean {
  try {
    assert.deepEqual(a, b);
    return true;
  } catch {
    return false;
  }
}

/** Works on a file with full and on one with normal durability, in parallel. */
async function slaughter(work: Work, kills: number, pin?: string): Promise<void> {
  using folder = new Folder();
  const seed = Math.floor(Math.random() * 2 ** 20);
  try {
    await all((["full", "normal"] as const).map(async (durability, i) => {
      const victim = new Victim(folder, work, durability, seed + i, pin);
      await victim.make();
      for (let n = 0; n < runs(kills); n++) await victim.round();
    }));
  } catch (error) {
    throw new Error(`seed ${seed}`, { cause: error });
  }
}

for (const work of WORKS) {
  Deno.test(`crash: ${work}, killed ${runs(KILLS[work])} times with each durability`, async () => {
    await slaughter(work, KILLS[work]);
  });
}

Deno.test("crash: streams into an encrypted volume", async () => {
  await slaughter("stream", KILLS.encrypted, "a pin");
});

Deno.test(`crash: an upgrade of era 1, killed ${runs(16)} times`, async () => {
  using folder = new Folder();
  const made = makeEra1(folder.at("old.aloe"), 4000);
  const check = async (file: string) => {
    await using fs = await AloeLite.open(file, { create: false });
    assert.deepEqual(await fs.health(), []);
    assert.equal(value(file, "PRAGMA integrity_check"), "ok");
    await using mount = await fs.mount("old");
    assert.deepEqual((await mount.verify()).problems, []);
    const listed = await mount.list("/docs");
    assert.equal(listed.length, made.entries.size + 1);
    for (const name of ["file 0", "file 1234", "file 3999"]) {
      const { id, versions } = made.entries.get(name)!;
      const info = await mount.stat(`/docs/${name}`);
      assert.equal(info.id, id);
      assert.equal(info.createdAt, (made.at + 2n) * 1_000_000n);
      assert.equal(info.modifiedAt, (made.at + 3n) * 1_000_000n);
      assert.deepEqual(await mount.readAll(`/docs/${name}`), versions[1]);
      assert.deepEqual(await mount.readAll(`/docs/${name}`, { version: 1 }), versions[0]);
    }
    assert.deepEqual((await mount.trash()).map((item) => item.path), ["/gone.txt"]);
    await mount.put("/docs/new", "written after the crash");
  };
  // The duration of an upgrade here, to place the kills.
  Deno.copyFileSync(folder.at("old.aloe"), folder.at("whole.aloe"));
  const began = performance.now();
  await (await AloeLite.open(folder.at("whole.aloe"))).close();
  const long = performance.now() - began;
  await check(folder.at("whole.aloe"));

  const eras: unknown[] = [];
  for (let n = 0; n < runs(16); n++) {
    const file = folder.at(`${n}.aloe`);
    Deno.copyFileSync(folder.at("old.aloe"), file);
    {
      await using child = new Child(UPGRADER, [file]);
      assert.equal(await child.line(), "ready");
      const said = await child.kill(Math.random() * long);
      eras.push(value(file, "PRAGMA user_version"));
      // No state between the two eras is visible.
      assert.ok(eras[n] === 3n || (eras[n] === 1n && said.length === 0), `${eras[n]}, ${said}`);
    }
    await check(file);
    Deno.removeSync(file);
  }
});

Deno.test(`crash: a file being created, killed ${runs(16)} times`, async () => {
  using folder = new Folder();
  for (let n = 0; n < runs(16); n++) {
    const said: string[] = [];
    {
      await using child = new Child(MAKER, [folder.path, `${n}`]);
      assert.equal(await child.line(), "ready");
      said.push(...await child.kill(Math.random() * 40));
    }
    for (const name of folder.names().filter((name) => name.endsWith(".aloe"))) {
      const file = folder.at(name);
      const done = said.includes(name);
      // The next process creates an empty file completely.
      await using fs = await AloeLite.open(file);
      assert.deepEqual(await fs.health(), []);
      const volumes = await fs.volumes();
      assert.ok(volumes.length === 1 || !done);
      if (volumes.length === 0) await fs.createVolume({ name: "main" });
      await using mount = await fs.mount();
      assert.deepEqual((await mount.verify({ deep: true })).problems, []);
      if (done) assert.equal(text(await mount.readAll("/a")), "acknowledged");
      await mount.put("/b", "written after the crash");
    }
    for (const name of folder.names()) Deno.removeSync(folder.at(name));
  }
});

Deno.test("crash: a dead writer's lock is valid until its mount expires or is ended", async () => {
  using folder = new Folder();
  for (const ending of ["lapse", "unmount"]) {
    const file = folder.at(`${ending}.aloe`);
    await using fs = await AloeLite.open(file);
    await fs.createVolume({ name: "main", chunkSize: CHUNK });
    await using mount = await fs.mount();
    await mount.put("/a", "before");
    let dead: string;
    {
      await using child = new Child(WRITER, [file, ending === "lapse" ? "5000" : "60000"]);
      dead = (await child.line())!;
      const chunks = await child.kill(30);
      assert.ok(chunks.length > 0);
    }
    assert.equal(text(await mount.readAll("/a")), "before");
    await assertCode("lock_held", mount.writeAll("/a", utf8("after")));
    await assertCode("lock_held", mount.openWrite("/a"));
    await assertCode("lock_held", mount.remove("/a"));
    // No one can tell that the writer is dead.
    assert.notEqual(value(file, ABORTED_ROWS), 0n);
    assert.deepEqual(await fs.pruneContent(), { versions: 0, chunks: 0 });
    if (ending === "unmount") await fs.unmount(dead);
    const alive = async () => (await fs.mounts()).some((each) => each.id === dead);
    for (let tries = 0; ending === "lapse" && tries < 600 && await alive(); tries++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.ok(!await alive());
    const { versions, chunks } = await fs.pruneContent();
    assert.equal(versions, 1);
    assert.ok(chunks > 0);
    assert.equal(value(file, ABORTED_ROWS), 0n);
    assert.equal(value(file, ORPHAN_CHUNKS), 0n);
    await mount.writeAll("/a", utf8("after"));
    assert.equal(text(await mount.readAll("/a")), "after");
    await fs.prune();
    assert.equal(value(file, "SELECT count(*) FROM lock"), 0n);
    assert.deepEqual(await fs.health(), []);
  }
});

Deno.test("crash: a killed stream leaves no version of its file", async () => {
  using folder = new Folder();
  const file = folder.at("a.aloe");
  await using fs = await AloeLite.open(file);
  await fs.createVolume({ name: "main", chunkSize: CHUNK });
  await using mount = await fs.mount();
  await mount.put("/a", "before");
  {
    await using child = new Child(WRITER, [file, "60000"]);
    const dead = (await child.line())!;
    assert.ok((await child.kill(30)).length > 0);
    await fs.unmount(dead);
  }
  await mount.writeAll("/a", utf8("after"));
  assert.deepEqual((await mount.history("/a")).map(({ size }) => size), [5, 6]);
});
