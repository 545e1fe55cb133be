/** Attributes that a mount shows of open or waiting inodes while other processes commit. */

import { AloeLite } from "../../mod.ts";
import { python } from "./python.ts";
import { mountTest, Scratch, spawnDaemon, until, withMount } from "./support.ts";

/**
 * Opens one node of each type, removes the names, and expects unchanged attributes whatever others
 * commit.
 */
const UNLINKED = `
os.mkdir("dir"); os.mkdir("full"); os.mkdir("full/below"); os.mkdir("over"); os.mkdir("new"); write("file", b"x" * 100_000); write("twice", b"2"); os.link("twice", "other")
os.mkfifo("fifo"); os.symlink("nowhere", "link"); os.mkdir("late"); os.mkdir("odd"); os.chmod("odd", 0o3751)
os.utime("dir", ns=(1, 2)); write("small", b"s")
names = ["dir", "full", "over", "file", "twice", "fifo", "link", "small", "odd"]
fds = {n: os.open(n, os.O_PATH | os.O_NOFOLLOW) for n in names}
cwd = os.open("dir", os.O_RDONLY); late = os.open("late", os.O_RDONLY); small = os.open("small", os.O_RDWR)
if %SYNC%: os.fsync(cwd)
os.rmdir("dir"); os.rmdir("full/below"); os.rmdir("full"); os.rename("new", "over"); os.rmdir("odd")
for n in ("file", "twice", "fifo", "link", "small"): os.unlink(n)
def facts(n):
    st = os.stat(fds[n]) if n != "link" else os.fstat(fds[n])
    return [st.st_mode, st.st_nlink, st.st_uid, st.st_gid, st.st_size, st.st_blocks, st.st_mtime_ns, st.st_ctime_ns]
wanted = {n: facts(n) for n in names}
links = {n: wanted[n][1] for n in names}
same(links, {**{n: 0 for n in names}, "twice": 1})
if %SYNC%: os.fsync(cwd)
def check():
    for n in names: same((n, facts(n)), (n, wanted[n]))
    for make in (lambda: os.open("x", os.O_CREAT | os.O_WRONLY, dir_fd=cwd), lambda: os.mkdir("x", dir_fd=cwd), lambda: os.symlink("t", "x", dir_fd=cwd),
            lambda: os.link("other", "x", dst_dir_fd=cwd), lambda: os.rename("other", "x", dst_dir_fd=cwd)): fails(errno.ENOENT, make)
    same(os.listdir(cwd), [])
end = time.monotonic() + 60
for round in range(3):
    write("ready%d" % round, b""); os.fsync(os.open(".", os.O_RDONLY))
    while not os.path.exists("theirs%d" % round):
        check(); assert time.monotonic() < end; time.sleep(0.05)
    check()
    if round == 0: os.rmdir("late")
    if round == 1:
        # What is changed of them here has its effect, and theirs none.
        same(os.fstat(late).st_nlink, 0)
        os.fchmod(late, 0o711); os.pwrite(small, b"longer", 0)
        wanted["small"] = None; wanted["small"] = facts("small"); same(wanted["small"][4], 6)
same((os.fstat(late).st_nlink, os.fstat(late).st_mode & 0o777), (0, 0o711))
`;

for (const history of ["none", "all"] as const) {
  for (const synced of ["True", "False"]) {
    const when = synced === "True" ? "committed" : "just removed";
    mountTest(
      `what is open and has no name keeps its attributes (history: ${history}, ${when})`,
      async () => {
        await withMount({ history }, async (dir, { file }) => {
          await using fs = await AloeLite.open(file);
          await using mount = await fs.mount("main");
          const others = async () => {
            for (let round = 0; round < 3; round++) {
              await until(() => mount.exists(`/ready${round}`), 60_000, "the next round");
              await mount.createEntry(`/theirs${round}`);
              await mount.setMode(`/theirs${round}`, 0o600);
            }
          };
          await Promise.all([
            python(dir, UNLINKED.replaceAll("%SYNC%", synced), 120_000),
            others(),
          ]);
        });
      },
    );
  }
}

mountTest("an open directory that another mount removes has no links", async () => {
  await using scratch = new Scratch();
  await withMount({}, async (one, { file }) => {
    await using other = await spawnDaemon({ file, mountpoint: scratch.dir("other") });
    const hold = () =>
      python(
        one,
        `
os.mkdir("gone"); os.mkdir("moved"); os.mkdir("into"); os.mkdir("over"); write("held", b"")
names = ["gone", "moved", "over", "into"]
fds = {n: os.open(n, os.O_RDONLY) for n in names}
same([os.fstat(fds[n]).st_nlink for n in names], [2, 2, 2, 2]); os.fsync(fds["gone"])
end = time.monotonic() + 60
while [os.fstat(fds[n]).st_nlink for n in names] != [0, 2, 0, 3]:
    assert time.monotonic() < end, [os.fstat(fds[n]).st_nlink for n in names]
    time.sleep(0.05)
fails(errno.ENOENT, os.mkdir, "x", dir_fd=fds["gone"]); os.mkdir("x", dir_fd=fds["moved"])
`,
        120_000,
      );
    const remove = () =>
      python(
        other.dir,
        `
end = time.monotonic() + 60
while not os.path.exists("held"): assert time.monotonic() < end; time.sleep(0.05)
fds = [os.open(n, os.O_RDONLY) for n in ("gone", "moved", "over", "into")]
os.rmdir("gone"); os.mkdir("new"); os.rename("new", "over"); os.rename("moved", "into/moved"); os.fsync(fds[0])
`,
        120_000,
      );
    await Promise.all([hold(), remove()]);
  });
});

mountTest(
  "changes of other processes to an inode with waiting changes are seen later",
  async () => {
    await withMount({}, async (dir, { file }) => {
      await python(
        dir,
        `
os.mkdir("d"); write("f", b"1" * 100_000); write("g", b"g"); os.fsync(os.open(".", os.O_RDONLY))`,
      );
      await using fs = await AloeLite.open(file);
      await using mount = await fs.mount("main");
      // The directory and the files change constantly here, so that changes are always waiting.
      const busy = () =>
        python(
          dir,
          `
end = time.monotonic() + 60; fd = os.open("f", os.O_RDWR); i = 0
while not os.path.exists("d/stop"):
    i += 1; os.utime("d", ns=(i, i)); os.chmod("g", 0o600 + i % 8); os.pwrite(fd, b"%d" % i, 50_000); os.fdatasync(fd); assert time.monotonic() < end
def facts(): return [os.stat("d").st_nlink, os.stat("f").st_mode & 0o777, os.stat("f").st_nlink, os.stat("g").st_nlink]
while facts() != [4, 0o640, 2, 2]: assert time.monotonic() < end, facts(); time.sleep(0.05)
`,
          120_000,
        );
      const others = async () => {
        await mount.mkdir("/d/one");
        await mount.mkdir("/d/two");
        await mount.setMode("/f", 0o640);
        await mount.link("/f", "/f2");
        await mount.link("/g", "/g2");
        await mount.createEntry("/d/stop");
      };
      await Promise.all([busy(), others()]);
    });
  },
);
