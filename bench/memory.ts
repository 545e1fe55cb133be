import { type Bench, type Figure, limit, type Row, skipped } from "./harness.ts";

const BAR = { most: 250 };

/** The most memory that a process has while it streams a large file in, and out again. */
export const memory: Figure = { name: "memory", run };

async function run(bench: Bench): Promise<Row[]> {
  const rows: Row[] = [];
  for (const mib of bench.quick ? [256, 1024] : [1024, 8192]) {
    const figure = `memory, ${mib >= 1024 ? `${mib / 1024} GiB` : `${mib} MiB`} in and out`;
    if (Deno.build.os !== "linux") {
      rows.push(skipped({ figure, against: "", bar: BAR }, "the peak is read from /proc"));
      continue;
    }
    bench.say(figure);
    const path = bench.path("memory.db");
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--allow-all",
        new URL("memory_child.ts", import.meta.url).href,
        path,
        String(mib),
      ],
    }).output();
    await bench.discard(path);
    if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
    const peak = JSON.parse(new TextDecoder().decode(stdout)) as Record<string, number>;
    const note = `${peak.opened.toFixed(0)} MiB when the file was open, ` +
      `${peak.written.toFixed(0)} when it was written`;
    rows.push(limit({ figure, unit: "MiB", bar: BAR, note }, peak.read));
  }
  return rows;
}
