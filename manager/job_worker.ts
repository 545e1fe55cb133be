/**
 * The thread of a job: does what the manager's event loop must not wait for,
 * with an own open of the file.
 *
 * @module
 */
import { AloeError, AloeLite } from "../mod.ts";
import * as ops from "../src/ops.ts";
import { reserveOf } from "./reserve.ts";
import type { Freed, Inspection, Job, JobAnswer, JobRequest } from "./jobs.ts";

/** The global object, as a worker has it. */
const scope = self as unknown as {
  onmessage: ((event: MessageEvent<JobRequest>) => void) | null;
  postMessage(answer: JobAnswer): void;
};

scope.onmessage = async ({ data: { id, job } }) => {
  try {
    scope.postMessage({ id, type: "done", result: await run(job) });
  } catch (error) {
    const code = error instanceof AloeError ? error.code : null;
    const message = error instanceof Error ? error.message : String(error);
    scope.postMessage({ id, type: "failed", code, message });
  }
};

async function run(job: Job): Promise<unknown> {
  switch (job.kind) {
    case "verify":
      return await verify(job);
    case "health": {
      await using fs = await AloeLite.open(job.file, { readOnly: true });
      return await fs.health();
    }
    case "inspect":
      return await inspect(job.file);
    case "prune":
      return await prune(job.file, job.vacuum);
    case "checkpoint":
      return await checkpoint(job.file);
  }
}

async function checkpoint(file: string): Promise<ops.CheckpointReport> {
  await using fs = await AloeLite.open(file, { create: false, reserve: reserveOf(file) });
  return await ops.checkpointFile(fs.db);
}

async function verify(job: Job & { kind: "verify" }): Promise<unknown> {
  await using fs = await AloeLite.open(job.file, { readOnly: true });
  await using mount = await fs.mount(job.volume, {
    access: "ro",
    ...(job.key === undefined ? {} : { key: job.key }),
  });
  job.key?.fill(0);
  return await mount.verify({ deep: job.deep });
}

async function inspect(file: string): Promise<Inspection> {
  await using fs = await AloeLite.open(file, { create: false, reserve: reserveOf(file) });
  const volumes = (await fs.volumes()).map((volume) => volume.id);
  const faults = await ops.pageCheck(fs.db);
  if (faults.length === 0) {
    for (const { kind, id } of await fs.health()) faults.push(`${kind}: ${id}`);
  }
  return { volumes, faults, largestChunk: await ops.largestChunkBytes(fs.db) };
}

async function prune(file: string, vacuum: boolean): Promise<Freed> {
  await using fs = await AloeLite.open(file, { create: false, reserve: reserveOf(file) });
  const rows = await fs.prune();
  const content = await fs.pruneContent();
  if (vacuum) await fs.vacuum();
  return { ...rows, ...content };
}
