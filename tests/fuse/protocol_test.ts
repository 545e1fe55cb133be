/**
 * Tests of the mount's machinery: the kernel's structures compared with the installed headers,
 * names, and real mounts of a filesystem in memory.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { mountVolume, unmount } from "../../fuse/mod.ts";
import { mountWords } from "../../fuse/preflight.ts";
import * as protocol from "../../fuse/protocol.ts";
import { decodeName, encodeName } from "../../src/names.ts";
import { MemoryMount, type Report } from "./memory_mount.ts";
import { python } from "./python.ts";
import {
  detach,
  hasProgram,
  isMounted,
  mountTest,
  Scratch,
  succeeds,
  until,
  within,
} from "./support.ts";

/** Our layouts by the names of the C structures. */
const STRUCTS: Record<string, Record<string, number>> = {
  fuse_in_header: protocol.IN_HEADER,
  fuse_out_header: protocol.OUT_HEADER,
  fuse_attr: protocol.ATTR,
  fuse_entry_out: protocol.ENTRY_OUT,
  fuse_attr_out: protocol.ATTR_OUT,
  fuse_open_out: protocol.OPEN_OUT,
  fuse_kstatfs: protocol.STATFS_OUT,
  fuse_init_in: protocol.INIT_IN,
  fuse_init_out: protocol.INIT_OUT,
  fuse_forget_in: protocol.FORGET_IN,
  fuse_batch_forget_in: protocol.BATCH_FORGET_IN,
  fuse_forget_one: protocol.FORGET_ONE,
  fuse_mknod_in: protocol.MKNOD_IN,
  fuse_mkdir_in: protocol.MKDIR_IN,
  fuse_rename_in: protocol.RENAME_IN,
  fuse_rename2_in: protocol.RENAME2_IN,
  fuse_link_in: protocol.LINK_IN,
  fuse_setattr_in: protocol.SETATTR_IN,
  fuse_create_in: protocol.CREATE_IN,
  fuse_read_in: protocol.READ_IN,
  fuse_write_in: protocol.WRITE_IN,
  fuse_write_out: protocol.WRITE_OUT,
  fuse_setxattr_in: protocol.SETXATTR_IN,
  fuse_getxattr_in: protocol.GETXATTR_IN,
  fuse_getxattr_out: protocol.GETXATTR_OUT,
  fuse_fallocate_in: protocol.FALLOCATE_IN,
  fuse_lseek_in: protocol.LSEEK_IN,
  fuse_lseek_out: protocol.LSEEK_OUT,
  fuse_copy_file_range_in: protocol.COPY_FILE_RANGE_IN,
  fuse_dirent: protocol.DIRENT,
  fuse_direntplus: protocol.DIRENTPLUS,
  fuse_notify_inval_inode_out: protocol.NOTIFY_INVAL_INODE_OUT,
  fuse_notify_inval_entry_out: protocol.NOTIFY_INVAL_ENTRY_OUT,
  fuse_notify_store_out: protocol.NOTIFY_STORE_OUT,
};

/** Constants by their prefixes in C. */
const CONSTANTS: [string, Record<string, number>][] = [
  ["FUSE_", protocol.OPCODE],
  ["FUSE_NOTIFY_", protocol.NOTIFY],
  ["FUSE_", protocol.INIT],
  ["FATTR_", protocol.FATTR],
  ["FUSE_", {
    KERNEL_VERSION: protocol.KERNEL_MAJOR,
    ROOT_ID: protocol.ROOT_ID,
    WRITE_CACHE: protocol.WRITE_CACHE,
    WRITE_KILL_SUIDGID: protocol.WRITE_KILL_SUIDGID,
  }],
  ["FOPEN_", {
    KEEP_CACHE: protocol.FOPEN_KEEP_CACHE,
    CACHE_DIR: protocol.FOPEN_CACHE_DIR,
  }],
];

/** Yields C expressions with our values for them. */
function* expectations(): Generator<[string, number]> {
  for (const [struct, layout] of Object.entries(STRUCTS)) {
    for (const [field, offset] of Object.entries(layout)) {
      // The extension SETXATTR_EXT is not negotiated.
      const size = struct === "fuse_setxattr_in"
        ? "FUSE_COMPAT_SETXATTR_IN_SIZE"
        : `sizeof(struct ${struct})`;
      yield [field === "SIZE" ? size : `offsetof(struct ${struct}, ${field})`, offset];
    }
  }
  for (const [prefix, constants] of CONSTANTS) {
    for (const [name, value] of Object.entries(constants)) yield [`${prefix}${name}`, value];
  }
}

/** Returns why the headers cannot be checked on this machine. */
function withoutHeaders(): string | null {
  if (!hasProgram("cc")) return "no C compiler";
  const minor = `#include <linux/fuse.h>\n#if FUSE_KERNEL_MINOR_VERSION < 38\n#error old\n#endif\n`;
  const probe = new Deno.Command("sh", {
    args: ["-c", `printf '%s' "$0" | cc -E -x c - -o /dev/null`, minor],
    stdout: "null",
    stderr: "null",
  }).outputSync();
  return probe.success ? null : "no linux/fuse.h, or one older than 7.38";
}

const lacking = Deno.build.os === "linux" ? withoutHeaders() : "Linux only";

Deno.test({
  name: "structures and constants equal those of linux/fuse.h" +
    (lacking === null ? "" : ` (ignored: ${lacking})`),
  ignore: lacking !== null,
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "aloelite-c-" });
    try {
      const wanted = [...expectations()];
      assert(wanted.length > 200);
      await Deno.writeTextFile(
        `${folder}/layout.c`,
        `#include <linux/fuse.h>
#include <stddef.h>
#include <stdio.h>
int main(void) {
${wanted.map(([expression]) => `  printf("%lld\\n", (long long)(${expression}));`).join("\n")}
}
`,
      );
      const build = await new Deno.Command("cc", {
        args: ["-o", `${folder}/layout`, `${folder}/layout.c`],
      }).output();
      assert(build.success, new TextDecoder().decode(build.stderr));
      const { stdout } = await new Deno.Command(`${folder}/layout`).output();
      const found = new TextDecoder().decode(stdout).trim().split("\n").map(Number);
      assert.deepEqual(
        wanted.map(([expression], i) => `${expression} ${found[i]}`),
        wanted.map(([expression, value]) => `${expression} ${value}`),
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** Bytes that are often nearly UTF-8, and often nearly an escape. */
const nameBytes = fc.oneof(
  fc.uint8Array({ max: 255, min: 1, maxLength: 40 }),
  fc.string({ unit: "binary", maxLength: 20 }).map((text) => new TextEncoder().encode(text)),
  fc.array(
    fc.constantFrom(
      ...[[0x41], [0xc3, 0xa9], [0xf4, 0x8f, 0xba, 0x80], [0xf4, 0x8f, 0xbb, 0xbf], [0xf4, 0x8f]],
      ...[[0xf4, 0x8f, 0xba], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xef, 0xbb, 0xbf], [0xff]],
      ...[[0xf4, 0x90, 0x80, 0x80], [0xe0, 0x9f, 0xbf], [0xf0, 0x9f, 0x92, 0xa9], [0x80]],
    ),
    { maxLength: 12 },
  ).map((parts) => new Uint8Array(parts.flat())),
).filter((bytes) => !/^\.{0,2}$|[/\0]/.test(String.fromCharCode(...bytes)));

Deno.test("names: decoding and encoding are inverse, and the text is well-formed", () => {
  fc.assert(
    fc.property(nameBytes, (bytes) => {
      const text = decodeName(bytes);
      assert.deepEqual([...encodeName(text)], [...bytes]);
      assert(text.isWellFormed());
    }),
    { numRuns: 3000 },
  );
});

Deno.test("names: UTF-8 is decoded, other bytes are escaped", () => {
  const utf8 = (text: string) => new TextEncoder().encode(text);
  for (const text of ["a", "...", "\ufeffé 漢 💩", "\u{10fe7f}\u{10ff00}\u{10ffff}"]) {
    assert.equal(decodeName(utf8(text)), text);
    assert.deepEqual(encodeName(text), utf8(text));
  }
  assert.equal(decodeName(new Uint8Array([0x61, 0xff, 0xc3])), "a\u{10feff}\u{10fec3}");
  assert.equal(
    decodeName(utf8("\u{10fe80}")),
    "\u{10fef4}\u{10fe8f}\u{10feba}\u{10fe80}",
  );
  // Names that no directory can hold are shown escaped, and can be looked up.
  for (const name of ["", ".", "..", "a/b", "/", "a\0b", "../../x"]) {
    const bytes = encodeName(name);
    assert.ok(bytes.length > 0 && !bytes.includes(0) && !bytes.includes(0x2f), name);
    assert.notDeepEqual([...bytes], [...utf8(name)]);
    assert.equal(decodeName(bytes), name);
  }
  // Different names stay different, for example Latin-1 and UTF-8 of one text.
  assert.notEqual(decodeName(Buffer.from("é", "latin1")), decodeName(utf8("é")));
});

Deno.test("mount options: foreign words are omitted, special characters escaped", () => {
  assert.deepEqual(
    mountWords({
      file: "/a, b\\c.fs",
      readOnly: true,
      allowOther: true,
      options: ["noatime", "defaults", "nofail", "x-systemd.automount", "nonempty", "", "nodev"],
    }),
    [
      ...["default_permissions", "fsname=/a\\, b\\\\c.fs", "subtype=aloelite", "ro"],
      ...["allow_other", "noatime", "nodev"],
    ],
  );
});

async function withMemory(
  body: (dir: string, mount: MemoryMount) => Promise<void>,
): Promise<Report> {
  await using scratch = new Scratch();
  const dir = scratch.dir("memory");
  const mount = await within(MemoryMount.mount(dir), 60_000, "mounting");
  let report: Report;
  try {
    await body(dir, mount);
    report = await mount.report();
  } finally {
    if (!succeeds("umount", dir)) detach(dir);
    await within(mount.ended, 10_000, "the end of the loop");
  }
  assert(!isMounted(dir));
  return report;
}

mountTest("a loop answers all kinds of requests", async () => {
  const { requests, log } = await withMemory(async (dir) => {
    await python(
      dir,
      `
write("a", b"one"); os.link("a", "b"); same(os.stat("a").st_nlink, 2); same(read("b"), b"one")
os.mkdir("d", 0o750); same(os.stat("d").st_mode, stat.S_IFDIR | 0o750)
os.symlink("a" * 300, "d/l"); same(os.readlink("d/l"), "a" * 300)
os.rename("b", "d/c"); fails(errno.EEXIST, renameat2, "a", "d/c", NOREPLACE); renameat2("a", "d", EXCHANGE)
same((read("d"), sorted(os.listdir("a"))), (b"one", ["c", "l"])); renameat2("a", "d", EXCHANGE)
os.chmod("a", 0o640); os.utime("a", ns=(-5, 1_600_000_000_123_456_789)); os.truncate("a", 2)
same((os.stat("a").st_mode & 0o777, os.stat("a").st_size, os.stat("a").st_atime_ns), (0o640, 2, -5))
os.mkfifo("f"); same(stat.S_ISFIFO(os.stat("f").st_mode), True)
os.setxattr("a", "user.x", b"1" * 1000); same((len(os.getxattr("a", "user.x")), os.listxattr("a")), (1000, ["user.x"]))
os.removexattr("a", "user.x"); fails(errno.ENODATA, os.getxattr, "a", "user.x")
fd = os.open("big", os.O_RDWR | os.O_CREAT); data = os.urandom(3_000_001)
same(os.write(fd, data), len(data)); os.fsync(fd); same(os.pread(fd, len(data), 0) == data, True)
fallocate(fd, PUNCH | KEEP, 8192, 8192); same(os.lseek(fd, 0, SEEK_HOLE), 8192); same(os.lseek(fd, 8192, SEEK_DATA), 16384)
fails(errno.ENXIO, os.lseek, fd, 1 << 62, SEEK_DATA)
out = os.open("copy", os.O_RDWR | os.O_CREAT); same(os.copy_file_range(fd, out, 100_000, 20_000, 7), 100_000)
same(os.pread(out, 100_000, 7) == data[20_000:120_000], True)
m = mmap.mmap(fd, 0); m[5:9] = b"mmap"; m.flush(); same(os.pread(fd, 4, 5), b"mmap"); m.close()
os.fsync(os.open(".", os.O_RDONLY)); same(os.statvfs(".").f_namemax, 255)
fails(errno.ENAMETOOLONG, os.stat, "n" * 256); fails(errno.ENOENT, os.stat, "n" * 255)
fails(errno.ENOTEMPTY, os.rmdir, "d"); os.unlink("d/l"); os.unlink("d/c"); os.rmdir("d")
fails(errno.ENOTTY, fcntl.ioctl, fd, 0x5401)
tmp = os.open(".", O_TMPFILE | os.O_RDWR, 0o600); os.write(tmp, b"nameless"); same(os.fstat(tmp).st_nlink, 0); os.close(tmp)
names = sorted(b"%s %d" % (b"n\\xff\\xc3\\xa9", i) for i in range(1500))
os.mkdir("many")
for n in names: os.close(os.open(b"many/" + n, os.O_CREAT | os.O_WRONLY))
same(sorted(os.listdir(b"many")), names); same(sorted(e.name for e in os.scandir(b"many") if e.stat().st_size == 0), names)
`,
    );
  });
  assert.deepEqual(log, []);
  assert(requests.READDIRPLUS > 1 && requests.CREATE > 1500);
  // The kernel sends these requests once or never.
  for (const name of ["OPEN", "OPENDIR", "FLUSH"]) assert(requests[name] <= 1, name);
});

mountTest(
  "a handler that throws gives EIO and a line in the log, and the loop goes on",
  async () => {
    const { log } = await withMemory(async (dir) => {
      await python(
        dir,
        `fails(errno.EIO, os.stat, "broken"); write("a", b"1"); same(read("a"), b"1")`,
      );
    });
    assert.equal(log.length, 1);
    assert.match(log[0], /^LOOKUP: Error: broken on purpose/);
  },
);

mountTest("simultaneous syncs share a commit", async () => {
  const report = await withMemory(async (dir) => {
    await python(
      dir,
      `
def syncs(i):
    fd = os.open("f%d" % i, os.O_RDWR | os.O_CREAT)
    for _ in range(50): os.fsync(fd)
threads = [threading.Thread(target=syncs, args=(i,)) for i in range(8)]
for t in threads: t.start()
for t in threads: t.join()`,
    );
  });
  assert.equal(report.requests.FSYNC, 400);
  assert(report.syncs < 300, `${report.syncs} commits for 400 requests`);
});

mountTest("data and holes are correct while the kernel caches writes", async () => {
  await withMemory(async (dir) => {
    await python(
      dir,
      `
fd = os.open("f", os.O_RDWR | os.O_CREAT); os.ftruncate(fd, 1 << 20)
fails(errno.ENXIO, os.lseek, fd, 0, SEEK_DATA)
os.pwrite(fd, b"x", 500_000); same(os.lseek(fd, 0, SEEK_DATA), 499_712); same(os.lseek(fd, 499_712, SEEK_HOLE), 503_808)
os.pwrite(fd, b"y" * 10_000, 1 << 20); same(os.lseek(fd, 1 << 20, SEEK_HOLE), (1 << 20) + 10_000)
m = mmap.mmap(fd, 1 << 20); m[4096:4100] = b"data"; same(os.lseek(fd, 0, SEEK_DATA), 4096); m.close()`,
    );
  });
});

mountTest("the kernel is notified of external changes", async () => {
  await withMemory(async (dir, mount) => {
    await Deno.writeTextFile(`${dir}/g`, "old");
    let name = "";
    let seen = "";
    // If the kernel drops its cache meanwhile, the round proves nothing.
    for (let round = 0; round < 5 && seen !== "old"; round++) {
      name = `f${round}`;
      await Deno.writeTextFile(`${dir}/${name}`, "old");
      // Otherwise the kernel trusts its own state.
      await python(
        dir,
        `os.fsync(os.open("${name}", os.O_RDONLY)); os.stat("${name}"); read("${name}"); os.stat("g")`,
      );
      await mount.order({ do: "write", name, text: "new and longer", tell: false });
      seen = await Deno.readTextFile(`${dir}/${name}`);
    }
    assert.equal(seen, "old");
    const f = `${dir}/${name}`;
    await mount.order({ do: "write", name, text: "new and longer", tell: true });
    const grown = async () => await Deno.readTextFile(f) !== "old";
    await mount.order({ do: "write", name, text: "new and longest", tell: true });
    await until(grown, 3000, "the change");
    await until(async () => (await Deno.stat(f)).size === 15, 3000, "the size");
    assert.equal(await Deno.readTextFile(f), "new and longest");
    await mount.order({ do: "remove", name: "g", tell: true });
    const gone = () => Deno.stat(`${dir}/g`).then(() => false, () => true);
    await until(gone, 3000, "the removal");
  });
});

mountTest("inodes are dropped when the kernel forgets them", async () => {
  await withMemory(async (dir, mount) => {
    await python(
      dir,
      `
for i in range(300): write("f%d" % i, b"")
for i in range(300): os.unlink("f%d" % i)`,
    );
    await until(async () => (await mount.report()).known < 10, 5000, "the inodes go");
  });
});

mountTest("impossible mounts and unmounts fail with a reason", async () => {
  await using scratch = new Scratch();
  const file = scratch.join("none.fs");
  const refused = (mountpoint: string) => mountVolume({ file, mountpoint });
  await assert.rejects(refused(scratch.join("missing")), { code: "not_found" });
  await Deno.writeTextFile(scratch.join("file"), "");
  await assert.rejects(refused(scratch.join("file")), { code: "invalid", message: /directory/ });
  await assert.rejects(refused(scratch.dir("d")), { code: "not_found", message: /none\.fs/ });
  await assert.rejects(unmount(scratch.dir("d")), { code: "invalid" });
  await assert.rejects(
    mountVolume({ file: scratch.join("file"), mountpoint: scratch.dir("d") }),
    { code: "corrupt" },
  );
});
