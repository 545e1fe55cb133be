/**
 * Random system calls on a mount and on a tmpfs, by two processes each: answers, visible state and
 * results are equal.
 *
 * `ALOELITE_TEST_RUNS` multiplies the number of runs, `ALOELITE_TEST_SEED` repeats a run. A failure
 * prints the calls that remain after shrinking; `tests/fuse/differential.ts` repeats them.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeName } from "../../src/names.ts";
import { compare, printed, Side, type WalkedEntry } from "./differential.ts";
import { type Call, scripts } from "./differential_ops.ts";
import {
  assertSound,
  type Daemon,
  isRoot,
  makeVolume,
  mountTest,
  PIN,
  Scratch,
  spawnDaemon,
  type TestMountOptions,
} from "./support.ts";
import { install, Reference } from "../oracle/reference.ts";
import { runs } from "../support/runs.ts";

/** The time limit for shrinking, in ms. */
const PATIENCE = Number(Deno.env.get("ALOELITE_TEST_PATIENCE") ?? "60000");

const seed = Deno.env.get("ALOELITE_TEST_SEED");

interface Setting {
  encryption?: "none" | "convergent" | "random";
  /** The weight of a remount, compared with about 300 for all other calls. */
  remount?: number;
  /** Whether to wait for the clock before each call, to compare changed times. */
  tick?: boolean;
  /** The number of runs, and of calls in each. */
  runs: number;
  length: number;
  chunkSize?: number;
  /** Options of the mount. */
  mount?: Partial<TestMountOptions>;
}

interface LabOptions extends Partial<TestMountOptions> {
  file: string;
  mountpoint: string;
}

/** A mount and a tmpfs to compare it with. */
class Lab implements AsyncDisposable {
  readonly #scratch: Scratch;
  readonly #options: LabOptions;
  #daemon: Daemon;
  readonly left: Side;
  readonly right: Side;

  private constructor(scratch: Scratch, options: LabOptions, daemon: Daemon, right: string) {
    this.#scratch = scratch;
    this.#options = options;
    this.#daemon = daemon;
    this.left = new Side(options.mountpoint, false);
    this.right = new Side(right, true);
  }

  static async make({ encryption = "none", chunkSize, mount }: Setting): Promise<Lab> {
    const scratch = new Scratch();
    const options = {
      file: scratch.join("v.aloe"),
      mountpoint: scratch.dir("mnt"),
      ...mount,
      ...(encryption === "none" ? {} : { pin: PIN }),
    };
    await makeVolume(options.file, { encryption, chunkSize });
    const right = isRoot() ? scratch.tmpfs("tmpfs", "1g") : new Scratch("/dev/shm").path;
    return new Lab(scratch, options, await spawnDaemon(options), right);
  }

  get file(): string {
    return this.#options.file;
  }

  async unmount(): Promise<void> {
    await this.left.leave();
    await this.#daemon.unmount();
  }

  async remount(): Promise<void> {
    await this.#daemon.unmount();
    this.#daemon = await spawnDaemon(this.#options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.left[Symbol.asyncDispose]();
    await this.right[Symbol.asyncDispose]();
    await this.#daemon[Symbol.asyncDispose]();
    await this.#scratch[Symbol.asyncDispose]();
  }
}

/** Runs random scripts. @throws With the shortest failing script. */
async function explore(lab: Lab, setting: Setting): Promise<void> {
  const { tick = false, remount, length } = setting;
  let shortest: { script: Call[]; error: unknown } | undefined;
  const property = fc.asyncProperty(
    scripts({ root: isRoot(), remount }, length),
    async (script) => {
      try {
        await compare(lab.left, lab.right, script, { tick, remount: () => lab.remount() });
      } catch (error) {
        if (!shortest || script.length <= shortest.script.length) shortest = { script, error };
        throw error;
      }
    },
  );
  const details = await fc.check(property, {
    numRuns: runs(setting.runs),
    interruptAfterTimeLimit: PATIENCE * Math.max(1, runs(setting.runs) / setting.runs),
    ...(seed === undefined ? {} : { seed: Number(seed) }),
  });
  if (shortest) {
    const said = shortest.error instanceof Error ? shortest.error.message : shortest.error;
    throw new Error(
      `seed ${details.seed}, after ${details.numRuns} runs: ${said}\n` +
        `to run again with tests/fuse/differential.ts:\n${printed(shortest.script, tick)}`,
    );
  }
}

function differential(name: string, setting: Setting): void {
  mountTest(`random calls on a mount and on a tmpfs: ${name}`, async () => {
    await using lab = await Lab.make(setting);
    await explore(lab, setting);
    await lab.unmount();
    await assertSound(lab.file);
  });
}

differential("plain", { runs: 120, length: 70 });
differential("encrypted", { encryption: "convergent", runs: 40, length: 70 });
differential("encrypted at random, tiny chunks", {
  encryption: "random",
  chunkSize: 5000,
  runs: 40,
  length: 60,
});
differential("with little memory", {
  mount: { cacheBytes: 65_536, dirtyBytes: 131_072 },
  runs: 40,
  length: 90,
});
differential("with a history and remounts", {
  mount: { history: 2 },
  encryption: "convergent",
  remount: 4,
  runs: 10,
  length: 80,
});
differential("which times change", { tick: true, runs: 25, length: 50 });
differential("with remounts", { remount: 8, runs: 10, length: 90 });
differential("encrypted, with remounts", {
  encryption: "random",
  remount: 8,
  runs: 6,
  length: 90,
});

// --- the reference reads what was mounted ------------------------------------------

const installed = await install("0.4.0");

/** Converts a path whose code units are bytes to the reference's form. */
function theirs(path: string): string {
  return path.split("/").slice(1)
    .map((name) => "/" + decodeName(Uint8Array.from(name, (unit) => unit.charCodeAt(0)))).join("");
}

/** An entry in the reference's snapshot. */
interface Row {
  id: string;
  type: string;
  path: string;
  mode: number | null;
  uid: number | null;
  gid: number | null;
  metadata: Record<string, unknown>;
  modified: string;
  data: string | null;
  nlink: number;
}

async function sha1(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-1", bytes));
  return sum.toHex();
}

for (const encryption of ["none", "convergent"] as const) {
  const missing = "missing" in installed ? ` (ignored: ${installed.missing})` : "";
  const name = `the reference reads what random calls left (encryption: ${encryption})${missing}`;
  mountTest(name, async () => {
    if ("missing" in installed) return;
    const setting = { encryption, runs: 12, length: 60 };
    await using lab = await Lab.make(setting);
    await explore(lab, setting);
    for (const caller of lab.left.callers) await caller.result({ do: "start", base: lab.left.top });
    const tree: Record<string, WalkedEntry> = await lab.left.callers[0].result({
      do: "walk",
      p: ".",
    });
    await lab.unmount();
    await using reference = Reference.start(installed.python);
    const file = await reference.call("open", { path: lab.file });
    const [volume] = await reference.call<{ id: string }[]>("volumes", { file });
    const pin = encryption === "none" ? null : new TextEncoder().encode(PIN).toHex();
    const mount = await reference.call("mount", { file, volume: volume.id, pin });
    const rows = new Map(
      (await reference.call<Row[]>("snapshot", { mount })).map((row) => [row.path, row]),
    );
    const ids = new Map<string, string>();
    for (const [path, entry] of Object.entries(tree)) {
      if (path === ".") continue;
      const where = theirs(path);
      const row = rows.get(where);
      assert.ok(row, `the reference does not list ${where}`);
      rows.delete(where);
      const type = { 0o4: "container", 0o12: "symlink", 0o1: "fifo", 0o14: "socket" }[
        entry.mode >> 12
      ] ?? "entry";
      assert.equal(row.type, type, where);
      assert.equal(row.mode, entry.mode & 0o7777, `mode of ${where}`);
      assert.equal(row.modified, entry.mtime, `mtime of ${where}`);
      assert.deepEqual([row.uid, row.gid], [entry.uid, entry.gid], `owner of ${where}`);
      if (entry.data) {
        assert.equal(
          await sha1(Uint8Array.fromHex(row.data!)),
          entry.data.sha,
          `bytes of ${where}`,
        );
      }
      if (entry.target !== undefined) {
        const bytes = Uint8Array.from(entry.target, (unit) => unit.charCodeAt(0));
        assert.equal(row.data, bytes.toHex(), `target of ${where}`);
      }
      // Hard links: one inode is one node.
      assert.equal(ids.get(entry.ino) ?? row.id, row.id, `node of ${where}`);
      ids.set(entry.ino, row.id);
    }
    rows.delete("/");
    assert.deepEqual([...rows.keys()], [], "the reference lists more");
    assert.deepEqual(await reference.call("health", { file }), []);
    await reference.call("unmount", { mount });
    await assertSound(lab.file);
  });
}
