/**
 * Works on a file until it is killed. Its one argument is a {@linkcode Job};
 * it says `ready` with its mount's id, then the number of each step when that
 * is done.
 *
 * @module
 */

import { AloeLite } from "../../../mod.ts";
import { say } from "./support.ts";
import { nextStep, type State, type Work } from "./work.ts";

/** What a child is to do. */
export interface Job {
  file: string;
  durability: "full" | "normal";
  work: Work;
  seed: number;
  /** What is there, and the number of the step to begin with. */
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
