/**
 * Runs command lines in this process, one after the other, and reports how each
 * ended. Standard input has them as JSON, one list of words a line; standard
 * output gets one line for each.
 *
 * @module
 */

import { run } from "../../cli/program.ts";

/** How a command line ended. */
export interface CommandEnd {
  args: string[];
  code: number;
  ms: number;
  out: string;
  err: string;
}

const output = Deno.stdout.writeSync.bind(Deno.stdout);
const said = { out: "", err: "" };

/** Captures the output of a stream of the process. */
function collect(stream: typeof Deno.stdout, name: "out" | "err"): void {
  const decoder = new TextDecoder();
  stream.writeSync = (bytes) => {
    said[name] += decoder.decode(bytes);
    return bytes.length;
  };
  stream.write = (bytes) => Promise.resolve(stream.writeSync(bytes));
}

if (import.meta.main) {
  collect(Deno.stdout, "out");
  collect(Deno.stderr, "err");
  console.error = (...words: unknown[]) => {
    said.err += `${words.join(" ")}\n`;
  };
  const lines = (await new Response(Deno.stdin.readable).text()).trim().split("\n");
  for (const line of lines) {
    const args: string[] = JSON.parse(line);
    Object.assign(said, { out: "", err: "" });
    const begun = performance.now();
    const code = await run(args);
    const end: CommandEnd = { args, code, ms: performance.now() - begun, ...said };
    const bytes = new TextEncoder().encode(`${JSON.stringify(end)}\n`);
    for (let done = 0; done < bytes.length;) done += output(bytes.subarray(done));
  }
  Deno.exit(0);
}
