/** A program for tests: a process with a watchdog that reports when it is ready. */

import { fileURLToPath } from "node:url";
import { watchEnd } from "../../cli/watchdog.ts";

/** Starts the program and waits until its thread listens. */
export async function createCliTarget(spins: boolean): Promise<Deno.ChildProcess> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", fileURLToPath(import.meta.url), ...(spins ? ["spin"] : [])],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel();
  return child;
}

if (import.meta.main) {
  const dog = watchEnd(1000);
  Deno.addSignalListener("SIGTERM", () => {
    dog.stop();
    Deno.exit(7);
  });
  // The thread listens once it has answered.
  await dog.ready;
  console.log("ready");
  if (Deno.args[0] === "spin") { for (;;); }
  setTimeout(() => {}, 600_000);
}
