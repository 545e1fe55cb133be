/** SIGTERM ends a process, whatever it is doing. */

import assert from "node:assert/strict";
import { createCliTarget } from "./watchdog_target.ts";

for (const [spins, code] of [[true, 137], [false, 7]] as const) {
  Deno.test({
    name: `watchdog: SIGTERM ends a process that ${spins ? "spins" : "listens"}`,
    ignore: Deno.build.os === "windows",
    fn: async () => {
      const target = await createCliTarget(spins);
      target.kill("SIGTERM");
      const status = await target.status;
      assert.equal(status.code, code);
    },
  });
}
