/** What is done aside: it ends when it is interrupted, when it hangs, and with the manager. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { createJobs, type Jobs } from "../../manager/jobs.ts";
import type { Services } from "../../manager/services.ts";
import { DEFAULT_LIMITS } from "../../manager/settings.ts";
import { AloeError } from "../../src/errors.ts";
import { makeEndless } from "../hostile/endless_table.ts";
import { makeGoodFile } from "../hostile/files.ts";
import { TestProcess } from "./processes.ts";
import { request } from "./support.ts";

interface Ground extends AsyncDisposable {
  jobs: Jobs;
  folder: string;
  good: string;
  /** A file that takes for ever to check. */
  bad: string;
}

async function ground(jobMs: number): Promise<Ground> {
  const folder = await Deno.makeTempDir({ prefix: "aloelite-jobs-" });
  const [good, bad] = [`${folder}/good.aloe`, `${folder}/bad.aloe`];
  await makeGoodFile(good);
  await makeGoodFile(bad);
  makeEndless(bad, "edge");
  const settings = { limits: { ...DEFAULT_LIMITS, jobMs } };
  const jobs = createJobs(() => ({ settings, log: () => {} }) as unknown as Services);
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

/** The processes that have something in a folder open, this one left out. */
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
      // It has ended, or is somebody else's.
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
  // What a process has open is looked up in /proc.
  Deno.test({ name: `jobs: ${name}`, ignore: Deno.build.os !== "linux", fn });
}

jobTest("one that hangs is given up after its time, and its process ends", async () => {
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

jobTest("two that hang do not keep those of other files, and are interrupted", async () => {
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

jobTest("the end of a manager ends what hangs", async () => {
  await using at = await ground(600_000);
  const hanging = assert.rejects(at.jobs.health(at.bad), refusedWith("busy"));
  await waitUntil(() => whoHas(at.folder).length === 1);
  await at.jobs.close();
  await hanging;
  await nobodyHas(at.folder);
  await assert.rejects(at.jobs.health(at.good), refusedWith("busy"));
});

jobTest("what comes from elsewhere is looked at page by page first", async () => {
  await using at = await ground(600_000);
  for (const table of ["volume", "node", "content", "content_chunk"]) {
    const path = `${at.folder}/${table}.aloe`;
    await makeGoodFile(path);
    makeEndless(path, table);
    const { faults, volumes } = await at.jobs.inspect(path);
    assert.match(faults.join(), /2nd reference to page/);
    assert.deepEqual(volumes, []);
  }
});

/** `aloelite serve` of a folder. @returns It and its address. */
async function serve(root: string): Promise<{ process: TestProcess; url: string }> {
  const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
  const process = TestProcess.command(Deno.execPath(), [
    ...["run", "--quiet", "--allow-all", main, "serve", "--port", "0", "--root", root],
  ]);
  return { process, url: (await process.line()).split(" ")[0] };
}

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  jobTest(`none outlives a manager that gets ${signal}`, async () => {
    const root = await Deno.makeTempDir({ prefix: "aloelite-jobs-" });
    try {
      const folder = `${root}/filesystems`;
      let id: string;
      {
        const { process, url } = await serve(root);
        await using _ = process;
        id = (await request("POST", `${url}/volumes`, { json: { name: "v" } })).json.id;
        await request("PUT", `${url}/volumes/${id}/files/a`, { body: "a" });
        assert.equal((await process.end("SIGTERM")).code, 0);
      }
      for (const { name } of [...Deno.readDirSync(folder)]) {
        if (name.endsWith(".aloe")) makeEndless(`${folder}/${name}`, "edge");
      }
      const { process, url } = await serve(root);
      await using _ = process;
      const asked = fetch(`${url}/volumes/${id}/health`).then((each) => each.body?.cancel())
        .catch(() => {});
      // The manager, and the process of the job.
      await waitUntil(() => whoHas(folder).length === 2);
      const { code } = await process.end(signal);
      assert.equal(code, signal === "SIGTERM" ? 0 : 137);
      await asked;
      await nobodyHas(folder);
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  });
}
