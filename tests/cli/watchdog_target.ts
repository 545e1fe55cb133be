/** Started by itself: a process with a watchdog that says when it is ready. */

import { fileURLToPath } from "node:url";
import { watchEnd } from "../../cli/watchdog.ts";

/** Starts one, and waits until the thread listens. */
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
