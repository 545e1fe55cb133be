/**
 * Kills the process of a mount while programs work on it. The volume is then mounted again: the
 * file is sound, also in a copy taken immediately, synced data is there, and the programs continue.
 * Runs on Linux with libfuse3; missing programs are skipped, with the reason in the step's name.
 */

import assert from "node:assert/strict";
import { unmount } from "../../fuse/mod.ts";
import { Place } from "./place.ts";
import { missingFor, type Program, PROGRAMS } from "./programs.ts";
import {
  assertSound,
  type Daemon,
  makeVolume,
  mountTest,
  Scratch,
  sleep,
  spawnDaemon,
  until,
} from "./support.ts";
import { Witness } from "./witness.ts";
import { runs } from "../support/runs.ts";

const only = Deno.env.get("ALOELITE_PROGRAM");

for (const encryption of ["none", "random"] as const) {
  mountTest(`a mount is killed below programs (encryption: ${encryption})`, async (t) => {
    for (const program of PROGRAMS) {
      if (only !== undefined && program.name !== only) continue;
      const missing = await missingFor(program);
      const name = missing === null ? program.name : `${program.name} (ignored: ${missing})`;
      await t.step({
        name,
        ignore: missing !== null,
        sanitizeOps: false,
        sanitizeResources: false,
        fn: () => killed(program, encryption),
      });
    }
  }, { program: "python3" });
}

async function killed(program: Program, encryption: "none" | "random"): Promise<void> {
  await using scratch = new Scratch();
  const file = scratch.join("volume.aloe");
  const mountpoint = scratch.dir("mnt");
  await makeVolume(file, { encryption });
  await using place = new Place(`${mountpoint}/place`, scratch.dir("out"));
  const mount = () => spawnDaemon({ file, mountpoint, kind: { encryption } });
  const witnesses: Witness[] = [];
  let daemon: Daemon = await mount();
  try {
    await Deno.mkdir(place.dir);
    await program.killed.prepare?.(place);
    for (let round = 0; round < runs(encryption === "none" ? 2 : 1); round++) {
      const log = scratch.join(`log${round}`);
      const witness = new Witness(place, `${mountpoint}/witness${round}`, log);
      witnesses.push(witness);
      const { killed: { work, user } } = program;
      const running = place.start(work(place), { user: user?.(), ms: 120_000 });
      await until(
        () => witness.running.ended() || read(log) !== "",
        120_000,
        "the first syncs",
      );
      const delay = Math.round(100 + Math.random() * 900);
      await sleep(delay);
      // A program that ended by itself has failed.
      if (running.ended()) await running.done;
      if (witness.running.ended()) await witness.running.done;
      assert.ok(!running.ended() && !witness.running.ended());
      await daemon.kill9();
      assert.deepEqual(daemon.log, []);
      await place.stop();
      for (const end of ["", "-wal"]) {
        await Deno.copyFile(file + end, scratch.join("copy.aloe") + end).catch((error) => {
          if (!(error instanceof Deno.errors.NotFound)) throw error;
        });
      }
      await assertSound(scratch.join("copy.aloe"));
      for (const end of ["", "-wal", "-shm"]) {
        await Deno.remove(scratch.join("copy.aloe") + end).catch(() => {});
      }
      // Mounting on the directory again also removes a dead mount.
      if (round % 2 === 0) await unmount(mountpoint, { lazy: true });
      daemon = await mount();
      try {
        for (const each of witnesses) await each.check(place);
        await place.sh("find . -type f -exec cat {} + > /dev/null");
        await program.killed.recovered(place);
      } catch (error) {
        throw new Error(`killed in round ${round} after ${delay} ms`, { cause: error });
      }
    }
    await place.stop();
    await daemon.unmount();
    assert.deepEqual(daemon.log, []);
    await assertSound(file);
  } finally {
    await place.stop();
    await daemon[Symbol.asyncDispose]();
  }
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
