/**
 * A manager with small limits, in a process whose heap can be collected: its
 * argument are the options, JSON. It prints its address; a line `gc` is answered
 * with what it has in memory then, JSON.
 *
 * @module
 */
import { serve } from "../../manager/mod.ts";

const collect = (globalThis as unknown as { gc(): void }).gc;
const server = await serve({
  ...JSON.parse(Deno.args[0]),
  log: (line) => console.error(line),
});
console.log(server.url);
Deno.addSignalListener("SIGTERM", async () => {
  await server.stop();
  Deno.exit(0);
});
for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  if (!text.includes("gc")) continue;
  // What one collection lets go of, finalizers included, another one frees.
  for (let times = 0; times < 4; times++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  console.log(JSON.stringify(Deno.memoryUsage()));
}
