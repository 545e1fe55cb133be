"""Makes system calls for the tests: one JSON request a line on stdin, one JSON
answer a line on stdout.

    {"do": "mkdir", "p": "a", "mode": 493}
    {"r": null}           or        {"e": "EEXIST"}

Paths are text whose code units are the path's bytes (Latin-1), relative to the
working directory, which ``start`` sets. Descriptors are kept in numbered slots.
What is written is a piece of a fixed pattern: a seed and a length say which.
With ``look`` the answer holds stat fields of what the call was about.
"""

import ctypes
import errno
import hashlib
import json
import mmap
import os
import random
import stat
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
PATTERN = random.Random(7).randbytes(3 << 20)
COARSE = 5  # CLOCK_REALTIME_COARSE
AT_FDCWD, AT_SYMLINK_FOLLOW = -100, 0x400
SEEK_DATA, SEEK_HOLE = 3, 4
O_TMPFILE = 0o20000000 | os.O_DIRECTORY

slots = {}
i64 = ctypes.c_int64


def raw(path):
    return path.encode("latin-1")


def text(name):
    return name.decode("latin-1")


def called(result):
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def pattern(seed, length):
    start = seed * 977 % (1 << 20)
    return PATTERN[start : start + length]


def digest(data):
    return {"n": len(data), "sha": hashlib.sha1(data).hexdigest(), "head": data[:16].hex()}


def fields(st):
    return {
        "mode": st.st_mode,
        "nlink": st.st_nlink,
        "uid": st.st_uid,
        "gid": st.st_gid,
        "size": None if stat.S_ISDIR(st.st_mode) else st.st_size,
        "rdev": st.st_rdev,
        "ino": str(st.st_ino),
        "atime": str(st.st_atime_ns),
        "mtime": str(st.st_mtime_ns),
        "ctime": str(st.st_ctime_ns),
    }


def whole(fd):
    parts, at = [], 0
    while part := os.pread(fd, 1 << 20, at):
        parts.append(part)
        at += len(part)
    return b"".join(parts)


def hole_map(fd):
    """Checks that data and holes alternate and that a hole has nothing but zeros."""
    size, at = os.fstat(fd).st_size, 0
    try:
        while at < size:
            try:
                data = os.lseek(fd, at, SEEK_DATA)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
                data = size
            if data < at or any(os.pread(fd, data - at, at)):
                return f"no hole from {at} to {data}"
            if data >= size:
                break
            at = os.lseek(fd, data, SEEK_HOLE)
            if at <= data or at > size:
                return f"a hole at {at} after data at {data}, of {size}"
        return True
    finally:
        os.lseek(fd, 0, os.SEEK_SET)


def times(atime, mtime):
    """(seconds, ns) pairs for utimensat; "now" and "omit" are UTIME_NOW and UTIME_OMIT."""
    pairs = (i64 * 4)()
    for i, value in enumerate((atime, mtime)):
        if value == "now":
            pairs[2 * i + 1] = (1 << 30) - 1
        elif value == "omit":
            pairs[2 * i + 1] = (1 << 30) - 2
        else:
            pairs[2 * i], pairs[2 * i + 1] = divmod(int(value), 10**9)
    return pairs


def close_all():
    for fd in slots.values():
        os.close(fd)
    slots.clear()


def walk(top):
    found = {}

    def visit(path):
        st = os.lstat(path)
        entry = fields(st)
        entry["xattrs"] = {
            text(os.fsencode(name)): hashlib.sha1(
                os.getxattr(path, name, follow_symlinks=False)
            ).hexdigest()
            for name in sorted(os.listxattr(path, follow_symlinks=False))
            if name.startswith(("user.", "trusted."))
        }
        if stat.S_ISLNK(st.st_mode):
            entry["target"] = text(os.readlink(path))
        found[text(path)] = entry
        if stat.S_ISDIR(st.st_mode):
            for name in sorted(os.listdir(path)):
                visit(path + b"/" + name)

    visit(raw(top))
    # Last, as it may change the time of access, which other names of a file show.
    for path, entry in found.items():
        if stat.S_ISREG(entry["mode"]):
            fd = os.open(raw(path), os.O_RDONLY)
            try:
                entry["data"] = digest(whole(fd))
            finally:
                os.close(fd)
    return found


def start(a):
    os.seteuid(0) if os.getuid() == 0 else None
    close_all()
    os.umask(0o022)
    if os.getuid() == 0:
        os.setegid(0)
        os.setgroups([])
    os.chdir(raw(a["base"]))


def user(a):
    os.seteuid(0)
    os.setgroups(a["groups"])
    os.setegid(a["gid"])
    os.seteuid(a["uid"])


def open_(a):
    flags = os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    for name in a["flags"]:
        flags |= O_TMPFILE if name == "O_TMPFILE" else getattr(os, name)
    if a["slot"] in slots:
        os.close(slots.pop(a["slot"]))
    slots[a["slot"]] = os.open(raw(a["p"]), flags, a.get("mode", 0o666), dir_fd=dirfd(a))


def dirfd(a):
    return fd_of(a, "at") if a.get("at") is not None else None


def fd_of(a, name="slot"):
    if a[name] not in slots:
        raise OSError(errno.EBADF, "no such slot")
    return slots[a[name]]


def map_shared(a):
    fd = fd_of(a)
    size = os.fstat(fd).st_size
    end = min(a["off"] + a["len"], size)
    if not stat.S_ISREG(os.fstat(fd).st_mode) or end <= a["off"]:
        return None
    writing = "seed" in a
    with mmap.mmap(
        fd, end, mmap.MAP_SHARED, mmap.PROT_READ | (mmap.PROT_WRITE if writing else 0)
    ) as m:
        if writing:
            m[a["off"] : end] = pattern(a["seed"], end - a["off"])
            if a.get("sync"):
                m.flush()
        return digest(m[a["off"] : end])


def fallocate(a):
    mode = a["mode"]
    if mode & 0x10 and a.get("poor"):
        # What stands for FALLOC_FL_ZERO_RANGE on a filesystem that has it not.
        called(libc.fallocate(fd_of(a), 3, i64(a["off"]), i64(a["len"])))
        end = a["off"] + a["len"]
        if mode & 1 == 0 and end > os.fstat(fd_of(a)).st_size:
            os.ftruncate(fd_of(a), end)
        return
    called(libc.fallocate(fd_of(a), mode, i64(a["off"]), i64(a["len"])))


def copy(a):
    start, to, done = i64(a["off"]), i64(a["off2"]), 0
    while done < a["len"]:
        n = called(
            libc.copy_file_range(
                fd_of(a),
                ctypes.byref(start),
                fd_of(a, "slot2"),
                ctypes.byref(to),
                ctypes.c_size_t(a["len"] - done),
                0,
            )
        )
        if n == 0:
            break
        done += n
    return done


def seek(a):
    fd, off = fd_of(a), a["off"]
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        return None
    past = off >= os.fstat(fd).st_size
    at = os.lseek(fd, off, a["whence"])
    os.lseek(fd, 0, os.SEEK_SET)
    return at if past or a["whence"] < SEEK_DATA else None


def listing(a):
    entries = os.scandir(fd_of(a)) if "slot" in a else os.scandir(raw(a["p"]))
    with entries:
        return sorted(
            [
                text(os.fsencode(e.name)),
                "d" if e.is_dir(follow_symlinks=False) else "l" if e.is_symlink() else "-",
            ]
            for e in entries
        )


def link(a):
    flags = AT_SYMLINK_FOLLOW if a.get("follow") else 0
    called(libc.linkat(AT_FDCWD, raw(a["p"]), AT_FDCWD, raw(a["q"]), flags))


def linkfd(a):
    name = b"/proc/self/fd/%d" % fd_of(a)
    called(libc.linkat(AT_FDCWD, name, AT_FDCWD, raw(a["q"]), AT_SYMLINK_FOLLOW))


def xattr_value(a):
    return pattern(a["seed"], a["len"])


def utimens(a):
    name = raw(a["p"])
    called(libc.utimensat(AT_FDCWD, name, times(a["atime"], a["mtime"]), 0x100))


def read(a):
    return digest(os.read(fd_of(a), a["len"]))


def content(a):
    fd = os.open(raw(a["p"]), os.O_RDONLY | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return "not regular"
        return digest(whole(fd))
    finally:
        os.close(fd)


DO = {
    "start": start,
    "user": user,
    "umask": lambda a: os.umask(a["mode"]),
    "open": open_,
    "close": lambda a: os.close(slots.pop(a["slot"])) if a["slot"] in slots else None,
    "read": read,
    "write": lambda a: os.write(fd_of(a), pattern(a["seed"], a["len"])),
    "pread": lambda a: digest(os.pread(fd_of(a), a["len"], a["off"])),
    "pwrite": lambda a: os.pwrite(fd_of(a), pattern(a["seed"], a["len"]), a["off"]),
    "ftruncate": lambda a: os.ftruncate(fd_of(a), a["len"]),
    "truncate": lambda a: os.truncate(raw(a["p"]), a["len"]),
    "fsync": lambda a: os.fsync(fd_of(a)),
    "fdatasync": lambda a: os.fdatasync(fd_of(a)),
    "fchmod": lambda a: os.fchmod(fd_of(a), a["mode"]),
    "fchown": lambda a: os.fchown(fd_of(a), a["uid"], a["gid"]),
    "futimens": lambda a: called(
        libc.futimens(fd_of(a), times(a["atime"], a["mtime"]))
    ),
    "fallocate": fallocate,
    "copy": copy,
    "seek": seek,
    "holes": lambda a: hole_map(fd_of(a)) if stat.S_ISREG(os.fstat(fd_of(a)).st_mode) else None,
    "mmap": map_shared,
    "mkdir": lambda a: os.mkdir(raw(a["p"]), a["mode"], dir_fd=dirfd(a)),
    "rmdir": lambda a: os.rmdir(raw(a["p"]), dir_fd=dirfd(a)),
    "unlink": lambda a: os.unlink(raw(a["p"]), dir_fd=dirfd(a)),
    "rename": lambda a: called(
        libc.renameat2(AT_FDCWD, raw(a["p"]), AT_FDCWD, raw(a["q"]), a.get("flags", 0))
    ),
    "link": link,
    "linkfd": linkfd,
    "symlink": lambda a: os.symlink(raw(a["target"]), raw(a["p"])),
    "readlink": lambda a: text(os.readlink(raw(a["p"]))),
    "mknod": lambda a: os.mknod(raw(a["p"]), a["mode"], a.get("rdev", 0)),
    "chmod": lambda a: os.chmod(raw(a["p"]), a["mode"]),
    "chown": lambda a: os.chown(raw(a["p"]), a["uid"], a["gid"]),
    "lchown": lambda a: os.lchown(raw(a["p"]), a["uid"], a["gid"]),
    "utimens": utimens,
    "setxattr": lambda a: os.setxattr(
        raw(a["p"]), a["name"], xattr_value(a), a.get("flags", 0), follow_symlinks=False
    ),
    "getxattr": lambda a: digest(os.getxattr(raw(a["p"]), a["name"], follow_symlinks=False)),
    "listxattr": lambda a: sorted(
        n for n in os.listxattr(raw(a["p"]), follow_symlinks=False) if n.startswith("user.")
    ),
    "removexattr": lambda a: os.removexattr(raw(a["p"]), a["name"], follow_symlinks=False),
    "fsetxattr": lambda a: os.setxattr(fd_of(a), a["name"], xattr_value(a), a.get("flags", 0)),
    "access": lambda a: os.access(raw(a["p"]), a["mode"], effective_ids=True),
    "list": listing,
    "content": content,
    "walk": lambda a: walk(a["p"]),
    "nothing": lambda a: None,
}


def look(a):
    seen = {}
    for name in ("p", "q"):
        if name in a and a.get("at") is None:
            try:
                seen[name] = fields(os.lstat(raw(a[name])))
            except OSError as error:
                seen[name] = errno.errorcode[error.errno]
    for name in ("slot", "slot2"):
        if a.get(name) in slots:
            seen[name] = fields(os.fstat(slots[a[name]]))
    return seen


def wait_for_tick():
    """Times come from a clock of a few milliseconds: what follows is later by it."""
    before = time.clock_gettime(COARSE)
    while time.clock_gettime(COARSE) == before:
        time.sleep(0.0005)


def answer(a):
    try:
        if a.get("tick"):
            wait_for_tick()
        said = {"r": DO[a["do"]](a)}
    except OSError as error:
        said = {"e": errno.errorcode.get(error.errno, str(error.errno))}
    except (ValueError, OverflowError) as error:
        said = {"e": f"{type(error).__name__} {error}"}
    if a.get("look"):
        said["seen"] = look(a)
    return said


def main():
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    sys.setrecursionlimit(20000)
    main()
