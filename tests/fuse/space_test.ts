/** The output of `df` for a mount: the file's use, and the available space. */

import assert from "node:assert/strict";
import { python } from "./python.ts";
import { makeVolume, mountTest, Scratch, spawnDaemon, until } from "./support.ts";

const MIB = 1 << 20;

/** Returns total, used and available bytes. */
async function df(dir: string): Promise<{ total: number; used: number; available: number }> {
  const { stdout } = await new Deno.Command("df", {
    args: ["-B1", "--output=size,used,avail", dir],
  }).output();
  const [total, used, available] = new TextDecoder().decode(stdout).trim().split("\n")[1]
    .trim().split(/\s+/).map(Number);
  return { total, used, available };
}

mountTest("df: used space is that of the file alone", async () => {
  await using scratch = new Scratch();
  // A separate disk, because others' writes change the free space of a shared one.
  const file = `${scratch.tmpfs("disk", "256m")}/v.aloe`;
  await makeVolume(file);
  await using daemon = await spawnDaemon({ file });
  const before = await df(daemon.dir);
  assert(before.used < 2 * MIB, `${before.used}`);
  await python(daemon.dir, `write("f", os.urandom(20 << 20)); os.sync()`);
  const after = await df(daemon.dir);
  assert(after.used - before.used >= 20 * MIB, `${before.used} ${after.used}`);
  assert(after.used - before.used < 23 * MIB, `${before.used} ${after.used}`);
  assert(after.available < before.available, `${before.available} ${after.available}`);
  assert(Math.abs(after.total - before.total) < 8 * MIB, `${before.total} ${after.total}`);
  Deno.removeSync(`${daemon.dir}/f`);
  await until(
    async () => (await df(daemon.dir)).used < 3 * MIB,
    20_000,
    "the chunks are given back",
  );
  await daemon.unmount();
}, { root: true });

for (const [size, encryption] of [["40m", "none"], ["96m", "none"], ["40m", "random"]] as const) {
  mountTest(
    `df: the available space on a disk of ${size} can be written (${encryption})`,
    async () => {
      await using scratch = new Scratch();
      const disk = scratch.tmpfs("disk", size);
      const file = `${disk}/v.aloe`;
      await makeVolume(file, { encryption });
      await using daemon = await spawnDaemon({ file, kind: { encryption } });
      const fill = async (bytes: number) =>
        await python(
          daemon.dir,
          `
left = ${bytes}; number = 0; failed = 0
try:
    fd = os.open("fill%d" % time.time_ns(), os.O_RDWR | os.O_CREAT, 0o600)
    while left > 0:
        left -= os.write(fd, os.urandom(min(left, 1 << 20)))
    os.fsync(fd)
except OSError as error:
    same(error.errno, errno.ENOSPC); failed = 1
finally:
    os.close(fd) if not failed else None
print(failed)
`,
          60_000,
        );
      // Write more than fits: it fails, and from then on the reported space is available.
      assert.equal((await fill(200 * MIB)).trim(), "1");
      await until(async () => Number((await daemon.stats()).dirtyBytes) < MIB, 20_000, "a commit");
      for (let round = 0; round < 4; round++) {
        const { available } = await df(daemon.dir);
        if (available < 64 * 1024) break;
        assert.equal((await fill(available)).trim(), "0", `${available} bytes were offered`);
      }
      // The reported space is not too small either: more than half of the disk was written.
      const { used } = await df(daemon.dir);
      assert(used > parseInt(size) * MIB / 2, `${used} bytes are in use`);
    },
    { root: true },
  );
}
