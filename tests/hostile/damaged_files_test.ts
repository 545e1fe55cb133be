/**
 * Good files of every kind of which rows of the schema, indexes or bytes of pages are
 * damaged: each is refused, or what it gives is right, or `verify` or `health` tells.
 * Nothing hangs, nothing breaks down, and nothing beside the file changes.
 */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { runs } from "../support/runs.ts";
import type { DamageAnswer, DamageCase } from "./damage_worker.ts";
import { makeGoodFiles } from "./good_files.ts";

/** How many files are damaged; `ALOELITE_TEST_RUNS` multiplies it. */
const CASES = 800;

/**
 * The same cases each time: `ALOELITE_TEST_RUNS` adds others, and `ALOELITE_TEST_SEED` runs
 * one of them alone.
 */
const FIRST_SEED = 1_000_000;

/** How long the processor may be busy with one case, s: most take a thousandth. */
const HANGS = 30;

/** How long a case may take in all, ms: on a machine where others keep the processor. */
const LOST = 300_000;

const WORKER = fileURLToPath(new URL("./damage_worker.ts", import.meta.url));

/** Seconds that a process has had of a processor; 0 where nothing tells. */
function secondsOf(pid: number): number {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}

/** A process that does one case after the other; one that does not get on is ended. */
class Worker implements Disposable {
  #child: ChildProcess | null = null;
  #lines: AsyncIterator<string> | null = null;

  /** @returns What is wrong, and how it ended. */
  async run(one: DamageCase): Promise<{ end: string; failures: string[] }> {
    this.#start();
    const child = this.#child!;
    const begun = { at: performance.now(), seconds: secondsOf(child.pid!) };
    let hung = false;
    const timer = setInterval(() => {
      if (
        secondsOf(child.pid!) - begun.seconds > HANGS || performance.now() - begun.at > LOST
      ) {
        hung = true;
        child.kill("SIGKILL");
      }
    }, 200);
    let damage = "";
    try {
      child.stdin!.write(`${JSON.stringify(one)}\n`);
      for (;;) {
        const { value, done } = await this.#lines!.next();
        if (done) {
          this.#child = null;
          return { end: "ended", failures: [`${damage}: ${hung ? "it hangs" : "it broke down"}`] };
        }
        const answer: DamageAnswer = JSON.parse(value);
        if ("damage" in answer) damage = answer.damage;
        else {
          return {
            end: answer.end,
            failures: answer.failures.map((failure) => `${damage}: ${failure}`),
          };
        }
      }
    } finally {
      clearInterval(timer);
    }
  }

  #start(): void {
    if (this.#child !== null) return;
    this.#child = spawn(Deno.execPath(), ["run", "--no-check", "--allow-all", WORKER], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }

  [Symbol.dispose](): void {
    this.#child?.kill("SIGKILL");
    this.#child = null;
  }
}

Deno.test("a damaged file is refused, or right, or told of", async () => {
  // In memory, where that can be: thousands of files are made.
  const shm = await Deno.stat("/dev/shm").then(() => "/dev/shm", () => undefined);
  const folder = await Deno.makeTempDir({ prefix: "aloelite-", dir: shm });
  using _gone = { [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }) };
  Deno.mkdirSync(`${folder}/good`);
  Deno.mkdirSync(`${folder}/case`);
  const files = await makeGoodFiles(`${folder}/good`);
  const outside = () =>
    [...Deno.readDirSync(folder)].map(({ name }) => name).sort().join() +
    [...Deno.readDirSync(`${folder}/good`)].map(({ name }) => name).sort().join();
  const before = outside();
  const seed = Number(Deno.env.get("ALOELITE_TEST_SEED") ?? FIRST_SEED);
  const only = Deno.env.has("ALOELITE_TEST_SEED") ? 1 : runs(CASES);
  const failures: string[] = [];
  const ends: Record<string, number> = {};
  using worker = new Worker();
  for (let i = 0; i < only; i++) {
    const good = files[(seed + i) % files.length];
    const { end, failures: some } = await worker.run({
      good,
      seed: seed + i,
      path: `${folder}/case/${seed + i}.fs`,
    });
    ends[end] = (ends[end] ?? 0) + 1;
    failures.push(
      ...some.map((text) =>
        `ALOELITE_TEST_SEED=${seed + i} ${good.path.split("/").pop()}: ${text}`
      ),
    );
    // What was ended leaves its file.
    if (end === "ended") Deno.removeSync(`${folder}/case`, { recursive: true });
    Deno.mkdirSync(`${folder}/case`, { recursive: true });
    assert.deepEqual([...Deno.readDirSync(`${folder}/case`)], []);
  }
  assert.equal(outside(), before);
  assert.equal(failures.length, 0, failures.slice(0, 40).join("\n"));
  // The good files are still damaged in all ways.
  if (only > 100) assert.deepEqual(Object.keys(ends).sort(), ["harmless", "refused", "told"]);
});
