/** Times beyond a file's range, set on a real mount by common programs. */

import assert from "node:assert/strict";
import { python } from "./python.ts";
import { assertSound, mountTest, Scratch, spawnDaemon } from "./support.ts";

const FIRST = "-9223372036854775808";
const LAST = "9223372036854775807";

const SET = `
os.mkdir("p"); write("p/a", b"alpha"); write("b", b"beta"); os.mkdir("d"); os.symlink("b", "l")
for name, date in [("b", "2300-01-01"), ("d", "1600-01-01"), ("l", "2300-01-01")]:
    subprocess.run(["touch", "-h", "-d", date, name], check=True)
write("access", b"1"); subprocess.run(["touch", "-a", "-d", "1600-01-01", "access"], check=True)
os.utime("access", ns=(-2**63 - 10**9, 5))
fd = os.open("open", os.O_RDWR | os.O_CREAT); os.utime(fd, (1e11, 1e11)); os.write(fd, b"later"); os.fsync(fd); os.close(fd)
os.mkdir("source"); write("source/f", b"copied"); subprocess.run(["touch", "-d", "2300-01-01", "source/f"], check=True)
subprocess.run(["cp", "-a", SOURCE, "copy"], check=True)
subprocess.run(["tar", "-C", os.path.dirname(SOURCE), "-cf", TAR, os.path.basename(SOURCE)], check=True)
subprocess.run(["tar", "-xf", TAR], check=True)
for name in ["p/a", "b", "copy/f", "tree/f"]:
    fd = os.open(name, os.O_RDONLY); os.fsync(fd); os.close(fd)
`;

const SHOW = `
for name in ["b", "d", "l", "access", "copy", "copy/f", "tree", "tree/f"]:
    s = os.stat(name, follow_symlinks=False)
    print(name, s.st_atime_ns if name in ("access", "d", "l") else 0, s.st_mtime_ns)
print(read("p/a"), read("b"), read("copy/f"), read("tree/f"), read("open"))
`;

mountTest(
  "times beyond all limits are clamped immediately and permanently, without blocking commits",
  async () => {
    await using scratch = new Scratch();
    // A tmpfs can hold such times.
    const outside = Deno.makeTempDirSync({ dir: "/dev/shm", prefix: "aloelite-times-" });
    try {
      const source = `${outside}/tree`;
      Deno.mkdirSync(source);
      Deno.writeTextFileSync(`${source}/f`, "far");
      for (const each of [`${source}/f`, source]) {
        new Deno.Command("touch", { args: ["-d", "3000-01-01", each] }).outputSync();
      }
      const head =
        `SOURCE = ${JSON.stringify(source)}\nTAR = ${JSON.stringify(`${outside}/t.tar`)}\n` +
        "import subprocess\n";
      const file = scratch.join("volume.aloe");
      let before: string;
      {
        await using daemon = await spawnDaemon();
        await python(daemon.dir, head + SET);
        before = await python(daemon.dir, head + SHOW);
        await daemon.unmount();
        assert.deepEqual(daemon.log, []);
        await assertSound(daemon.file);
        await Deno.copyFile(daemon.file, file);
      }
      const lines = before.trim().split("\n");
      const times = new Map(
        lines.slice(0, -1).map((line) => {
          const [name, atime, mtime] = line.split(" ");
          return [name, { atime, mtime }] as const;
        }),
      );
      for (const name of ["b", "l", "copy", "copy/f", "tree/f"]) {
        assert.equal(times.get(name)!.mtime, LAST, name);
      }
      assert.equal(times.get("d")!.mtime, FIRST);
      assert.deepEqual(times.get("access"), { atime: FIRST, mtime: "5" });
      await using again = await spawnDaemon({ file, mountpoint: scratch.dir("mnt") });
      const after = await python(again.dir, head + SHOW);
      assert.equal(after, before, "the same after it was mounted anew");
      await again.unmount();
    } finally {
      Deno.removeSync(outside, { recursive: true });
    }
  },
);

const TWICE = `
import time
LAST, FIRST = 2**63 - 1, -2**63
def becomes(name, set, expected):
    os.utime(name, ns=(0, set))
    end = time.monotonic() + 60
    while os.stat(name).st_mtime_ns != expected:
        assert time.monotonic() < end, (name, set, os.stat(name).st_mtime_ns)
        time.sleep(0.01)
write("a", b"1"); os.link("a", "b")
for name in ["a", "b", "a"]:
    for far in [2**63, LAST + 10**9, LAST + 1, LAST]: becomes(name, far, LAST)
    for far in [FIRST - 1, FIRST - 10**12, -10**19, FIRST]: becomes(name, far, FIRST)
    for near in [0, -1, 1, LAST - 1, FIRST + 1]: becomes(name, near, near)
same(os.stat("b").st_mtime_ns, FIRST + 1)
`;

mountTest("times past the limits are limited each time that they are set", async () => {
  await using daemon = await spawnDaemon();
  await python(daemon.dir, TWICE);
  await daemon.unmount();
  assert.deepEqual(daemon.log, []);
});
