/**
 * The thread of a job: does what the manager's event loop must not wait for,
 * with an own open of the file.
 *
 * @module
 */
import { AloeError, AloeLite } from "../mod.ts";
import * as ops from "../src/ops.ts";
import { fileState, newTag } from "./file_state.ts";
import type { Freed, Inspection, Job, JobAnswer, JobRequest } from "./jobs.ts";

/** The global object, as a worker has it. */
const scope = self as unknown as {
  onmessage: ((event: MessageEvent<JobRequest>) => void) | null;
  postMessage(answer: JobAnswer): void;
};

/** Pages a step of a backup: whole megabytes, as nothing else runs on this thread. */
const PAGES = 8192;

/** Steps of a backup between two reports. */
const REPORT = 8;

scope.onmessage = async ({ data: { id, job } }) => {
  try {
    scope.postMessage({ id, type: "done", result: await run(id, job) });
  } catch (error) {
    const code = error instanceof AloeError ? error.code : null;
    const message = error instanceof Error ? error.message : String(error);
    scope.postMessage({ id, type: "failed", code, message });
  }
};

async function run(id: number, job: Job): Promise<unknown> {
  switch (job.kind) {
    case "backup":
      return await backup(id, job.file, job.destination);
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

/** Attempts to catch a moment between two commits. */
const TRIES = 20;

async function backup(id: number, file: string, destination: string): Promise<string> {
  await using fs = await AloeLite.open(file, { readOnly: true });
  // A second connection: the first one is at work when it is looked again.
  await using watcher = await AloeLite.open(file, { readOnly: true });
  let steps = 0;
  for (let attempt = 1;; attempt++) {
    const { tag } = await fileState(file, watcher.db);
    let same = false;
    try {
      await fs.backup(destination, {
        pagesPerStep: PAGES,
        onBegin: async () => {
          same = tag !== null && (await fileState(file, watcher.db)).tag === tag;
          if (!same && attempt < TRIES) throw new Moved();
        },
        onProgress: (progress) => {
          if (++steps % REPORT === 0) scope.postMessage({ id, type: "progress", ...progress });
        },
      });
      return same ? tag! : newTag();
    } catch (error) {
      if (!(error instanceof Moved)) throw error;
    }
  }
}

/** Somebody committed while a snapshot was begun: which state it is of cannot be told. */
class Moved extends Error {}

async function checkpoint(file: string): Promise<ops.CheckpointReport> {
  await using fs = await AloeLite.open(file, { create: false });
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
  await using fs = await AloeLite.open(file, { create: false });
  const volumes = (await fs.volumes()).map((volume) => volume.id);
  const faults = await ops.pageCheck(fs.db);
  if (faults.length === 0) {
    for (const { kind, id } of await fs.health()) faults.push(`${kind}: ${id}`);
  }
  return { volumes, faults };
}

async function prune(file: string, vacuum: boolean): Promise<Freed> {
  await using fs = await AloeLite.open(file, { create: false });
  const rows = await fs.prune();
  const content = await fs.pruneContent();
  if (vacuum) await fs.vacuum();
  return { ...rows, ...content };
}
