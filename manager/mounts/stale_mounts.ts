import { MOUNT_TYPE, mountTable } from "../../fuse/mod.ts";
import { clear, isMounted } from "./mount_process.ts";

/** How long an orphan may take to end by SIGTERM, and by a second one, ms. */
const PATIENCE = [3000, 3000];

/**
 * Removes what a killed manager has left: the processes of its mounts, which may still
 * have data to write, the mounts, and their directories.
 *
 * @param folder The folder of the mount points.
 * @returns The mount points whose processes go on for programs that still use them.
 */
export async function sweep(
  folder: string,
  log: (line: string) => void,
): Promise<ReadonlySet<string>> {
  const orphans = await orphansOf(folder);
  await Promise.all(orphans.map((orphan) => end(orphan, log)));
  const left = (await mountTable()).filter(({ mountpoint, type }) =>
    type === MOUNT_TYPE && mountpoint.startsWith(`${folder}/`)
  );
  for (const { mountpoint } of left) {
    log(`${mountpoint}: a mount that does not answer is removed`);
    await clear(mountpoint);
  }
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) await Deno.remove(`${folder}/${name}`).catch(() => {});
  }
  return new Set((await orphansOf(folder)).map(({ mountpoint }) => mountpoint));
}

interface Orphan {
  pid: number;
  mountpoint: string;
}

/** Processes that mount below a folder, by their arguments, since process ids are reused. */
async function orphansOf(folder: string): Promise<Orphan[]> {
  const orphans: Orphan[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const words = await wordsOf(Number(name));
    const mountpoint = words.at(-1) ?? "";
    if (words.at(-2) !== "--" || !words.includes("mount")) continue;
    if (mountpoint.startsWith(`${folder}/`)) orphans.push({ pid: Number(name), mountpoint });
  }
  return orphans;
}

async function wordsOf(pid: number): Promise<string[]> {
  const text = await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => "");
  return text.split("\0").slice(0, -1);
}

async function end({ pid, mountpoint }: Orphan, log: (line: string) => void): Promise<void> {
  log(`${mountpoint}: ending the process ${pid} of an earlier run`);
  for (const ms of PATIENCE) {
    if (!kill(pid, "SIGTERM")) return;
    const late = performance.now() + ms;
    while (performance.now() < late) {
      if (!await isOurs(pid, mountpoint)) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  // Once it is detached, it goes on for programs that have files of it open.
  if (!await isMounted(mountpoint) || !await isOurs(pid, mountpoint)) return;
  log(`${mountpoint}: the process ${pid} does not end; it is killed`);
  kill(pid, "SIGKILL");
}

async function isOurs(pid: number, mountpoint: string): Promise<boolean> {
  return (await wordsOf(pid)).at(-1) === mountpoint;
}

/** @returns False when the process no longer exists. */
function kill(pid: number, signal: Deno.Signal): boolean {
  try {
    Deno.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}
