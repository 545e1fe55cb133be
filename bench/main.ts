import { agentfs } from "./agentfs.ts";
import { creates } from "./create.ts";
import { type Figure, type Row, Scratch } from "./harness.ts";
import { directories } from "./directory_figures.ts";
import { mounts } from "./fuse.ts";
import { manager } from "./manager.ts";
import { memory } from "./memory.ts";
import { reference } from "./reference.ts";
import { startup } from "./startup.ts";
import { streams } from "./stream.ts";
import { table } from "./table.ts";

const FIGURES: Figure[] = [
  ...streams,
  ...creates,
  reference,
  agentfs,
  ...directories,
  memory,
  startup,
  ...mounts,
  ...manager,
];

const USAGE = `deno task bench [--quick] [--json] [--only NAME[,NAME]]

Measures the engine beside what it is compared with, in one run, and prints a table.
Figures: ${FIGURES.map((figure) => figure.name).join(", ")}.
Ends with 1 when a bar was missed.`;

function options(args: string[]) {
  const chosen = { quick: false, json: false, only: null as string[] | null };
  for (let i = 0; i < args.length; i++) {
    if (args[i] === "--quick") chosen.quick = true;
    else if (args[i] === "--json") chosen.json = true;
    else if (args[i] === "--only" && args[i + 1] !== undefined) chosen.only = args[++i].split(",");
    else return null;
  }
  const known = FIGURES.map((figure) => figure.name);
  return chosen.only?.every((name) => known.includes(name)) ?? true ? chosen : null;
}

const chosen = options(Deno.args);
if (chosen === null) {
  console.error(USAGE);
  Deno.exit(2);
}
const rows: Row[] = [];
{
  await using scratch = await Scratch.make(chosen.quick);
  for (const figure of FIGURES) {
    if (chosen.only !== null && !chosen.only.includes(figure.name)) continue;
    rows.push(...await figure.run(scratch));
  }
}
console.log(chosen.json ? JSON.stringify(rows, null, 2) : table(rows));
if (rows.some((row) => row.pass === false)) Deno.exitCode = 1;
