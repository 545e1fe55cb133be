/**
 * The command line `aloelite`: all functions of the module, from a shell.
 *
 * ```sh
 * aloelite -f my.aloe                 # create a file, or show facts about it
 * aloelite -f my.aloe put -r photos / # copy a tree into it
 * aloelite help                       # list all commands
 * ```
 *
 * Exit codes: 0; 1 for a failure, named on standard error; 2 for a usage error; 130 and 143 when
 * interrupted or terminated.
 *
 * @module
 */
import { run } from "./program.ts";
import { nameForm, ownWords } from "./words.ts";

/**
 * The argument with which `manager/jobs/job_process.ts` starts this program; it is not for users.
 */
const JOBS_WORD = "--jobs-of-a-manager";

/**
 * Runs one command line. It prints to this process's standard output and error and, while a command
 * writes, listens for SIGINT and SIGTERM.
 *
 * @param args The words after the program's name.
 * @returns The exit code. Failures are printed, not thrown.
 *
 * @example
 * ```ts
 * import { main } from "@aloelite/aloelite/cli";
 *
 * const code = await main(["--version"]);
 * console.assert(code === 0);
 * ```
 */
export async function main(args: readonly string[]): Promise<number> {
  return await run(args.map(nameForm));
}

if (import.meta.main) {
  if (Deno.args[0] === JOBS_WORD) await (await import("../manager/jobs/job_program.ts")).runJobs();
  Deno.exit(await run(ownWords()));
}
