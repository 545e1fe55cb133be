/**
 * Random system calls for the differential tests. Few names are used, so that they collide; in
 * paths, each code unit is a byte.
 *
 * @module
 */

import fc from "fast-check";

/** A call in the form of `syscalls.py`; `who` is the calling process. */
export interface Call {
  do: string;
  who: number;
  [argument: string]: unknown;
}

/** The uids and gids of callers. */
export const USERS = [
  { uid: 0, gid: 0, groups: [] as number[] },
  { uid: 0, gid: 0, groups: [] as number[] },
  { uid: 1001, gid: 2001, groups: [2001] },
  { uid: 1002, gid: 2002, groups: [2001] },
];

/** The number of processes on each side. */
export const PROCESSES = 2;

const KIB = 1024;
const LONG = "n".repeat(255);
const ODD_NAMES = [
  "\xc3\xa9", // é
  "\xff\x80x", // no UTF-8
  "\xf4\x8f\xba\x85", // U+10FE85, which escapes stand for
  "a\\b\n'\"",
  LONG,
  LONG + "n",
  "\xc3\xa9".repeat(127),
  ".hidden",
  " ",
];

const component = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom("a", "b", "c", "d") },
  { weight: 2, arbitrary: fc.constantFrom(...ODD_NAMES) },
);

const path: fc.Arbitrary<string> = fc.oneof(
  { weight: 30, arbitrary: component },
  { weight: 20, arbitrary: fc.tuple(component, component).map((names) => names.join("/")) },
  {
    weight: 6,
    arbitrary: fc.tuple(component, component, component).map((names) => names.join("/")),
  },
  { weight: 2, arbitrary: component.map((name) => `${name}/`) },
  { weight: 1, arbitrary: component.map((name) => `${name}/..`) },
  { weight: 1, arbitrary: component.map((name) => `${name}/../b`) },
  { weight: 1, arbitrary: component.map((name) => `${name}/.`) },
  { weight: 1, arbitrary: fc.constantFrom(".", "", "./".repeat(2047) + "a", "./".repeat(2048)) },
);

const slot = fc.nat({ max: 2 });
const seed = fc.nat({ max: 999 });
const mode = fc.constantFrom(
  0o644,
  0o666,
  0o600,
  0o755,
  0o777,
  0o700,
  0o070,
  0o4755,
  0o2755,
  0o6777,
  0o6666,
  0o2664,
  0o640,
  0o1777,
  0o2775,
  0o7777,
  0,
);
/** Offsets near the ends of pages, blocks and chunks. */
const offset = fc.oneof(
  fc.constantFrom(0, 1, 4095, 4096, 65_535, 65_536, 65_537, 131_072, 196_608, 131_000),
  fc.nat({ max: 300 * KIB }),
  fc.nat({ max: 5000 }),
);
const length = fc.oneof(
  fc.constantFrom(0, 1, 100, 4096, 65_536, 65_537),
  fc.nat({ max: 8000 }),
  fc.nat({ max: 200 * KIB }),
);
/** Times in nanoseconds: negative, small, fractional, after 2038. */
export const TIMES = [
  "0",
  "1",
  "-1",
  "-1500000001",
  "1234567891",
  "1000000000987654321",
  "1600000000000000001",
  "4102444800999999999",
];
const time = fc.constantFrom(...TIMES, "now", "omit");
const target = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("a", "b", "c", "d", "a/b", "b/a", "../a", ".", "/none") },
  {
    weight: 1,
    arbitrary: fc.constantFrom("", "x".repeat(4095), "x".repeat(4096), "x/".repeat(900), "\xff"),
  },
);
const xattrName = fc.constantFrom(
  "user.a",
  "user.b",
  "user.\u00e9",
  "user." + "n".repeat(250),
  "user." + "n".repeat(251),
  "user.",
  "user",
  "bogus.a",
  "trusted.t",
);
/**
 * Not -1 for both: the kernel does not notify a FUSE filesystem that set-user-id must be cleared
 * then.
 */
const owner = fc.constantFrom(0, 1001, 1002);
const group = fc.constantFrom(-1, 0, 2001, 2002);
const openFlags = fc.tuple(
  fc.constantFrom("O_RDONLY", "O_WRONLY", "O_RDWR", "O_RDWR", "O_RDWR"),
  fc.subarray([
    "O_CREAT",
    "O_EXCL",
    "O_TRUNC",
    "O_APPEND",
    "O_DIRECTORY",
    "O_NOFOLLOW",
    "O_NOATIME",
    "O_SYNC",
    "O_PATH",
  ]).chain((all) =>
    // Most calls are rare, but files have to be created.
    fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 9 })).map(([keep, rare]) => {
      const some = all.slice(0, keep);
      return rare < 6
        ? [...new Set(["O_CREAT", ...some.filter((flag) => !/EXCL|DIRECTORY|PATH/.test(flag))])]
        : some;
    })
  ),
).map(([access, others]) => [access, ...others]);

function call(
  weight: number,
  name: string,
  args: Record<string, fc.Arbitrary<unknown>> = {},
): { weight: number; arbitrary: fc.Arbitrary<Call> } {
  return {
    weight,
    arbitrary: fc.record({
      do: fc.constant(name),
      who: fc.nat({ max: PROCESSES - 1 }),
      ...args,
    }) as fc.Arbitrary<Call>,
  };
}

/** Initial calls of most runs, so that some files exist. */
const BEGINNING: Call[] = [
  { do: "mkdir", who: 0, p: "a", mode: 0o777 },
  { do: "mkdir", who: 1, p: "a/b", mode: 0o755 },
  { do: "mkdir", who: 0, p: "b", mode: 0o1777 },
  { do: "open", who: 0, slot: 0, p: "c", flags: ["O_RDWR", "O_CREAT"], mode: 0o666 },
  { do: "pwrite", who: 0, slot: 0, off: 0, len: 200_000, seed: 1 },
  { do: "open", who: 1, slot: 0, p: "c", flags: ["O_RDWR"], mode: 0o666 },
  { do: "open", who: 0, slot: 1, p: "a/c", flags: ["O_RDWR", "O_CREAT"], mode: 0o600 },
  { do: "pwrite", who: 0, slot: 1, off: 131_000, len: 5000, seed: 2 },
  { do: "open", who: 1, slot: 1, p: "a/d", flags: ["O_RDWR", "O_CREAT", "O_APPEND"], mode: 0o644 },
  { do: "write", who: 1, slot: 1, len: 70_000, seed: 3 },
  { do: "link", who: 1, p: "a/c", q: "b/c" },
  { do: "symlink", who: 0, p: "d", target: "a" },
  { do: "open", who: 1, slot: 2, p: "a", flags: ["O_RDONLY", "O_DIRECTORY"], mode: 0 },
];

/** The calls to choose from. */
export interface CallOptions {
  /** Whether to include calls that need root: other uids, devices. */
  root: boolean;
  /** The weight of a remount, compared with about 300 for all others; 0 for never. */
  remount?: number;
}

/** Returns an arbitrary script of calls. @param length The maximum length. */
export function scripts(options: CallOptions, length: number): fc.Arbitrary<Call[]> {
  // Use only parts of the initial calls, so that shrinking can remove the rest.
  const part = fc.subarray(BEGINNING);
  return fc.tuple(part, part, part, fc.array(calls(options), { maxLength: length, size: "max" }))
    .map(([one, two, three, rest]) => [
      ...BEGINNING.filter((call) => [one, two, three].some((some) => some.includes(call))),
      ...rest,
    ]);
}

function calls({ root, remount = 0 }: CallOptions): fc.Arbitrary<Call> {
  const weighted = [
    call(30, "open", { slot, p: path, flags: openFlags, mode }),
    call(3, "open", { slot, p: path, flags: fc.constant(["O_RDWR", "O_TMPFILE"]), mode }),
    call(5, "open", { slot, p: path, flags: fc.constant(["O_RDONLY", "O_DIRECTORY"]), mode }),
    call(6, "close", { slot }),
    call(6, "read", { slot, len: length }),
    call(12, "write", { slot, seed, len: length }),
    call(10, "pread", { slot, off: offset, len: length }),
    call(20, "pwrite", { slot, off: offset, len: length, seed }),
    call(8, "ftruncate", { slot, len: offset }),
    call(5, "truncate", { p: path, len: offset }),
    call(4, "fsync", { slot }),
    call(2, "fdatasync", { slot }),
    call(2, "fchmod", { slot, mode }),
    call(3, "futimens", { slot, atime: time, mtime: time }),
    call(10, "fallocate", {
      slot,
      // 0, keep size, punch and keep size, zero, zero and keep size, and an invalid mode.
      mode: fc.constantFrom(0, 1, 3, 3, 3, 0x10, 0x11, 2),
      off: offset,
      len: length,
    }),
    call(8, "copy", { slot, slot2: slot, off: offset, off2: offset, len: length }),
    call(4, "copy", {
      slot,
      slot2: slot,
      off: fc.constantFrom(0, 65_536, 131_072),
      off2: fc.constantFrom(0, 65_536, 131_072),
      len: fc.constantFrom(65_536, 131_072, 262_144),
    }),
    call(4, "seek", { slot, off: offset, whence: fc.constantFrom(0, 1, 2, 3, 4) }),
    call(4, "holes", { slot }),
    call(6, "mmap", { slot, off: offset, len: length }),
    call(8, "mmap", { slot, off: offset, len: length, seed, sync: fc.boolean() }),
    call(20, "mkdir", { p: path, mode }),
    call(8, "rmdir", { p: path }),
    call(12, "unlink", { p: path }),
    call(2, "mkdir", { p: component, mode, at: slot }),
    call(2, "unlink", { p: component, at: slot }),
    call(3, "open", {
      slot,
      p: component,
      at: slot,
      flags: fc.constant(["O_RDWR", "O_CREAT"]),
      mode,
    }),
    call(24, "rename", { p: path, q: path, flags: fc.constantFrom(0, 0, 0, 1, 2, 2, 3) }),
    call(14, "link", { p: path, q: path, follow: fc.boolean() }),
    call(3, "linkfd", { slot, q: path }),
    call(12, "symlink", { p: path, target }),
    call(3, "readlink", { p: path }),
    call(4, "mknod", {
      p: path,
      mode: mode.chain((bits) =>
        fc.constantFrom(0o100000, 0o010000, 0o140000, 0).map((type) => type | (bits & 0o777))
      ),
    }),
    call(8, "chmod", { p: path, mode }),
    call(6, "utimens", { p: path, atime: time, mtime: time }),
    call(5, "setxattr", {
      p: path,
      name: xattrName,
      seed,
      len: fc.constantFrom(0, 1, 100, 4000),
      flags: fc.constantFrom(0, 0, 1, 2),
    }),
    call(2, "fsetxattr", {
      slot,
      name: xattrName,
      seed,
      len: fc.constantFrom(0, 30),
      flags: fc.constant(0),
    }),
    call(3, "getxattr", { p: path, name: xattrName }),
    call(2, "listxattr", { p: path }),
    call(3, "removexattr", { p: path, name: xattrName }),
    call(2, "access", { p: path, mode: fc.nat({ max: 7 }) }),
    call(4, "list", { p: path }),
    call(2, "list", { slot }),
    call(6, "content", { p: path }),
    call(3, "umask", { mode: fc.constantFrom(0, 0o022, 0o027, 0o002) }),
    call(3, "nothing", { p: path, q: path }),
  ];
  if (root) {
    weighted.push(
      call(8, "user", {}),
      call(6, "chown", { p: path, uid: owner, gid: group }),
      call(3, "lchown", { p: path, uid: owner, gid: group }),
      call(2, "fchown", { slot, uid: owner, gid: group }),
      call(2, "mknod", {
        p: path,
        mode: fc.constantFrom(0o020666, 0o060600),
        rdev: fc.constantFrom(0x103, 0x700, 0x12345678, 0),
      }),
    );
  }
  if (remount > 0) weighted.push(call(remount, "remount"));
  return fc.oneof(...weighted).chain((drawn) =>
    drawn.do === "user"
      ? fc.constantFrom(...USERS).map((user) => ({ ...drawn, ...user }))
      : fc.constant(drawn)
  );
}
