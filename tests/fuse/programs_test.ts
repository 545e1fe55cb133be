/**
 * Real programs on a mounted volume: each one runs, checks its results, checks them again after a
 * remount, and leaves a sound file. Runs on Linux with libfuse3; missing programs are skipped, with
 * the reason in the step's name.
 */

import assert from "node:assert/strict";
import { Place } from "./place.ts";
import { missingFor, PROGRAMS } from "./programs.ts";
import { assertSound, makeVolume, mountTest, Scratch, spawnDaemon } from "./support.ts";

const only = Deno.env.get("ALOELITE_PROGRAM");

for (const encryption of ["none", "random"] as const) {
  mountTest(`programs run on a mounted volume (encryption: ${encryption})`, async (t) => {
    for (const program of PROGRAMS) {
      if (only !== undefined && program.name !== only) continue;
      const missing = await missingFor(program);
      const name = missing === null ? program.name : `${program.name} (ignored: ${missing})`;
      await t.step({
        name,
        ignore: missing !== null,
        sanitizeOps: false,
        sanitizeResources: false,
        fn: async () => {
          await using scratch = new Scratch();
          const file = scratch.join("volume.aloe");
          const mountpoint = scratch.dir("mnt");
          await makeVolume(file, { encryption });
          await using place = new Place(`${mountpoint}/place`, scratch.dir("out"));
          for (const go of ["run", "remounted"] as const) {
            await using daemon = await spawnDaemon({ file, mountpoint, kind: { encryption } });
            if (go === "run") await Deno.mkdir(place.dir);
            await program[go]?.(place);
            await place.stop();
            await daemon.unmount();
            assert.deepEqual(daemon.log, []);
          }
          await assertSound(file);
        },
      });
    }
  });
}
