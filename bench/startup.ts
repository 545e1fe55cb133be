import {
  type Bench,
  compare,
  type Figure,
  interleave,
  type Row,
  seconds,
  skipped,
} from "./harness.ts";
import { openOurs } from "./peer.ts";
import { output } from "./peer_process.ts";

const BAR = { most: 2.5 };
const AGAINST = "an empty program";
const RUNS = 20;

/** What the command line takes to list an existing file, run by Deno and compiled. */
export const startup: Figure = { name: "startup", run };

async function run(bench: Bench): Promise<Row[]> {
  const file = bench.path("startup.db");
  {
    await using ours = await openOurs(file);
    for (const name of ["a", "b", "c"]) await ours.mount.put(`/${name}.txt`, name);
  }
  bench.say("startup");
  const rows = [await fromSource(file), await compiled(bench, file)];
  await bench.discard(file);
  return rows;
}

async function fromSource(file: string): Promise<Row> {
  const row = { figure: "aloelite ls", against: AGAINST, bar: BAR };
  const deno = (program: string, ...args: string[]) =>
    output(Deno.execPath(), ["run", ...PERMISSIONS, here(program), ...args]);
  return await measure(row, () => deno("../cli/main.ts", "-f", file, "ls"), () => deno("empty.ts"));
}

/** Those of the task `aloelite`. */
const PERMISSIONS = ["--allow-read", "--allow-write", "--allow-env", "--allow-sys"];

async function compiled(bench: Bench, file: string): Promise<Row> {
  const row = { figure: "aloelite ls, compiled", against: `${AGAINST}, compiled`, bar: BAR };
  const programs = { ours: bench.path("aloelite"), empty: bench.path("empty") };
  for (
    const [program, source] of [[programs.ours, "../cli/main.ts"], [programs.empty, "empty.ts"]]
  ) {
    const { ok, text } = await output(Deno.execPath(), [
      "compile",
      "--allow-all",
      "--output",
      program,
      here(source),
    ]);
    if (!ok) return skipped(row, `deno compile failed: ${fault(text)}`);
  }
  return await measure(
    row,
    () => output(programs.ours, ["-f", file, "ls"]),
    () => output(programs.empty, []),
  );
}

async function measure(
  row: Parameters<typeof skipped>[0],
  ours: () => ReturnType<typeof output>,
  empty: () => ReturnType<typeof output>,
): Promise<Row> {
  const listed = await ours();
  if (!listed.ok || !listed.text.includes("a.txt")) {
    return skipped(row, `it does not run: ${fault(listed.text)}`);
  }
  const begun = await empty();
  if (!begun.ok || begun.text !== "") {
    return skipped(row, `the empty program does not run: ${fault(begun.text)}`);
  }
  const time = (run: () => ReturnType<typeof output>) => async () => await seconds(run) * 1e3;
  return compare({ ...row, unit: "ms" }, await interleave(RUNS, time(ours), time(empty)));
}

function here(path: string): string {
  return new URL(path, import.meta.url).href;
}

/** The line that says what went wrong. */
function fault(text: string): string {
  const lines = text.trim().split("\n");
  return lines.find((line) => line.includes("rror")) ?? lines.at(-1)!;
}
