/**
 * A job process that hangs, in a statement that never ends, for each file whose
 * name says so. With the word `parent` and a file: the process that starts one.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { runJobs } from "../../manager/jobs/job_program.ts";
import { createJobs } from "../../manager/jobs/jobs.ts";
import { AloeLite } from "../../mod.ts";

/** The runtime's arguments that start it. */
export const HANGING: readonly string[] = [
  ...["run", "--quiet", "--allow-all", fileURLToPath(import.meta.url)],
];

if (import.meta.main) {
  const [word, file] = Deno.args;
  if (word === "parent") {
    createJobs({ jobMs: 600_000, log: () => {}, program: HANGING }).health(file);
  } else {
    const open = AloeLite.open.bind(AloeLite);
    AloeLite.open = async (path, options) => {
      const fs = await open(path, options);
      if (/hanging/.test(`${path}`)) {
        new DatabaseSync(":memory:").prepare(
          "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n",
        ).get();
      }
      return fs;
    };
    await runJobs();
  }
}
