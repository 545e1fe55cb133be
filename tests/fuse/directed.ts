/**
 * Required behaviour of a directory, one script each. The scripts run in an empty directory of any
 * filesystem.
 *
 * @module
 */

/** A Python script for `python` of `python.ts`. */
export interface Directed {
  name: string;
  /** Whether the script needs root. */
  root?: boolean;
  script: string;
}

/** The name of the script that looks for holes. */
export const HOLES = "where data and holes are";

/** The name of the script that creates many files. */
export const MANY = "a directory of 20,000 files";

/** All scripts. */
export const DIRECTED: Directed[] = [
  {
    name: "O_APPEND from four processes loses nothing",
    script: `
def work(who):
    fd = os.open("log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for i in range(500):
        line = b"%d:%04d:%s\\n" % (who, i, b"x" * (40 + (i * 7 + who) % 90))
        same(os.write(fd, line), len(line))
reap(*[child(lambda who=who: work(who)) for who in range(4)])
lines = read("log").split(b"\\n")
same(lines.pop(), b"")
same(len(lines), 2000)
for who in range(4):
    mine = [line for line in lines if line.startswith(b"%d:" % who)]
    same([int(line.split(b":")[1]) for line in mine], list(range(500)))
    for i, line in enumerate(mine):
        same(line.split(b":")[2], b"x" * (40 + (i * 7 + who) % 90))
`,
  },
  {
    name: "an open file survives the removal of its name",
    script: `
os.mkdir("d")
fd = os.open("d/f", os.O_RDWR | os.O_CREAT, 0o640)
os.write(fd, b"a" * 100_000)
os.unlink("d/f")
os.rmdir("d")
same(os.fstat(fd).st_nlink, 0)
os.fsync(fd)
os.pwrite(fd, b"b" * 10, 99_995)
same(os.fstat(fd).st_size, 100_005)
same(os.pread(fd, 20, 99_990), b"a" * 5 + b"b" * 10)
os.ftruncate(fd, 10)
os.fchmod(fd, 0o600)
same(stat.S_IMODE(os.fstat(fd).st_mode), 0o600)
same(os.pread(fd, 20, 0), b"a" * 10)
`,
  },
  {
    name: "an open file survives a rename over its name",
    script: `
write("old", b"old" * 1000)
write("new", b"new" * 1000)
fd = os.open("old", os.O_RDWR)
moved = os.open("new", os.O_RDWR)
os.rename("new", "old")
same(os.fstat(fd).st_nlink, 0)
same(os.pread(fd, 6, 0), b"oldold")
same(read("old")[:6], b"newnew")
os.pwrite(moved, b"NEW", 0)
os.pwrite(fd, b"OLD", 0)
same(read("old")[:6], b"NEWnew")
same(os.pread(fd, 6, 0), b"OLDold")
fails(errno.ENOENT, os.stat, "new")
`,
  },
  {
    name: "errors and flags of rename",
    script: `
os.makedirs("full/child"); os.mkdir("empty"); os.mkdir("other"); write("f", b"f"); write("g", b"g")
fails(errno.ENOTEMPTY, os.rename, "empty", "full")
fails(errno.EISDIR, os.rename, "f", "empty")
fails(errno.ENOTDIR, os.rename, "empty", "f")
fails(errno.EINVAL, os.rename, "full", "full/child/x")
fails(errno.ENOTEMPTY, os.rename, "full/child", "full")
fails(errno.ENOTEMPTY, os.rmdir, "full")
fails(errno.EEXIST, renameat2, "f", "g", NOREPLACE)
fails(errno.ENOENT, renameat2, "f", "none", EXCHANGE)
fails(errno.EINVAL, renameat2, "f", "g", NOREPLACE | EXCHANGE)
renameat2("f", "g", EXCHANGE)
same((read("f"), read("g")), (b"g", b"f"))
renameat2("f", "full", EXCHANGE)
same(os.listdir("f"), ["child"])
same(read("full"), b"g")
renameat2("f", "full", EXCHANGE)
renameat2("full", "fresh", NOREPLACE)
os.rename("fresh", "empty")
same(os.listdir("empty"), ["child"])
os.link("g", "h")
os.rename("g", "h")
same(os.stat("g").st_nlink, 2)
`,
  },
  {
    name: "a moved directory keeps its children",
    script: `
os.makedirs("a/b/c"); os.mkdir("z"); write("a/b/c/f", b"1")
os.chdir("a/b/c")
os.rename("../../../a/b", "../../../z/y")
same(os.getcwd().split("/")[-3:], ["z", "y", "c"])
same(read("f"), b"1")
same(os.stat("..").st_ino, os.stat("../../y").st_ino)
same(os.stat("../..").st_nlink, 3)
same(os.stat("../../../a").st_nlink, 2)
write("g", b"2")
os.chdir("../../..")
same(sorted(os.listdir("z/y/c")), ["f", "g"])
`,
  },
  {
    name: "sticky directories",
    root: true,
    script: `
os.chmod(".", 0o755); os.mkdir("t"); os.chmod("t", 0o1777)
as_user(1001, 1001, lambda: write("t/mine", b"m"))
def other():
    fails(errno.EPERM, os.unlink, "t/mine")
    fails(errno.EPERM, os.rename, "t/mine", "t/x")
    write("t/theirs", b"t")
    fails(errno.EPERM, os.rename, "t/theirs", "t/mine")
    os.unlink("t/theirs")
as_user(1002, 1002, other)
as_user(1001, 1001, lambda: os.unlink("t/mine"))
`,
  },
  {
    name: "setgid directories pass on their group",
    root: true,
    script: `
os.mkdir("d"); os.chown("d", 1001, 2001); os.chmod("d", 0o2777)
def make():
    os.umask(0)
    write("d/f", b"", mode=0o666)
    os.mkdir("d/sub", 0o755)
    os.symlink("x", "d/l")
    os.mknod("d/p", 0o010644)
    os.close(os.open("d/x", os.O_CREAT | os.O_WRONLY, 0o2775))
as_user(1002, 1002, make)
for name in ("f", "sub", "l", "p", "x"):
    st = os.lstat("d/" + name)
    same((name, st.st_uid, st.st_gid), (name, 1002, 2001))
same(stat.S_IMODE(os.stat("d/sub").st_mode), 0o2755)
same(stat.S_IMODE(os.stat("d/f").st_mode), 0o666)
same(stat.S_IMODE(os.stat("d/x").st_mode), 0o775)
`,
  },
  {
    name: "the umask of the process",
    script: `
for mask in (0, 0o022, 0o077, 0o777):
    os.umask(mask)
    os.mkdir("d%o" % mask, 0o777)
    os.close(os.open("f%o" % mask, os.O_CREAT | os.O_WRONLY, 0o666))
    os.mknod("p%o" % mask, 0o010666)
    same(stat.S_IMODE(os.stat("d%o" % mask).st_mode), 0o777 & ~mask)
    same(stat.S_IMODE(os.stat("f%o" % mask).st_mode), 0o666 & ~mask)
    same(stat.S_IMODE(os.stat("p%o" % mask).st_mode), 0o666 & ~mask)
`,
  },
  {
    name: "permissions by uid, gid and groups",
    root: true,
    script: `
os.chmod(".", 0o755)
os.mkdir("d"); os.chown("d", 1001, 2001); os.chmod("d", 0o750)
write("d/f", b"x"); os.chown("d/f", 1001, 2001); os.chmod("d/f", 0o640)
def owner():
    same(read("d/f"), b"x"); write("d/f", b"y"); os.chmod("d/f", 0o640); write("d/g", b"")
    fails(errno.EPERM, os.chown, "d/f", 1002, -1)
    os.utime("d/f", (1, 1))
as_user(1001, 1001, owner)
def member():
    same(read("d/f"), b"y")
    fails(errno.EACCES, os.open, "d/f", os.O_WRONLY)
    fails(errno.EACCES, write, "d/h", b"")
    fails(errno.EPERM, os.chmod, "d/f", 0o777)
    fails(errno.EPERM, os.utime, "d/f", (1, 1))
    fails(errno.EACCES, os.unlink, "d/f")
    fails(errno.EACCES, os.utime, "d/f")
    fails(errno.EACCES, os.truncate, "d/f", 0)
as_user(1002, 1002, member, [2001])
def stranger():
    fails(errno.EACCES, os.stat, "d/f")
    fails(errno.EACCES, os.listdir, "d")
    same(os.access("d", os.R_OK), False)
as_user(1003, 1003, stranger)
as_user(1001, 2001, lambda: os.chown("d/f", -1, 2002), [2002])
same(os.stat("d/f").st_gid, 2002)
`,
  },
  {
    name: "chown, write and truncate clear set-user-id",
    root: true,
    script: `
os.chmod(".", 0o777)
def fresh(mode):
    write("f", b"data"); os.chown("f", 1001, 1001); os.chmod("f", mode)
def mode():
    return stat.S_IMODE(os.stat("f").st_mode)
fresh(0o6777); os.chown("f", 1002, 1002); same(mode(), 0o777)
fresh(0o6777); as_user(1001, 1001, lambda: os.chown("f", -1, 1001)); same(mode(), 0o777)
fresh(0o6777); as_user(1002, 1002, lambda: write("f", b"x", 0)); same(mode(), 0o777)
fresh(0o6777); as_user(1002, 1002, lambda: os.truncate("f", 1)); same(mode(), 0o777)
fresh(0o6777); as_user(1002, 1002, lambda: write("f", b"", os.O_TRUNC)); same(mode(), 0o777)
fresh(0o6777)
def punch():
    fd = os.open("f", os.O_RDWR); fallocate(fd, 0, 0, 10000)
as_user(1002, 1002, punch); same(mode(), 0o777)
fresh(0o2767); as_user(1002, 1002, lambda: write("f", b"x", 0)); same(mode() & 0o4777, 0o767)
fresh(0o6777); write("f", b"root", 0); same(mode(), 0o6777)
fresh(0o6777); os.chmod("f", 0o4755); same(mode(), 0o4755)
fresh(0o6777); fd = os.open("f", os.O_RDWR); os.fchown(fd, -1, -1); same(mode() & 0o777, 0o777)
`,
  },
  {
    name: "link counts",
    script: `
base = os.stat(".").st_nlink
os.mkdir("d"); same(os.stat(".").st_nlink, base + 1)
same(os.stat("d").st_nlink, 2)
for i in range(5): os.mkdir("d/%d" % i)
write("d/f", b"")
same(os.stat("d").st_nlink, 7)
os.rename("d/0", "e"); same((os.stat("d").st_nlink, os.stat(".").st_nlink), (6, base + 2))
os.rmdir("d/1"); same(os.stat("d").st_nlink, 5)
os.mkdir("d/x"); os.rename("e", "d/x"); same((os.stat("d").st_nlink, os.stat(".").st_nlink), (6, base + 1))
fd = os.open("d/x", os.O_RDONLY | os.O_DIRECTORY); os.rmdir("d/x"); same(os.fstat(fd).st_nlink, 0)
fails(errno.ENOENT, os.open, "y", os.O_CREAT | os.O_WRONLY, dir_fd=fd)
same(os.listdir(fd), [])
`,
  },
  {
    name: "hard links are one file",
    script: `
os.mkdir("d")
write("a", b"1" * 70_000)
os.link("a", "b"); os.link("b", "d/c")
same({os.stat(n).st_ino for n in ("a", "b", "d/c")}, {os.stat("a").st_ino})
same(os.stat("a").st_nlink, 3)
fd = os.open("d/c", os.O_RDWR); os.pwrite(fd, b"2", 69_999)
same(read("a")[-2:], b"12")
os.chmod("b", 0o600); same(stat.S_IMODE(os.stat("d/c").st_mode), 0o600)
os.unlink("a"); same((os.stat("b").st_nlink, read("b")[-2:]), (2, b"12"))
os.rename("b", "a"); os.unlink("d/c"); same((os.stat("a").st_nlink, os.fstat(fd).st_nlink), (1, 1))
fails(errno.EPERM, os.link, "d", "e")
fails(errno.EEXIST, os.link, "a", "d")
os.symlink("a", "s"); os.link("s", "t", follow_symlinks=False); same(os.lstat("t").st_nlink, 2)
os.mknod("p", 0o010600); os.link("p", "q"); same(os.stat("q").st_nlink, 2)
for i in range(300): os.link("a", "d/%d" % i)
same(os.stat("a").st_nlink, 301)
for i in range(300): os.unlink("d/%d" % i)
same(os.stat("a").st_nlink, 1)
`,
  },
  {
    name: "times: nanosecond precision, and the calls that change them",
    script: `
def all(path): st = os.lstat(path); return (st.st_atime_ns, st.st_mtime_ns, st.st_ctime_ns)
def changes(call, path):
    before = all(path); wait_for_tick(); call(); after = all(path)
    return "".join(n for n, a, b in zip("amc", before, after) if a != b)
write("f", b"1"); os.mkdir("d"); os.symlink("f", "l")
for ns in ((1, 2), (-1, -1_500_000_001), (1_234_567_890_123_456_789, 987_654_321), (4_102_444_800_999_999_999, 0)):
    for name in ("f", "d", "l"):
        os.utime(name, ns=ns, follow_symlinks=False)
        same(all(name)[:2], ns)
fd = os.open("f", os.O_RDWR)
same(changes(lambda: os.pwrite(fd, b"2", 0), "f"), "mc")
same(changes(lambda: os.ftruncate(fd, 10), "f"), "mc")
same(changes(lambda: os.chmod("f", 0o600), "f"), "c")
same(changes(lambda: os.setxattr("f", "user.a", b"1"), "f"), "c")
same(changes(lambda: os.link("f", "g"), "f"), "c")
same(changes(lambda: os.rename("g", "h"), "f"), "c")
same(changes(lambda: os.unlink("h"), "f"), "c")
same(changes(lambda: os.stat("f"), "f"), "")
same(changes(lambda: os.utime("f"), "f"), "amc")
same(changes(lambda: write("f", b"", os.O_TRUNC), "f"), "mc")
same(changes(lambda: os.fsync(fd), "f"), "")
same(changes(lambda: fallocate(fd, 0, 0, 5000), "f"), "mc")
same(changes(lambda: fallocate(fd, KEEP | PUNCH, 0, 5000), "f"), "mc")
for what in (lambda: write("d/x", b""), lambda: os.mkdir("d/y"), lambda: os.symlink("x", "d/z"),
             lambda: os.link("f", "d/w"), lambda: os.rename("d/x", "d/v"), lambda: os.unlink("d/v"),
             lambda: os.rmdir("d/y"), lambda: os.rename("d/z", "z")):
    same(changes(what, "d"), "mc")
same(changes(lambda: os.chmod("d", 0o700), "d"), "c")
now = time.time_ns()
write("n", b"")
for t in all("n"): assert abs(t - now) < 2 * 10**9, (t, now)
`,
  },
  {
    name: "a read updates the access time once (relatime)",
    script: `
write("f", b"1" * 10); fd = os.open("f", os.O_RDWR); os.fsync(fd)
os.utime("f", ns=(1000, 2000))
os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED); wait_for_tick()
os.pread(fd, 10, 0)
assert os.stat("f").st_atime_ns > 2000, os.stat("f").st_atime_ns
same(os.stat("f").st_mtime_ns, 2000)
first = os.stat("f").st_atime_ns
os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED); wait_for_tick()
os.pread(fd, 10, 0)
same(os.stat("f").st_atime_ns, first)
`,
  },
  {
    name: "O_NOATIME keeps the access time",
    script: `
write("f", b"1" * 10); fd = os.open("f", os.O_RDWR | os.O_NOATIME); os.fsync(fd)
os.utime("f", ns=(1000, 2000))
os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
os.pread(fd, 10, 0)
same(os.stat("f").st_atime_ns, 1000)
`,
  },
  {
    name: "names of any bytes, and their maximum length",
    script: `
names = [bytes([b]) for b in range(1, 256) if b not in b"/."] + [
    b"\\xff\\xfe", b"\\xc3", b"\\xc3\\xa9", b"\\xc3\\xa9\\xc3", b"\\xf4\\x8f\\xba\\x80", b"\\xf4\\x8f\\xba\\x80\\x80",
    b"\\xed\\xa0\\x80", b"\\xf4\\x90\\x80\\x80", b"\\xc0\\xaf", b"\\xef\\xbb\\xbf", b"\\xef\\xbf\\xbd", b"...", b".x", b" ", b"a\\n",
    b"e\\xcc\\x81", b"n" * 255, b"\\xff" * 255, b"\\xf0\\x9f\\x98\\x80" * 63, b"CON", b"A", b"a*", b"%41", b"\\\\"]
for name in names:
    fd = os.open(name, os.O_CREAT | os.O_WRONLY, 0o644); os.write(fd, name); os.close(fd)
same(sorted(os.listdir(b".")), sorted(set(names)))
for name in names: same(read(name), name)
for name in names:
    os.rename(name, b"moved"); os.rename(b"moved", name)
    os.symlink(name, b"link"); same(os.readlink(b"link"), name); same(read(b"link"), name); os.unlink(b"link")
for long in (b"n" * 256, b"\\xc3\\xa9" * 128):
    fails(errno.ENAMETOOLONG, os.mkdir, long)
    fails(errno.ENAMETOOLONG, os.stat, long)
    fails(errno.ENAMETOOLONG, os.symlink, "x", long)
    fails(errno.ENAMETOOLONG, os.rename, b"a*", long)
    fails(errno.ENAMETOOLONG, os.link, b"a*", long)
for name in set(names): os.unlink(name)
same(os.listdir(b"."), [])
`,
  },
  {
    name: "paths and links at their limits",
    script: `
os.symlink("x" * 4095, "long"); same((os.lstat("long").st_size, os.readlink("long")), (4095, "x" * 4095))
fails(errno.ENAMETOOLONG, os.symlink, "x" * 4096, "longer")
fails(errno.ENAMETOOLONG, os.stat, "long")
fails(errno.ENOENT, os.symlink, "", "none")
os.symlink(b"\\xff/\\xfe", "bytes"); same(os.readlink(b"bytes"), b"\\xff/\\xfe")
os.symlink("loop", "loop"); fails(errno.ELOOP, os.stat, "loop")
os.symlink("p", "q"); os.symlink("q", "p"); fails(errno.ELOOP, os.open, "p", os.O_RDONLY)
write("s0", b"end")
for i in range(41): os.symlink("s%d" % i, "s%d" % (i + 1))
same(read("s40"), b"end"); fails(errno.ELOOP, read, "s41")
fails(errno.ELOOP, os.open, "s1", os.O_RDONLY | os.O_NOFOLLOW)
os.symlink("nothing", "dangling"); fails(errno.ENOENT, os.stat, "dangling")
fails(errno.EEXIST, os.open, "dangling", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
write("dangling", b"made"); same(read("nothing"), b"made")
path = "."
start = os.open(".", os.O_RDONLY)
for i in range(20):
    os.mkdir("d" * 250); os.chdir("d" * 250)
write("deep", b"deep")
fails(errno.ENAMETOOLONG, os.stat, "./" * 2048)
os.fchdir(start)
path = "/".join(["d" * 250] * 16)
same(os.path.isdir(path), True); fails(errno.ENAMETOOLONG, os.stat, path + "/" + "d" * 250)
`,
  },
  {
    name: "errors of common calls",
    script: `
write("f", b"f"); os.mkdir("d")
fails(errno.EEXIST, os.mkdir, "f"); fails(errno.EEXIST, os.open, "f", os.O_CREAT | os.O_EXCL | os.O_RDWR)
fails(errno.ENOTDIR, os.rmdir, "f"); fails(errno.EISDIR, os.unlink, "d"); fails(errno.ENOTDIR, os.stat, "f/x")
fails(errno.EISDIR, os.open, "d", os.O_WRONLY); fails(errno.ENOENT, os.unlink, "none")
fails(errno.ENOTDIR, os.open, "f", os.O_DIRECTORY); fails(errno.EINVAL, os.readlink, "f")
fails(errno.EINVAL, os.rmdir, "d/."); fails(errno.ENOTDIR, os.listdir, "f")
fails(errno.EXDEV, os.link, "f", "/dev/shm/aloelite-never"); fails(errno.EXDEV, os.rename, "f", "/dev/shm/aloelite-never")
fd = os.open("f", os.O_RDONLY); fails(errno.EBADF, os.write, fd, b"x"); fails(errno.EISDIR, os.read, os.open("d", os.O_RDONLY), 1)
fails(errno.EINVAL, os.truncate, "f", -1); fails(errno.EISDIR, os.truncate, "d", 1)
`,
  },
  {
    name: "a huge file with holes",
    script: `
fd = os.open("big", os.O_RDWR | os.O_CREAT, 0o644)
os.ftruncate(fd, 1 << 40)
same((os.fstat(fd).st_size, os.pread(fd, 10, 1 << 39)), (1 << 40, bytes(10)))
os.pwrite(fd, b"end", (1 << 40) - 3); os.pwrite(fd, b"mid", (1 << 39) + 5)
os.fsync(fd)
same((os.pread(fd, 9, (1 << 39) + 2), os.pread(fd, 10, (1 << 40) - 3)), (bytes(3) + b"mid" + bytes(3), b"end"))
os.ftruncate(fd, (1 << 39) + 7); os.ftruncate(fd, 1 << 40)
same(os.pread(fd, 4, (1 << 39) + 5), b"mi" + bytes(2))
os.unlink("big")
`,
  },
  {
    name: "a listing while names change",
    script: `
class Dirent(ctypes.Structure):
    _fields_ = [("ino", ctypes.c_uint64), ("off", ctypes.c_int64), ("reclen", ctypes.c_uint16), ("type", ctypes.c_uint8), ("name", ctypes.c_char * 256)]
libc.opendir.restype = ctypes.c_void_p; libc.readdir64.restype = ctypes.POINTER(Dirent)
libc.telldir.restype = ctypes.c_long
def entry(d):
    e = libc.readdir64(ctypes.c_void_p(d))
    return None if not e else (e.contents.name, e.contents.ino)
os.mkdir("d")
for i in range(3000): write("d/stable%d" % i, b"")
d = libc.opendir(b"d"); seen = []; n = 0
while (e := entry(d)) is not None:
    seen.append(e[0]); n += 1
    if n % 5 == 0: write("d/new%d" % n, b"")
    if n % 7 == 0 and n > 7: os.unlink("d/new%d" % max(i for i in range(5, n, 5) if os.path.exists("d/new%d" % i)))
    if n % 100 == 0: os.rename("d/stable%d" % (n // 100), "d/stable-moved%d" % (n // 100))
stable = [s for s in seen if s.startswith(b"stable") and b"-" not in s]
moved = {b"stable%d" % (i // 100) for i in range(100, n + 1, 100)}
want = {b"stable%d" % i for i in range(3000)} - moved
same(len([s for s in stable if s not in moved]), len(want)); assert set(stable) >= want
assert len(seen) == len(set(seen)), "some came twice"
libc.closedir(ctypes.c_void_p(d))
d = libc.opendir(b"d"); marks = []; order = []
while True:
    at = libc.telldir(ctypes.c_void_p(d)); e = entry(d)
    if e is None: break
    marks.append(at); order.append(e[0])
for i in (len(order) - 1, 0, len(order) // 2, 7):
    libc.seekdir(ctypes.c_void_p(d), ctypes.c_long(marks[i])); same(entry(d)[0], order[i])
libc.rewinddir(ctypes.c_void_p(d)); same(entry(d)[0], order[0])
inos = {name: ino for name, ino in [(os.fsencode(e.name), e.inode()) for e in os.scandir("d")]}
for name in list(inos)[::97]: same(inos[name], os.stat(b"d/" + name).st_ino)
e = {x.name: x for x in os.scandir(".")}
same(e["d"].inode(), os.stat("d").st_ino)
d = libc.opendir(b"d"); dots = {}
while (x := entry(d)) is not None: dots[x[0]] = x[1]
same((dots[b"."], dots[b".."]), (os.stat("d").st_ino, os.stat(".").st_ino))
`,
  },
  {
    name: MANY,
    script: `
os.mkdir("d"); t = [time.time()]
for i in range(20_000): os.close(os.open("d/file%d" % i, os.O_CREAT | os.O_WRONLY, 0o644))
t.append(time.time()); same(len(os.listdir("d")), 20_000)
t.append(time.time())
with os.scandir("d") as entries: same(sum(e.stat(follow_symlinks=False).st_size == 0 for e in entries), 20_000)
t.append(time.time())
for i in range(0, 20_000, 2): os.unlink("d/file%d" % i)
t.append(time.time()); same(sorted(os.listdir("d")), sorted("file%d" % i for i in range(1, 20_000, 2)))
for e in os.listdir("d"): os.unlink("d/" + e)
os.rmdir("d")
t.append(time.time())
print("20,000 files: " + ", ".join("%s %.0f µs" % (n, (b - a) * 50) for n, a, b in zip(("create", "list", "scandir + stat", "unlink half", "the rest"), t, t[1:])))
`,
  },
  {
    name: "locks between processes",
    script: `
write("f", b"x" * 100)
def other(call):
    r, w = os.pipe()
    def run():
        fd = os.open("f", os.O_RDWR)
        try: call(fd); os.write(w, b"got")
        except OSError as e: os.write(w, errno.errorcode[e.errno].encode())
    reap(child(run)); return os.read(r, 20).decode()
take = lambda fd: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
share = lambda fd: fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
fd = os.open("f", os.O_RDWR)
fcntl.flock(fd, fcntl.LOCK_EX); same((other(take), other(share)), ("EAGAIN", "EAGAIN"))
fcntl.flock(fd, fcntl.LOCK_SH); same((other(take), other(share)), ("EAGAIN", "got"))
fcntl.flock(fd, fcntl.LOCK_UN); same(other(take), "got")
ranged = lambda start, length, how=fcntl.LOCK_EX: lambda fd: fcntl.lockf(fd, how | fcntl.LOCK_NB, length, start)
fcntl.lockf(fd, fcntl.LOCK_EX, 10, 20)
same((other(ranged(0, 20)), other(ranged(25, 1)), other(ranged(30, 5)), other(ranged(0, 0))), ("got", "EAGAIN", "got", "EAGAIN"))
fcntl.lockf(fd, fcntl.LOCK_UN, 5, 20); same((other(ranged(20, 5)), other(ranged(25, 5, fcntl.LOCK_SH))), ("got", "EAGAIN"))
os.close(os.open("f", os.O_RDONLY)); fcntl.lockf(fd, fcntl.LOCK_UN)
r, w = os.pipe()
def holder():
    fd = os.open("f", os.O_RDWR); fcntl.flock(fd, fcntl.LOCK_EX); os.write(w, b"1"); time.sleep(0.3); os.pwrite(fd, b"mine", 0)
pid = child(holder); os.read(r, 1); started = time.time()
fcntl.flock(fd, fcntl.LOCK_EX); same(os.pread(fd, 4, 0), b"mine"); assert time.time() - started > 0.15; reap(pid)
def killed():
    fd = os.open("f", os.O_RDWR); fcntl.lockf(fd, fcntl.LOCK_EX); os.write(w, b"1"); time.sleep(30)
fcntl.flock(fd, fcntl.LOCK_UN); pid = child(killed); os.read(r, 1); os.kill(pid, signal.SIGKILL); os.waitpid(pid, 0)
fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
`,
  },
  {
    name: "a mapping shared and written by two processes",
    script: `
size = 300_000
write("m", bytes(size)); fd = os.open("m", os.O_RDWR); m = mmap.mmap(fd, size)
a, b = os.pipe(), os.pipe()
def other():
    fd = os.open("m", os.O_RDWR); mine = mmap.mmap(fd, size)
    for i in range(200):
        os.read(a[0], 1); same(mine[i * 1499], i % 256); mine[i * 1499 + 1] = (i * 3) % 256; os.write(b[1], b"x")
pid = child(other)
for i in range(200):
    m[i * 1499] = i % 256; os.write(a[1], b"x"); os.read(b[0], 1); same(m[i * 1499 + 1], i * 3 % 256)
reap(pid)
want = bytearray(size)
for i in range(200): want[i * 1499] = i % 256; want[i * 1499 + 1] = i * 3 % 256
same(os.pread(fd, size, 0) == want, True)
m.flush(); os.pwrite(fd, b"by write", 1000); same(m[1000:1008], b"by write")
m[5000:5007] = b"by mmap"; same(os.pread(fd, 7, 5000), b"by mmap")
private = mmap.mmap(fd, 4096, mmap.MAP_PRIVATE); private[0:4] = b"mine"; same(os.pread(fd, 4, 0) == b"mine", False)
m.close(); os.fsync(fd); os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
want[1000:1008] = b"by write"; want[5000:5007] = b"by mmap"
same(os.pread(fd, size, 0) == want, True)
`,
  },
  {
    name: "a mapping of a file without a name",
    script: `
fd = os.open("f", os.O_RDWR | os.O_CREAT, 0o600); os.ftruncate(fd, 200_000)
m = mmap.mmap(fd, 200_000); os.unlink("f"); os.close(fd)
m[100_000:100_003] = b"abc"; m.flush(); same((m[99_999:100_004], m[0]), (b"\\0abc\\0", 0)); m.close()
`,
  },
  {
    name: "fallocate: extend, punch, zero",
    script: `
fd = os.open("f", os.O_RDWR | os.O_CREAT, 0o600)
data = bytes(i * 7 % 251 + 1 for i in range(300_000)); os.pwrite(fd, data, 0)
def check(change, size=300_000):
    os.fsync(fd); os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    same(os.fstat(fd).st_size, size); same(os.pread(fd, 400_000, 0) == bytes(change).ljust(size, b"\\0")[:size], True)
now = bytearray(data)
for start, length in ((100, 10), (65_536, 65_536), (130_000, 70_000), (299_990, 1000), (0, 1), (4096, 4096)):
    fallocate(fd, PUNCH | KEEP, start, length); end = min(start + length, 300_000); now[start:end] = bytes(end - start); check(now)
os.pwrite(fd, data[:100_000], 100_000); now[100_000:200_000] = data[:100_000]; check(now)
for start, length in ((5, 10), (120_000, 80_000)):
    fallocate(fd, ZERO, start, length); now[start:start + length] = bytes(length); check(now)
fallocate(fd, ZERO | KEEP, 290_000, 20_000); now[290_000:] = bytes(10_000); check(now)
fallocate(fd, ZERO, 299_000, 10_000); check(now, 309_000)
fallocate(fd, KEEP, 0, 400_000); check(now, 309_000)
fallocate(fd, 0, 0, 320_000); check(now, 320_000)
fails(errno.EOPNOTSUPP, fallocate, fd, PUNCH, 0, 10); fails(errno.EINVAL, fallocate, fd, 0, 0, 0)
fails(errno.EOPNOTSUPP, fallocate, fd, 8, 0, 65_536)
fails(errno.EBADF, fallocate, os.open("f", os.O_RDONLY), 0, 0, 10)
`,
  },
  {
    name: HOLES,
    script: `
C = 65_536
fd = os.open("f", os.O_RDWR | os.O_CREAT, 0o600)
os.ftruncate(fd, 10 * C); os.pwrite(fd, b"d", 3 * C + 5); os.pwrite(fd, b"d" * C, 6 * C)
def check():
    same([os.lseek(fd, a, SEEK_DATA) for a in (0, 3 * C + 6, 4 * C, 6 * C + 1)], [3 * C, 3 * C + 6, 6 * C, 6 * C + 1])
    same([os.lseek(fd, a, SEEK_HOLE) for a in (0, 3 * C + 6, 6 * C + 1, 8 * C + 1)], [0, 4 * C, 7 * C, 8 * C + 1])
    fails(errno.ENXIO, os.lseek, fd, 7 * C, SEEK_DATA); fails(errno.ENXIO, os.lseek, fd, 10 * C, SEEK_HOLE)
    fails(errno.ENXIO, os.lseek, fd, 10 * C, SEEK_DATA); fails(errno.ENXIO, os.lseek, fd, -1, SEEK_DATA)
os.fsync(fd)
check()
fallocate(fd, PUNCH | KEEP, 6 * C, C); os.fsync(fd); fails(errno.ENXIO, os.lseek, fd, 4 * C, SEEK_DATA)
os.truncate("f", C // 2); os.pwrite(fd, b"x" * (C // 2), 0); os.fsync(fd)
same((os.lseek(fd, 0, SEEK_DATA), os.lseek(fd, 0, SEEK_HOLE)), (0, C // 2))
assert os.fstat(fd).st_blocks * 512 <= 2 * C
import subprocess
def disk(path): return os.stat(path).st_blocks * 512 // C
def settled(path, want):
    end = time.monotonic() + 120
    while disk(path) != want and time.monotonic() < end: time.sleep(0.1)
    same(disk(path), want)
s = os.open("s", os.O_RDWR | os.O_CREAT, 0o600)
os.ftruncate(s, 1000 * C); os.fsync(s); settled("s", 0)
os.pwrite(s, b"d" * 4 * C, 100 * C); os.fsync(s); settled("s", 4)
fallocate(s, PUNCH | KEEP, 101 * C, C); os.fsync(s); settled("s", 3)
same(int(subprocess.run(["du", "-B", str(C), "s"], capture_output=True, check=True).stdout.split()[0]), 3)
subprocess.run(["cp", "--sparse=auto", "s", "copy"], check=True); os.sync()
same(os.path.getsize("copy"), 1000 * C); settled("copy", 3); same(read("copy") == read("s"), True)
os.ftruncate(s, 102 * C); os.fsync(s); settled("s", 1)
os.pwrite(s, b"e" * 102 * C, 0); os.fsync(s); settled("s", 102)
`,
  },
  {
    name: "copy_file_range between files, and within one",
    script: `
data = os.urandom(400_000); write("a", data); a = os.open("a", os.O_RDWR); b = os.open("b", os.O_RDWR | os.O_CREAT, 0o600)
want = bytearray()
for start, to, length in ((0, 0, 400_000), (65_536, 131_072, 131_072), (1, 2, 100), (65_535, 65_537, 70_000), (399_000, 400_000, 5000), (0, 600_000, 65_536)):
    done = 0
    while done < length:
        n = os.copy_file_range(a, b, length - done, start + done, to + done)
        if n == 0: break
        done += n
    piece = data[start:start + length]; same(done, len(piece))
    want.extend(bytes(max(0, to - len(want)))); want[to:to + len(piece)] = piece
    same(os.pread(b, 1_000_000, 0) == want, True)
os.fsync(b); os.posix_fadvise(b, 0, 0, os.POSIX_FADV_DONTNEED); same(read("b") == want, True)
os.pwrite(a, b"changed", 65_536); same(read("b") == want, True)
same(os.copy_file_range(a, a, 65_536, 0, 131_072), 65_536); same(os.pread(a, 65_536, 131_072) == data[:65_536], True)
fails(errno.EINVAL, os.copy_file_range, a, a, 100, 0, 50)
`,
  },
  {
    name: "files without a name",
    script: `
fd = os.open(".", os.O_RDWR | O_TMPFILE, 0o640); os.write(fd, b"t" * 70_000)
same((os.fstat(fd).st_nlink, os.listdir(".")), (0, []))
called(libc.linkat(AT_FDCWD, b"/proc/self/fd/%d" % fd, AT_FDCWD, b"named", AT_SYMLINK_FOLLOW))
same((os.fstat(fd).st_nlink, os.stat("named").st_ino, len(read("named"))), (1, os.fstat(fd).st_ino, 70_000))
os.close(fd); same(read("named") == b"t" * 70_000, True)
hidden = os.open(".", os.O_RDWR | O_TMPFILE | os.O_EXCL, 0o600); os.write(hidden, b"x")
try: called(libc.linkat(AT_FDCWD, b"/proc/self/fd/%d" % hidden, AT_FDCWD, b"no", AT_SYMLINK_FOLLOW)); raise AssertionError("linked")
except OSError as e: same(e.errno, errno.ENOENT)
same(os.listdir("."), ["named"])
`,
  },
  {
    name: "nodes of devices",
    root: true,
    script: `
for name, mode, dev in (("null", 0o020666, os.makedev(1, 3)), ("disk", 0o060640, os.makedev(259, 65_536 + 7))):
    os.mknod(name, mode, dev); os.chmod(name, mode & 0o777); st = os.stat(name)
    same((st.st_mode, st.st_rdev, st.st_size), (mode, dev, 0))
os.rename("null", "nil"); os.link("nil", "nul"); same((os.stat("nul").st_rdev, os.stat("nul").st_nlink), (os.makedev(1, 3), 2))
`,
  },
  {
    name: "sockets and FIFOs",
    script: `
s = socket.socket(socket.AF_UNIX); s.bind("sock"); s.listen()
same(stat.S_ISSOCK(os.stat("sock").st_mode), True)
c = socket.socket(socket.AF_UNIX); c.connect("sock"); c.send(b"hi"); same(s.accept()[0].recv(2), b"hi")
fails(errno.ENXIO, os.open, "sock", os.O_RDWR)
os.rename("sock", "moved"); d = socket.socket(socket.AF_UNIX); d.connect("moved"); fails(errno.EADDRINUSE, socket.socket(socket.AF_UNIX).bind, "moved")
os.unlink("moved"); fails(errno.ENOENT, socket.socket(socket.AF_UNIX).connect, "moved")
os.mkfifo("fifo"); same(stat.S_ISFIFO(os.stat("fifo").st_mode), True)
fails(errno.ENXIO, os.open, "fifo", os.O_WRONLY | os.O_NONBLOCK)
pid = child(lambda: write("fifo", b"through", 0)); same(read("fifo"), b"through"); reap(pid)
`,
  },
  {
    name: "extended attributes, their flags and limits",
    script: `
write("f", b""); os.mkdir("d"); os.symlink("f", "l")
for path in ("f", "d"):
    os.setxattr(path, "user.a", b"1", os.XATTR_CREATE); fails(errno.EEXIST, os.setxattr, path, "user.a", b"2", os.XATTR_CREATE)
    os.setxattr(path, "user.a", b"22", os.XATTR_REPLACE); same(os.getxattr(path, "user.a"), b"22")
    fails(errno.ENODATA, os.setxattr, path, "user.b", b"", os.XATTR_REPLACE); fails(errno.ENODATA, os.getxattr, path, "user.b")
    os.setxattr(path, "user.empty", b""); same((os.getxattr(path, "user.empty"), sorted(os.listxattr(path))), (b"", ["user.a", "user.empty"]))
    os.removexattr(path, "user.a"); fails(errno.ENODATA, os.removexattr, path, "user.a"); os.removexattr(path, "user.empty"); same(os.listxattr(path), [])
fails(errno.EPERM, os.setxattr, "l", "user.a", b"", follow_symlinks=False)
os.setxattr("l", "user.via", b"link"); same(os.getxattr("f", "user.via"), b"link")
long = "user." + "n" * 250; os.setxattr("f", long, b"long"); same(os.getxattr("f", long), b"long")
fails(errno.ERANGE, os.setxattr, "f", long + "n", b""); fails(errno.EOPNOTSUPP, os.setxattr, "f", "nothing.a", b"")
value = bytes(range(256)) * 256
os.setxattr("f", "user.big", value); same(os.getxattr("f", "user.big") == value, True); fails(errno.E2BIG, os.setxattr, "f", "user.big", value + b"x")
got = ctypes.create_string_buffer(10)
same((libc.getxattr(b"f", b"user.big", got, 10), ctypes.get_errno()), (-1, errno.ERANGE)); same(libc.getxattr(b"f", b"user.big", None, 0), 65_536)
same((libc.listxattr(b"f", got, 3), ctypes.get_errno()), (-1, errno.ERANGE)); assert libc.listxattr(b"f", None, 0) > 250
os.setxattr("f", b"user.\\xff\\xfe", b"bytes"); same(os.getxattr("f", b"user.\\xff\\xfe"), b"bytes"); same(os.fsencode("user.\\udcff\\udcfe") in [os.fsencode(n) for n in os.listxattr("f")], True)
`,
  },
  {
    name: "programs run from it, and are not written to meanwhile",
    script: `
import shutil, subprocess
shutil.copy("/bin/sleep", "nap"); os.chmod("nap", 0o755)
p = subprocess.Popen(["./nap", "0.3"])
time.sleep(0.1)
fails(errno.ETXTBSY, os.open, "nap", os.O_WRONLY); same(p.wait(), 0)
fails(errno.EACCES, os.execv, "/proc/self/cwd", ["x"])
write("script", b"#!/bin/sh\\necho ran $0\\n"); os.chmod("script", 0o755); same(subprocess.check_output(["./script"]), b"ran ./script\\n")
`,
  },
  {
    name: "direct and synchronous descriptors beside the page cache",
    script: `
write("f", b"a" * 200_000); direct = os.open("f", os.O_RDWR | os.O_DIRECT); sync = os.open("f", os.O_RDWR | os.O_SYNC); fd = os.open("f", os.O_RDWR)
page = mmap.mmap(-1, 8192)
os.pwrite(fd, b"b" * 5000, 4096); same(os.preadv(direct, [page], 4096), 8192); same(page[:] == b"b" * 5000 + b"a" * 3192, True)
page[:] = b"c" * 8192; same(os.pwritev(direct, [page], 65_536), 8192); same(os.pread(fd, 8200, 65_535) == b"a" + b"c" * 8192 + b"a" * 7, True)
os.pwrite(sync, b"d" * 10, 199_995); same(os.fstat(fd).st_size, 200_005); same(os.preadv(direct, [page], 196_608), 3397)
os.ftruncate(fd, 65_540); same(os.preadv(direct, [page], 65_536), 4); same(page[:4], b"cccc")
`,
  },
  {
    name: "what is cut off does not come back",
    script: `
fd = os.open("f", os.O_RDWR | os.O_CREAT, 0o600)
for size in (10, 4096, 65_536, 70_000, 131_072):
    os.pwrite(fd, b"x" * 200_000, 0); os.fsync(fd); os.ftruncate(fd, size); os.ftruncate(fd, 200_000)
    same(os.pread(fd, 200_000, 0) == b"x" * size + bytes(200_000 - size), True)
    os.fsync(fd); os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED); same(os.pread(fd, 200_000, 0) == b"x" * size + bytes(200_000 - size), True)
    os.pwrite(fd, b"y" * 200_000, 0); os.ftruncate(fd, size); os.pwrite(fd, b"z", 150_000)
    same(os.pread(fd, 200_000, 0) == b"y" * size + bytes(150_000 - size) + b"z", True)
os.ftruncate(fd, 0); same(os.pread(fd, 10, 0), b"")
`,
  },
  {
    name: "the state of the filesystem",
    script: `
st = os.statvfs("."); same(st.f_namemax, 255); assert st.f_frsize >= 512 and st.f_blocks > 0 and st.f_bavail <= st.f_bfree <= st.f_blocks, st
fd = os.open(".", os.O_RDONLY); os.fsync(fd); os.fdatasync(fd); os.sync()
`,
  },
];
