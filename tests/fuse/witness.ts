/**
 * A process that writes to a mount in many ways, syncs, and records outside the mount which syncs
 * have returned: after a crash, their data must be there.
 *
 * @module
 */

import { type Place, quoted, type Running } from "./place.ts";
import { pythonPath } from "./python.ts";

const COMMON = `
import json, mmap, os, random, struct, sys, time
BLOCKS, NAMES = 64, 20
root, log = sys.argv[1:]
def record(i):
    return b"%08d" % i + b"." * 91 + b"\\n"
def block(b, v):
    return struct.pack("<II", b, v) * 512
def text(i):
    return b"%d\\n" % i * (1 + i * 37 % 3000)
`;

/** Each line of the log says what is on disk from then on. */
const WRITE = `${COMMON}
os.makedirs(root + "/files")
log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def note(*what):
    os.write(log, json.dumps(what).encode() + b"\\n")
directory = os.open(root, os.O_RDONLY)
files = os.open(root + "/files", os.O_RDONLY)
appended = os.open(root + "/appended", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
dsync = os.open(root + "/dsync", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_DSYNC)
blocks = os.open(root + "/blocks", os.O_RDWR | os.O_CREAT)
mapped = os.open(root + "/mapped", os.O_RDWR | os.O_CREAT)
for fd in [blocks, mapped]:
    os.ftruncate(fd, BLOCKS * 4096)
memory = mmap.mmap(mapped, BLOCKS * 4096)
cut = os.open(root + "/cut", os.O_RDWR | os.O_CREAT)
for fd in [directory, appended, dsync, blocks, mapped, cut]:
    os.fsync(fd)
note("ready", 0)
i = 0
while True:
    i += 1
    what = random.choice(["append", "append", "dsync", "blocks", "blocks", "mapped", "file", "file", "gone", "cut", "xattr", "times"])
    if what == "append":
        for j in range(random.choice([1, 1, 20])):
            appends = globals().get("appends", -1) + 1
            os.write(appended, record(appends))
        os.fsync(appended)
        note(what, appends)
    elif what == "dsync":
        dsyncs = globals().get("dsyncs", -1) + 1
        os.write(dsync, record(dsyncs))
        note(what, dsyncs)
    elif what == "blocks":
        some = random.sample(range(BLOCKS), random.choice([1, 1, 4]))
        for b in some:
            os.pwrite(blocks, block(b, i), b * 4096)
        os.fdatasync(blocks)
        note(what, i, some)
    elif what == "mapped":
        b = random.randrange(BLOCKS)
        memory[b * 4096:b * 4096 + 4096] = block(b, i)
        memory.flush(b * 4096, 4096)
        note(what, i, [b])
    elif what == "file":
        name = str(i % NAMES)
        fd = os.open(root + "/new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.write(fd, text(i))
        os.fsync(fd)
        os.close(fd)
        os.rename(root + "/new", root + "/files/" + name)
        os.fsync(files)
        note(what, i, name)
    elif what == "gone":
        name = root + "/gone%d" % i
        os.close(os.open(name, os.O_WRONLY | os.O_CREAT))
        os.fsync(directory)
        note("here", i)
        # From here on both may be, until the log says more.
        note("going", i)
        os.unlink(name)
        os.fsync(directory)
        note(what, i)
    elif what == "cut":
        os.ftruncate(cut, i)
        os.fsync(cut)
        note(what, i)
    elif what == "xattr":
        os.setxattr(root + "/cut", "user.at", b"%d" % i)
        os.fsync(cut)
        note(what, i)
    elif what == "times":
        os.utime(root + "/files", ns=(i, i * 10**9 + 7))
        os.chmod(root + "/blocks", 0o600 | i % 64)
        os.fsync(files)
        note(what, i)
`;

const CHECK = `${COMMON}
lines = [json.loads(line) for line in open(log)] if os.path.exists(log) else []
said = [line for line in lines if line[0] != "ready"]
def last(what):
    return max([line[1] for line in said if line[0] == what], default=-1)
def read(name):
    with open(root + "/" + name, "rb") as file:
        return file.read()
wrong = []
def check(holds, *what):
    if not holds:
        wrong.append(" ".join(map(str, what)))
if lines:
    for name, what in [("appended", "append"), ("dsync", "dsync")]:
        data, upto = read(name), last(what) + 1
        check(data[:upto * 100] == b"".join(map(record, range(upto))), name, "has", len(data), "bytes, synced were", upto * 100)
        check(len(data) % 100 == 0 and data[upto * 100:] == b"".join(map(record, range(upto, len(data) // 100))), name, "ends oddly")
    for name in ["blocks", "mapped"]:
        data, synced = read(name), {}
        for line in said:
            if line[0] == name:
                for b in line[2]:
                    synced[b] = line[1]
        for b in range(BLOCKS):
            page = data[b * 4096:b * 4096 + 4096]
            at, v = struct.unpack("<II", page[:8])
            check(v >= synced.get(b, 0), name, b, "is of", v, "synced was", synced.get(b))
            check(page == (block(b, v) if v else bytes(4096)), name, b, "is torn")
    latest = {}
    for line in said:
        if line[0] == "file":
            latest[line[2]] = line[1]
    for name, i in latest.items():
        try:
            data = read("files/" + name)
            now = int(data.split(b"\\n")[0] or b"-1")
            check(now >= i and data == text(now), "file", name, "is of", now, "synced was", i)
        except (OSError, ValueError) as error:
            check(False, "file", name, "of", i, error)
    gone = {line[1] for line in said if line[0] == "gone"}
    going = {line[1] for line in said if line[0] == "going"}
    for i in (line[1] for line in said if line[0] == "here"):
        exists = os.path.exists(root + "/gone%d" % i)
        check(not (i in gone and exists), "gone", i, "is there")
        check(i in going or exists, "here", i, "is not there")
    check(os.stat(root + "/cut").st_size >= last("cut"), "cut is", os.stat(root + "/cut").st_size, "synced was", last("cut"))
    if last("xattr") >= 0:
        check(int(os.getxattr(root + "/cut", "user.at")) >= last("xattr"), "xattr")
    if last("times") >= 0:
        check(os.stat(root + "/files").st_mtime_ns >= last("times") * 10**9 + 7, "times")
if wrong:
    print(len(said), "syncs")
    print("\\n".join(wrong[:20]))
    sys.exit(1)
print(len(said))
`;

/** The process, and the check of its results. */
export class Witness {
  /** The process. */
  readonly running: Running;
  readonly #root: string;
  readonly #log: string;

  /**
   * Starts the process.
   *
   * @param dir A new directory on the mount.
   * @param log The log's path, outside the mount.
   */
  constructor(place: Place, dir: string, log: string) {
    this.#root = dir;
    this.#log = log;
    this.running = place.start(this.#command(WRITE), { cwd: place.out });
  }

  #command(script: string): string {
    return [pythonPath(), "-c", script, this.#root, this.#log].map(quoted).join(" ");
  }

  /**
   * Checks the data on a new mount.
   *
   * @returns The number of syncs that had returned.
   * @throws When synced data is missing or torn.
   */
  async check(place: Place): Promise<number> {
    return Number(await place.sh(this.#command(CHECK), { cwd: place.out }));
  }
}
