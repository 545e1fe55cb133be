/**
 * Writes beyond the maximum file size: refused as far as the kernel can report it, without changing
 * earlier content.
 */

import assert from "node:assert/strict";
import { python } from "./python.ts";
import { assertSound, mountTest, Scratch, spawnDaemon } from "./support.ts";

/** With chunks of 4 KiB the maximum file size is 64 GiB. */
const KIND = { chunkSize: 4096 } as const;
const LIMIT = 4096 * 2 ** 24;

const WAIT = `
import time
def wait_for(holds, what):
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.01)
`;

const WRITE = `
LIMIT = ${LIMIT}
def beyond(name, data, offset, end):
    fd = os.open(name, os.O_RDWR | os.O_CREAT, 0o600)
    assert os.write(fd, data) == len(data)
    os.pwrite(fd, b"far", offset)
    try:
        end(fd)
    except OSError as error:
        code = error.errno
    else:
        code = 0
    try:
        os.close(fd)
    except OSError as error:
        code = code or error.errno
    return code
nothing = lambda fd: None
for i, offset in enumerate([LIMIT, LIMIT + 5000, 1 << 45, (1 << 53) + 1, (1 << 63) - 10]):
    # What close says of it is the kernel's choice: it knows EIO and ENOSPC alone.
    assert beyond(f"closed{i}", b"abcd", offset, nothing) in (errno.EFBIG, errno.EIO), i
    same(beyond(f"synced{i}", b"hello " * 1000, offset, os.fsync), errno.EFBIG)
same(beyond("empty", b"", LIMIT, os.fsync), errno.EFBIG)
same(beyond("page", b"p" * 4096, LIMIT, os.fsync), errno.EFBIG)
same(beyond("flushed", b"abcd", LIMIT, nothing) != 0, True)
# What is there before is kept as it is, zeros at its end too.
write("zeros", b"z" + bytes(99)); same(beyond("zeros", b"Z", LIMIT, os.fsync), errno.EFBIG)
# At once where the kernel asks.
for call in [lambda fd: os.ftruncate(fd, LIMIT + 1), lambda fd: os.posix_fallocate(fd, LIMIT, 1)]:
    fd = os.open("asked", os.O_RDWR | os.O_CREAT, 0o600); os.write(fd, b"kept"); fails(errno.EFBIG, call, fd); os.close(fd)
fd = os.open("direct", os.O_RDWR | os.O_CREAT | os.O_DIRECT, 0o600)
page = mmap.mmap(-1, 4096); fails(errno.EFBIG, os.pwrite, fd, page, LIMIT); os.close(fd)
fd = os.open("sync", os.O_RDWR | os.O_CREAT | os.O_SYNC, 0o600); fails(errno.EFBIG, os.pwrite, fd, b"x", LIMIT)
os.close(fd)
# It goes on: what fits is written.
fd = os.open("again", os.O_RDWR | os.O_CREAT, 0o600); os.write(fd, b"abcd"); os.pwrite(fd, b"x", LIMIT)
fails(errno.EFBIG, os.fsync, fd); os.ftruncate(fd, 4); os.pwrite(fd, b"efgh", 4); os.fsync(fd); os.close(fd)
`;

const CHECK = `
for i in range(5):
    same(read(f"closed{i}"), b"abcd"); same(read(f"synced{i}"), b"hello " * 1000)
same(read("empty"), b""); same(read("page"), b"p" * 4096); same(read("flushed"), b"abcd")
same(read("zeros"), b"Z" + bytes(99)); same(read("asked"), b"kept"); same(read("again"), b"abcdefgh")
same(os.path.getsize("direct"), 0); same(os.path.getsize("sync"), 0)
`;

const AGAIN = `
# The kernel believes its own size after each of them, so each of them is to be undone.
def size(name, expected):
    wait_for(lambda: os.path.getsize(name) == expected, name)
same(beyond("twice", b"abcd", LIMIT, os.fsync), errno.EFBIG); size("twice", 4)
same(beyond("twice", b"ABCD", LIMIT + 4096, os.fsync), errno.EFBIG); size("twice", 4)
same(beyond("twice", b"wxyz", 1 << 62, nothing) != 0, True); size("twice", 4)
with open("twice", "ab") as f: f.write(b"added")
size("twice", 9); same(read("twice"), b"wxyzadded")
`;

mountTest("a file is as large as it is after each write that is refused", async () => {
  await using daemon = await spawnDaemon({ kind: KIND });
  await python(daemon.dir, WAIT + WRITE.slice(0, WRITE.indexOf("for i, offset")) + AGAIN);
  await daemon.unmount();
});

mountTest("a write past the largest file is refused, and changes nothing before it", async () => {
  await using scratch = new Scratch();
  await using daemon = await spawnDaemon({ kind: KIND });
  await python(daemon.dir, WRITE);
  await python(daemon.dir, CHECK);
  await daemon.unmount();
  assert(daemon.log.every((line) => line.includes("past the largest size")), `${daemon.log}`);
  await assertSound(daemon.file);
  const file = scratch.join("v.aloe");
  await Deno.copyFile(daemon.file, file);
  await using again = await spawnDaemon({ file, mountpoint: scratch.dir("mnt") });
  await python(again.dir, CHECK);
  await again.unmount();
});
