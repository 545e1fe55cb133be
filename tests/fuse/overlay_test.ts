/**
 * A mounted directory as the upper directory of an overlay, which needs rare features: whiteouts,
 * exchanges, nameless files, `trusted` attributes. Runs as root on Linux with libfuse3 and
 * overlayfs; skipped elsewhere.
 */

import assert from "node:assert/strict";
import { python } from "./python.ts";
import {
  assertSound,
  canMount,
  detach,
  isRoot,
  makeVolume,
  mountTest,
  Scratch,
  succeeds,
  withMount,
} from "./support.ts";

const WHITEOUT = `
W = 4
def whiteout(path):
    st = os.lstat(path)
    same((stat.S_ISCHR(st.st_mode), st.st_rdev, st.st_nlink, st.st_size), (True, 0, 1, 0))
def rename(old, new, flags=W): renameat2(old, new, flags)
if CHECK:
    for path in ("a", "d/file", "over", "dir", "hard", "kept"): whiteout(path)
    same(sorted(os.listdir(".")), sorted(["a", "b", "d", "over", "target", "dir", "moved", "hard", "hard2", "link", "kept", "kept2"]))
else:
    os.mkdir("d"); write("a", b"a"); rename("a", "b"); whiteout("a"); same(read("b"), b"a")
    write("d/file", b"f"); rename("d/file", "moved"); whiteout("d/file"); same(read("moved"), b"f")
    write("over", b"new"); write("target", b"old"); rename("over", "target"); whiteout("over"); same(read("target"), b"new")
    os.mkdir("dir"); write("dir/x", b"x"); nlink = os.stat(".").st_nlink; rename("dir", "d/dir"); whiteout("dir"); same(read("d/dir/x"), b"x"); same(os.stat(".").st_nlink, nlink - 1)
    write("hard", b"h"); os.link("hard", "link"); rename("hard", "hard2"); whiteout("hard"); same(os.stat("link").st_nlink, 2)
    write("kept", b"k"); fd = os.open("kept", os.O_RDWR); rename("kept", "kept2", W | NOREPLACE); os.write(fd, b"z"); same(read("kept2"), b"z"); whiteout("kept")
    fails(errno.EEXIST, rename, "b", "target", W | NOREPLACE); fails(errno.EINVAL, rename, "b", "target", W | EXCHANGE); fails(errno.ENOENT, rename, "none", "c")
    fails(errno.EINVAL, rename, "d", "d/dir/in")
    # Over a whiteout, as overlays do, and what is named again.
    rename("b", "a"); whiteout("b"); rename("a", "b"); whiteout("a")
    fails(errno.EACCES, os.open, "a", os.O_RDONLY)
    # Whoever may rename may leave one behind.
    as_user(1000, 1000, lambda: rename("b", "c")); whiteout("b"); same(os.lstat("b").st_uid, 1000); os.rename("c", "b")
    os.setxattr("b", "trusted.x", b"t"); os.setxattr("b", "user.y", b"u"); same(sorted(os.listxattr("b")), ["trusted.x", "user.y"])
    as_user(1000, 1000, lambda: same(os.listxattr("b"), ["user.y"]))
    same(read("b"), b"a")
`;

mountTest("a rename can leave a persistent whiteout", async () => {
  await using scratch = new Scratch();
  const file = scratch.join("v.aloe"), mountpoint = scratch.dir("mnt");
  await makeVolume(file, {});
  for (const check of ["False", "True"]) {
    await withMount({ file, mountpoint }, async (dir) => {
      await Deno.chmod(dir, 0o777);
      await python(dir, `CHECK = ${check}\n${WHITEOUT}`);
    });
  }
  await assertSound(file);
}, { root: true });

/** What people do on an overlay: \`lower\` has been filled, the current directory is merged. */
const ON_TOP = `
def names(path="."): return sorted(os.listdir(path))
same(names(), ["dir", "keep", "link", "old", "run", "sub"])
# Copied up: content, mode, owner, times, attributes.
with open("old", "ab") as f: f.write(b" and new")
same(read("old"), b"old and new"); st = os.stat("old"); same((stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid), (0o640, 1000, 1001)); same(os.getxattr("old", "user.x"), b"attribute")
os.chmod("run", 0o4755); same(stat.S_IMODE(os.stat("run").st_mode), 0o4755)
# Removed: a whiteout in the upper directory, nothing in the merged one.
os.unlink("keep"); assert not os.path.exists("keep"); same(names(), ["dir", "link", "old", "run", "sub"])
write("keep", b"again"); same(read("keep"), b"again"); os.unlink("keep")
import shutil
shutil.rmtree("sub"); assert not os.path.exists("sub"); os.mkdir("sub"); same(names("sub"), []); write("sub/mine", b"m"); same(names("sub"), ["mine"])
# Renamed: a file of the lower directory, over another one, and exchanged.
os.rename("dir/a", "dir/A"); same(names("dir"), ["A", "b", "c"]); same(read("dir/A"), b"a")
os.rename("dir/b", "dir/c"); same(names("dir"), ["A", "c"]); same(read("dir/c"), b"b")
renameat2("dir/A", "old", EXCHANGE); same(read("old"), b"a"); same(read("dir/A"), b"old and new"); renameat2("dir/A", "old", EXCHANGE)
write("made", b"1"); os.rename("made", "made2"); os.mkdir("own"); write("own/x", b"x"); os.rename("own", "own2"); same(read("own2/x"), b"x")
os.symlink("old", "soft"); os.link("old", "hard"); same(os.stat("hard").st_nlink, 2); os.mkfifo("pipe")
try: os.rename("dir", "dir2")
except OSError as error: same(error.errno, errno.EXDEV)
else: os.rename("dir2", "dir")
fd = os.open(".", O_TMPFILE | os.O_RDWR, 0o600); os.write(fd, b"tmp"); called(libc.linkat(AT_FDCWD, f"/proc/self/fd/{fd}".encode(), AT_FDCWD, b"named", AT_SYMLINK_FOLLOW)); os.close(fd); same(read("named"), b"tmp")
# An open file is the same one before and after the copy up's end.
fd = os.open("link-target" if os.path.exists("link-target") else "old", os.O_RDWR); m = mmap.mmap(fd, 0); m[0:1] = b"O"; m.flush(); os.close(fd); same(read("old")[:1], b"O")
as_user(1000, 1000, lambda: fails(errno.EACCES, write, "own2/denied", b""))
for i in range(200): write(f"many{i}", b"")
for entry in os.scandir("."):
    if entry.name.startswith("many"): assert entry.is_file(); os.rename(entry.name, "x" + entry.name)
same(len([n for n in names() if n.startswith("xmany")]), 200)
os.sync(); os.fsync(os.open(".", os.O_RDONLY))
`;

const AGAIN = `
same(sorted(n for n in os.listdir(".") if not n.startswith("xmany")), ["dir", "hard", "link", "made2", "named", "old", "own2", "pipe", "run", "soft", "sub"])
same(read("old"), b"Old and new"); same(sorted(os.listdir("sub")), ["mine"]); same(sorted(os.listdir("dir")), ["A", "c"]); same(read("named"), b"tmp")
same(len(os.listdir(".")), 211)
`;

const noOverlay = canMount() !== null || !isRoot() || hasOverlay()
  ? ""
  : " (ignored: no overlayfs)";

mountTest(`a mounted directory can be the upper one of an overlay${noOverlay}`, async (t) => {
  if (noOverlay !== "") return;
  for (const options of [[], ["metacopy=on", "redirect_dir=on"], ["userxattr"], ["index=on"]]) {
    await t.step(options.join(",") || "as it comes", async () => {
      await using scratch = new Scratch();
      const file = scratch.join("v.aloe"), mountpoint = scratch.dir("mnt");
      const lower = scratch.dir("lower"), merged = scratch.dir("merged");
      await python(
        lower,
        `
os.mkdir("dir"); os.mkdir("sub"); write("old", b"old"); os.chmod("old", 0o640); os.chown("old", 1000, 1001)
for n in "abc": write("dir/" + n, n.encode())
write("keep", b"k"); write("run", b"#!/bin/sh\\n"); os.symlink("old", "link"); write("sub/s", b"s")
try: os.setxattr("old", "user.x", b"attribute")
except OSError: pass
`,
      );
      await makeVolume(file, {});
      for (const [round, script] of [ON_TOP, AGAIN].entries()) {
        await withMount({ file, mountpoint }, async (dir) => {
          if (round === 0) {
            await Deno.mkdir(`${dir}/upper`);
            await Deno.mkdir(`${dir}/work`);
          }
          const places = `lowerdir=${lower},upperdir=${dir}/upper,workdir=${dir}/work`;
          const how = [places, ...options].join(",");
          assert.ok(succeeds("mount", "-t", "overlay", "overlay", "-o", how, merged), how);
          try {
            await python(merged, script);
          } finally {
            detach(merged);
          }
          if (round === 0) {
            await python(
              `${dir}/upper`,
              `for name in ("keep", "dir/a", "dir/b"):
    st = os.lstat(name); assert stat.S_ISCHR(st.st_mode) and st.st_rdev == 0, name`,
            );
          }
        });
      }
      await assertSound(file);
    });
  }
}, { root: true });

/** Whether the kernel has overlayfs: asked by mounting one without an upper directory. */
function hasOverlay(): boolean {
  const dirs = [1, 2, 3].map(() => Deno.makeTempDirSync());
  try {
    const how = `lowerdir=${dirs[0]}:${dirs[1]}`;
    return succeeds("mount", "-t", "overlay", "overlay", "-o", how, dirs[2]);
  } finally {
    detach(dirs[2]);
    for (const dir of dirs) Deno.removeSync(dir);
  }
}
