/** Helpers for tests to observe mounts of the kernel. */

import assert from "node:assert/strict";

/** Waits until a condition holds. */
export async function until(what: string, holds: () => Promise<boolean> | boolean, ms = 60_000) {
  const end = Date.now() + ms;
  while (!await holds()) {
    assert.ok(Date.now() < end, `${what}: not within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Returns the mount points below a folder. */
export function mountsBelow(folder: string): string[] {
  return Deno.readTextFileSync("/proc/self/mountinfo").split("\n").map((line) =>
    line.split(" ")[4] ?? ""
  ).filter((point) => point.startsWith(`${folder}/`));
}

/** Returns the processes that mount below a folder. */
export function processesOf(folder: string): number[] {
  return [...Deno.readDirSync("/proc")].filter(({ name }) => /^\d+$/.test(name)).filter(
    ({ name }) => {
      try {
        const words = Deno.readTextFileSync(`/proc/${name}/cmdline`).split("\0");
        return words.at(-2)?.startsWith(`${folder}/mnt/`) ?? false;
      } catch {
        return false;
      }
    },
  ).map(({ name }) => Number(name));
}

/** Asserts that nothing is mounted any more. */
export async function nothingLeft(root: string): Promise<void> {
  await until("no process is left", () => processesOf(root).length === 0);
  assert.deepEqual(mountsBelow(root), []);
  assert.deepEqual([...Deno.readDirSync(`${root}/mnt`)], []);
}

/** Ends the mounts of a killed manager, and removes its folder. */
export async function endAll(root: string): Promise<void> {
  for (const pid of processesOf(root)) Deno.kill(pid, "SIGKILL");
  for (const point of mountsBelow(root)) {
    await new Deno.Command("umount", { args: ["-l", point] }).output();
  }
  await Deno.remove(root, { recursive: true });
}
