/** Jobs end when they are interrupted, when they hang, and with the manager. */

import assert from "node:assert/strict";
import { createJobs, type Jobs } from "../../manager/jobs/jobs.ts";
import { AloeError } from "../../src/errors.ts";
import { makeEndless } from "../hostile/endless_table.ts";
import { makeGoodFile } from "../hostile/files.ts";
import { HANGING } from "./hanging_jobs.ts";
import { TestProcess } from "./processes.ts";

interface Ground extends AsyncDisposable {
  jobs: Jobs;
  folder: string;
  good: string;
  /** A file that makes jobs hang. */
  bad: string;
}

async function ground(jobMs: number): Promise<Ground> {
  const folder = await Deno.makeTempDir({ prefix: "aloelite-jobs-" });
  const [good, bad] = [`${folder}/good.aloe`, `${folder}/hanging.aloe`];
  await makeGoodFile(good);
  await makeGoodFile(bad);
  const jobs = createJobs({ jobMs, log: () => {}, program: HANGING });
  return {
    jobs,
    folder,
    good,
    bad,
    async [Symbol.asyncDispose]() {
      await jobs.close();
      await nobodyHas(folder);
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** The processes that have a file of a folder open, without this one. */
function whoHas(folder: string): number[] {
  const found: number[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === Deno.pid) continue;
    try {
      for (const { name: fd } of Deno.readDirSync(`/proc/${name}/fd`)) {
        if (!Deno.readLinkSync(`/proc/${name}/fd/${fd}`).startsWith(`${folder}/`)) continue;
        found.push(Number(name));
        break;
      }
    } catch {
      // It has ended, or belongs to another user.
    }
  }
  return found;
}

async function waitUntil(holds: () => boolean): Promise<void> {
  const end = performance.now() + 120_000;
  while (!holds()) {
    assert.ok(performance.now() < end, `not within two minutes: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function nobodyHas(folder: string): Promise<void> {
  await waitUntil(() => whoHas(folder).length === 0);
}

function refusedWith(code: string): (error: unknown) => boolean {
  return (error) => {
    assert(error instanceof AloeError, `${error}`);
    assert.equal(error.code, code, error.message);
    return true;
  };
}

function jobTest(name: string, fn: (t: Deno.TestContext) => Promise<void>): void {
  // Open files are found in /proc.
  Deno.test({ name: `jobs: ${name}`, ignore: Deno.build.os !== "linux", fn });
}

jobTest("a hanging one is ended after its time, with its process", async () => {
  await using at = await ground(500);
  const hanging = [
    () => at.jobs.health(at.bad),
    () => at.jobs.verify(at.bad, "main", { deep: true }),
  ];
  for (const hang of hanging) {
    await assert.rejects(hang, refusedWith("io_error"));
    await nobodyHas(at.folder);
  }
});

jobTest("two hanging ones do not block those of other files, and are interrupted", async () => {
  await using at = await ground(600_000);
  const controller = new AbortController();
  const { signal } = controller;
  const hanging = [
    at.jobs.health(at.bad, { signal }),
    at.jobs.verify(at.bad, "main", { signal }),
    at.jobs.health(at.bad, { signal }),
    at.jobs.health(at.bad, { signal }),
    at.jobs.health(at.bad, { signal }),
  ];
  const ended = Promise.allSettled(hanging);
  await waitUntil(() => whoHas(at.folder).length === 2);
  assert.deepEqual(await at.jobs.health(at.good), []);
  assert.deepEqual((await at.jobs.inspect(at.good)).faults, []);
  assert.equal((await at.jobs.prune(at.good)).chunks, 0);
  assert.equal((await at.jobs.checkpoint(at.good)).remaining, 0);
  controller.abort();
  for (const each of await ended) {
    assert.equal(each.status, "rejected");
    refusedWith("busy")(each.reason);
  }
  await nobodyHas(at.folder);
  assert.deepEqual(await at.jobs.health(at.good), []);
});

jobTest("the end of a manager ends hanging ones", async () => {
  await using at = await ground(600_000);
  const hanging = assert.rejects(at.jobs.health(at.bad), refusedWith("busy"));
  await waitUntil(() => whoHas(at.folder).length === 1);
  await at.jobs.close();
  await hanging;
  await nobodyHas(at.folder);
  await assert.rejects(at.jobs.health(at.good), refusedWith("busy"));
});

jobTest("foreign files are first inspected page by page", async () => {
  await using at = await ground(600_000);
  for (const table of ["node", "content", "content_chunk"]) {
    const path = `${at.folder}/${table}.aloe`;
    await makeGoodFile(path);
    makeEndless(path, table);
    const { faults, volumes } = await at.jobs.inspect(path);
    assert.match(faults.join(), /2nd reference to page/);
    assert.deepEqual(volumes, []);
  }
});

jobTest("none outlives a killed manager", async () => {
  await using at = await ground(600_000);
  await using parent = TestProcess.deno("hanging_jobs.ts", "parent", at.bad);
  await waitUntil(() => whoHas(at.folder).length === 1);
  await parent.end("SIGKILL");
  await nobodyHas(at.folder);
});
