import {
  type Bench,
  compare,
  type Figure,
  interleave,
  type Row,
  seconds,
  skipped,
} from "./harness.ts";
import { bundle } from "../cli/compile.ts";
import { openOurs } from "./peer.ts";
import { output } from "./peer_process.ts";

const BAR = { most: 2.5 };
const AGAINST = "an empty program";
const RUNS = 20;

/** What the command line takes to list an existing file, from source and as it is compiled. */
export const startup: Figure = { name: "startup", run };

async function run(bench: Bench): Promise<Row[]> {
  const file = bench.path("startup.db");
  {
    await using ours = await openOurs(file);
    for (const name of ["a", "b", "c"]) await ours.mount.put(`/${name}.txt`, name);
  }
  bench.say("startup");
  const folder = bench.path("bundle");
  await bundle(folder);
  const rows = [
    await listing("aloelite ls, as compiled (the bundle)", `${folder}/main.js`, file),
    await listing("aloelite ls, from source", here("../cli/main.ts"), file),
  ];
  await Deno.remove(folder, { recursive: true });
  await bench.discard(file);
  return rows;
}

/** The binary is the runtime with this bundle: the same start, without the runtime's download. */
async function listing(figure: string, program: string, file: string): Promise<Row> {
  const row = { figure, against: AGAINST, bar: BAR };
  const deno = (...args: string[]) => output(Deno.execPath(), ["run", "--allow-all", ...args]);
  return await measure(row, () => deno(program, "-f", file, "ls"), () => deno(here("empty.ts")));
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
