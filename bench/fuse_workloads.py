"""What programs do to a mounted directory, timed: the same code for every filesystem.

Reads one JSON list a line, [function, arguments...], and answers it with a line
{"seconds": time} or {"error": text}. Only what a figure is about is timed.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import time

SMALL = 4096
PIECE = 1 << 20
NOISE = os.urandom(PIECE)
# No two blocks are alike, within a run or between runs: nothing may be stored once for both.
STAMP = os.urandom(8)
stamped = 0


def stamp(buffer):
    """Makes each 4 KiB of a buffer a block that was never there before."""
    global stamped
    for start in range(0, len(buffer), SMALL):
        stamped += 1
        buffer[start : start + 16] = STAMP + stamped.to_bytes(8, "little")
    return buffer


def block():
    return bytes(stamp(bytearray(NOISE[:SMALL])))


def names(directory, count, prefix="f"):
    return [f"{directory}/{prefix}{i:06d}" for i in range(count)]


def timed(task):
    start = time.perf_counter()
    task()
    return time.perf_counter() - start


def makedirs(path):
    return timed(lambda: os.makedirs(path, exist_ok=True))


def remove(path):
    """Away with it; not a figure."""

    def run():
        if os.path.isdir(path):
            shutil.rmtree(path)
        elif os.path.exists(path):
            os.unlink(path)

    return timed(run)


def settle(mountpoint):
    """Waits until nothing that was written is still on its way to the disk."""

    def run():
        os.sync()
        top = os.open(mountpoint, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(top)
        except OSError:
            pass  # Not every driver knows fsync of a directory.
        finally:
            os.close(top)
        os.sync()

    return timed(run)


def drop_caches(mountpoint, which):
    """The kernel forgets what it has cached: 2 dentries and inodes, 3 pages too."""

    def run():
        os.sync()
        # Again and again, as what was used since it was last asked for is spared.
        for _ in range(3):
            with open("/proc/sys/vm/drop_caches", "w") as file:
                file.write(str(which))
        # The messages that inodes were forgotten are not to be served while something is timed.
        time.sleep(0.2)
        os.statvfs(mountpoint)

    return timed(run)


def warm_prepare(directory, count):
    """What `warm` is going to use."""

    def run():
        os.makedirs(directory)
        for path in names(directory, count):
            with open(path, "wb") as file:
                file.write(block())
        with open(directory + "/large", "wb") as file:
            for _ in range(16):
                file.write(stamp(bytearray(NOISE)))

    return timed(run)


def warm(directory, count, times):
    """A little of everything, so that a daemon that compiles its code as it runs has done so."""

    def run():
        for path in names(directory, count):
            os.stat(path)
        for path in names(directory, count):
            read_file(path)
        for entry in os.scandir(directory):
            entry.stat(follow_symlinks=False)
        random_read(directory + "/large", 16, count, 1)
        read_through(directory + "/large")
        for turn in range(times):
            made = names(directory, count, f"made{turn}-")
            for path in made:
                make_file(path, block())
            for path in made:
                os.rename(path, path + "-again")
            for path in made:
                os.unlink(path + "-again")
            random_write(directory + "/large", 16, 50, turn, True)
            sequential_write(directory + f"/more{turn}", 16)
            os.unlink(directory + f"/more{turn}")

    return timed(run)


def sequential_write(path, mib):
    buffer = bytearray(NOISE)
    spent = 0.0
    start = time.perf_counter()
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for _ in range(mib):
        before = time.perf_counter()
        stamp(buffer)
        spent += time.perf_counter() - before
        if os.write(fd, buffer) != PIECE:
            raise OSError("a short write")
    os.fsync(fd)
    os.close(fd)
    return time.perf_counter() - start - spent


def read_through(path):
    buffer = bytearray(PIECE)
    total = 0
    fd = os.open(path, os.O_RDONLY)
    while (count := os.readv(fd, [buffer])) > 0:
        total += count
    os.close(fd)
    return total


def sequential_read(path, mib):
    total = 0

    def run():
        nonlocal total
        total = read_through(path)

    time_taken = timed(run)
    if total != mib * PIECE:
        raise OSError(f"read {total} bytes")
    return time_taken


def offsets(mib, count, seed):
    chance = random.Random(seed)
    return [chance.randrange(mib * PIECE // SMALL) * SMALL for _ in range(count)]


def random_read(path, mib, count, seed):
    places = offsets(mib, count, seed)
    fd = os.open(path, os.O_RDONLY)

    def run():
        for place in places:
            if len(os.pread(fd, SMALL, place)) != SMALL:
                raise OSError("a short read")

    try:
        return timed(run)
    finally:
        os.close(fd)


def random_write(path, mib, count, seed, each):
    """`each`: fsync after each write; otherwise once, after all."""
    places = offsets(mib, count, seed)
    blocks = [block() for _ in places]
    fd = os.open(path, os.O_WRONLY)

    def run():
        for place, data in zip(places, blocks):
            os.pwrite(fd, data, place)
            if each:
                os.fsync(fd)
        if not each:
            os.fsync(fd)

    try:
        return timed(run)
    finally:
        os.close(fd)


def make_file(path, data):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    os.write(fd, data)
    os.close(fd)


def create(directory, count):
    os.makedirs(directory, exist_ok=True)
    blocks = [block() for _ in range(count)]

    def run():
        for path, data in zip(names(directory, count), blocks):
            make_file(path, data)

    return timed(run)


def read_file(path):
    fd = os.open(path, os.O_RDONLY)
    data = os.read(fd, SMALL + 1)
    os.close(fd)
    if len(data) != SMALL:
        raise OSError("a short file")


def read_files(directory, count):
    paths = names(directory, count)

    def run():
        for path in paths:
            read_file(path)

    return timed(run)


def stat_files(directory, count):
    paths = names(directory, count)

    def run():
        for path in paths:
            os.stat(path)

    return timed(run)


def scandir_stat(directory, count):
    found = 0

    def run():
        nonlocal found
        with os.scandir(directory) as entries:
            for entry in entries:
                entry.stat(follow_symlinks=False)
                found += 1

    time_taken = timed(run)
    if found != count:
        raise OSError(f"{found} entries listed")
    return time_taken


def rename(directory, count):
    pairs = list(zip(names(directory, count), names(directory, count, "renamed")))

    def run():
        for before, after in pairs:
            os.rename(before, after)

    return timed(run)


def unlink(directory, count, prefix):
    paths = names(directory, count, prefix)

    def run():
        for path in paths:
            os.unlink(path)

    return timed(run)


def append(path, count):
    data = NOISE[:128]
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def run():
        for _ in range(count):
            os.write(fd, data)

    try:
        return timed(run)
    finally:
        os.close(fd)


def untar(archive, directory):
    os.makedirs(directory)
    return timed(lambda: subprocess.run(["tar", "-xf", archive, "-C", directory], check=True))


def remove_tree(directory):
    return timed(lambda: subprocess.run(["rm", "-r", directory], check=True))


def git(directory, count):
    os.makedirs(directory)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": directory,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@example.org",
    }
    for i in range(count):
        make_file(f"{directory}/file{i}", block())

    def run():
        for arguments in (
            ["init", "-q"],
            ["add", "."],
            ["commit", "-q", "-m", "first"],
            ["gc", "-q"],
            ["fsck", "--strict", "--no-progress"],
        ):
            subprocess.run(
                ["git", *arguments],
                cwd=directory,
                env=environment,
                check=True,
                stdout=subprocess.DEVNULL,
            )

    return timed(run)


def create_empty(directory, count, prefix):
    os.makedirs(directory, exist_ok=True)

    def run():
        for path in names(directory, count, prefix):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))

    return timed(run)


def spread(directory, among, count, seed):
    return [
        f"{directory}/f{i:06d}" for i in random.Random(seed).sample(range(among), count)
    ]


def lookup_some(directory, among, count, seed):
    paths = spread(directory, among, count, seed)

    def run():
        for path in paths:
            os.stat(path)

    return timed(run)


def list_first(directory, count):
    def run():
        with os.scandir(directory) as entries:
            for _ in range(count):
                next(entries)

    return timed(run)


def make_sparse(path, mib):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)

    def run():
        os.ftruncate(fd, mib * PIECE)
        os.fsync(fd)

    try:
        return timed(run)
    finally:
        os.close(fd)


FUNCTIONS = (
    makedirs, remove, settle, drop_caches, warm_prepare, warm, sequential_write,
    sequential_read, random_read, random_write, create, read_files, stat_files,
    scandir_stat, rename, unlink, append, untar, remove_tree, git, create_empty,
    lookup_some, list_first, make_sparse,
)  # fmt: skip
BY_NAME = {function.__name__: function for function in FUNCTIONS}

for line in sys.stdin:
    function, *arguments = json.loads(line)
    try:
        answer = {"seconds": BY_NAME[function](*arguments)}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
