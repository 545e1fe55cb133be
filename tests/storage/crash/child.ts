/**
 * Works on a file until it is killed. Its argument is a {@linkcode Job}; it
 * prints `ready` with its mount's id, then the number of each finished step.
 *
 * @module
 */

import { AloeLite } from "../../../mod.ts";
import { say } from "./support.ts";
import { nextStep, type State, type Work } from "./work.ts";

/** The task of a child. */
export interface Job {
  file: string;
  durability: "full" | "normal";
  work: Work;
  seed: number;
  /** The state of the file, and the number of the first step. */
  state: State;
  from: number;
  pin?: string;
}

if (import.meta.main) {
  const job: Job = JSON.parse(Deno.readTextFileSync(Deno.args[0]));
  const fs = await AloeLite.open(job.file, { create: false, durability: job.durability });
  const mount = await fs.mount("main", { pin: job.pin });
  say(`ready ${mount.id}`);
  let { state } = job;
  for (let n = job.from;; n++) {
    const step = nextStep(job.work, job.seed, state, n);
    await step.run(fs, mount);
    state = step.after;
    say(`${n}`);
  }
}
