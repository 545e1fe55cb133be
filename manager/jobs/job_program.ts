/**
 * The program of a job process. It does what the manager's event loop must not wait
 * for, with connections of its own. It reads jobs from standard input, one after the
 * other, and writes answers to standard output.
 *
 * @module
 */
import { AloeError, AloeLite } from "../../mod.ts";
import * as internal from "../../src/internal.ts";
import * as ops from "../../src/ops.ts";
import { reserveOf } from "../volumes/reserve.ts";
import { encodeFrame } from "./job_frames.ts";
import type { JobInput } from "./job_input_worker.ts";
import type { Freed, Inspection, Job, JobAnswer } from "./job_protocol.ts";

/** How often a job reports that it is between two statements, ms. */
const EVERY = 500;

/** Does the jobs of a manager until that ends. */
export function runJobs(): Promise<never> {
  const url = new URL("./job_input_worker.ts", import.meta.url);
  const input = new Worker(url, { type: "module", name: "input" });
  let last = Promise.resolve();
  input.onmessage = ({ data }: MessageEvent<JobInput>) => {
    last = last.then(() => answer(data));
  };
  // The thread ends the process.
  return new Promise(() => {});
}

async function answer({ request: { id, job }, key }: JobInput): Promise<void> {
  const beat = setInterval(() => say({ id, type: "going on" }), EVERY);
  try {
    say({ id, type: "done", result: await run(job, key) });
  } catch (error) {
    const code = error instanceof AloeError ? error.code : null;
    const message = error instanceof Error ? error.message : String(error);
    say({ id, type: "failed", code, message });
  } finally {
    clearInterval(beat);
    key.fill(0);
  }
}

function say(answer: JobAnswer): void {
  const frame = encodeFrame(answer);
  for (let done = 0; done < frame.length;) done += Deno.stdout.writeSync(frame.subarray(done));
}

async function run(job: Job, key: Uint8Array): Promise<unknown> {
  switch (job.kind) {
    case "verify":
      return await verify(job, key);
    case "health": {
      await using fs = await AloeLite.open(job.file, { readOnly: true });
      return await fs.health();
    }
    case "inspect":
      return await inspect(job.file);
    case "pages":
      return await pageFaults(job.file);
    case "prune":
      return await prune(job.file, job.vacuum);
    case "checkpoint":
      return await checkpoint(job.file);
  }
}

async function checkpoint(file: string): Promise<internal.CheckpointReport> {
  await using fs = await AloeLite.open(file, { create: false, reserve: reserveOf(file) });
  return await internal.checkpointFile(fs.db);
}

async function verify(job: Job & { kind: "verify" }, key: Uint8Array): Promise<unknown> {
  await using fs = await AloeLite.open(job.file, { readOnly: true });
  await using mount = await fs.mount(job.volume, {
    access: "ro",
    ...(key.length === 0 ? {} : { key }),
  });
  key.fill(0);
  return await mount.verify({ deep: job.deep });
}

async function inspect(file: string): Promise<Inspection> {
  const damage = await pageFaults(file);
  if (damage.length > 0) return { volumes: [], faults: damage, largestChunk: 0 };
  await using fs = await AloeLite.open(file, { create: false, reserve: reserveOf(file) });
  const faults = (await fs.health()).map(({ kind, id }) => `${kind}: ${id}`);
  // A crafted name may be too long to be read.
  if (faults.length > 0) return { volumes: [], faults, largestChunk: 0 };
  const volumes = (await fs.volumes()).map((volume) => volume.id);
  return { volumes, faults, largestChunk: await internal.largestChunkBytes(fs.db) };
}

/** Checked first: reading a table with a cycle of pages may never end. */
async function pageFaults(file: string): Promise<string[]> {
  await using fs = await AloeLite.open(file, { readOnly: true });
  return await ops.pageCheck(fs.db);
}

async function prune(file: string, vacuum: boolean): Promise<Freed> {
  await using fs = await AloeLite.open(file, { create: false, reserve: reserveOf(file) });
  const rows = await fs.prune();
  const content = await fs.pruneContent();
  if (vacuum) await fs.vacuum();
  return { ...rows, ...content };
}
