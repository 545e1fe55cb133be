import { ERRNO, ErrnoError } from "../src/vfs/errno.ts";
import {
  type AttributeChange,
  type Awaitable,
  type Filesystem,
  RENAME_NOREPLACE,
} from "../src/vfs/filesystem.ts";
import type { Inode } from "../src/vfs/inode.ts";
import { S_IFREG, S_ISGID, S_ISUID } from "../src/vfs/inode.ts";
import { lostPrivileges } from "../src/vfs/privileges.ts";
import { decodeText, encodeText } from "../src/names.ts";
import { BODY, type Exchange, MAX_TRANSFER, NAME_MAX, refusal, REPLY } from "./exchange.ts";
import { coarseTime } from "./libfuse.ts";
import {
  ATTR_OUT,
  BATCH_FORGET_IN,
  COPY_FILE_RANGE_IN,
  CREATE_IN,
  DIRENT,
  DIRENTPLUS,
  ENTRY_OUT,
  FALLOCATE_IN,
  FATTR,
  FOPEN_KEEP_CACHE,
  FORGET_IN,
  FORGET_ONE,
  GETXATTR_IN,
  GETXATTR_OUT,
  LINK_IN,
  LSEEK_IN,
  LSEEK_OUT,
  MKDIR_IN,
  MKNOD_IN,
  OPCODE,
  OPEN_OUT,
  READ_IN,
  RENAME2_IN,
  RENAME_IN,
  SEEK_DATA,
  SEEK_HOLE,
  SETATTR_IN,
  SETXATTR_IN,
  STATFS_OUT,
  WRITE_CACHE,
  WRITE_IN,
  WRITE_KILL_SUIDGID,
  WRITE_OUT,
} from "./protocol.ts";

/** The handler's result for a request without a reply. */
export const NO_REPLY = -1_000_001;
/** The handler's result for a request to answer once all changes are durable. */
export const AFTER_SYNC = -1_000_002;
/**
 * The handler's result for a request whose answer depends on content that the kernel has not
 * flushed yet. The request is repeated after a flush.
 */
export const AFTER_FLUSH = -1_000_003;

/**
 * Handles a request: decodes it, calls the filesystem, encodes the reply.
 *
 * @returns The length of the reply's body, a negative error number, or one of the constants above.
 */
export type Handler = (x: Exchange, fs: Filesystem) => Awaitable<number>;

const O_EXCL = 0o200;
/** The error for an ioctl: neither devices nor the filesystem have any. */
const ENOTTY = 25;
const PERMISSIONS = 0o7777;
/** The kernel's limit for one copy, because its reply has 32 bits. */
const MAX_COPY = 0xffff_f000;

/** Handlers by opcode; other opcodes are answered with ENOSYS. */
export const HANDLERS: (Handler | undefined)[] = [];

HANDLERS[OPCODE.LOOKUP] = (x, fs) =>
  then(fs.lookup(fs.inode(x.nodeId), x.name(BODY)), (inode) => {
    if (inode !== null) return entry(x, fs, inode);
    // Node id 0 makes the kernel cache that the name does not exist.
    x.clear(0, ENTRY_OUT.SIZE);
    x.put64(ENTRY_OUT.entry_valid, x.absentValid);
    return ENTRY_OUT.SIZE;
  });

HANDLERS[OPCODE.FORGET] = (x, fs) => {
  fs.forget(x.nodeId, x.u64(BODY + FORGET_IN.nlookup));
  return NO_REPLY;
};

HANDLERS[OPCODE.BATCH_FORGET] = (x, fs) => {
  const count = x.u32(BODY + BATCH_FORGET_IN.count);
  let at = BODY + BATCH_FORGET_IN.SIZE;
  for (let i = 0; i < count; i++, at += FORGET_ONE.SIZE) {
    fs.forget(x.u64(at + FORGET_ONE.nodeid), x.u64(at + FORGET_ONE.nlookup));
  }
  return NO_REPLY;
};

HANDLERS[OPCODE.GETATTR] = (x, fs) => attributes(x, fs.inode(x.nodeId));

HANDLERS[OPCODE.SETATTR] = (x, fs) => {
  const inode = fs.inode(x.nodeId);
  const body = BODY;
  const valid = x.u32(body + SETATTR_IN.valid);
  const change: AttributeChange = {};
  if (valid & FATTR.MODE) change.mode = x.u32(body + SETATTR_IN.mode) & PERMISSIONS;
  if (valid & FATTR.UID) change.uid = x.u32(body + SETATTR_IN.uid);
  if (valid & FATTR.GID) change.gid = x.u32(body + SETATTR_IN.gid);
  if (valid & FATTR.SIZE) change.size = exact(x.u64(body + SETATTR_IN.size));
  if (valid & FATTR.ATIME_NOW) change.atime = coarseTime();
  else if (valid & FATTR.ATIME) change.atime = time(x, SETATTR_IN.atime, SETATTR_IN.atimensec);
  if (valid & FATTR.MTIME_NOW) change.mtime = coarseTime();
  else if (valid & FATTR.MTIME) change.mtime = time(x, SETATTR_IN.mtime, SETATTR_IN.mtimensec);
  if (valid & FATTR.CTIME) change.ctime = time(x, SETATTR_IN.ctime, SETATTR_IN.ctimensec);
  if (valid & FATTR.KILL_SUIDGID) change.killPrivileges = true;
  if (valid === 0) {
    // The kernel is about to write to a file with set-id bits or capabilities.
    return then(withoutPrivileges(x, fs, inode, x.nodeId), () => attributes(x, inode));
  }
  if (valid === FATTR.CTIME && !inode.isDirectory) {
    // A `chown` without owner and group, which clears set-id bits like any other.
    const { caller } = x;
    if (lostPrivileges(inode, caller) !== 0 && !caller.mayChange(inode.uid)) {
      return refusal("EPERM");
    }
    change.killPrivileges = true;
  }
  const reported = inode.reportedBlocks;
  return then(fs.setattr(inode, change, x.caller), () => {
    const length = attributes(x, inode);
    // When the kernel writes back its cached times, it ignores the attributes in the reply.
    if ((valid & ~FATTR.FH) === (FATTR.MTIME | FATTR.CTIME)) inode.reportedBlocks = reported;
    return length;
  });
};

HANDLERS[OPCODE.READLINK] = (x, fs) =>
  then(fs.readlink(fs.inode(x.nodeId)), (target) => bytes(x, target));

HANDLERS[OPCODE.SYMLINK] = (x, fs) => {
  const parent = fs.inode(x.nodeId);
  const name = x.newName(BODY);
  const start = x.endOf(BODY) + 1;
  const target = x.request.slice(start, x.endOf(start));
  return then(fs.symlink(parent, name, target, x.caller), (inode) => entry(x, fs, inode));
};

HANDLERS[OPCODE.MKNOD] = (x, fs) =>
  then(
    fs.mknod(
      fs.inode(x.nodeId),
      x.newName(BODY + MKNOD_IN.SIZE),
      x.u32(BODY + MKNOD_IN.mode),
      x.u32(BODY + MKNOD_IN.rdev),
      x.caller,
    ),
    (inode) => entry(x, fs, inode),
  );

HANDLERS[OPCODE.MKDIR] = (x, fs) => {
  const mode = x.u32(BODY + MKDIR_IN.mode) & PERMISSIONS;
  const name = x.newName(BODY + MKDIR_IN.SIZE);
  return then(
    fs.mkdir(fs.inode(x.nodeId), name, mode, x.caller),
    (inode) => entry(x, fs, inode),
  );
};

HANDLERS[OPCODE.UNLINK] = (x, fs) => then(fs.unlink(fs.inode(x.nodeId), x.name(BODY)), nothing);

HANDLERS[OPCODE.RMDIR] = (x, fs) => then(fs.rmdir(fs.inode(x.nodeId), x.name(BODY)), nothing);

HANDLERS[OPCODE.RENAME] = (x, fs) => rename(x, fs, RENAME_IN.SIZE, 0);

HANDLERS[OPCODE.RENAME2] = (x, fs) =>
  rename(x, fs, RENAME2_IN.SIZE, x.u32(BODY + RENAME2_IN.flags));

HANDLERS[OPCODE.LINK] = (x, fs) => {
  const inode = fs.inode(x.u64(BODY + LINK_IN.oldnodeid));
  const parent = fs.inode(x.nodeId);
  return then(fs.link(inode, parent, x.newName(BODY + LINK_IN.SIZE)), () => entry(x, fs, inode));
};

HANDLERS[OPCODE.CREATE] = (x, fs) => {
  const parent = fs.inode(x.nodeId);
  const name = x.newName(BODY + CREATE_IN.SIZE);
  const mode = (x.u32(BODY + CREATE_IN.mode) & PERMISSIONS) | S_IFREG;
  try {
    const made = fs.mknod(parent, name, mode, 0, x.caller);
    if (!(made instanceof Promise)) return created(x, fs, made);
    return made.catch((error) => openInstead(x, fs, parent, name, error))
      .then((inode) => created(x, fs, inode));
  } catch (error) {
    return then(openInstead(x, fs, parent, name, error), (inode) => created(x, fs, inode));
  }
};

HANDLERS[OPCODE.TMPFILE] = (x, fs) => {
  const mode = (x.u32(BODY + CREATE_IN.mode) & PERMISSIONS) | S_IFREG;
  return then(
    fs.tmpfile(fs.inode(x.nodeId), mode, x.caller),
    (inode) => created(x, fs, inode),
  );
};

/** Flag of `open(2)`: reading does not change the access time. */
const O_NOATIME = 0o1000000;

HANDLERS[OPCODE.READ] = (x, fs) => {
  const size = Math.min(x.u32(BODY + READ_IN.size), MAX_TRANSFER);
  const into = x.reply.subarray(REPLY, REPLY + size);
  const unnoticed = (x.u32(BODY + READ_IN.flags) & O_NOATIME) !== 0;
  return fs.read(fs.inode(x.nodeId), exact(x.u64(BODY + READ_IN.offset)), into, unnoticed);
};

HANDLERS[OPCODE.WRITE] = (x, fs) => {
  const inode = fs.inode(x.nodeId);
  const length = x.u32(BODY + WRITE_IN.size);
  const start = BODY + WRITE_IN.SIZE;
  const data = x.request.subarray(start, start + length);
  // An offset that is too large to be exact exceeds the maximum file size anyway.
  const offset = x.u64(BODY + WRITE_IN.offset);
  const flags = x.u32(BODY + WRITE_IN.write_flags);
  return then(
    (flags & WRITE_KILL_SUIDGID) === 0 ? undefined : withoutPrivileges(x, fs, inode, x.nodeId),
    () =>
      then(fs.write(inode, offset, data, (flags & WRITE_CACHE) === 0), () => {
        x.put64(WRITE_OUT.size, length);
        return WRITE_OUT.SIZE;
      }),
  );
};

HANDLERS[OPCODE.STATFS] = (x, fs) =>
  then(fs.statfs(), (figures) => {
    x.clear(0, STATFS_OUT.SIZE);
    x.put64(STATFS_OUT.blocks, figures.blocks);
    x.put64(STATFS_OUT.bfree, figures.blocksFree);
    x.put64(STATFS_OUT.bavail, figures.blocksAvailable);
    x.put64(STATFS_OUT.files, figures.files);
    x.put64(STATFS_OUT.ffree, figures.filesFree);
    x.put32(STATFS_OUT.bsize, figures.blockSize);
    x.put32(STATFS_OUT.frsize, figures.blockSize);
    x.put32(STATFS_OUT.namelen, Math.min(figures.nameMax, NAME_MAX));
    return STATFS_OUT.SIZE;
  });

// Without file handles, open, flush and release do nothing; after one ENOSYS the kernel does not
// send them again.
HANDLERS[OPCODE.OPEN] = unsupported;
HANDLERS[OPCODE.OPENDIR] = unsupported;
HANDLERS[OPCODE.FLUSH] = unsupported;
HANDLERS[OPCODE.ACCESS] = unsupported;
HANDLERS[OPCODE.RELEASE] = nothing;
HANDLERS[OPCODE.RELEASEDIR] = nothing;

HANDLERS[OPCODE.FSYNC] = () => AFTER_SYNC;
HANDLERS[OPCODE.FSYNCDIR] = () => AFTER_SYNC;
HANDLERS[OPCODE.SYNCFS] = () => AFTER_SYNC;

HANDLERS[OPCODE.SETXATTR] = (x, fs) => {
  const inode = fs.inode(x.nodeId);
  const at = BODY + SETXATTR_IN.SIZE;
  const name = x.name(at, decodeText);
  const start = x.endOf(at) + 1;
  const value = x.request.slice(start, start + x.u32(BODY + SETXATTR_IN.size));
  return then(fs.setxattr(inode, name, value, x.u32(BODY + SETXATTR_IN.flags)), nothing);
};

HANDLERS[OPCODE.GETXATTR] = (x, fs) =>
  then(
    fs.getxattr(fs.inode(x.nodeId), x.name(BODY + GETXATTR_IN.SIZE, decodeText)),
    (value) => sized(x, value),
  );

HANDLERS[OPCODE.LISTXATTR] = (x, fs) =>
  then(fs.listxattr(fs.inode(x.nodeId)), (names) => {
    const trusted = names.some(isTrusted);
    const shown = trusted && !x.caller.seesTrusted ? names.filter((n) => !isTrusted(n)) : names;
    return sized(x, encodeText(shown.map((name) => `${name}\0`).join("")));
  });

HANDLERS[OPCODE.REMOVEXATTR] = (x, fs) =>
  then(fs.removexattr(fs.inode(x.nodeId), x.name(BODY, decodeText)), nothing);

HANDLERS[OPCODE.READDIR] = (x, fs) => list(x, fs, false);

HANDLERS[OPCODE.READDIRPLUS] = (x, fs) => list(x, fs, true);

HANDLERS[OPCODE.INTERRUPT] = () => NO_REPLY;

HANDLERS[OPCODE.DESTROY] = nothing;

HANDLERS[OPCODE.IOCTL] = () => -ENOTTY;

HANDLERS[OPCODE.FALLOCATE] = (x, fs) => {
  const inode = fs.inode(x.nodeId);
  return then(withoutPrivileges(x, fs, inode, x.nodeId), () =>
    then(
      fs.fallocate(
        inode,
        x.u32(BODY + FALLOCATE_IN.mode),
        exact(x.u64(BODY + FALLOCATE_IN.offset)),
        exact(x.u64(BODY + FALLOCATE_IN.length)),
      ),
      nothing,
    ));
};

HANDLERS[OPCODE.LSEEK] = async (x, fs) => {
  const whence = x.u32(BODY + LSEEK_IN.whence);
  if (whence !== SEEK_DATA && whence !== SEEK_HOLE) return refusal("EINVAL");
  const offset = x.u64(BODY + LSEEK_IN.offset);
  if (offset > Number.MAX_SAFE_INTEGER) return refusal("ENXIO");
  const inode = fs.inode(x.nodeId);
  // The kernel asks without flushing cached writes, which turn holes into data and grow the file.
  // Only data is certain to stay data.
  const final = x.flushed || fs.readOnly || !inode.isRegular;
  let found: number;
  try {
    found = await fs.seek(inode, offset, whence === SEEK_DATA ? "data" : "hole");
  } catch (error) {
    if (final) throw error;
    return AFTER_FLUSH;
  }
  if (!final && (whence === SEEK_HOLE || found !== offset)) return AFTER_FLUSH;
  x.put64(LSEEK_OUT.offset, found);
  return LSEEK_OUT.SIZE;
};

HANDLERS[OPCODE.COPY_FILE_RANGE] = (x, fs) => {
  const target = x.u64(BODY + COPY_FILE_RANGE_IN.nodeid_out);
  const to = fs.inode(target);
  return then(withoutPrivileges(x, fs, to, target), () =>
    then(
      fs.copyRange(
        fs.inode(x.nodeId),
        exact(x.u64(BODY + COPY_FILE_RANGE_IN.off_in)),
        to,
        exact(x.u64(BODY + COPY_FILE_RANGE_IN.off_out)),
        Math.min(x.u64(BODY + COPY_FILE_RANGE_IN.len), MAX_COPY),
      ),
      (copied) => {
        x.put64(WRITE_OUT.size, copied);
        return WRITE_OUT.SIZE;
      },
    ));
};

/**
 * Removes the bits that let a file run with another user's privileges. Every change of content
 * requires this, unless the caller may keep the bits; the kernel reports that only in WRITE. The
 * kernel is notified before the reply, because it does not request attributes when it starts a
 * program.
 *
 * @param nodeId The kernel's node id of the inode.
 */
function withoutPrivileges(
  x: Exchange,
  fs: Filesystem,
  inode: Inode,
  nodeId: number,
): Awaitable<void> {
  if ((inode.mode & (S_ISUID | S_ISGID)) === 0 || !inode.isRegular) return;
  const { caller } = x;
  if (caller.keepsPrivileges || lostPrivileges(inode, caller) === 0) return;
  x.changed = nodeId;
  return fs.setattr(inode, { killPrivileges: true }, caller);
}

function isTrusted(attribute: string): boolean {
  return attribute.startsWith("trusted.");
}

/** Continues synchronously when the result is not a promise. */
function then<T>(result: Awaitable<T>, next: (value: T) => Awaitable<number>): Awaitable<number> {
  return result instanceof Promise ? result.then(next) : next(result);
}

function nothing(): number {
  return 0;
}

function unsupported(): number {
  return refusal("ENOSYS");
}

/** Refuses numbers that JavaScript cannot represent exactly. */
function exact(value: number): number {
  if (value > Number.MAX_SAFE_INTEGER) throw new ErrnoError("EFBIG");
  return value;
}

function time(x: Exchange, sec: number, nsec: number): { sec: number; nsec: number } {
  return { sec: x.i64(BODY + sec), nsec: x.u32(BODY + nsec) };
}

function attributes(x: Exchange, inode: Inode): number {
  x.putAttrOut(inode);
  return ATTR_OUT.SIZE;
}

/** Encodes an entry, to which the kernel then holds a reference. */
function entry(x: Exchange, fs: Filesystem, inode: Inode): number {
  fs.remember(inode);
  x.putEntryOut(0, inode);
  return ENTRY_OUT.SIZE;
}

function created(x: Exchange, fs: Filesystem, inode: Inode): number {
  entry(x, fs, inode);
  x.put64(ENTRY_OUT.SIZE + OPEN_OUT.fh, 0);
  x.put64(ENTRY_OUT.SIZE + OPEN_OUT.open_flags, FOPEN_KEEP_CACHE);
  return ENTRY_OUT.SIZE + OPEN_OUT.SIZE;
}

/** Handles CREATE for an existing file that the kernel did not know. */
function openInstead(
  x: Exchange,
  fs: Filesystem,
  parent: Inode,
  name: string,
  error: unknown,
): Awaitable<Inode> {
  const exists = error instanceof ErrnoError && error.errno === ERRNO.EEXIST;
  if (!exists || (x.u32(BODY + CREATE_IN.flags) & O_EXCL) !== 0) throw error;
  const opened = (inode: Inode | null): Inode => {
    if (inode === null) throw new ErrnoError("ESTALE");
    if (!inode.isRegular) throw error;
    return inode;
  };
  const found = fs.lookup(parent, name);
  return found instanceof Promise ? found.then(opened) : opened(found);
}

function rename(x: Exchange, fs: Filesystem, size: number, flags: number): Awaitable<number> {
  const parent = fs.inode(x.nodeId);
  const newParent = fs.inode(x.u64(BODY + RENAME_IN.newdir));
  // An exchange, or a whiteout, creates a new entry under the old name too.
  const name = (flags & ~RENAME_NOREPLACE) === 0 ? x.name(BODY + size) : x.newName(BODY + size);
  const newName = x.newName(x.endOf(BODY + size) + 1);
  return then(fs.rename(parent, name, newParent, newName, flags, x.caller), nothing);
}

function bytes(x: Exchange, data: Uint8Array): number {
  x.reply.set(data, REPLY);
  return data.length;
}

/** Encodes a reply for which the caller may request only the length. */
function sized(x: Exchange, data: Uint8Array): number {
  const room = x.u32(BODY + GETXATTR_IN.size);
  if (room === 0) {
    x.put64(GETXATTR_OUT.size, data.length);
    return GETXATTR_OUT.SIZE;
  }
  return data.length > room ? refusal("ERANGE") : bytes(x, data);
}

/** The offsets of a listing after `.` and after `..`; the filesystem assigns those of children. */
const AFTER_SELF = 1;
const AFTER_PARENT = 2;

function list(x: Exchange, fs: Filesystem, plus: boolean): Awaitable<number> {
  const directory = fs.inode(x.nodeId);
  const low = x.u32(BODY + READ_IN.offset);
  const high = x.u32(BODY + READ_IN.offset + 4);
  const room = Math.min(x.u32(BODY + READ_IN.size), MAX_TRANSFER);
  const header = plus ? DIRENTPLUS.SIZE : DIRENT.SIZE;
  let used = 0;

  const add = (
    name: string,
    inode: Inode,
    cookieHigh: number,
    cookieLow: number,
    dots: boolean,
  ): boolean => {
    const length = x.putName(used + header, name, room - used - header, dots);
    const padded = (header + length + 7) & ~7;
    if (length < 0 || used + padded > room) return false;
    x.reply.fill(0, REPLY + used + header + length, REPLY + used + padded);
    const at = plus ? used + DIRENTPLUS.dirent : used;
    x.putHalves(at + DIRENT.ino, inode.inoHigh, inode.inoLow);
    x.putHalves(at + DIRENT.off, cookieHigh, cookieLow);
    x.put32(at + DIRENT.namelen, length);
    x.put32(at + DIRENT.type, (inode.mode >> 12) & 15);
    used += padded;
    return true;
  };
  /** Adds `.` or `..`. The kernel does not look them up, so no reference is counted. */
  const addDots = (name: string, inode: Inode, cookie: number): boolean => {
    const at = used;
    if (!add(name, inode, 0, cookie, true)) return false;
    if (plus) x.clear(at, at + ENTRY_OUT.SIZE);
    return true;
  };
  const fill = (child: { name: string; inode: Inode; cookieHigh: number; cookieLow: number }) => {
    const at = used;
    const { inode } = child;
    if (!add(child.name, inode, child.cookieHigh, child.cookieLow, false)) return false;
    if (plus) {
      fs.remember(inode);
      x.putEntryOut(at, inode);
    }
    return true;
  };

  const inDots = high === 0 && low <= AFTER_PARENT;
  if (inDots && low < AFTER_SELF && !addDots(".", directory, AFTER_SELF)) return used;
  if (
    inDots && low < AFTER_PARENT && !addDots("..", fs.parentOf(directory), AFTER_PARENT)
  ) return used;
  const done = fs.readdir(directory, inDots ? 0 : high, inDots ? 0 : low, fill);
  if (!(done instanceof Promise)) return used;
  return done.then(() => used, (error) => {
    // References to the listed entries are counted, so send the reply; the error is reported when
    // the listing continues.
    if (used === 0) throw error;
    return used;
  });
}
